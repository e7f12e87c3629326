"""What a seed means: seeds, random words, and the maths from words to draws."""
