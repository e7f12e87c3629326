"""The tables of the pairs, and what their sizes are."""

from benchmarks.timing import Section

SIZES = (8, 256)

LARGE = Section(
    "Large arrays",
    "Matrices of 4096 x 4096 (1024 x 1024 with --quick) unless the name says another size. torch's are filled in "
    "place, by both; elsewhere both return a new array.",
)
SMALL = Section("Small calls", "The same functions on small matrices, in float32.")
LIMITS = Section(
    "Limits, for scale",
    "What is no peer: a constant written to the same array, and NumPy's bare generator on one thread, which stores "
    "nothing, over the time of arrayinit from a seed.",
    "limit / arrayinit",
)
