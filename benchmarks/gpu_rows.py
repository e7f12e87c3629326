"""Arrays on a GPU: torch's against torch.nn.init, JAX's against jax.nn.initializers, CuPy's against cupy.random.

On a CPU the rows of torch and JAX are the same calls, and their names say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import arrayinit as ai
from benchmarks.sections import BANDWIDTH, GPU
from benchmarks.timing import Clock, Fill, Pair, seconds

FLAT = ("uniform_", "normal_", "trunc_normal_")

# The name of a row, the function, its other arguments and the shape.
Shaped = tuple[str, tuple[str, tuple[float, ...], tuple[int, ...]]]


class Sizes(NamedTuple):
    """The sizes of the arrays to fill."""

    elements: tuple[int, ...] = (1 << 20, 1 << 25, 1 << 30)
    side: int = 4096
    """Rows, and columns, of the matrices."""
    channels: int = 512
    """Output channels, and input channels, of the convolution kernels."""

    def sparse(self) -> Shaped:
        return "sparse_ .9", ("sparse_", (0.9,), (self.side, self.side))

    def orthogonal(self) -> Shaped:
        return f"orthogonal_ {self.side}", ("orthogonal_", (), (self.side, self.side))

    def dirac(self) -> Shaped:
        return f"dirac_ {self.channels}", ("dirac_", (), (self.channels, self.channels, 3, 3))


def torch_pairs(sizes: Sizes, *, on_gpu: bool) -> Iterator[Pair]:
    import torch

    from benchmarks import torch_rows

    place, device, clock = "torch CPU", "cpu", seconds
    if on_gpu:
        place, device = "torch CUDA", "cuda"
        clock = by_events(partial(torch.cuda.Event, enable_timing=True), torch.cuda.Event.elapsed_time)

    def both(place: str, x: torch.Tensor, rng: str, label: str, call: torch_rows.Call) -> Iterator[Pair]:
        pair = torch_rows.pair(GPU, place, x, rng, label, call)._replace(clock=clock)
        filled = x if call[2] is None else torch.empty(call[2], dtype=x.dtype, device=device)
        yield from (pair, share(pair, partial(filled.fill_, 0.5)))

    for dtype in torch_rows.DTYPES:
        for n in sizes.elements:
            x = torch.empty(n, dtype=dtype, device=device)
            for rng in torch_rows.RNGS:
                for name in FLAT:
                    yield from both(f"{place} {power(n)}", x, rng, name, (name, (), None))
        for rng in torch_rows.RNGS:
            yield from both(place, x, rng, *sizes.sparse())
            # The peer has no QR decomposition in 16 bits.
            if dtype is torch.float32:
                yield from both(place, x, rng, *sizes.orthogonal())
        yield from both(place, x, "native", *sizes.dirac())


def jax_pairs(sizes: Sizes, *, on_gpu: bool) -> Iterator[Pair]:
    import jax
    import jax.numpy as jnp

    from benchmarks import jax_rows

    name = "JAX GPU" if on_gpu else "JAX CPU"
    matrix = (sizes.side, sizes.side)

    def constant(shape: tuple[int, ...], dtype: str) -> Fill:
        return jax_rows.ready(jax.jit(lambda _: jnp.full(shape, 0.5, dtype)))

    def without_peer(dtype: str, label: str, call: tuple[str, tuple[float, ...], tuple[int, ...]]) -> Pair:
        function, arguments, shape = call
        fill = partial(getattr(ai, function), jax.ShapeDtypeStruct(shape, dtype), *arguments, **seeded(function))
        ours = jax_rows.ready(lambda _: fill())
        return share(Pair(GPU, f"{name}, {dtype}, seed: {label}", ours, ours), constant(shape, dtype))

    for dtype in ("float32", "bfloat16"):
        for jit, rng in (("", "native"), ("", "seed"), (" under jit", "native"), (" under jit", "seed")):
            for n in sizes.elements:
                for label in ("uniform", "normal", "truncated_normal"):
                    call = jax_rows.CALLS[label]
                    pair = jax_rows.pair(GPU, f"{name}{jit} {power(n)}", dtype, rng, label, call, (n,))
                    yield from (pair, share(pair, constant((n,), dtype)))
            if dtype == "float32":
                label = f"orthogonal {sizes.side}"
                yield jax_rows.pair(GPU, f"{name}{jit}", dtype, rng, label, jax_rows.ORTHOGONAL, matrix)
        yield without_peer(dtype, *sizes.sparse())
        yield without_peer(dtype, *sizes.dirac())


def cupy_pairs(sizes: Sizes) -> Iterator[Pair]:
    import cupy

    generator = cupy.random.default_rng(0)
    clock = by_events(cupy.cuda.Event, cupy.cuda.get_elapsed_time)
    rngs: dict[str, Any] = {"native": generator, "seed": 0}
    # CuPy has no truncated normal.
    peers: dict[str, Callable[..., Any]] = {"uniform_": generator.random, "normal_": generator.standard_normal}

    def ours(label: str, place: str, x: Any, rng: str, function: str, arguments: tuple[float, ...]) -> Pair:
        fill = partial(getattr(ai, function), x, *arguments, **seeded(function, rngs[rng]))
        return Pair(GPU, f"{place}, float32, {rng}: {label}", fill, fill, clock)

    for n in sizes.elements:
        x = cupy.empty(n, "float32")
        for rng in rngs:
            for name in FLAT:
                pair = ours(name, f"CuPy {power(n)}", x, rng, name, ())
                if name in peers:
                    yield pair._replace(peer=partial(peers[name], n, "float32"))
                yield share(pair, partial(x.fill, 0.5))
    matrix = (sizes.side, sizes.side)
    for rng in rngs:
        for label, (function, arguments, shape) in (sizes.sparse(), sizes.orthogonal(), sizes.dirac()):
            x = cupy.empty(shape, "float32")
            pair = ours(label, "CuPy", x, rng, function, arguments)
            if function == "orthogonal_":
                yield pair._replace(peer=lambda: cupy.linalg.qr(generator.standard_normal(matrix, "float32"))[0])
            yield share(pair, partial(x.fill, 0.5))


def seeded(function: str, rng: Any = 0) -> dict[str, Any]:
    """Return the keywords of a function for its random numbers; dirac_ has none."""
    return {} if function == "dirac_" else {"rng": rng}


def share(pair: Pair, constant: Fill) -> Pair:
    """Return the same call of arrayinit, with a constant fill as its peer."""
    return pair._replace(section=BANDWIDTH, name=f"{pair.name}, share", peer=constant)


def by_events(event: Callable[[], Any], milliseconds: Callable[[Any, Any], float]) -> Clock:
    """Return a clock of CUDA events on the current stream."""

    def clock(fill: Fill, repeats: int) -> float:
        start, end = event(), event()
        start.record()
        for _ in range(repeats):
            fill()
        end.record()
        end.synchronize()
        return milliseconds(start, end) / 1e3 / repeats

    return clock


def power(n: int) -> str:
    return f"2^{n.bit_length() - 1}" if n & (n - 1) == 0 else str(n)
