"""Philox4x64-10, the counter-based generator of the portable stream, in operations of any array library.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from arrayinit.stream.seed import Key

Array = Any
Words = np.ndarray[Any, Any]

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10

KEYS = 2
"""The stream of the sort keys of sparse_, one 32-bit word each. Streams 0 and 1 hold the values."""


WORDS_PER_BLOCK = {"uint64": 4, "uint32": 8}
"""The number of words of each dtype in one block of the counter."""


def philox(counter: Array, stream: int, key: Key) -> list[Array]:
    """Return the four words of each block; ``counter``, an array of uint64, holds the lowest word of its counter."""
    return rounds(counter, np.full(1, stream, np.uint64), round_keys(key))


def round_keys(key: Key) -> list[tuple[Words, Words]]:
    """Return the two key words of each round."""
    low, high = WEYL
    return [(_scalar((key.low + k * low) % 2**64), _scalar((key.high + k * high) % 2**64)) for k in range(ROUNDS)]


def rounds(counter: Array, stream: Array, keys: Iterable[tuple[Array, Array]]) -> list[Array]:
    """As `philox`, for arrays of any library; ``stream`` has one element."""
    # Arrays of one element broadcast: the first rounds compute once what all blocks share.
    c = [counter, *np.zeros((2, 1), np.uint64), stream]
    for low, high in keys:
        (high0, low0), (high2, low2) = (_multiply(c[i], parts) for i, parts in zip((0, 2), _PARTS, strict=True))
        c = [high2 ^ c[1], low2, high0 ^ c[3], low0]
        c[0] ^= low
        c[2] ^= high
    return c


def _scalar(x: int) -> Words:
    # A zero-dimensional array is faster than a NumPy scalar, and overflows without a warning.
    return np.array(x, np.uint64)


_PARTS = tuple(tuple(map(_scalar, (m, m % 2**32, m % 2**32 // 2, m >> 32))) for m in MULTIPLIERS)
_LOW, _1, _31, _32 = map(_scalar, (2**32 - 1, 1, 31, 32))


def _multiply(a: Array, parts: Sequence[Words]) -> tuple[Array, Array]:
    """Return both halves of the 128-bit product, from 32-bit halves: XLA cannot partition its own 128-bit one.

    The steps work in place where the library allows: NumPy's time is spent on memory.
    """
    b, b0, half, b1 = parts
    a0, a1 = a & _LOW, a >> _32
    # a1 b0 + a0 b1 + (a0 b0 >> 32) may need 65 bits. Half of it needs 64, and b0 is odd: a1 b0 = a1 + 2 a1 half.
    middle = a0 * b0
    middle >>= _32
    middle += a1
    a0 *= b1
    middle += a0
    middle >>= _1
    middle += a1 * half
    middle >>= _31
    a1 *= b1
    a1 += middle
    return a1, a * b
