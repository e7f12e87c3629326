"""The portable stream in Triton: draws with the same steps share one kernel, whatever their numbers and sizes.

Divisions and square roots are rounded as in IEEE 754; Triton's plain float32 ones are not. Compile the kernel with
``enable_fp_fusion=False``, so that no product and sum become one FMA.
"""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Iterator, Sequence
from functools import cache
from inspect import signature
from typing import Any

import triton
import triton.language as tl
from triton import knobs

from arrayinit.kernels._triton_rounding import bfloat16, float8, fraction, jit, rounded
from arrayinit.stream.philox import MULTIPLIERS, ROUNDS, WEYL, WORDS_PER_BLOCK
from arrayinit.stream.program import LITERALS, Program, Step

TILE = 128
"""Blocks of the counter that one kernel instance generates."""


_FIRST, _SECOND = map(tl.constexpr, MULTIPLIERS)
_STEP_LOW, _STEP_HIGH = map(tl.constexpr, WEYL)
_ROUNDS = tl.constexpr(ROUNDS)


@jit
def _philox(block: tl.tensor, stream: tl.tensor, low: tl.tensor, high: tl.tensor) -> tl.tensor:
    """Return the four words of each block of a stream, as NumPy's generator draws them."""
    # NumPy's generator increments the counter before it draws.
    a = block.to(tl.uint64) + 1
    b = tl.zeros_like(a)
    c = tl.zeros_like(a)
    d = tl.zeros_like(a) + stream
    low = low.to(tl.uint64)
    high = high.to(tl.uint64)
    for _ in tl.static_range(_ROUNDS):
        next_a = tl.umulhi(c, _SECOND) ^ b ^ low
        next_c = tl.umulhi(a, _FIRST) ^ d ^ high
        b = c * _SECOND
        d = a * _FIRST
        a = next_a
        c = next_c
        low = low + _STEP_LOW
        high = high + _STEP_HIGH
    return a, b, c, d


@jit
def words_uint64(block: tl.tensor, stream: tl.tensor, low: tl.tensor, high: tl.tensor, TILE: tl.constexpr) -> tl.tensor:
    """Return the words of the blocks, four a block."""
    a, b, c, d = _philox(block, stream, low, high)
    return tl.reshape(tl.join(tl.join(a, c), tl.join(b, d)), (TILE * 4,))


@jit
def words_uint32(block: tl.tensor, stream: tl.tensor, low: tl.tensor, high: tl.tensor, TILE: tl.constexpr) -> tl.tensor:
    """Return the 32-bit halves of the words of the blocks, the low half first."""
    words = words_uint64(block, stream, low, high, TILE)
    return tl.reshape(tl.join(words.to(tl.uint32), (words >> 32).to(tl.uint32)), (TILE * 8,))


