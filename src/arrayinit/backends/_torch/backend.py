"""torch: its own in-place operations, once, on the tensor itself, so that its values are torch's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch

from arrayinit.backends._torch import memory, wrappers
from arrayinit.backends._torch.copies import copy, exports
from arrayinit.backends._torch.custom_op import apply, write
from arrayinit.backends._torch.dtensor import (
    boxes,
    check_native,
    entries,
    fill_shard,
    is_sharded,
    local,
    pairs,
    replicated,
)
from arrayinit.backends._torch.memory import PLAIN, is_opaque, is_plain, is_proxied, is_recorded, is_wrapped, shared
from arrayinit.backends.arguments import describe
from arrayinit.backends.decomposition import by_blocks, by_qr
from arrayinit.backends.native import Native
from arrayinit.backends.protocol import Array
from arrayinit.core.distributions import Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS, NAMES, FloatFormat
from arrayinit.core.truncation import Truncation, truncation
from arrayinit.kernels.draw import CHUNK, Draw
from arrayinit.kernels.subsets import smallest
from arrayinit.stream.seed import KINDS, Seed

_DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in NAMES}
_TWO_SIGMA = TruncatedNormal(0.0, 1.0, -2.0, 2.0)
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class Torch(Native):
    """Adapter for `torch.Tensor` and its subclasses: Parameters, FakeTensors, DTensors."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, torch.Tensor)

    def namespace(self, x: Array) -> Any:
        return xp

    def dtype(self, x: Array) -> str:
        # Here, since it is asked for before the sizes are, which such a tensor may lack.
        if x.is_nested or type(x) not in PLAIN:
            memory.check_dense(x)
        return _NAMES.get(x.dtype) or str(x.dtype).removeprefix("torch.")

    def check_writable(self, x: Array) -> None:
        memory.check_writable(x)
        if type(x) not in PLAIN and not torch.compiler.is_compiling() and is_sharded(x):
            memory.check_writable(local(x))

    def where_it_lives(self, x: Array, body: Callable[[Array], Array]) -> Array:
        if type(x) not in PLAIN and is_opaque(x):
            return wrappers.fill(x, body)
        try:
            return body(x)
        except RuntimeError:
            if not is_wrapped(x):
                raise
        # torch refuses to write into a leaf, which torch.vmap hides; to ask before would cost each small call 3 %.
        body(x.detach())
        return x

    def generator(self, x: Array, rng: Any) -> torch.Generator | np.random.Generator | None:
        """None is torch's global generator."""
        if rng is None or isinstance(rng, torch.Generator):
            if type(x) not in PLAIN:
                check_native(x)
            return rng
        if isinstance(rng, np.random.Generator):
            # Into a meta tensor nothing is drawn, so nothing is to be made on the host.
            return None if x.is_meta else rng
        raise TypeError(
            f"rng for a torch tensor must be None (torch's global generator), {KINDS}, a torch.Generator "
            f"or a numpy.random.Generator, got {describe(rng)}"
        )

    def fill(self, x: Array, value: complex) -> Array:
        if not is_sharded(x):
            (x.detach() if x.requires_grad else x).fill_(value)
            return x
        with torch.no_grad():
            for part, _ in boxes(x):
                part.fill_(value)
        return x

    def assign(self, x: Array, values: Array) -> Array:
        if values is x:
            return x
        with torch.no_grad():
            if not is_sharded(x):
                return x.copy_(values)
            for part, its in pairs(x, values):
                part.copy_(its)
        return x

    def exports(self, x: Array) -> Iterator[Array]:
        return exports(x)

    def copy(self, x: Array, source: Array) -> Array:
        return copy(x, source)

    def put(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        if is_sharded(x):
            for part, place, its in entries(x, index, value):
                self.put(part, place, its)
            return x
        values = value if isinstance(value, torch.Tensor) else x.new_full((), value, requires_grad=False)
        with torch.no_grad():
            if x.dtype in _SIGNED:
                # torch indexes no unsigned integers but bytes.
                x.view(_SIGNED[x.dtype])[index] = values.view(_SIGNED[x.dtype])
            else:
                x[index] = values
        return x

    def arange(self, x: Array, count: int) -> Array:
        # Made from x, so that for a fake tensor it is one too.
        return local(x).new_ones(count, dtype=torch.int64, requires_grad=False).cumsum(0) - 1

    def host(self, x: Array) -> np.ndarray[Any, Any] | None:
        """A CPU tensor shares its memory with NumPy, whose writes no mode sees."""
        return None if is_recorded() else shared(x)

    def portable(self, x: Array, draw: Draw) -> Array:
        is_compiling = torch.compiler.is_compiling()
        if not is_compiling:
            # Raises, as the draw itself would; but into a tensor without memory there is none.
            draw.distribution.limits(draw.dtype)
        if x.is_meta:
            return x
        # What torch.func has wrapped is written by torch's copies, which a mode sees.
        if type(x) in PLAIN and not is_compiling and (not is_recorded() or is_wrapped(x)):
            write(x, draw)
        elif is_sharded(x):
            fill_shard(x, draw)
        else:
            apply(x.detach(), draw)
        return x

    def from_host(self, x: Array, values: np.ndarray[Any, Any]) -> Array:
        return torch.from_numpy(values).to(x.device)

    def split(self, generator: torch.Generator | None, count: int) -> list[torch.Generator | None]:
        """Consecutive draws are independent."""
        return [generator] * count

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        if is_sharded(x):
            return replicated(x, shape, _DTYPES[dtype])
        return x.new_empty(shape, dtype=_DTYPES[dtype], requires_grad=False)

    def wider(self, x: Array, dtype: str) -> Array:
        """Cut as ``x`` is, which `empty` is not."""
        return x.new_empty(x.shape, dtype=_DTYPES[dtype], requires_grad=False)

    def subsets(self, x: Array, count: int, generator: torch.Generator | None) -> tuple[Array, Array]:
        rows, columns = x.shape
        if torch.compiler.is_compiling() or is_proxied() or not is_plain(x):
            keys = self.empty(x, (rows, columns), "float32").uniform_(generator=generator)
            order = keys.argsort(dim=0)[:count]
            return order, self.arange(x, columns)
        # On the CPU NumPy selects ten times as fast as torch sorts, and torch makes four 16-bit keys out of one word in
        # half of the time that it takes for four.
        words = torch.empty(-(-rows * columns // 4), dtype=torch.int64, device=x.device)
        words.random_(-(1 << 63), None, generator=generator)
        keys = words.view(torch.int16)[: rows * columns].view(columns, rows)
        if not is_recorded():
            return torch.from_numpy(smallest(keys.numpy(), count)), self.arange(x, columns)
        packed = keys.long().mul_(rows).add_(torch.arange(rows, device=x.device))
        return packed.topk(count, largest=False).indices.T, self.arange(x, columns)

    def draw(self, x: Array, distribution: Distribution, generator: torch.Generator | None, form: FloatFormat) -> Array:
        """What torch can draw itself, in 16 bits too, is torch's own."""
        # Cheaper than torch.no_grad(), and as traceless: the memory and the version counter are shared.
        bare = x.detach() if x.requires_grad else x
        if isinstance(distribution, Uniform):
            self.uniform(bare, distribution, generator)
        elif isinstance(distribution, Normal):
            self.normal(bare, distribution, generator)
        elif isinstance(distribution, TruncatedNormal) and distribution.variance and torch.compiler.is_compiling():
            self._scaled(bare, distribution.std, generator, FORMATS[form.compute])
        elif not torch.compiler.is_compiling() and is_plain(bare) and bare.is_contiguous():
            for chunk in bare.view(-1).split(CHUNK):
                super().draw(chunk, distribution, generator, form)
        else:
            super().draw(bare, distribution, generator, form)
        return x

    def _scaled(self, x: Array, std: float, generator: torch.Generator | None, form: FloatFormat) -> None:
        """Scale a unit draw: sizes may be symbolic, and so the std, of which neither a plan nor limits can be made."""
        unit = self.empty(x, tuple(x.shape), form.name)
        self.assign(x, super().draw(unit, _TWO_SIGMA, generator, form).mul_(std))

    def uniform(self, x: Array, d: Uniform, generator: torch.Generator | None) -> Array:
        return x.uniform_(d.low, d.high, generator=generator)

    def normal(self, x: Array, d: Normal, generator: torch.Generator | None) -> Array:
        if d.mean and x.is_complex():
            # torch would give the imaginary parts the mean too.
            return x.normal_(0.0, d.std, generator=generator).add_(d.mean)
        return x.normal_(d.mean, d.std, generator=generator)

    def plan(self, d: TruncatedNormal) -> Truncation:
        if not torch.compiler.is_compiling():
            return truncation(d)
        # Not at the top: it imports torch's compiler, which takes as long as torch itself.
        from arrayinit.backends._torch.truncation import plan

        constant: Truncation = plan(d.mean, d.std, d.low, d.high)
        return constant

    def quantile(self, _: Any, q: Array, /) -> Array:
        q *= 2.0
        q.erfinv_()
        q *= math.sqrt(2.0)
        return q

    def orthonormal(self, matrix: Array, generator: torch.Generator | Seed | None) -> Array:
        """With torch's bits for torch's own generators; on a CPU its decomposition of float32 is as fast."""
        by_products = isinstance(generator, Seed) and matrix.is_cuda
        return (by_blocks if by_products else by_qr)(xp, matrix)

    def join(self, real: Array, imaginary: Array) -> Array:
        return torch.complex(real, imaginary)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        # The same as clamp_, for which torch.vmap has no rule but a slow one.
        return torch.nn.functional.hardtanh_(x, *limits)


BACKEND = Torch()
