"""The portable stream as CUDA C++: one kernel for each program and dtype, whatever the parameters and the shape.

A thread generates the words of one block of the counter, and the elements of a box that use these words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from string import Template
from struct import Struct, pack
from typing import NamedTuple

from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.kernels.cuda_kernel import KERNEL
from arrayinit.kernels.cuda_program import TYPES, Loops
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON
from arrayinit.kernels.rounding import BYTES, Rounding
from arrayinit.stream.box import c_strides, merged_axes, neighbours, position
from arrayinit.stream.philox import MULTIPLIERS, ROUNDS, WEYL, WORDS_PER_BLOCK
from arrayinit.stream.program import Program, Recorded
from arrayinit.stream.seed import Key

AXES = 33
"""CuPy arrays have up to 32 axes, and the merge puts one more axis first."""

THREADS = 256
"""Threads in a block of the grid."""

_RESIDENT = "__CUDA_ARCH__ < 800 ? 4 : 6"
"""Blocks of the grid that a multiprocessor is to hold at once. Turing has room for four, with 64 registers a thread."""

_BOX = Struct(f"7Q3i{3 * AXES}Q")

# Integers with a number of 64 bits for each round, 128 bits apart: ones, what the rounds add to a word of the key, and
# the bits of all numbers.
_ROUNDS = [1 << 128 * k for k in range(ROUNDS)]
_ONES = sum(_ROUNDS)
_STEPS = [sum(k * word % 2**64 * place for k, place in enumerate(_ROUNDS)) for word in WEYL]
_WORD = 2**64 - 1


class LaunchArgs(NamedTuple):
    """The blocks of the grid, and the structs that a kernel takes by value after the memory and the keys."""

    grid: int
    box: bytes
    numbers: bytes


def launch(
    draw: Recorded, sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int], corner: Sequence[int]
) -> LaunchArgs:
    """Return the arguments to fill a box, not empty, that begins at ``corner`` of a logical array of this ``shape``.

    ``strides`` are the strides of the memory, in bytes, of either sign.
    """
    words, numbers = WORDS_PER_BLOCK[draw.program.word], draw.numbers or (0.0,)
    grid, box = _box(words, tuple(sizes), tuple(strides), tuple(shape), tuple(corner))
    return LaunchArgs(grid, box, pack(f"{len(numbers)}{'d' if words == 4 else 'f'}", *numbers))


# A model has few kinds of arrays.
@lru_cache(maxsize=1000)
def _box(
    words: int, sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int], corner: Sequence[int]
) -> tuple[int, bytes]:
    sizes, strides, wholes, firsts = merged_axes(sizes, strides, shape, corner)
    outer, run = neighbours(wholes, sizes)
    # Each row of neighbours may begin anywhere in a block.
    rows, blocks = math.prod(sizes[:outer]), (run + 2 * (words - 1)) // words
    # NumPy's generator increments the counter before it draws, so the first element is one block further.
    first = position(wholes, firsts) + words
    # The positions in a row at which a whole block of neighbours begins, and the distance of neighbours in memory.
    whole, apart = max(0, run - words + 1), strides[-1]
    if outer < len(sizes) - 1 or not 0 <= apart < 2**31:
        apart = 0
    # C++ reads a negative stride from its two's complement.
    steps = [step % 2**64 for step in strides]
    axes = ([*values, *[0] * (AXES - len(values))] for values in (sizes, c_strides(wholes), steps))
    counts = (*divmod(first, words), first, rows, blocks, run, whole, outer, len(sizes), apart)
    return -(-rows * blocks // THREADS), _BOX.pack(*counts, *chain.from_iterable(axes))


def pack_key(key: Key) -> bytes:
    """Return the struct of the keys of all rounds, which a kernel takes by value after the memory.

    The first key is a factor in the second round, in all threads alike: the halves of the product go into the keys.
    """
    low, high = ((word * _ONES + steps) & _WORD * _ONES for word, steps in zip(key, _STEPS, strict=True))
    product = key.low * MULTIPLIERS[0]
    halves = key.low ^ product & _WORD | product >> 64 << 192
    return ((low | high << 64) ^ halves).to_bytes(16 * ROUNDS, "little")


def source(program: Program, dtype: str) -> str:
    """Return the CUDA C++ of the kernel ``draw``, which stores the results of a program in this dtype."""
    return ARITHMETIC + COMMON + kernel(program, dtype)


def kernel(program: Program, dtype: str) -> str:
    """Return the part of the source that depends on the program and the dtype."""
    stored = FORMATS[dtype].real if dtype in FORMATS else dtype
    loops = Loops(program, THREADS)
    streams = [step.operands[0] for step in program.steps if step.name == "word"]
    return Template(KERNEL).substitute(
        axes=AXES,
        threads=THREADS,
        # More registers for words of 64 bits, which take two each.
        resident=_RESIDENT if program.word == "uint32" else "1",
        per_block=WORDS_PER_BLOCK[program.word],
        rounds=ROUNDS,
        **dict(zip(("first", "second"), map("{:#x}ull".format, MULTIPLIERS), strict=True)),
        word=TYPES[program.word],
        real="double" if program.word == "uint64" else "float",
        numbers=max(1, sum(step.name == "number" for step in program.steps)),
        part=_PARTS[stored],
        # What one thread writes at once: a block of 8 bytes, or 16 of its bytes.
        vector="uint2" if dtype in BYTES else "uint4",
        parts=len(program.outputs),
        words=_lines(f"Index words{k}[4]; philox(block, {k}, keys.of, words{k});" for k in streams),
        kept=" ".join(loops.kept()),
        shared=_lines(loops.shared()),
        loops=_lines(loops.statements()),
        converted=_lines(_converted(program, stored)),
    )


def _lines(statements: Iterator[str]) -> str:
    return "\n".join(f"    {line}" for line in statements)


def _converted(program: Program, dtype: str) -> Iterator[str]:
    """Yield the statements that convert the results of a thread to the dtype of the memory."""
    each = WORDS_PER_BLOCK[program.word]
    if dtype in ("float16", "bfloat16"):
        (index,) = program.outputs
        for k in range(0, each, 2):
            yield f"made.pair[{k // 2}] = {dtype}_pair(all[{k}].v{index}, all[{k + 1}].v{index});"
        return
    conversion = _float8(FORMATS[dtype]) if dtype in BYTES else "{}"
    for k in range(each):
        for i, index in enumerate(program.outputs):
            yield f"made.element[{k}].part[{i}] = {conversion.format(f'all[{k}].v{index}')};"


def _float8(dtype: FloatFormat) -> str:
    integers = map(str, Rounding.of(FORMATS["float32"], dtype))
    return f"float8({{}}, {', '.join(integers)}, {str(dtype.has_negative_zero).lower()})"


# The type of one number in memory.
_PARTS = {
    **dict.fromkeys(("float16", "bfloat16"), "unsigned short"),
    **dict.fromkeys(BYTES, "unsigned char"),
    **{name: TYPES[name] for name in ("float32", "float64", "uint32")},
}