@jit
def each(x: tl.tensor, ROW: tl.constexpr, ALL: tl.constexpr) -> tl.tensor:
    """Repeat the value that ``x`` has for a row for each element of this row."""
    return tl.reshape(tl.broadcast_to(x[:, None], (ALL // ROW, ROW)), (ALL,))


# Each run-time argument is declared with its type and not specialized: Triton would compile the kernel again for other
# values.
_KERNEL = """\
def arrayinit_draw({parameters}, TILE: tl.constexpr):
    first = start.to(tl.int64)
    position = tl.program_id(0) * TILE + tl.arange(0, TILE)
    {position}
    offset = tl.zeros([TILE * {row}], tl.int64)
    {offset}
    {steps}
    {store}
"""

# The elements lie along one axis. Neighbouring threads write neighbouring elements, and so whole sectors of memory.
_ONE_RUN = """\
    block = first // {row} + position
    rest = tl.program_id(0) * TILE * {row} + tl.arange(0, TILE * {row}) - (first % {row}).to(tl.int32)
    inside = (rest >= 0) & (rest < run)
"""
_RUNS = """\
    number = position // span
    rest = number * run
    {first}
    block = first // {row} + position % span
    position = (position % span) * {row} - (first % {row}).to(tl.int32)
    position = each(position, {row}, TILE * {row}) + tl.arange(0, TILE * {row}) % {row}
    number = each(number, {row}, TILE * {row})
    inside = (position >= 0) & (position < run) & (number < runs)
    rest = number * run + position
"""


@cache
def kernel(program: Program, stored: str, rank: int, *, one_run: bool) -> Any:
    """Return the kernel that fills a box of ``rank`` axes in memory of the dtype ``stored``.

    Its arguments are, in this order: the memory, as int16 or int8 for bfloat16 and float8, and for complex numbers the
    memory of their parts; the key; the logical
    index at which the box starts; the number of runs of neighbours in the logical array, the elements of a run, and the
    most blocks of a run; for each axis its size, its step in the logical array and its stride in memory; the bits of
    the numbers of the program.
    """
    source = _source(program, stored, rank, one_run)
    # Triton reads the source of a function from its file, so the source is entered in the cache of files.
    file = f"<arrayinit {hashlib.sha256(source.encode()).hexdigest()}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    scope: dict[str, Any] = {f.__name__: f for f in (words_uint32, words_uint64, bfloat16, float8, each)}
    scope |= {"tl": tl, "__name__": __name__}
    exec(compile(source, file, "exec"), scope)
    draw = scope["arrayinit_draw"]
    return triton.jit(do_not_specialize=[name for name in signature(draw).parameters if name != "TILE"])(draw)


def _source(program: Program, stored: str, rank: int, one_run: bool) -> str:
    numbers = {step.operands[0]: step.dtype for step in program.steps if step.name == "number"}
    row = WORDS_PER_BLOCK[program.word]
    results = [f"tl.broadcast_to({rounded(f'v{index}', stored)}, (TILE * {row},))" for index in program.outputs]
    return _KERNEL.format(
        row=row,
        parameters=", ".join(
            [
                "memory, low: tl.uint64, high: tl.uint64, start: tl.int64",
                "runs: tl.int32, run: tl.int32, span: tl.int32",
                *(f"size{k}: tl.int32, step{k}: tl.int64, stride{k}: tl.int64" for k in range(rank)),
                *(f"n{k}: tl.{_bits(numbers[k])}" for k in sorted(numbers)),
            ]
        ),
        position=(_ONE_RUN if one_run else _RUNS).format(row=row, first=_indented(_sum("first", "step", rank))).strip(),
        offset=_indented(_sum("offset", "stride", rank)),
        steps=_indented(f"v{k} = {_expression(program.steps, step)}" for k, step in enumerate(program.steps)),
        store=_store(results),
    )


def _indented(lines: Iterator[str]) -> str:
    return "\n    ".join(lines)


def _sum(total: str, distance: str, rank: int) -> Iterator[str]:
    """Add to ``total`` the distance along each axis of the ``rest``-th element of a box."""
    for k in range(rank - 1, 0, -1):
        yield f"{total} += (rest % size{k}).to(tl.int64) * {distance}{k}"
        yield f"rest = rest // size{k}"
    yield f"{total} += rest.to(tl.int64) * {distance}0"


def _store(results: Sequence[str]) -> str:
    if len(results) == 1:
        return f"tl.store(memory + offset, {results[0]}, mask=inside)"
    where = "memory + offset[:, None] + tl.arange(0, 2)[None, :]"
    return f"tl.store({where}, tl.join({', '.join(results)}), mask=inside[:, None])"


# Triton's spelling of each operation. Its negation subtracts from 0, which gives no -0, and its interpreter cannot
# invert unsigned integers.
_OPERATIONS = {
    "word": "words_{dtype}(block, {0}, low, high, TILE)",
    "constant": "tl.full([], {value}, tl.{dtype})",
    "number": "n{0}.to(tl.{bits}).to(tl.{dtype}, bitcast=True)",
    "integer": "tl.cast({0}, tl.{dtype})",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "fraction": "{0} / {1}",
    "sqrt": "tl.sqrt({0})",
    "negative": "({0}.to(tl.{bits}, bitcast=True) ^ {sign}).to(tl.{dtype}, bitcast=True)",
    "minimum": "tl.minimum({0}, {1})",
    "copysign": "(({0}.to(tl.{bits}, bitcast=True) & ~{sign}) | ({1}.to(tl.{bits}, bitcast=True) & {sign}))"
    ".to(tl.{dtype}, bitcast=True)",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "xor": "{0} ^ {1}",
    "invert": "{0} ^ {ones}",
    "left": "{0} << {1}",
    "right": "{0} >> {1}",
    "less": "{0} < {1}",
    "where": "tl.where({0}, {1}, {2})",
    "bits": "{0}.to(tl.{dtype}, bitcast=True)",
    "convert": "{0}.to(tl.{dtype})",
}
# Triton's plain float32 division and square root are approximations. Its interpreter runs no instructions.
_OPERATIONS_OF_FLOAT32 = _OPERATIONS | {
    "divide": "tl.div_rn({0}, {1})",
    "fraction": "tl.div_rn({0}, {1})" if knobs.runtime.interpret else "{fraction}",
    "sqrt": "tl.sqrt_rn({0})",
}


def _expression(steps: Sequence[Step], step: Step) -> str:
    name, dtype, operands, _ = step
    bits, size = _bits(dtype), _size(dtype)
    values = operands if name in LITERALS else [f"v{index}" for index in operands]
    return (_OPERATIONS_OF_FLOAT32 if dtype == "float32" else _OPERATIONS)[name].format(
        *values,
        dtype=dtype,
        bits=bits,
        value=step.value if name == "constant" else None,
        fraction=fraction(steps[operands[0]].value, f"v{operands[1]}") if name == "fraction" else None,
        sign=f"tl.cast({-(1 << (size - 1))}, tl.{bits})",
        ones=f"tl.cast({(1 << size) - 1 if dtype.startswith('uint') else -1}, tl.{dtype})",
    )


def _bits(dtype: str) -> str:
    """Return the signed integer dtype of the same size."""
    return f"int{_size(dtype)}"


def _size(dtype: str) -> int:
    return 1 if dtype == "bool" else int(dtype[-2:])
