"""What each seed gave when it was recorded: run this file to record what is new, with --accept to let the rest change.

golden.json has the SHA-256 of the little-endian bytes in C order, by call, dtype, shape and seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from boxes import STORED
from libraries import COMPLEX, FLOAT8, REAL

import arrayinit
from arrayinit.backends.protocol import InPlace
from arrayinit.kernels.fill import Fill

FILE = Path(__file__).with_name("golden.json")

Shape = tuple[int, ...]
Golden = dict[str, dict[str, dict[str, Any]]]

ALL = (*REAL, *COMPLEX, *FLOAT8)

SEEDS: dict[str, Any] = {
    "0": 0,
    "2**31": 2**31,
    "2**64 + 1": 2**64 + 1,
    "[1, 2, 3]": [1, 2, 3],
    "SeedSequence(7).spawn(2)[1]": np.random.SeedSequence(7).spawn(2)[1],
    "fold_in(0, 'encoder', 3)": arrayinit.fold_in(0, "encoder", 3),
}

# Empty and without axes, about as long as a block, of five axes, and of more than a chunk.
ANY: tuple[Shape, ...] = (
    *((), (0,), (1,), (7,), (8,), (9,), (3, 5), (17, 31), (4, 1, 6), (8, 3, 3, 5), (2, 3, 4, 5, 6), (401, 389)),
)
MATRICES: tuple[Shape, ...] = ((1, 1), (1, 7), (8, 1), (3, 3), (3, 5), (8, 9), (17, 31), (64, 2), (2, 100), (401, 389))
# The draws of float8 are those of float32, rounded: a few of them are enough.
OF_FLOAT8: tuple[Shape, ...] = ((7,), (17, 31), (401, 389), (17, 31, 2), (5, 3))
EXPERTS: tuple[Shape, ...] = ((1, 1, 9), (4, 1, 6), (6, 4, 3), (2, 8, 8), (3, 5, 7), (17, 31, 2))
WEIGHTS: tuple[Shape, ...] = (*MATRICES, *EXPERTS[:3], (8, 4, 3, 5), (2, 4, 3, 3, 6))


@dataclass(frozen=True)
class Call:
    """A function with its arguments, and what it is given to fill."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ANY
    dtypes: tuple[str, ...] = ALL

    @property
    def name(self) -> str:
        arguments = [*map(repr, self.arguments), *(f"{key}={value!r}" for key, value in self.options.items())]
        return f"{self.function.__name__}({', '.join(arguments)})"

    def fill(self, x: Any, seed: str) -> Any:
        return self.function(x, *self.arguments, **self.options, rng=SEEDS[seed])


CALLS = (
    *(Call(arrayinit.uniform_, bounds) for bounds in ((), (-0.3, 0.3), (-1.0, 2.0))),
    *(Call(arrayinit.normal_, moments) for moments in ((), (1.0, 0.5))),
    *(
        Call(arrayinit.trunc_normal_, parameters, dtypes=(*REAL, *FLOAT8))
        for parameters in (
            (0.0, 1.0, -2.0, 2.0),
            (0.0, 1.0, 2.0, 3.0),
            (0.0, 1.0, 0.0, 10.0),
            (0.0, 0.02, 0.6, 100.0),
            (0.0, 1.0, -40.0, -39.0),
            (5.0, 2.0, -math.inf, 4.0),
            (0.0, 1.0, -1e-6, 1e-6),
            (0.0, 1.0, 3.0, 3.001),
        )
    ),
    # No float8 lies in between.
    Call(arrayinit.trunc_normal_, (0.0, 1.0, 50.0, 50.00005), dtypes=REAL),
    *(Call(f, (1.5,), shapes=WEIGHTS) for f in (arrayinit.xavier_uniform_, arrayinit.xavier_normal_)),
    *(Call(f, (0.1, "fan_out"), shapes=WEIGHTS) for f in (arrayinit.kaiming_uniform_, arrayinit.kaiming_normal_)),
    Call(arrayinit.xavier_uniform_, options={"layout": "IO..."}, shapes=WEIGHTS),
    Call(arrayinit.kaiming_normal_, options={"layout": "...IO"}, shapes=WEIGHTS),
    Call(arrayinit.kaiming_uniform_, options={"layout": "BIO"}, shapes=EXPERTS),
    Call(arrayinit.variance_scaling_, (2.0, "fan_avg", "truncated_normal"), shapes=WEIGHTS),
    Call(arrayinit.variance_scaling_, (0.5, "fan_geo_avg", "uniform"), {"layout": "...IO"}, shapes=WEIGHTS),
    Call(arrayinit.variance_scaling_, (0.5, "fan_out", "normal"), {"layout": "IO..."}, shapes=WEIGHTS),
    Call(arrayinit.lecun_uniform_, shapes=WEIGHTS),
    Call(arrayinit.lecun_normal_, options={"layout": "BIO"}, shapes=EXPERTS),
    Call(arrayinit.sparse_, (0.3,), shapes=MATRICES),
    Call(arrayinit.sparse_, (0.8, 0.5), shapes=MATRICES),
    *(
        Call(arrayinit.orthogonal_, (), options, ((3, 5), (5, 3), (2, 3, 2)), ("float32", "float64"))
        for options in ({}, {"gain": 2.0, "layout": "...IO"})
    ),
    Call(arrayinit.delta_orthogonal_, (2.0,), {}, ((5, 3, 3), (5, 4, 2, 3)), ("float32", "float64")),
)
# LAPACKs differ in the last bits, so of orthogonal_ and delta_orthogonal_ the values themselves are recorded.
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


