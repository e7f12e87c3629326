"""One adapter for each array library, and the way from an array to its adapter."""
