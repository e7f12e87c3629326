"""NumPy in CuPy's place, where both have the same interface: it has a device, and tells it of every operation."""

from __future__ import annotations

import ctypes
from struct import pack
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from cuda_on_host import kernels

from arrayinit.kernels.cuda import THREADS


class Device:
    """The context that CuPy's work must be done in; remembers what was done outside."""

    def __init__(self) -> None:
        self.id, self.depth, self.outside, self.capturing = 0, 0, [], False

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1

    def used(self, what: str) -> None:
        if not self.depth:
            self.outside.append(what)


DEVICE = Device()


class Array(np.ndarray):
    """NumPy's array as CuPy's: it has a device, and tells it of every operation."""

    __module__ = "cupy"
    device = DEVICE

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **options: Any) -> Any:
        DEVICE.used(ufunc.__name__)
        if out:
            options["out"] = tuple(map(plain, out))
        result = getattr(ufunc, method)(*map(plain, inputs), **options)
        return out[0] if out else result.view(Array)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        DEVICE.used(function.__name__)
        result = super().__array_function__(function, types, inputs, options)
        return result.view(Array) if type(result) is np.ndarray else result

    def __setitem__(self, index: Any, value: Any) -> None:
        DEVICE.used("__setitem__")
        super().__setitem__(index, value)


def plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, Array) else x


def on_device(function: Any) -> Any:
    """Let a function of NumPy make an array of CuPy's."""

    def made(*inputs: Any, **options: Any) -> Array:
        DEVICE.used(function.__name__)
        return function(*map(plain, inputs), **options).view(Array)

    return made


class Generator:
    def __init__(self, seed: int) -> None:
        own = np.random.default_rng(seed)
        self.random, self.standard_normal = on_device(own.random), on_device(own.standard_normal)


class RandomState:
    def __init__(self, seed: int) -> None:
        own = np.random.default_rng(seed)
        self.random_sample, self.standard_normal = on_device(own.random), on_device(own.standard_normal)


STATE = RandomState(7)


class RawKernel:
    """A kernel of CUDA's that runs on the host."""

    def __init__(self, code: str, name: str) -> None:
        assert name == "draw"
        self.code = code

    def __call__(self, grid: tuple[int], block: tuple[int], args: tuple[Array, *tuple[np.ndarray, ...]]) -> None:
        DEVICE.used("RawKernel")
        out, *structs = args
        assert type(out) is Array
        # What is of NumPy CuPy takes by value, if its size is one.
        assert (block, [struct.size for struct in structs]) == ((THREADS,), [1, 1, 1])
        given = (pack("P", out.ctypes.data), *(struct.tobytes() for struct in structs))
        kernels().launch(self.code, *grid, (ctypes.c_char_p * 4)(*given))


def cupy(*, is_hip: bool = False) -> ModuleType:
    """Return what stands for the package, for a GPU of NVIDIA or of AMD."""
    package = ModuleType("cupy")
    package.ndarray = Array
    for name in ("multiply", "copyto", "clip", "argsort", "sort", "may_share_memory", "result_type"):
        setattr(package, name, getattr(np, name))
    for name in ("empty", "arange", "asarray", "ascontiguousarray", "broadcast_to"):
        setattr(package, name, on_device(getattr(np, name)))
    package.complex64 = np.complex64
    package.RawKernel = RawKernel
    package.cuda = ModuleType("cupy.cuda")
    package.cuda.runtime = ModuleType("cupy.cuda.runtime")
    package.cuda.runtime.is_hip = is_hip
    package.cuda.memory = ModuleType("cupy.cuda.memory")
    package.cuda.memory.OutOfMemoryError = type("OutOfMemoryError", (MemoryError,), {})
    package.cuda.get_current_stream = lambda: SimpleNamespace(is_capturing=lambda: DEVICE.capturing)
    package.asnumpy = lambda x: np.array(plain(x))
    package.random = ModuleType("cupy.random")
    package.random.Generator, package.random.RandomState = Generator, RandomState
    package.random.get_random_state = lambda: DEVICE.used("get_random_state") or STATE
    return package
