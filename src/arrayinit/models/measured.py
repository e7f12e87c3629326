"""What an audit measures of one array, chunk by chunk."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.kernels.fill import Host

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Measured:
    """The moments of the elements that are finite, and the number of others."""

    count: int
    mean: complex
    std: float
    kurtosis: float
    least: float
    greatest: float
    """The least and the greatest value; of complex numbers, of the absolute value."""
    zeros: int
    nans: int
    infinities: int
    sha256: str

    @property
    def is_constant(self) -> bool:
        """Whether all elements have one value."""
        return self.std == 0.0

    def defects(self) -> Iterator[str]:
        """Yield what is wrong whatever was planned."""
        for number, what in ((self.nans, "NaN"), (self.infinities, "infinite")):
            if number:
                yield f"{number} of {self.count} elements are {what}"


def measured(host: Host, kept: Host | None = None) -> Measured:
    """Measure an array, or the elements of it that are ``kept``; the sha256 is of all elements, in C order."""
    digest = sha256(host)
    flat = (host if kept is None else kept).reshape(-1)
    nans = infinities = zeros = 0
    finite: list[Any] = []
    for chunk in _chunks(flat):
        nans += int(np.isnan(chunk).sum())
        infinities += int(np.isinf(chunk).sum())
        zeros += int((chunk == 0).sum())
        good = chunk[np.isfinite(chunk)]
        sizes = abs(good) if np.iscomplexobj(good) else good
        if good.size:
            finite.append((good.size, good.sum(), sizes.min(), sizes.max()))
    number = sum(entry[0] for entry in finite)
    if not number:
        return Measured(flat.size, math.nan, math.nan, math.nan, math.nan, math.nan, zeros, nans, infinities, digest)
    mean = complex(sum(entry[1] for entry in finite) / number)
    centre = mean if np.iscomplexobj(flat) else mean.real
    second = fourth = 0.0
    for chunk in _chunks(flat):
        square = abs(chunk[np.isfinite(chunk)] - centre) ** 2
        second += float(square.sum())
        fourth += float((square**2).sum())
    least, greatest = float(min(e[2] for e in finite)), float(max(e[3] for e in finite))
    std = 0.0 if least == greatest and not np.iscomplexobj(flat) else math.sqrt(second / number)
    kurtosis = fourth * number / second**2 if second else 0.0
    return Measured(flat.size, centre, std, kurtosis, least, greatest, zeros, nans, infinities, digest)


def sha256(host: Host) -> str:
    """Return the sha256 of the elements, in C order."""
    return hashlib.sha256(np.ascontiguousarray(host).reshape(-1).view(np.uint8).data).hexdigest()


def _chunks(flat: Host) -> Iterator[Host]:
    """Yield the elements in double precision."""
    wide = np.complex128 if np.iscomplexobj(flat) else np.float64
    for start in range(0, flat.size, _CHUNK):
        yield flat[start : start + _CHUNK].astype(wide)
