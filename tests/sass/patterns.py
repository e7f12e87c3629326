"""The chains of inexact instructions whose results are known to be exact, as patterns of the values they compute.

A pattern is a variable, written as a letter; a value that is given; or an instruction with the patterns of what it
reads. Factors may stand in either order. A minus sign on a factor counts for the product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from arrayinit.kernels.cuda_program import factor
from arrayinit.stream.coefficients import SINGLE, SINGLE_TAIL

Input = tuple[bool, Any]


class Value(NamedTuple):
    """A value, by the instruction that made it and what went in: whether it was negated, and its number."""

    opcode: str
    inputs: tuple[Input, ...] = ()
    literal: float | None = None


class Pattern(NamedTuple):
    """An instruction, or a choice of a few, and the patterns of what it reads."""

    opcodes: tuple[str, ...]
    inputs: tuple[Input, ...]


class Negative(NamedTuple):
    """What an instruction negates as it reads it."""

    pattern: Any


ZERO = Value("zero")


def number(value: float) -> Value:
    """Return a number in the text of an instruction."""
    return Value("number", literal=float(value))


def bits(value: int) -> Value:
    """Return a number that is written as bits."""
    return Value("bits", literal=value)


def op(opcodes: str, *inputs: Any) -> Pattern:
    signed = ((True, one.pattern) if isinstance(one, Negative) else (False, one) for one in inputs)
    return Pattern(tuple(opcodes.split("|")), tuple(signed))


def double(pattern: Any) -> Pattern:
    """The high half of a pair of registers, whose low half may be anything."""
    return op("pair", "?", pattern)


def _division(fma: str, w: Any, x: Any, y: Any, q: Any) -> Pattern:
    """One correction of a quotient by what is left over."""
    return op(fma, y, op(fma, Negative(x), q, w), q)


def _newton(fma: str, x: Any, y: Any) -> Pattern:
    return op(fma, y, op(fma, Negative(x), y, number(1)), y)


def _divide32(w: Any) -> Pattern:
    y = _newton("FFMA", "x", op("MUFU.RCP", "x"))
    return _division("FFMA", w, "x", y, op("FFMA", w, y, ZERO))


def _divide64(w: Any) -> Pattern:
    guess = double(op("MUFU.RCP64H", op("high", "x")))
    error = op("DFMA", Negative("x"), guess, number(1))
    y = op("DFMA", guess, op("DFMA", error, error, error), guess)
    y = _newton("DFMA", "x", y)
    return _division("DFMA", w, "x", y, op("DMUL", w, y))


def _root32() -> Pattern:
    guess = op("MUFU.RSQ", "x")
    root = op("FMUL.FTZ", "x", guess)
    return op("FFMA", op("FFMA", Negative(root), root, "x"), op("FMUL.FTZ", guess, number(0.5)), root)


def _root64() -> Pattern:
    guess = double(op("MUFU.RSQ64H", op("high", "x")))
    error = op("DFMA", "x", Negative(op("DMUL", guess, guess)), number(1))
    series = op("DFMA", error, number(0.375), number(0.5))
    y = op("DFMA", series, op("DMUL", guess, error), guess)
    root = op("DMUL", "x", y)
    half = op("pair", op("low", y), op("IADD3|VIADD", op("high", y), bits(0xFFF00000)))
    return op("DFMA", op("DFMA", root, Negative(root), "x"), half, root)


def _fraction(w: float, s: float) -> Pattern:
    """The short division of a constant by a sum, which an exhaustive test shows to be exact for these constants."""
    constant, total = np.float32(w), op("FADD", "v", number(np.float32(s)))
    y = op("MUFU.RCP", total)
    estimate = op("FMUL", number(factor(float(constant))), y)
    return _division("FFMA", number(constant), total, y, estimate)


EXACT: Mapping[str, Pattern] = {
    "div.rn.f32": _divide32("w"),
    "div.rn.f32 of -w": _divide32(Negative("w")),
    "div.rn.f64": _divide64("w"),
    "div.rn.f64 of -w": _divide64(Negative("w")),
    "sqrt.rn.f32": _root32(),
    "sqrt.rn.f64": _root64(),
    # k + 1/2 is rounded once, since powers of two change no digit.
    "scaled integer, 32 bits": op("FFMA", "k", number(2.0**-32), number(2.0**-33)),
    "scaled integer, 53 bits": op("DFMA", "k", number(2.0**-53), number(2.0**-54)),
    **{f"{w} / (v + {s})": _fraction(w, s) for w, s in (*SINGLE.centre, *SINGLE.logarithm, *SINGLE_TAIL)},
    # Integer arithmetic corrects this estimate of 2^32 / n, which lies below it.
    "estimate for an integer quotient": op(
        "F2I.FTZ.U32.TRUNC.NTZ", op("IADD3|VIADD", op("MUFU.RCP", op("I2F.U32.RP", "n")), bits(0xFFFFFFE))
    ),
}
"""What may go on to other instructions."""

CHECKS: Mapping[str, Pattern] = {
    # Whether the quotient has an exponent for which the instructions above are right.
    "div.rn.f64": op("FFMA", ZERO, op("high", "x"), op("high", _divide64("w"))),
    "div.rn.f64 of -w": op("FFMA", ZERO, op("high", "x"), op("high", _divide64(Negative("w")))),
}
"""What may decide a branch, and nothing else."""

_COMMUTATIVE = ("FFMA", "DFMA", "FMUL", "DMUL", "FMUL.FTZ")


def matches(values: Sequence[Value], pattern: Any, value: int, known: Mapping[str, int]) -> Iterator[Mapping[str, int]]:
    """Yield the values of the variables, for each way in which a pattern fits a value."""
    made = values[value]
    match pattern:
        case "?":
            yield known
        case str() if known.get(pattern, value) == value:
            yield {**known, pattern: value}
        case Value() if made == pattern:
            yield known
        case Pattern() if made.opcode in pattern.opcodes and len(made.inputs) == len(pattern.inputs):
            given = _product(made.inputs) if made.opcode in _COMMUTATIVE else made.inputs
            for order in _orders(pattern.inputs) if made.opcode in _COMMUTATIVE else [pattern.inputs]:
                yield from _match_all(values, order, given, known)


def _match_all(
    values: Sequence[Value], patterns: Sequence[Input], given: Sequence[Input], known: Mapping[str, int]
) -> Iterator[Mapping[str, int]]:
    if not patterns:
        yield known
        return
    (wanted, pattern), (negative, value) = patterns[0], given[0]
    if wanted == negative:
        for found in matches(values, pattern, value, known):
            yield from _match_all(values, patterns[1:], given[1:], found)


def _product(inputs: Sequence[Input]) -> tuple[Input, ...]:
    """Give the sign of a product to its first factor."""
    (sign, x), (other, y), *rest = inputs
    return ((sign ^ other, x), (False, y), *rest)


def _orders(inputs: Sequence[Input]) -> list[tuple[Input, ...]]:
    first, second, *rest = inputs
    return [_product([first, second, *rest]), _product([second, first, *rest])]
