"""Initialize a model on a target, and compare each array with its expected distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from hashlib import sha256
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import arrayinit
from arrayinit.backends.device import Device
from arrayinit.cli.models import Parameter

LIMIT = 6.0
"""How many standard errors a measured std may be off. By chance, one array in 500 million is further off."""

_CHUNK = 1 << 20


class Row(NamedTuple):
    """One line of the report."""

    model: str
    backend: str
    version: str
    device: str
    arrays: int
    parameters: int
    seed: int | None
    """None if the library's own generator drew the weights."""
    seconds: float
    """Time to fill all arrays, without ``compile_seconds``."""
    compile_seconds: float
    """How much longer the first call of each kind took than the second call, if the library compiles at the first."""
    ns_per_parameter: float
    worst_std_error: float
    worst_array: str
    ok: bool
    sha256: str | None
    """The digest of the bytes of all weights, in order; None without a seed, or after an error."""
    error: str | None = None
    """What the library raised, if it raised anything; the times are then 0."""


def measure(
    model: str,
    parameters: Sequence[Parameter],
    target: Device,
    advance: Callable[[], None],
    seed: int | None = None,
) -> Row:
    """Fill the parameters one by one, and time only the fills. Each name gets its own seed by `fold_in`."""
    nothing = Row(
        model=model,
        backend=target.backend,
        version=target.version,
        device=target.device,
        arrays=len(parameters),
        parameters=sum(parameter.size for parameter in parameters),
        seed=seed,
        seconds=0.0,
        compile_seconds=0.0,
        ns_per_parameter=0.0,
        worst_std_error=0.0,
        worst_array="",
        ok=False,
        sha256=None,
    )
    try:
        return _measured(nothing, parameters, target, advance)
    # A library that is broken spoils its own row, and no other.
    except Exception as error:  # noqa: BLE001
        return nothing._replace(error=" ".join(f"{type(error).__name__}: {error}".split()))


def _measured(row: Row, parameters: Sequence[Parameter], target: Device, advance: Callable[[], None]) -> Row:
    """Return the row with what was measured."""
    seed = row.seed
    seconds, compiling, worst, worst_array = 0.0, 0.0, 0.0, ""
    compiled: set[tuple[object, ...]] = set()
    digest = sha256()
    for parameter in parameters:
        rng = None if seed is None else arrayinit.fold_in(seed, parameter.name)
        x, took = _filled(parameter, target, rng)
        kind = (parameter.shape, parameter.std, parameter.constant)
        if target.compiles and kind not in compiled:
            compiled.add(kind)
            first = took
            x, took = _filled(parameter, target, rng)
            compiling += max(0.0, first - took)
        seconds += took
        values = target.to_host(x)
        if seed is not None:
            digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
        error = deviation(values, parameter)
        if abs(error) > abs(worst):
            worst, worst_array = error, parameter.name
        advance()
    return row._replace(
        seconds=seconds,
        compile_seconds=compiling,
        ns_per_parameter=seconds / row.parameters * 1e9,
        worst_std_error=worst,
        worst_array=worst_array,
        ok=abs(worst) <= LIMIT,
        sha256=None if seed is None else digest.hexdigest(),
    )


def _filled(parameter: Parameter, target: Device, rng: Any) -> tuple[Any, float]:
    """Return a filled array, and the seconds that the fill took."""
    x = target.empty(parameter.shape)
    start = perf_counter()
    x = parameter.fill(x, rng)
    target.finish(x)
    return x, perf_counter() - start


def deviation(values: np.ndarray[Any, Any], parameter: Parameter) -> float:
    """Return the difference of the measured std and the expected std, in standard errors.

    The difference is infinite for a wrong shape, dtype or constant, and for values that are not finite.
    """
    if values.shape != parameter.shape or values.dtype != np.float32:
        return math.inf
    if not parameter.std:
        return 0.0 if bool((values == parameter.constant).all()) else math.inf
    flat = values.reshape(-1)
    chunks = (flat[i : i + _CHUNK].astype(np.float64) for i in range(0, flat.size, _CHUNK))
    std = math.sqrt(sum(float(chunk @ chunk) for chunk in chunks) / flat.size)
    if not math.isfinite(std):
        return math.inf
    # The delta method: from the variance of the mean square to the standard error of its root.
    standard_error = parameter.std * math.sqrt((parameter.kurtosis - 1.0) / (4.0 * flat.size))
    return (std - parameter.std) / standard_error
