"""Turn uniform numbers into every other draw, written once over the array API."""
