"""On which stream and device a GPU's arrays are filled, and that nothing waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from cases import DRAWS
from libraries import Library
from portable_calls import reference, same_bits

import arrayinit as ai

SHAPE = (513, 127)
WRITTEN = pytest.mark.parametrize("library", ["cupy", "torch:cuda"], indirect=True)
EVERY = pytest.mark.parametrize("library", ["cupy", "torch:cuda", "jax:gpu"], indirect=True)

FILLS: dict[str, Callable[[Any, Any], Any]] = {
    "uniform_": lambda x, rng: ai.uniform_(x, rng=rng),
    "normal_": lambda x, rng: ai.normal_(x, rng=rng),
    "trunc_normal_": lambda x, rng: ai.trunc_normal_(x, rng=rng),
    "sparse_": lambda x, rng: ai.sparse_(x, 0.3, rng=rng),
    "dirac_": lambda x, _: ai.dirac_(x[..., None]),
    "eye_": lambda x, _: ai.eye_(x),
}


@contextmanager
def busy_stream(library: Library) -> Iterator[Callable[[], None]]:
    """Work on a stream that no other waits for, and that has not come to what follows when it is handed out."""
    if library.module == "torch":
        import torch

        stream, work = torch.cuda.Stream(), torch.ones((4096, 4096), device="cuda")
        torch.cuda.synchronize()
        with torch.cuda.stream(stream):
            for _ in range(50):
                work @ work
            yield stream.synchronize
    else:
        import cupy

        work = cupy.ones((4096, 4096), "float32")
        cupy.cuda.Device().synchronize()
        with cupy.cuda.Stream(non_blocking=True) as stream:
            for _ in range(50):
                work @ work
            yield stream.synchronize


@WRITTEN
@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("rng", ["seed", "native"])
def test_arrays_are_filled_on_the_stream_at_hand(name: str, rng: str, library: Library) -> None:
    def draw() -> Any:
        return 5 if rng == "seed" else library.generator(5)

    expected = library.to_numpy(FILLS[name](library.empty(SHAPE, "float32"), draw()))
    generator, x = draw(), library.empty(SHAPE, "float32")
    with busy_stream(library) as wait:
        # Written late: a fill on another stream would be over before, and be lost.
        x[...] = 7
        filled = FILLS[name](x, generator)
        wait()
    np.testing.assert_array_equal(library.to_numpy(filled), expected)


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
@WRITTEN
@pytest.mark.parametrize("name", ["sparse_", "dirac_", "trunc_normal_"])
@pytest.mark.parametrize("rng", ["seed", "native"])
def test_the_host_does_not_wait_for_the_gpu(name: str, rng: str, library: Library) -> None:
    generator, x = 5 if rng == "seed" else library.generator(5), library.empty(SHAPE, "float32")
    FILLS[name](x, generator)  # What is compiled the first time may be waited for.
    if library.module == "torch":
        import torch

        torch.cuda.set_sync_debug_mode("error")
        try:
            FILLS[name](x, generator)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return
    import cupy

    with busy_stream(library):
        before = cupy.cuda.Event()
        before.record()
        FILLS[name](x, generator)
        assert not before.done


@pytest.mark.parametrize("library", ["jax:gpu"], indirect=True)
@pytest.mark.parametrize("name", [*FILLS, "complex normal_"])
@pytest.mark.parametrize("rng", ["seed", "native"])
def test_jax_brings_nothing_back_to_the_host(name: str, rng: str, library: Library) -> None:
    import jax

    x = library.empty(SHAPE, "complex64" if "complex" in name else "float32")
    generator = 5 if rng == "seed" else library.generator(5)
    with jax.transfer_guard_device_to_host("disallow"):
        FILLS[name.removeprefix("complex ")](x, generator)


@EVERY
def test_arrays_on_two_devices_are_filled_alike(library: Library) -> None:
    draw = DRAWS["normal_"].at(SHAPE)
    expected = reference(draw, "float32")
    for x in on_two_devices(library):
        place = library.device(x)
        filled = draw.fill(x)
        assert library.device(filled) == place
        same_bits(library.to_numpy(filled), expected, "float32")


def on_two_devices(library: Library) -> Iterator[Any]:
    if library.module == "torch":
        import torch

        count = torch.cuda.device_count()
        make = [lambda k=k: torch.empty(SHAPE, device=f"cuda:{k}") for k in range(count)]
    elif library.module == "cupy":
        import cupy

        count = cupy.cuda.runtime.getDeviceCount()

        def on(k: int) -> Any:
            with cupy.cuda.Device(k):
                return cupy.empty(SHAPE, "float32")

        make = [lambda k=k: on(k) for k in range(count)]
    else:
        import jax

        devices = jax.devices("gpu")
        count = len(devices)
        make = [lambda d=d: jax.device_put(np.zeros(SHAPE, np.float32), d) for d in devices]
    if count < 2:
        pytest.skip("there are no two GPUs")
    yield from (make[0](), make[-1]())
