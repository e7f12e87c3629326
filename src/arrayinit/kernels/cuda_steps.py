"""The steps that CUDA's kernels compute: those of the stream, but for fewer instructions with the same results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FloatFormat
from arrayinit.stream.program import Program, Recorded, Step, recorded


def cuda_steps(distribution: Distribution, dtype: FloatFormat) -> Recorded:
    """Return the steps and the numbers of a draw.

    The stream clips by comparisons, which keep the sign of a zero. The minimum and the maximum take half of the
    instructions. The two differ where a limit is a zero, and the draw a zero of the other sign: for an upper limit of
    -0, or a draw of -0 at a lower limit of 0. Such a draw is a sum with -0. So they are alike if no number is -0.
    """
    draw = recorded(distribution, dtype)
    if has_negative_zero(draw.numbers):
        return draw
    return Recorded(_clipped_by_extremes(draw.program), draw.numbers)


def has_negative_zero(numbers: Sequence[float]) -> bool:
    """Tell whether a number is -0, so that the signs of zeros matter."""
    return any(x == 0 and math.copysign(1.0, x) < 0 for x in numbers)


@cache
def _clipped_by_extremes(program: Program) -> Program:
    steps = list(program.steps)
    for index, step in enumerate(steps):
        if found := _clip(program, step):
            x, low, high, inner = found
            steps[inner] = steps[inner]._replace(name="minimum", operands=(x, high))
            steps[index] = step._replace(name="maximum", operands=(inner, low))
    return Program(tuple(steps), program.outputs)


def operand(steps: Sequence[Step], step: Step, pattern: Any) -> int | None:
    """Return the index of the operand that stands where a pattern has dots, or None if the step is another.

    A pattern is a number, for an integer, or the name of a step with the patterns of what it takes, one with dots.
    """
    if not isinstance(pattern, tuple):
        return -1 if step.name == "integer" and step.operands[0] == pattern else None
    name, *inner = pattern
    if step.name != name or len(step.inputs) != len(inner):
        return None
    found = [
        index if wanted is ... else operand(steps, steps[index], wanted)
        for index, wanted in zip(step.inputs, inner, strict=True)
    ]
    return None if None in found else max(index for index in found if index is not None)


def _clip(program: Program, step: Step) -> tuple[int, int, int, int] | None:
    """Return x, the limits, and the inner selection of ``low if x < low else high if high < x else x``."""
    steps = program.steps
    if step.name != "where" or steps[step.operands[1]].name != "number":
        return None
    below, low, inner = step.operands
    if steps[inner].name != "where":
        return None
    above, high, x = steps[inner].operands
    is_clip = steps[below] == Step("less", "bool", (x, low)) and steps[above] == Step("less", "bool", (high, x))
    return (x, low, high, inner) if is_clip and steps[high].name == "number" else None
