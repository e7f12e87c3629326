"""The maths of the draws as a list of operations, for what compiles them: read off where it is written, in `transform`.

What is compiled depends on the kind of a distribution, its dtype and a few cases, and not on its parameters: those are
among the numbers, which are given when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.stream.ops import Array, Ops, Select
from arrayinit.stream.transform import streams, transform


class Step(NamedTuple):
    """One operation, which IEEE 754 rounds in one way only, on the results of earlier steps.

    ``operands`` are the places of those; but of a "word" its stream, of a "number" its place among the numbers, and of
    an "integer" its value. The others are add, subtract, multiply, divide, sqrt, negative, minimum, copysign, and, or,
    xor, invert, left, right (shifts), less, where (mask, set, not set), bits (as another dtype of the same size) and
    convert. Where the mask at the place ``guard`` is not set, nobody uses the result.
    """

    name: str
    dtype: str
    operands: tuple[int, ...]
    guard: int | None = None

    @property
    def places(self) -> tuple[int, ...]:
        """The earlier steps whose results it takes."""
        return () if self.name in ("word", "number", "integer") else self.operands


@dataclass(frozen=True, eq=False)
class Program:
    """The steps from the words of one element to its value, or to its real and imaginary parts.

    There is one program for all that take the same steps, so that it serves as a key.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @property
    def word(self) -> str:
        """The dtype of the words."""
        return next(step.dtype for step in self.steps if step.name == "word")


class Traced(NamedTuple):
    """The steps of a draw, and the numbers in them, rounded to the dtype that they are used in."""

    program: Program
    numbers: tuple[float, ...]


def traced(distribution: Distribution, dtype: FloatFormat) -> Traced:
    """Return what `transform` computes for ``distribution`` in ``dtype``."""
    # As text, in which distributions of two kinds, and zeros of two signs, are not the same.
    return _traced(repr(distribution), distribution, dtype)


@lru_cache(maxsize=1000)
def _traced(_: str, distribution: Distribution, dtype: FloatFormat) -> Traced:
    tape = _Tape()
    words = [tape.literal("word", dtype.word, stream) for stream in streams(dtype)]
    result = transform(_Recording(tape), distribution, words, dtype)
    parts = result if dtype.is_complex else (result,)
    # An overflow to infinity is what NumPy makes of one number too.
    with np.errstate(over="ignore"):
        numbers = np.array(tape.numbers, np.float64).astype(FORMATS[dtype.compute].real)
    return Traced(_program(tuple(tape.steps), tuple(x.place for x in parts)), tuple(numbers.tolist()))


@cache
def _program(steps: tuple[Step, ...], outputs: tuple[int, ...]) -> Program:
    return Program(steps, outputs)


class _Tape:
    """What has been recorded."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.numbers: list[float] = []
        self.guard: int | None = None

    def step(self, name: str, dtype: str, *operands: Any, of: str | None = None) -> _Value:
        """Record an operation; Python's numbers among the operands are ``of`` this dtype, or that of the result."""
        given = [x if isinstance(x, _Value) else self.constant(x, of or dtype) for x in operands]
        return self.literal(name, dtype, *(x.place for x in given))

    def literal(self, name: str, dtype: str, *operands: int) -> _Value:
        """Record an operation as it will stand."""
        self.steps.append(Step(name, dtype, operands, self.guard))
        return _Value(self, len(self.steps) - 1, dtype)

    def constant(self, x: Any, dtype: str) -> _Value:
        """Record a number of Python's."""
        if not dtype.startswith("float"):
            return self.literal("integer", dtype, x)
        self.numbers.append(x)
        return self.literal("number", dtype, len(self.numbers) - 1)


def _operation(name: str, *, turned: bool = False, dtype: str | None = None) -> Callable[[Any, Any], Any]:
    def method(self: _Value, other: Any) -> _Value:
        operands = (other, self) if turned else (self, other)
        return self.tape.step(name, dtype or self.dtype, *operands, of=self.dtype)

    return method


class _Value:
    """The result of a step, as an array that cannot be written: what works in place makes another."""

    def __init__(self, tape: _Tape, place: int, dtype: str) -> None:
        self.tape, self.place, self.dtype = tape, place, dtype

    __add__, __radd__ = _operation("add"), _operation("add", turned=True)
    __sub__, __rsub__ = _operation("subtract"), _operation("subtract", turned=True)
    __mul__, __rmul__ = _operation("multiply"), _operation("multiply", turned=True)
    __truediv__, __rtruediv__ = _operation("divide"), _operation("divide", turned=True)
    __and__, __or__, __xor__ = _operation("and"), _operation("or"), _operation("xor")
    __lshift__, __rshift__ = _operation("left"), _operation("right")
    __lt__, __gt__ = _operation("less", dtype="bool"), _operation("less", turned=True, dtype="bool")

    def __neg__(self) -> _Value:
        return self.tape.step("negative", self.dtype, self)

    def __invert__(self) -> _Value:
        return self.tape.step("invert", self.dtype, self)


class _Namespace:
    """The functions of an array library that the draws are made with."""

    float32, float64 = "float32", "float64"

    def __init__(self, tape: _Tape) -> None:
        self.tape = tape

    def astype(self, x: _Value, dtype: str) -> _Value:
        return self.tape.step("convert", dtype, x)

    def zeros_like(self, x: _Value) -> _Value:
        return self.tape.constant(0.0, x.dtype)

    def sqrt(self, x: _Value) -> _Value:
        return self.tape.step("sqrt", x.dtype, x)

    def minimum(self, x: _Value, y: _Value) -> _Value:
        return self.tape.step("minimum", x.dtype, x, y)

    def copysign(self, x: _Value, sign: _Value) -> _Value:
        return self.tape.step("copysign", x.dtype, x, sign)

    def where(self, mask: _Value, x: Any, y: Any) -> _Value:
        dtype = x.dtype if isinstance(x, _Value) else y.dtype
        return self.tape.step("where", dtype, mask, x, y)

    def clip(self, x: _Value, low: float, high: float) -> _Value:
        """The sign of a zero is kept."""
        return self.where(x < low, low, self.where(x > high, high, x))


class _Recording(Ops):
    """Records what it is told to compute."""

    def __init__(self, tape: _Tape) -> None:
        super().__init__(_Namespace(tape))
        self.tape = tape

    def bits(self, x: Array, dtype: str) -> Array:
        return self.tape.step("bits", dtype, x)

    def flip(self, x: Array, by: Array) -> Array:
        """By the sign bit, which takes one operation."""
        sign = by & -(1 << (63 if by.dtype == "int64" else 31))
        return self.bits(self.bits(x, by.dtype) ^ sign, x.dtype)

    def masked_update(self, values: Array, mask: Array, compute: Callable[[Select], Array]) -> Array:
        """Nothing is to be computed that is not wanted."""
        assert self.tape.guard is None, "a patch within a patch"
        self.tape.guard = mask.place
        patched = compute(lambda x: x)
        self.tape.guard = None
        return self.xp.where(mask, patched, values)

    def join(self, real: Array, imaginary: Array) -> Array:
        return real, imaginary
