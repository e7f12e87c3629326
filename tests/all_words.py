"""Hold the core's float32 draws against NumPy's for words of 32 bits: ``python tests/all_words.py`` takes all 2^32.

An array of 2^32 numbers meets every word of a uniform or normal draw only by chance, so the words are handed in.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np

from arrayinit.core.distributions import Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import compiled
from arrayinit.kernels.numpy_ops import NUMPY
from arrayinit.stream import extension
from arrayinit.stream.transform import transform

LAWS: dict[str, Distribution] = {
    "uniform": Uniform(0.0, 1.0),
    "normal": Normal(0.0, 1.0),
    "truncated": TruncatedNormal(0.0, 1.0, -2.0, 2.0),
}
CHUNK = 1 << 20
FLOAT32 = FORMATS["float32"]


def differing(law: Distribution, words: np.ndarray) -> Iterator[tuple[str, int]]:
    """Yield each instruction set, and for how many of the words its draws differ from NumPy's."""
    core = extension.core()
    with np.errstate(all="ignore"):
        expected = transform(NUMPY, law, [words.copy()], FLOAT32).view(np.uint32)
    made = np.empty(words.size, np.float32)
    for name in core.instruction_sets():
        core.use(name)
        core.values(compiled.law(law, FLOAT32, made.dtype), words, made)
        yield name, int(np.count_nonzero(made.view(np.uint32) != expected))
    core.use(extension.instruction_set())


def main() -> int:
    """Take all words, and return how many of the instruction sets' draws differ."""
    total = 0
    for name, law in LAWS.items():
        start, counts = time.monotonic(), dict.fromkeys(extension.core().instruction_sets(), 0)
        for first in range(0, 1 << 32, CHUNK):
            for chosen, count in differing(law, np.arange(first, first + CHUNK, dtype=np.uint32)):
                counts[chosen] += count
        seconds = time.monotonic() - start
        sys.stdout.write(f"{name}: of 2^32 words differ {counts}, {seconds:.0f} s\n")
        sys.stdout.flush()
        total += sum(counts.values())
    return min(total, 1)


if __name__ == "__main__":
    sys.exit(main())
