"""CUDA C++ compiled by NVRTC, NVIDIA's compiler as a library, for which neither a GPU nor a C compiler is needed."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from cuda.bindings import nvrtc  # pyright: ignore[reportAttributeAccessIssue]

from arrayinit.kernels import machine_code

# A product and a sum stay two operations. The kernels' own instructions say how each is rounded.
_OPTIONS = ("--std=c++17", "--fmad=false")


def best_architecture(capability: tuple[int, int]) -> int:
    """Return the newest architecture that runs on a GPU of this compute capability, as 90 for 9.0."""
    major, minor = capability
    # A GPU runs the machine code of its own major version, up to its minor version.
    known = [number for number in _ask(nvrtc.nvrtcGetSupportedArchs()) if divmod(number, 10) <= (major, minor)]
    if not known or max(known) // 10 != major:
        raise RuntimeError(f"NVRTC {'.'.join(map(str, _version()))} does not compile for a GPU of version {capability}")
    return int(max(known))


def compiled(source: str, architecture: int) -> bytes:
    """Return the machine code of a source, compiled now or in an earlier process."""
    options = (*_OPTIONS, f"--gpu-architecture=sm_{architecture}")
    name = sha256(repr((source, _version(), options)).encode()).hexdigest()
    code = machine_code.load(name)
    if code is None:
        code = _compiled(source, options)
        machine_code.store(name, code)
    return code


def _compiled(source: str, options: tuple[str, ...]) -> bytes:
    program = _ask(nvrtc.nvrtcCreateProgram(source.encode(), b"arrayinit.cu", 0, [], []))
    try:
        (error,) = nvrtc.nvrtcCompileProgram(program, len(options), [option.encode() for option in options])
        if error:
            log = bytearray(_ask(nvrtc.nvrtcGetProgramLogSize(program)))
            _ask(nvrtc.nvrtcGetProgramLog(program, log))
            raise RuntimeError(f"NVRTC: {error.name}: {log.decode(errors='replace')}")
        code = bytearray(_ask(nvrtc.nvrtcGetCUBINSize(program)))
        _ask(nvrtc.nvrtcGetCUBIN(program, code))
    finally:
        _ask(nvrtc.nvrtcDestroyProgram(program))
    return bytes(code)


@cache
def _version() -> tuple[int, int]:
    major, minor = _ask(nvrtc.nvrtcVersion())
    return major, minor


def _ask(answer: tuple[Any, ...]) -> Any:
    """Return what a call of NVRTC returned beside its error code."""
    error, *values = answer
    if error:
        raise RuntimeError(f"NVRTC: {error.name}")
    return values[0] if len(values) == 1 else values
