"""The maths of the draws as a list of operations for compilers, recorded from a call of `transform`.

A compiled program depends on the kind of distribution, the dtype and a few cases. It does not depend on the parameters:
the kernel receives at each call the numbers that come from the parameters. All other numbers are constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.stream.ops import Array, Ops, Select
from arrayinit.stream.philox import KEYS
from arrayinit.stream.transform import streams, transform

LITERALS = ("word", "number", "integer", "constant")
"""The names of the steps whose operand is no earlier step."""


class Step(NamedTuple):
    """One operation on the results of earlier steps, whose rounding IEEE 754 defines.

    ``operands`` are the indices of those steps. Four names differ: "word" has its stream, "number" its index among the
    numbers, "integer" its value, "constant" the bits of a number. The other names are add, subtract, multiply, divide,
    fraction, sqrt, negative, minimum, copysign, and, or, xor, invert, left, right (shifts), less, where (mask, set, not
    set), bits (as another dtype of the same size) and convert. Where the mask at the index ``guard`` is not set, the
    result is unused.

    A "fraction" is the quotient of a constant and a sum. Both, and the quotient, are far from the ends of the range.
    """

    name: str
    dtype: str
    operands: tuple[int, ...]
    guard: int | None = None

    @property
    def inputs(self) -> tuple[int, ...]:
        """The earlier steps whose results this step takes."""
        return () if self.name in LITERALS else self.operands

    @property
    def value(self) -> float:
        """The number that a constant is."""
        size = FORMATS[self.dtype].bits
        return float(np.array(self.operands[0], f"uint{size}").view(self.dtype))


@dataclass(frozen=True, eq=False)
class Program:
    """The steps from the words of one element to its value, or to its real and imaginary parts.

    All draws with the same steps share one `Program` object, so a program can be the key of a cache.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @cached_property
    def word(self) -> str:
        """The dtype of the words."""
        return next(step.dtype for step in self.steps if step.name == "word")

    @cached_property
    def digest(self) -> int:
        """A number of 64 bits, by which the compiled core knows the program."""
        text = repr(([tuple(step) for step in self.steps], self.outputs))
        return int.from_bytes(sha256(text.encode()).digest()[:8], "little")


KEYS_PROGRAM = Program((Step("word", "uint32", (KEYS,)),), (0,))
"""The program that returns the sort keys of sparse_, the words themselves."""


class Recorded(NamedTuple):
    """The steps of a draw, and the numbers that come from its parameters, each rounded to the dtype of its use."""

    program: Program
    numbers: tuple[float, ...]


def recorded(distribution: Distribution, dtype: FloatFormat) -> Recorded:
    """Return what `transform` computes for ``distribution`` in ``dtype``."""
    # The key is the text: equal tuples may be distributions of two kinds, or hold zeros of two signs.
    return _recorded(repr(distribution), distribution, dtype)


@lru_cache(maxsize=1000)
def _recorded(_: str, distribution: Distribution, dtype: FloatFormat) -> Recorded:
    tape = _Tape()
    words = [tape.literal("word", dtype.word, stream) for stream in streams(dtype)]
    result = transform(_Recording(tape), distribution, words, dtype)
    parts = result if dtype.is_complex else (result,)
    numbers = _rounded(tape.numbers, FORMATS[dtype.compute].real)
    return Recorded(_program(tuple(tape.steps), tuple(x.index for x in parts)), tuple(numbers.tolist()))


@cache
def _program(steps: tuple[Step, ...], outputs: tuple[int, ...]) -> Program:
    return Program(steps, outputs)


def _rounded(x: float | Sequence[float], dtype: str) -> np.ndarray[Any, Any]:
    # NumPy also lets a single number overflow to infinity.
    with np.errstate(over="ignore"):
        return np.array(x, np.float64).astype(dtype)


