"""From uniform numbers to every other draw, written once over the array API."""
