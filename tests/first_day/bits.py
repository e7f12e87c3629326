"""The bits of many elements of each law, as each library fills them on its GPU, against the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from programs import CASES

from arrayinit.backends import first_use
from arrayinit.backends.registry import backend_of
from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import memory_dtype
from arrayinit.stream.seed import Seed
from first_day.report import MISSING, RIGHT, WRONG, Row
from first_day.steps import NoDeviceError, Size

_SEED = Seed((5,))

# Elements that the host draws and compares at once.
_CHUNK = 1 << 24

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Library(NamedTuple):
    """How arrays of one library are made on the GPU, and read."""

    name: str
    kernels: str
    empty: Callable[[int, str], Any]
    memory: Callable[[Any], Bytes]
    lacks: tuple[str, ...] = ()
    """Dtypes that the library has not."""


def of_torch(size: Size) -> Iterator[Row]:
    import torch

    from arrayinit.backends._torch import custom_op

    if not torch.cuda.is_available():
        raise NoDeviceError("torch finds no GPU")
    kernels = custom_op._on_gpu(0)
    if kernels is None:
        raise NoDeviceError("torch has neither NVRTC's kernels nor Triton's: the host fills")
    yield from _of(
        Library(
            "torch",
            f"{kernels.NAME}, torch {torch.__version__}",
            lambda n, dtype: torch.empty(n, dtype=getattr(torch, dtype), device="cuda"),
            lambda x: x.view(torch.uint8).cpu().numpy(),
        ),
        size,
        size.elements,
    )


def of_cupy(size: Size) -> Iterator[Row]:
    import cupy

    try:
        cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:
        raise NoDeviceError(f"CuPy finds no GPU: {error}") from error
    narrow = ("bfloat16", *(name for name in FORMATS if name.startswith("float8")))
    yield from _of(
        Library(
            "CuPy",
            f"CuPy {cupy.__version__}",
            cupy.empty,
            lambda x: np.ascontiguousarray(cupy.asnumpy(x)).view(np.uint8),
            narrow,
        ),
        size,
        size.elements,
    )


def of_jax(size: Size) -> Iterator[Row]:
    import jax

    try:
        device = jax.devices("gpu")[0]
    except RuntimeError as error:
        raise NoDeviceError(f"JAX finds no GPU: {error}") from error
    place = jax.sharding.SingleDeviceSharding(device)
    # XLA takes seconds to compile each program.
    with jax.enable_x64(True):
        yield from _of(
            Library(
                "JAX",
                f"JAX {jax.__version__}",
                lambda n, dtype: jax.ShapeDtypeStruct((n,), jax.numpy.dtype(dtype), sharding=place),
                lambda x: np.ascontiguousarray(np.asarray(x)).view(np.uint8),
            ),
            size,
            size.elements_of_jax,
            each_program_once=True,
        )


def _of(library: Library, size: Size, most: int, *, each_program_once: bool = False) -> Iterator[Row]:
    """Yield a row for each dtype, and one for each law that is wrong."""
    # The kernels themselves, and not the host after a check that failed.
    os.environ[first_use.VARIABLE] = "device"
    step, end = f"bits of {library.name}", monotonic() + size.seconds
    yield Row(step, "the kernels", library.kernels)
    for dtype, laws in _laws(library, size, each_program_once=each_program_once):
        count = most if dtype == "float32" else min(most, size.elements_of_others)
        right, unseen = 0, []
        for name, distribution in laws:
            if monotonic() > end:
                unseen.append(name)
                continue
            draw = Draw(distribution, _SEED, FORMATS[dtype], (count,), (0,))
            wrong = differences(draw, lambda draw=draw: _filled(library, draw))
            if wrong:
                yield Row(step, f"{name}, {dtype}", wrong, "equal bits", WRONG)
            else:
                right += 1
        if right:
            yield Row(step, f"{dtype}, {count} elements each", f"{right} laws equal", "equal bits", RIGHT)
        if unseen:
            yield Row(step, f"{dtype}, {len(unseen)} laws", "the time was over", "equal bits", MISSING)


def _laws(library: Library, size: Size, *, each_program_once: bool) -> list[tuple[str, list[tuple[str, Distribution]]]]:
    """Return the laws of each dtype, float32 first."""
    found: dict[str, list[tuple[str, Distribution]]] = {"float32": []}
    seen = set()
    for name, distribution, dtype in CASES:
        program = cuda_steps(distribution, FORMATS[dtype]).program, dtype
        if dtype in library.lacks or (size.laws and name not in size.laws) or (each_program_once and program in seen):
            continue
        seen.add(program)
        found.setdefault(dtype, []).append((name, distribution))
    return list(found.items())


def _filled(library: Library, draw: Draw) -> Bytes:
    x = library.empty(draw.shape[0], draw.dtype.name)
    return library.memory(backend_of(x).write(x, draw))


def differences(draw: Draw, filled: Callable[[], Bytes]) -> str:
    """Say in which elements the memory of a filled array differs from the host's; empty if in none."""
    dtype, (count,) = np.dtype(memory_dtype(draw.dtype.name)), draw.shape
    made = filled().view(f"V{dtype.itemsize}")
    if made.shape != draw.shape:
        return f"{made.size} elements of {count}"
    wrong, first = 0, None
    for start in range(0, count, _CHUNK):
        expected = np.empty(min(_CHUNK, count - start), dtype)
        draw.fill_host(expected, (start,))
        bad = made[start : start + expected.size] != expected.view(made.dtype)
        found = int(np.count_nonzero(bad))
        if found and first is None:
            first = start + int(bad.argmax())
        wrong += found
    return f"{wrong} of {count} elements differ, the first is {first}" if wrong else ""
