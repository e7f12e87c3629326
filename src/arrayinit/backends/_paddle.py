"""Paddle: NumPy fills the memory of a tensor on the CPU. Other devices get chunks from the host."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import paddle

from arrayinit.backends import Array, Device, Fill, Seed, Table, numpy_generator, ready
from arrayinit.backends.arguments import overlaps
from arrayinit.backends.memory import InHostMemory, host_memory
from arrayinit.kernels.rounding import BEYOND_NUMPY, BYTES


class Paddle(InHostMemory):
    """Adapter for `paddle.Tensor` and parameters. Variables of a static graph have no values, and are refused."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, (paddle.Tensor, paddle.pir.Value, paddle.static.Variable))

    def devices(self) -> Iterator[Device]:
        for device in ("cpu", *(f"gpu:{k}" for k in range(paddle.device.cuda.device_count()))):
            empty = partial(paddle.empty, dtype="float32", device=device)
            finish = ready if device == "cpu" else lambda x: paddle.device.synchronize(x.place)
            yield Device("paddle", paddle.__version__, device, empty, finish, lambda x: x.numpy())

    def dtype(self, x: Array) -> str:
        if not (isinstance(x, paddle.Tensor) and paddle.in_dynamic_mode()):
            raise TypeError("x cannot be filled in a static graph or in paddle.jit.to_static: fill it before, outside")
        if x.is_sparse() or x.is_selected_rows():
            raise TypeError("x is sparse, without an element at each index: pass x.values() or x.to_dense()")
        if x.is_dist():
            raise TypeError("x is distributed: fill the whole tensor, and then call paddle.distributed.shard_tensor")
        if not x._is_initialized() and math.prod(x.shape):  # noqa: SLF001 (Paddle has no other name for it)
            raise RuntimeError(f"x of shape {tuple(x.shape)} has no memory yet: call x.initialize()")
        return str(x.dtype).removeprefix("paddle.")

    def check_writable(self, x: Array) -> None:
        if overlaps(tuple(x.strides), tuple(x.shape)):
            raise ValueError(f"elements of x, of shape {tuple(x.shape)}, share memory: pass x.clone()")

    def generator(self, x: Array, rng: Any) -> np.random.Generator | Seed:
        """``rng=None`` means a fresh seed from Paddle's global generator, which `paddle.seed` sets."""
        if rng is None:
            return Seed(tuple(paddle.randint(0, 2**31 - 1, [4]).tolist()))
        return numpy_generator(rng, "a Paddle tensor")

    def address(self, x: Array) -> int:
        return int(x.data_ptr()) if x.place.is_cpu_place() and x.is_contiguous() else 0

    def written(self, x: Array) -> None:
        x._bump_inplace_version()  # noqa: SLF001

    def read(self, x: Array) -> Iterator[Array]:
        bare = x.detach().astype("float32") if self.dtype(x) in BEYOND_NUMPY else x.detach()
        if not bare.place.is_cpu_place():
            yield bare
        yield np.from_dlpack(bare.cpu())

    def write(self, x: Array, fill: Fill) -> Array:
        name = self.dtype(x)
        if x.place.is_cpu_place():
            fill.fill_memory(host_memory(x.data_ptr(), x.shape, x.strides, name, x.detach()), name)
        else:
            for index, chunk in fill.chunks(tuple(x.shape), name):
                # Paddle reads NumPy's uint16 as bfloat16.
                memory = paddle.to_tensor(Table(chunk).memory(chunk.shape, name), place="cpu")
                x.detach()[index or ...].copy_(memory.view(name) if name in BYTES else memory, True)
        self.written(x)
        return x


# paddle.jit.to_static would translate the functions of arrayinit, and fail before the error of `Paddle.dtype`.
paddle.jit.ignore_module([sys.modules["arrayinit"]])
BACKEND = Paddle()
