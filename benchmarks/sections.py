"""The tables of the pairs, with their sizes."""

from benchmarks.timing import Section

SIZES = (8, 256)

LARGE = Section(
    "Large arrays",
    "Matrices of 4096 x 4096 (1024 x 1024 with --quick), unless the name says another size. On torch, both calls fill "
    "in place; on the other libraries, both return a new array.",
)
SMALL = Section("Small calls", "The same functions on small matrices, in float32.")
GPU = Section(
    "On the GPU",
    "Flat arrays with the number of elements in the name, or matrices and kernels with the size in the name. CUDA "
    "events time the calls of torch and CuPy; the clock times JAX until the array is ready. CuPy's peers are its "
    "random numbers, and the Q of cupy.linalg.qr.",
)
BANDWIDTH = Section(
    "On the GPU: share of the memory's bandwidth",
    "The time of a constant fill of the same array over that of arrayinit: 1 is the bandwidth of writing.",
    "constant fill / arrayinit",
)
CORE = Section(
    "The compiled core",
    "The same calls as above with an instruction set that the processor also has, and without the core: NumPy's "
    "operations then fill the array, as where no compiler built the core.",
)
WITHOUT = Section(
    "The compiled core: what it gains",
    "The time of NumPy's operations over that of the compiled core, for the same call: 4096 x 4096, 2048 x 2048 for "
    "complex numbers and float64.",
    "NumPy's operations / core",
)
LIMITS = Section(
    "Limits, for scale",
    "Two limits that are no peers, over the time of arrayinit from a seed: a constant written to the same array, and "
    "NumPy's bare generator on one thread, which stores nothing.",
    "limit / arrayinit",
)