class _Tape:
    """The steps and numbers recorded so far."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.numbers: list[float] = []
        self.guard: int | None = None

    def step(self, name: str, dtype: str, *operands: Any, of: str | None = None) -> _Value:
        """Record an operation. Python numbers among the operands get the dtype ``of``, or the dtype of the result."""
        given = [x if isinstance(x, _Value) else self.constant(x, of or dtype) for x in operands]
        return self.literal(name, dtype, *(x.index for x in given))

    def literal(self, name: str, dtype: str, *operands: int) -> _Value:
        """Record a step with these literal operands."""
        self.steps.append(Step(name, dtype, operands, self.guard))
        return _Value(self, len(self.steps) - 1, dtype)

    def constant(self, x: Any, dtype: str) -> _Value:
        """Record a Python number."""
        if not dtype.startswith("float"):
            return self.literal("integer", dtype, x)
        if not isinstance(x, _Parameter):
            bits = _rounded(x, dtype).view(f"uint{FORMATS[dtype].bits}")
            return self.literal("constant", dtype, int(bits))
        self.numbers.append(x)
        return self.literal("number", dtype, len(self.numbers) - 1)


def _of_parameters(name: str) -> Callable[..., Any]:
    def method(self: float, *others: Any) -> Any:
        result = getattr(float, name)(self, *others)
        return result if result is NotImplemented else _Parameter(result)

    return method


class _Parameter(float):
    """A number that comes from the parameters of a distribution. Arithmetic with it gives such a number again."""

    __add__, __radd__ = _of_parameters("__add__"), _of_parameters("__radd__")
    __sub__, __rsub__ = _of_parameters("__sub__"), _of_parameters("__rsub__")
    __mul__, __rmul__ = _of_parameters("__mul__"), _of_parameters("__rmul__")
    __truediv__, __rtruediv__ = _of_parameters("__truediv__"), _of_parameters("__rtruediv__")
    __neg__ = _of_parameters("__neg__")


def _operation(name: str, *, turned: bool = False, dtype: str | None = None) -> Callable[..., Any]:
    def method(self: _Value, *others: Any) -> _Value:
        operands = (*others, self) if turned else (self, *others)
        return self.tape.step(name, dtype or self.dtype, *operands, of=self.dtype)

    return method


class _Value:
    """The result of a step, as an immutable array: an in-place operation makes a new value."""

    def __init__(self, tape: _Tape, index: int, dtype: str) -> None:
        self.tape, self.index, self.dtype = tape, index, dtype

    __add__, __radd__ = _operation("add"), _operation("add", turned=True)
    __sub__, __rsub__ = _operation("subtract"), _operation("subtract", turned=True)
    __mul__, __rmul__ = _operation("multiply"), _operation("multiply", turned=True)
    __truediv__, __rtruediv__ = _operation("divide"), _operation("divide", turned=True)
    __and__, __or__, __xor__ = _operation("and"), _operation("or"), _operation("xor")
    __lshift__, __rshift__ = _operation("left"), _operation("right")
    __lt__, __gt__ = _operation("less", dtype="bool"), _operation("less", turned=True, dtype="bool")
    __neg__, __invert__ = _operation("negative"), _operation("invert")


class _Namespace:
    """The array library functions that the draws call."""

    float32, float64 = "float32", "float64"
    sqrt, minimum, copysign = (staticmethod(_operation(name)) for name in ("sqrt", "minimum", "copysign"))

    def __init__(self, tape: _Tape) -> None:
        self.tape = tape

    def astype(self, x: _Value, dtype: str) -> _Value:
        return self.tape.step("convert", dtype, x)

    def zeros_like(self, x: _Value) -> _Value:
        return self.tape.constant(0.0, x.dtype)

    def where(self, mask: _Value, x: Any, y: Any) -> _Value:
        dtype = x.dtype if isinstance(x, _Value) else y.dtype
        return self.tape.step("where", dtype, mask, x, y)

    def clip(self, x: _Value, low: float, high: float) -> _Value:
        """The sign of a zero is kept."""
        least, greatest = (self.tape.constant(limit, x.dtype) for limit in (low, high))
        return self.where(x < least, least, self.where(x > greatest, greatest, x))


class _Recording(Ops):
    """Operations that record a step instead of computing."""

    def __init__(self, tape: _Tape) -> None:
        super().__init__(_Namespace(tape))
        self.tape = tape

    def parameters(self, of: Any) -> Any:
        """Mark the numbers in a distribution, a plan or limits."""
        if isinstance(of, float):
            return _Parameter(of)
        if is_dataclass(of) and not isinstance(of, type):
            return replace(of, **{field.name: self.parameters(getattr(of, field.name)) for field in fields(of)})
        if isinstance(of, tuple):
            marked = map(self.parameters, of)
            return type(of)(*marked) if hasattr(of, "_fields") else tuple(marked)
        return of

    def over(self, w: Array, x: Array) -> Array:
        return w / x if isinstance(w, _Value) else self.tape.step("fraction", x.dtype, w, x)

    def bits(self, x: Array, dtype: str) -> Array:
        return self.tape.step("bits", dtype, x)

    def flip(self, x: Array, by: Array) -> Array:
        """Flip the sign bit, which takes one operation."""
        sign = by & -(1 << (63 if by.dtype == "int64" else 31))
        return self.bits(self.bits(x, by.dtype) ^ sign, x.dtype)

    def masked_update(self, values: Array, mask: Array, compute: Callable[[Select], Array]) -> Array:
        """Guard the recorded steps by the mask: a kernel computes them for the masked elements only."""
        assert self.tape.guard is None, "a patch within a patch"
        self.tape.guard = mask.index
        patched = compute(lambda x: x)
        self.tape.guard = None
        return self.xp.where(mask, patched, values)

    def join(self, real: Array, imaginary: Array) -> Array:
        return real, imaginary
