"""The portable stream as CUDA C++: one kernel for each program and dtype, whatever the parameters and the shape.

A thread generates the words of one block of the counter, and the elements of a box that use these words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from string import Template
from struct import Struct, pack
from typing import NamedTuple

from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.kernels.cuda_text import ARITHMETIC, COMMON, KERNEL
from arrayinit.kernels.rounding import BYTES, Rounding
from arrayinit.stream.box import c_strides, merged_axes, neighbours, position
from arrayinit.stream.philox import MULTIPLIERS, ROUNDS, WEYL, WORDS_PER_BLOCK
from arrayinit.stream.program import Program, Recorded, Step
from arrayinit.stream.seed import Key

AXES = 33
"""CuPy arrays have up to 32 axes, and the merge puts one more axis first."""

THREADS = 256
"""Threads in a block of the grid."""

_KEYS = Struct("2Q")
_BOX = Struct(f"{6 + 3 * AXES}Q")


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
    # C++ reads a negative stride from its two's complement.
    steps = [step % 2**64 for step in strides]
    axes = ([*values, *[0] * (AXES - len(values))] for values in (sizes, c_strides(wholes), steps))
    box = _BOX.pack(position(wholes, firsts), rows, blocks, run, outer, len(sizes), *chain.from_iterable(axes))
    return -(-rows * blocks // THREADS), box


def pack_key(key: Key) -> bytes:
    """Return the struct of the keys, which a kernel takes by value after the memory."""
    return _KEYS.pack(*key)


def source(program: Program, dtype: str) -> str:
    """Return the CUDA C++ of the kernel ``draw``, which stores the results of a program in this dtype."""
    return ARITHMETIC + COMMON + kernel(program, dtype)


def kernel(program: Program, dtype: str) -> str:
    """Return the part of the source that depends on the program and the dtype."""
    part, stored = _STORED[FORMATS[dtype].real if dtype in FORMATS else dtype]
    loops = _Loops(program)
    streams = [step.operands[0] for step in program.steps if step.name == "word"]
    return Template(KERNEL).substitute(
        axes=AXES,
        per_block=WORDS_PER_BLOCK[program.word],
        rounds=ROUNDS,
        **dict(zip(("first", "second"), map("{:#x}ull".format, MULTIPLIERS), strict=True)),
        **dict(zip(("step_low", "step_high"), map("{:#x}ull".format, WEYL), strict=True)),
        word=_TYPES[program.word],
        real="double" if program.word == "uint64" else "float",
        numbers=max(1, sum(step.name == "number" for step in program.steps)),
        part=part,
        # What one thread writes at once: a block of 8 bytes, or 16 of its bytes.
        vector="uint2" if dtype in BYTES else "uint4",
        parts=len(program.outputs),
        words="\n".join(f"    Index words{k}[4]; philox(block, {k}, keys.low, keys.high, words{k});" for k in streams),
        kept=" ".join(f"{_TYPES[program.steps[index].dtype]} v{index};" for index in sorted(loops.kept)),
        loops="\n".join(f"    {line}" for line in loops.lines(stored)),
    )


class _Loops:
    """A program as loops over the elements of a block: over all elements, or over the elements that a mask guards."""

    def __init__(self, program: Program) -> None:
        self.program, steps = program, program.steps
        self.loops = [list(indices) for _, indices in groupby(range(len(steps)), lambda index: steps[index].guard)]
        self.masks = {step.guard for step in steps if step.guard is not None}
        self.made_in = {index: n for n, loop in enumerate(self.loops) for index in loop}
        used = {(index, n) for n, loop in enumerate(self.loops) for user in loop for index in steps[user].inputs}
        used |= {(index, len(self.loops) - 1) for index in program.outputs}
        # The results of one loop that another loop uses.
        self.kept = {index for index, n in used if n != self.made_in[index]}

    def lines(self, stored: str) -> Iterator[str]:
        """Yield the statements; the last ones convert the results by the template ``stored``."""
        yield from (f"unsigned int wanted{mask} = 0;" for mask in self.masks)
        for n, loop in enumerate(self.loops):
            guard = self.program.steps[loop[0]].guard
            if guard is None:
                yield "#pragma unroll"
                yield f"for (int k = 0; k < {WORDS_PER_BLOCK[self.program.word]}; k++) {{"
            else:
                yield f"for (unsigned int left = wanted{guard}; left; left &= left - 1) {{"
                yield "    int k = __ffs(left) - 1;"
            yield from (f"    {line}" for index in loop for line in self._statements(index, n))
            if n == len(self.loops) - 1:
                results = (stored.format(self._name(index, n)) for index in self.program.outputs)
                yield from (f"    made.element[k].part[{i}] = {result};" for i, result in enumerate(results))
            yield "}"

    def _statements(self, index: int, loop: int) -> Iterator[str]:
        step = self.program.steps[index]
        yield f"{_TYPES[step.dtype]} v{index} = {_expression(step, [self._name(x, loop) for x in step.inputs])};"
        if index in self.kept:
            yield f"all[k].v{index} = v{index};"
        if index in self.masks:
            yield f"wanted{index} |= (unsigned int) v{index} << k;"

    def _name(self, index: int, loop: int) -> str:
        return f"v{index}" if self.made_in[index] == loop else f"all[k].v{index}"


def _expression(step: Step, operands: list[str]) -> str:
    match step.name:
        case "word":
            return f"word(words{step.operands[0]}, k)"
        case "number":
            return f"numbers.value[{step.operands[0]}]"
        case "integer":
            return f"({_TYPES[step.dtype]}) {step.operands[0] % 2**64:#x}ull"
        case "constant":
            return f"{step.dtype}({step.operands[0]:#x}ull)"
        case "fraction":
            return f"divide_({', '.join(operands)})"
        case "bits":
            return f"{step.dtype}({operands[0]})"
        case "convert":
            return f"({_TYPES[step.dtype]}) {operands[0]}"
        case "where":
            return "{} ? {} : {}".format(*operands)
        case name:
            return f"{name}_({', '.join(operands)})"


_TYPES = {
    "bool": "bool",
    "int32": "int",
    "uint32": "unsigned int",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}


def _float8(dtype: FloatFormat) -> str:
    integers = map(str, Rounding.of(FORMATS["float32"], dtype))
    return f"float8({{}}, {', '.join(integers)}, {str(dtype.has_negative_zero).lower()})"


# The type of the memory, and the template of the conversion to this type.
_STORED = {
    "float16": ("unsigned short", "float16({})"),
    "bfloat16": ("unsigned short", "bfloat16({})"),
    **{name: ("unsigned char", _float8(FORMATS[name])) for name in BYTES},
    **{name: (_TYPES[name], "{}") for name in ("float32", "float64", "uint32")},
}
