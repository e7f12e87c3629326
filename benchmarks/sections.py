"""The tables of the pairs, and what their sizes are."""

from benchmarks.timing import Section

SIZES = (8, 256)

LARGE = Section(
    "Large arrays",
    "Matrices of 4096 x 4096 (1024 x 1024 with --quick) unless the name says another size. torch's are filled in "
    "place, by both; elsewhere both return a new array.",
)
SMALL = Section("Small calls", "The same functions on small matrices, in float32.")
GPU = Section(
    "On the GPU",
    "Flat arrays of as many elements as the name says, or matrices and kernels of the size that it says. torch's and "
    "CuPy's calls are timed by CUDA's events, JAX's by the clock until the array is ready. CuPy's peers are its random "
    "numbers, and the Q of cupy.linalg.qr.",
)
BANDWIDTH = Section(
    "On the GPU: share of the memory's bandwidth",
    "The time of a constant fill of the same array over that of arrayinit: 1 is the bandwidth of writing.",
    "constant fill / arrayinit",
)
LIMITS = Section(
    "Limits, for scale",
    "What is no peer: a constant written to the same array, and NumPy's bare generator on one thread, which stores "
    "nothing, over the time of arrayinit from a seed.",
    "limit / arrayinit",
)
