"""A GPU by cuda.bindings alone: memory, kernels by the library's own compiler, and events."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct
from typing import Any

import numpy as np
from cuda.bindings import driver

from arrayinit.kernels import _nvrtc
from arrayinit.kernels.cuda import THREADS
from first_day.steps import NoDeviceError

_ADDRESS = Struct("P")
_ATTRIBUTES = driver.CUdevice_attribute
_OF_FUNCTIONS = driver.CUfunction_attribute


def ask(answer: tuple[Any, ...]) -> Any:
    """Return what a call of the driver returned beside its error code."""
    error, *values = answer
    if error:
        raise RuntimeError(f"CUDA: {error.name}")
    return values[0] if len(values) == 1 else values


class Device:
    """The first GPU."""

    def __init__(self) -> None:
        try:
            ask(driver.cuInit(0))
            self.device = ask(driver.cuDeviceGet(0))
        except RuntimeError as error:
            raise NoDeviceError(f"no GPU: {error}") from error
        ask(driver.cuCtxSetCurrent(ask(driver.cuDevicePrimaryCtxRetain(self.device))))
        self.name = ask(driver.cuDeviceGetName(100, self.device)).split(b"\0")[0].decode()
        major, minor = (self.attribute(f"COMPUTE_CAPABILITY_{part}") for part in ("MAJOR", "MINOR"))
        self.capability = (major, minor)
        self.multiprocessors = self.attribute("MULTIPROCESSOR_COUNT")
        self.architecture = _nvrtc.best_architecture(self.capability)

    def attribute(self, name: str) -> int:
        return int(ask(driver.cuDeviceGetAttribute(getattr(_ATTRIBUTES, f"CU_DEVICE_ATTRIBUTE_{name}"), self.device)))

    def function(self, source: str) -> Any:
        """Return a kernel, which is called ``draw``."""
        module = ask(driver.cuModuleLoadData(_nvrtc.compiled(source, self.architecture)))
        return ask(driver.cuModuleGetFunction(module, b"draw"))

    def of_function(self, name: str, function: Any) -> int:
        return int(ask(driver.cuFuncGetAttribute(getattr(_OF_FUNCTIONS, f"CU_FUNC_ATTRIBUTE_{name}"), function)))

    def blocks(self, function: Any) -> int:
        """Return how many blocks of a kernel a multiprocessor holds at once."""
        return int(ask(driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(function, THREADS, 0)))

    def launch(self, function: Any, grid: int, out: int, *structs: bytes) -> float:
        """Run a kernel that takes the address of its results, and structs by value. Return its milliseconds."""
        arguments = (ctypes.c_char_p * (1 + len(structs)))(_ADDRESS.pack(out), *structs)
        start, end = (ask(driver.cuEventCreate(0)) for _ in range(2))
        ask(driver.cuEventRecord(start, 0))
        ask(driver.cuLaunchKernel(function, grid, 1, 1, THREADS, 1, 1, 0, 0, ctypes.addressof(arguments), 0))
        ask(driver.cuEventRecord(end, 0))
        ask(driver.cuEventSynchronize(end))
        took = float(ask(driver.cuEventElapsedTime(start, end)))
        for event in (start, end):
            ask(driver.cuEventDestroy(event))
        return took

    @contextmanager
    def memory(self, size: int) -> Iterator[int]:
        """Take memory for a while, and return its address."""
        address = ask(driver.cuMemAlloc(size))
        try:
            yield int(address)
        finally:
            ask(driver.cuMemFree(address))

    def read(self, address: int, count: int, dtype: Any) -> np.ndarray[Any, Any]:
        """Return numbers of the device's memory."""
        values = np.empty(count, dtype)
        ask(driver.cuMemcpyDtoH(values.ctypes.data, address, values.nbytes))
        return values
