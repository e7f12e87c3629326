"""torch: one in-place torch operation on the tensor itself, so that the values equal torch's own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch

from arrayinit.backends._torch import at_once, dtensor, memory, narrow, wrappers
from arrayinit.backends._torch.copies import copy, exports
from arrayinit.backends._torch.dtensor import arange, check_native, empty, entries, fill_from_seed, local_boxes, pairs
from arrayinit.backends._torch.memory import PLAIN, fill_memory, is_opaque, is_plain, is_recorded, is_unseen, is_wrapped
from arrayinit.backends._torch.pieces import fill_pieces
from arrayinit.backends.arguments import describe
from arrayinit.backends.computed import Computed
from arrayinit.backends.decomposition import by_blocks, by_qr
from arrayinit.backends.device import Device, ready
from arrayinit.backends.native import NativeBackend
from arrayinit.backends.protocol import Array, InPlace, Sharded
from arrayinit.core.distributions import Distribution, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS, NAMES, FloatFormat
from arrayinit.core.truncation import Truncation, truncation
from arrayinit.kernels.draw import CHUNK, Draw
from arrayinit.kernels.fill import Constant, Fill, Identity
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.subsets import smallest
from arrayinit.kernels.table import Table
from arrayinit.stream.seed import KINDS, Seed

_DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in NAMES}
_TWO_SIGMA = TruncatedNormal(0.0, 1.0, -2.0, 2.0)
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class Torch(NativeBackend, Sharded, InPlace):
    """Adapter for `torch.Tensor` and its subclasses: Parameters, FakeTensors, DTensors."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, torch.Tensor)

    def devices(self) -> Iterator[Device]:
        devices = ["cpu"]
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        if accelerator is not None:
            devices += [f"{accelerator.type}:{i}" for i in range(torch.accelerator.device_count())]
        for device in devices:
            yield Device(
                "torch",
                torch.__version__,
                device,
                partial(torch.empty, dtype=torch.float32, device=device),
                ready if device == "cpu" else lambda x: torch.accelerator.synchronize(x.device),
                lambda x: x.cpu().numpy(),
                compiles=device != "cpu",
            )

    def namespace(self, x: Array) -> Any:
        return xp

    def dtype(self, x: Array) -> str:
        # The dtype is read before the sizes, which such a tensor may lack, so it is checked here.
        if x.is_nested or type(x) not in PLAIN:
            memory.check_dense(x)
        return _NAMES.get(x.dtype) or str(x.dtype).removeprefix("torch.")

    # The functions themselves, since methods that call them take longer.
    check_writable = staticmethod(memory.check_writable)  # pyright: ignore[reportAssignmentType]
    by_shard = staticmethod(dtensor.by_shard)  # pyright: ignore[reportAssignmentType]
    kind = staticmethod(at_once.kind)  # pyright: ignore[reportAssignmentType]
    fill_at_once = staticmethod(at_once.fill_at_once)  # pyright: ignore[reportAssignmentType]

    def generator(self, x: Array, rng: Any) -> torch.Generator | np.random.Generator | None:
        """``rng=None`` means torch's global generator."""
        if rng is None or isinstance(rng, torch.Generator):
            if type(x) not in PLAIN:
                check_native(x)
            return rng
        if isinstance(rng, np.random.Generator):
            # A meta tensor has no values, so NumPy must not draw any on the host.
            return None if x.is_meta else rng
        raise TypeError(
            f"rng for a torch tensor must be None (torch's global generator), {KINDS}, a torch.Generator "
            f"or a numpy.random.Generator, got {describe(rng)}"
        )

    def read(self, x: Array) -> Iterator[Array]:
        return exports(x)

    def write(self, x: Array, fill: Fill) -> Array:
        if type(fill) is Draw and is_unseen(x) and fill_memory(x, fill):
            return x
        if type(x) not in PLAIN and is_opaque(x):
            return wrappers.fill_wrapper(x, lambda plain: self._fill(plain, fill))
        try:
            return self._fill(x, fill)
        except RuntimeError:
            if not is_wrapped(x):
                raise
        # torch refuses to write into a leaf, and torch.vmap hides whether x is one. A check would cost small calls 3 %.
        self._fill(x.detach(), fill)
        return x

    def _fill(self, x: Array, fill: Any) -> Array:
        # isinstance() takes half a microsecond to say no, since a fill is an abstract class.
        kind = type(fill)
        if kind is Draw:
            fill_from_seed(x, fill)
        elif kind is Constant:
            self._constant(x, fill.value)
        elif kind is Table:
            copy(x, fill.values)
        elif kind is Identity:
            self._constant(x, 0)
            if fill.count:
                self.set_at(x, fill.index(arange(x, fill.count)), fill.value)
        elif kind is Pieces:
            fill_pieces(x, fill, self._fill)
        elif fill.is_of_numpy:
            self._from_numpy(x, fill)
        else:
            return fill.compute(self, x)
        return x

    def _from_numpy(self, x: Array, fill: Computed) -> None:
        """Draw by NumPy's generator into the tensor's memory, or into a host array if NumPy cannot see the memory."""
        if is_unseen(x) and fill_memory(x, fill):
            return
        values = fill.on_host()
        if x.is_cpu:
            self.assign(x, torch.from_numpy(values))
        else:
            # Chunk by chunk.
            copy(x, values)

    def _constant(self, x: Array, value: complex) -> None:
        for part in (x,) if type(x) in PLAIN else [part for part, _ in local_boxes(x)]:
            narrow.fill(part.detach() if part.requires_grad else part, value)

    def assign(self, x: Array, values: Array) -> Array:
        if values is not x:
            with torch.no_grad():
                for part, its in pairs(x, values):
                    narrow.store(part, its)
        return x

    def set_at(self, x: Array, index: tuple[Any, ...], value: Array | complex) -> Array:
        with torch.no_grad():
            for part, here, its in entries(x, index, value):
                values = its if isinstance(its, torch.Tensor) else part.new_full((), its, requires_grad=False)
                narrow.indexable(part)[here] = narrow.indexable(values)
        return x

    def empty(self, x: Array, shape: tuple[int, ...], dtype: str) -> Array:
        return empty(x, shape, _DTYPES[dtype])

    def wider(self, x: Array, dtype: str) -> Array:
        """Return an array sharded as ``x`` is; `empty` replicates."""
        return x.new_empty(x.shape, dtype=_DTYPES[dtype], requires_grad=False)

    def subsets(self, x: Array, count: int, generator: torch.Generator | None) -> tuple[Array, Array]:
        rows, columns = x.shape
        if torch.compiler.is_compiling() or memory.is_proxied() or not is_plain(x):
            keys = self.empty(x, (rows, columns), "float32").uniform_(generator=generator)
            order = keys.argsort(dim=0)[:count]
            return order, arange(x, columns)
        # On the CPU NumPy selects ten times as fast as torch sorts. torch draws one word, or four 16-bit keys, in half
        # of the time of four draws.
        words = torch.empty(-(-rows * columns // 4), dtype=torch.int64, device=x.device)
        words.random_(-(1 << 63), None, generator=generator)
        keys = words.view(torch.int16)[: rows * columns].view(columns, rows)
        if not is_recorded():
            return torch.from_numpy(smallest(keys.numpy(), count)), arange(x, columns)
        packed = keys.long().mul_(rows).add_(torch.arange(rows, device=x.device))
        return packed.topk(count, largest=False).indices.T, arange(x, columns)

    def draw(
        self, x: Array, distribution: Distribution, generator: torch.Generator | None, dtype: FloatFormat
    ) -> Array:
        """Draw with torch's own functions where it has them: in 16 bits too, but not in 8 bits."""
        # detach() costs less than torch.no_grad() and records nothing either. Memory and version counter are shared.
        bare = x.detach() if x.requires_grad else x
        has_own = x.dtype not in narrow.FLOAT8
        if has_own and isinstance(distribution, Uniform):
            self.uniform(bare, distribution, generator)
        elif has_own and isinstance(distribution, Normal):
            self.normal(bare, distribution, generator)
        elif isinstance(distribution, TruncatedNormal) and distribution.variance and torch.compiler.is_compiling():
            self._scaled(bare, distribution.std, generator, FORMATS[dtype.compute])
        elif not torch.compiler.is_compiling() and is_plain(bare) and bare.is_contiguous():
            # The last chunk is as long as the others, or longer: torch draws few normals in another way than many.
            count = max(1, bare.numel() // CHUNK)
            for chunk in bare.view(-1).split([CHUNK] * (count - 1) + [bare.numel() - CHUNK * (count - 1)]):
                super().draw(chunk, distribution, generator, dtype)
        else:
            super().draw(bare, distribution, generator, dtype)
        return x

    def _scaled(self, x: Array, std: float, generator: torch.Generator | None, dtype: FloatFormat) -> None:
        """Scale a unit draw. Sizes, and so std, may be symbolic; a symbolic std has neither a plan nor limits."""
        unit = self.empty(x, tuple(x.shape), dtype.name)
        self.assign(x, super().draw(unit, _TWO_SIGMA, generator, dtype).mul_(std))

    def uniform(self, x: Array, d: Uniform, generator: torch.Generator | None) -> Array:
        return x.uniform_(d.low, d.high, generator=generator)

    def normal(self, x: Array, d: Normal, generator: torch.Generator | None) -> Array:
        if d.mean and x.is_complex():
            # torch would add the mean to the imaginary parts too.
            return x.normal_(0.0, d.std, generator=generator).add_(d.mean)
        return x.normal_(d.mean, d.std, generator=generator)

    def plan(self, d: TruncatedNormal) -> Truncation:
        if not torch.compiler.is_compiling():
            return truncation(d)
        # Imported here: this imports torch's compiler, which takes as long as importing torch.
        from arrayinit.backends._torch.truncation import plan

        constant: Truncation = plan(d.mean, d.std, d.low, d.high)
        return constant

    def quantile(self, _: Any, q: Array, /) -> Array:
        q *= 2.0
        q.erfinv_()
        q *= math.sqrt(2.0)
        return q

    def qr(self, matrix: Array, generator: torch.Generator | Seed | None) -> Array:
        """Give torch's bits for torch's own generators. On a CPU torch's float32 decomposition is as fast as blocks."""
        by_products = isinstance(generator, Seed) and matrix.is_cuda
        return (by_blocks if by_products else by_qr)(xp, matrix)

    def join(self, real: Array, imaginary: Array) -> Array:
        return torch.complex(real, imaginary)

    def clip(self, x: Array, limits: tuple[float, float]) -> Array:
        # hardtanh_ equals clamp_, for which torch.vmap has only a slow rule.
        return torch.nn.functional.hardtanh_(x, *limits)


BACKEND = Torch()
