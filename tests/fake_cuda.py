"""CUDA's driver without a GPU: a libcuda that the real cuda.bindings load, whose kernels run as C++ on the host.

What it is asked for it answers as the driver does: a launch needs a context that is current in its thread, and takes
its arguments by their addresses. The memory of a GPU is that of the host.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import ClassVar

from cuda_on_host import Kernels

DRIVER = r"""
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
typedef void (*Launch)(void* function, unsigned int grid, unsigned int block, void* stream, void** arguments);
static Launch launch;
static _Thread_local void* context;
static char images[1024][16];
static int count;
int cuInit(unsigned int flags) { return flags ? 1 : 0; }
// NVRTC asks an installed driver for more, and does without.
int cuGetExportTable(const void** table, const void* name) { *table = 0; return 500; }
int cuDriverGetVersion(int* version) { *version = 13000; return 0; }
int cuDeviceGet(int* device, int number) { *device = number; return number < 0 || number > 7 ? 101 : 0; }
int cuDeviceGetName(char* name, int size, int device) { strncpy(name, "a stub", size); return 0; }
// Of all attributes: a GPU has compute capability 9.0, and 2 of what else is asked for.
int cuDeviceGetAttribute(int* value, int which, int device) {
    *value = which == 75 ? 9 : which == 76 ? 0 : 2;
    return 0;
}
int cuDevicePrimaryCtxRetain(void** made, int device) { *made = (void*) (device + 1L); return 0; }
int cuCtxSetCurrent(void* wanted) { context = wanted; return 0; }
int cuModuleLoadData(void** module, const void* image) {
    if (!context) return 201;
    if (count == 1024) return 2;
    *module = strncpy(images[count++], image, 15);
    return 0;
}
int cuModuleUnload(void* module) { return 0; }
int cuModuleGetFunction(void** function, void* module, const char* name) {
    *function = module;
    return strcmp(name, "draw") ? 500 : 0;
}
int cuLaunchKernel(void* function, unsigned int x, unsigned int y, unsigned int z, unsigned int block, unsigned int v,
                   unsigned int w, unsigned int shared, void* stream, void** arguments, void** extra) {
    if (!context) return 201;
    if (!x || y != 1 || z != 1 || v != 1 || w != 1 || block > 1024 || shared || extra) return 1;
    if (launch) launch(function, x, block, stream, arguments);
    return 0;
}
int cuFuncGetAttribute(int* value, int which, void* function) { *value = 40; return 0; }
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int threads, size_t shared) {
    *blocks = 6;
    return 0;
}
int cuMemAlloc(void** made, size_t size) { *made = malloc(size); return context ? 0 : 201; }
int cuMemFree(void* memory) { free(memory); return 0; }
int cuMemcpyDtoH(void* to, void* from, size_t size) { memcpy(to, from, size); return 0; }
int cuEventCreate(void** made, unsigned int flags) { *made = malloc(1); return 0; }
int cuEventDestroy(void* event) { free(event); return 0; }
int cuEventRecord(void* event, void* stream) { return 0; }
int cuEventSynchronize(void* event) { return 0; }
int cuEventElapsedTime(float* milliseconds, void* start, void* end) { *milliseconds = 1; return 0; }
int cuGetProcAddress_v2(const char* name, void** function, int version, unsigned long flags, int* status) {
    void* self = dlopen("libcuda.so.1", RTLD_NOLOAD | RTLD_NOW);
    *function = dlsym(self, name);
    if (status) *status = *function ? 0 : 1;
    return *function ? 0 : 500;
}
void run_by(Launch given) { launch = given; }
void leave_context(void) { context = 0; }
"""

_LAUNCH = ctypes.CFUNCTYPE(None, ctypes.c_char_p, *[ctypes.c_uint] * 2, *[ctypes.c_void_p] * 2)


class Driver:
    """A driver, and what it was asked to launch. All drivers of a process are one library, with one table of images."""

    _compiled: ClassVar[list[tuple[Driver, str]]] = []

    def __init__(self) -> None:
        self.kernels: Kernels | None = None
        self.launched: list[tuple[str, int]] = []
        _library()

    def compiled(self, source: str, architecture: int) -> bytes:
        """Stand for NVRTC: return what stands for the machine code of a source."""
        assert architecture == 90
        self._compiled.append((self, source))
        return str(len(self._compiled) - 1).encode()

    def runs(self, sources: Iterable[str]) -> None:
        """Run kernels of these sources. Without this call a launch does nothing."""
        self.kernels = Kernels(sources)
        _library().run_by(_launch)


@cache
def _library() -> ctypes.CDLL:
    """Build the library and load it. A second one would be loaded beside it, and cuda.bindings would keep the first."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "driver.c").write_text(DRIVER)
        command = ["gcc", "-O1", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "driver.c", "-o", "libcuda.so.1"]
        subprocess.run(command, cwd=folder, check=True)
        # cuda.bindings ask for the library by this name, and get the one that is loaded.
        return ctypes.CDLL(f"{folder}/libcuda.so.1")


@_LAUNCH
def _launch(image: bytes, grid: int, _: int, stream: int | None, arguments: int) -> None:
    driver, source = Driver._compiled[int(image)]
    driver.launched.append((source, stream or 0))
    if driver.kernels is not None:
        driver.kernels.launch(source, grid, ctypes.c_void_p(arguments))
