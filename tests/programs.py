"""The draws whose every step is tested, the words that try each branch, and the steps replayed with NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from arrayinit.core.distributions import (
    Disk,
    Distribution,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)
from arrayinit.core.dtypes import FORMATS, FloatFormat
from arrayinit.kernels.numpy_ops import NumPyOps
from arrayinit.stream.program import Recorded
from arrayinit.stream.transform import streams, transform

INF = math.inf

# Each way of drawing, and the parameters at which it is another.
REAL: dict[str, Distribution] = {
    "uniform": Uniform(0.0, 1.0),
    "symmetric": Uniform(-0.3, 0.3),
    "shifted": Uniform(-0.3, 0.7),
    "tiny": Uniform(-1e-41, 1e-41),
    "at one point": Uniform(0.25, 0.25),
    "normal": Normal(0.0, 1.0),
    "normal, shifted": Normal(0.5, 0.02),
    "normal, constant": Normal(0.5, 0.0),
    "normal, zero": Normal(-0.0, 0.0),
    "central, even": TruncatedNormal(0.0, 1.0, -2.0, 2.0),
    "central": TruncatedNormal(5.0, 2.0, 3.0, 9.0),
    "central, to a zero": TruncatedNormal(0.0, 1.0, -0.0, 10.0),
    "central, one-sided": TruncatedNormal(5.0, 2.0, -INF, 4.0),
    "tail": TruncatedNormal(1.0, 2.0, -INF, -5.0),
    "tail, mirrored": TruncatedNormal(0.0, 0.02, 0.6, 100.0),
    "tail, use_series": TruncatedNormal(0.0, 1.0, -3.001, -3.0),
    "tail, use_series, mirrored": TruncatedNormal(0.0, 1.0, 3.0, 3.001),
    "extreme": TruncatedNormal(0.0, 1.0, -40.0, -39.0),
    "extreme, mirrored": TruncatedNormal(0.0, 1.0, 40.0, INF),
    "extreme, use_series": TruncatedNormal(0.0, 1.0, -40.00001, -40.0),
    "extreme, use_series, mirrored": TruncatedNormal(0.0, 1.0, 40.0, 40.00001),
    "narrow": TruncatedNormal(0.0, 1.0, -1e-6, 1e-6),
    "narrow, mirrored": TruncatedNormal(0.0, 1.0, 2.5, 2.5009),
}
COMPLEX: dict[str, Distribution] = {
    "disk": Disk(0.0, 1.5),
    "disk, shifted": Disk(2.5, 1.5),
    "normal": Normal(0.0, 1.0),
    "normal, shifted": Normal(0.5, 0.3),
    "normal, constant": Normal(0.5, 0.0),
    "truncated": TruncatedComplexNormal(0.7),
}


def _fits(distribution: Distribution, form: FloatFormat) -> bool:
    try:
        distribution.check_range(form)
        distribution.limits(form)
    except ValueError:
        return False
    return True


# The draws of 8 bits are those of float32, rounded: a few of them show how each format is rounded and clipped.
_ROUNDED = ("uniform", "shifted", "normal", "normal, zero", "central", "narrow")


def _distributions(form: FloatFormat) -> dict[str, Distribution]:
    if form.bits > 8:
        return COMPLEX if form.is_complex else REAL
    return {name: REAL[name] for name in _ROUNDED} | {"normal, overflowing": Normal(0.0, form.max / 2)}


CASES = [
    (name, distribution, dtype)
    for dtype, form in FORMATS.items()
    for name, distribution in _distributions(form).items()
    if _fits(distribution, form)
]
IDS = [f"{name} {dtype}" for name, _, dtype in CASES]


def words(form: FloatFormat, count: int = 20_000) -> list[np.ndarray]:
    """Return words of each stream: random ones, the ends of branches, and their neighbours."""
    size = 64 if form.compute in ("float64", "complex128") else 32
    ends = np.array([k << (size - 5) for k in range(32)], np.uint64)
    near = np.concatenate([ends + np.uint64(k) for k in range(3000)] + [ends - np.uint64(k) for k in range(1, 3000)])
    streams_of = [np.random.Generator(np.random.Philox(k)) for k in streams(form)]
    drawn = [rng.integers(2**size, size=count, dtype=np.uint64) for rng in streams_of]
    return [
        np.concatenate([rng.permuted(near), w]).astype(f"uint{size}") for rng, w in zip(streams_of, drawn, strict=True)
    ]


def expected(distribution: Distribution, given: Sequence[np.ndarray], form: FloatFormat) -> list[np.ndarray]:
    """Return what NumPy makes of the words: real numbers, or real and imaginary parts."""
    x = transform(NumPyOps(), distribution, [w.copy() for w in given], form)
    return [x.real, x.imag] if form.is_complex else [x]


def replayed(draw: Recorded, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what the steps of a program compute."""
    done = by_steps(draw, given)
    return [np.broadcast_to(done[k], given[0].shape) for k in draw.program.outputs]


def by_steps(draw: Recorded, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Do the steps of a program one by one, and return the result of each."""
    program, numbers = draw
    done: list[np.ndarray] = []
    for step in program.steps:
        name, dtype, operands, _ = step
        if name == "word":
            result = given[operands[0]]
        elif name in ("number", "integer"):
            result = np.asarray(operands[0] if name == "integer" else numbers[operands[0]], dtype)
        elif name == "constant":
            result = np.asarray(step.value, dtype)
        elif name in ("bits", "convert"):
            x = done[operands[0]]
            result = x.view(dtype) if name == "bits" else x.astype(dtype)
        else:
            result = FUNCTIONS[name](*(done[k] for k in operands))
        assert result.dtype == dtype, name
        done.append(result)
    return done


FUNCTIONS = {
    **{
        name: getattr(np, name)
        for name in ("add", "subtract", "multiply", "divide", "sqrt", "negative", "minimum", "maximum")
    },
    **{name: getattr(np, name) for name in ("copysign", "invert", "less", "where")},
    **{name: getattr(np, f"bitwise_{name}") for name in ("and", "or", "xor")},
    "fraction": np.divide,
    "left": np.left_shift,
    "right": np.right_shift,
}