class Bits:
    """An array of bfloat16 or float8, as integers: no library with this dtype needs to be there."""

    def __init__(self, shape: Shape, dtype: str = "bfloat16") -> None:
        self.shape, self.dtype, self.numbers = shape, dtype, np.zeros(shape, STORED[dtype])


class _Backend(InPlace):
    def accepts(self, cls: type) -> bool:
        return cls is Bits

    def dtype(self, x: Bits) -> str:
        return x.dtype

    def read(self, x: Bits) -> Iterator[np.ndarray]:
        yield x.numbers

    def write(self, x: Bits, fill: Fill) -> Bits:
        fill.fill_host(x.numbers)
        return x


arrayinit.register_backend(_Backend())


def digest(values: np.ndarray) -> str:
    """Return the SHA-256 of an array."""
    return hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest()


def cases(call: Call) -> Iterator[tuple[str, Shape, str]]:
    """Yield the dtypes, shapes and seeds of a call: for each shape one, which no other call or shape has a say in."""
    for dtype in call.dtypes:
        for shape in (shape for shape in call.shapes if dtype not in FLOAT8 or shape in OF_FLOAT8):
            number = hashlib.sha256(f"{call.name} {shape}".encode()).digest()[0]
            yield dtype, shape, list(SEEDS)[number % len(SEEDS)]


def drawn(call: Call, dtype: str, shape: Shape, seed: str) -> np.ndarray:
    """Return what the call gives; bfloat16 and float8 as bits."""
    x = call.fill(Bits(shape, dtype) if dtype in STORED else np.empty(shape, dtype), seed)
    return x.numbers if isinstance(x, Bits) else x


def current() -> Iterator[tuple[str, str, str, Any]]:
    """Yield call, dtype, shape with seed, and the digest, or the values of an orthogonal matrix."""
    for call in CALLS:
        for dtype, shape, seed in cases(call):
            values = drawn(call, dtype, shape, seed)
            by_value = call.function in (arrayinit.orthogonal_, arrayinit.delta_orthogonal_)
            yield call.name, dtype, label(shape, seed), values.reshape(-1).tolist() if by_value else digest(values)


def label(shape: Shape, seed: str) -> str:
    return f"{shape}, seed {seed}"


def agree(recorded: Any, result: Any, dtype: str) -> bool:
    """Whether a digest is the recorded one, or values are near enough to them."""
    if isinstance(result, str) or isinstance(recorded, str):
        return bool(recorded == result)
    return np.allclose(recorded, result, rtol=0, atol=TOLERANCE[dtype])


def read() -> Golden:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def main(arguments: Sequence[str] | None = None) -> None:
    """Record what this version draws; refuse to change or to drop what has been recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", action="store_true", help="let seeds give other numbers than those recorded")
    accept = parser.parse_args(arguments).accept
    recorded, new = read(), {}
    for call, dtype, case, result in current():
        old = recorded.get(call, {}).get(dtype, {}).get(case, "")
        new.setdefault(call, {}).setdefault(dtype, {})[case] = old if agree(old, result, dtype) else result
    changed = [
        f"{call} in {dtype}, {case}"
        for call, dtypes in recorded.items()
        for dtype, of_dtype in dtypes.items()
        for case, old in of_dtype.items()
        if old != new.get(call, {}).get(dtype, {}).get(case)
    ]
    if changed and not accept:
        sys.exit(f"nothing is written, since {len(changed)} recorded draws would change, first {changed[0]}")
    FILE.write_text(json.dumps(new, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
