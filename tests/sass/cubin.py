"""CUDA C++ compiled by NVRTC from PyPI, for which no GPU is needed, and what the file says of a kernel."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

# The attributes of a kernel that its sections .nv.info hold, by the numbers that the file format gives them.
_CONSTANTS, _PARAMETER, _STACK, _REGISTERS = 0x0A, 0x17, 0x12, 0x2F


class Parameter(NamedTuple):
    """Where a parameter begins, from the first one on, and its size in bytes."""

    offset: int
    size: int


class Cubin(NamedTuple):
    """One kernel as machine code."""

    text: bytes
    functions: dict[str, int]
    """The address of each function in the text: the kernel, and the subroutines that the compiler added."""
    registers: int
    stack: int
    """Bytes of local memory of a thread."""
    shared: int
    """Bytes of shared memory of a block, with those that the driver keeps."""
    banks: dict[int, bytes]
    """The content of each constant bank. Bank 0 ends with the parameters, which a launch fills in."""
    constants: int
    """Where the parameters begin in constant bank 0."""
    parameters: tuple[Parameter, ...]
    architecture: int
    """The architecture of the GPU, as 90 for sm_90."""

    @property
    def launch_constants(self) -> tuple[int, int]:
        """Where bank 0 has the number of threads in a block, and the end of a thread's stack."""
        return (0x360, 0x37C) if self.architecture >= 100 else (0, 0x28)


def compiled(source: str, architecture: int) -> Cubin:
    """Compile a source whose kernel is ``draw``."""
    from cuda.bindings import nvrtc

    def call(function: Callable[..., Any], *arguments: object) -> Any:
        status, *results = function(*arguments)
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            raise RuntimeError(f"{function}: {status}")
        return results[0] if results else None

    program = call(nvrtc.nvrtcCreateProgram, source.encode(), b"draw.cu", 0, [], [])
    try:
        call(nvrtc.nvrtcCompileProgram, program, 1, [f"--gpu-architecture=sm_{architecture}".encode()])
    except RuntimeError as error:
        log = bytes(call(nvrtc.nvrtcGetProgramLogSize, program))
        call(nvrtc.nvrtcGetProgramLog, program, log)
        raise RuntimeError(log.decode()) from error
    image = bytes(call(nvrtc.nvrtcGetCUBINSize, program))
    call(nvrtc.nvrtcGetCUBIN, program, image)
    return _read(image, architecture)


class _Section(NamedTuple):
    kind: int
    content: bytes
    size: int
    link: int


def _read(image: bytes, architecture: int, kernel: str = "draw") -> Cubin:
    """Return what a file in ELF holds of one kernel."""
    sections = _sections(image)
    (table,) = (section for section in sections.values() if section.kind == 2)
    names = list(sections.values())[table.link].content
    symbols = [struct.unpack_from("<IBBHQQ", table.content, at) for at in range(0, len(table.content), 24)]
    functions = {_string(names, name): value for name, info, _, _, value, _ in symbols if info & 15 == 2}
    index = next(k for k, symbol in enumerate(symbols) if _string(names, symbol[0]) == kernel)
    per_function = {
        (attribute, *struct.unpack_from("<I", value)): struct.unpack_from("<I", value, 4)[0]
        for attribute, value in _attributes(sections[".nv.info"].content)
    }
    own = list(_attributes(sections[f".nv.info.{kernel}"].content))
    parameters = sorted(struct.unpack("<IHHI", value) for attribute, value in own if attribute == _PARAMETER)
    (bank,) = (value for attribute, value in own if attribute == _CONSTANTS)
    return Cubin(
        sections[f".text.{kernel}"].content,
        functions,
        per_function[_REGISTERS, index],
        per_function[_STACK, index],
        sections[f".nv.shared.{kernel}"].size if f".nv.shared.{kernel}" in sections else 0,
        {k: sections[name].content for k in range(8) if (name := f".nv.constant{k}.{kernel}") in sections},
        struct.unpack_from("<IH", bank)[1],
        tuple(Parameter(offset, flags >> 18) for _, _, offset, flags in sorted(parameters, key=lambda one: one[1])),
        architecture,
    )


def _sections(image: bytes) -> dict[str, _Section]:
    (start,) = struct.unpack_from("<Q", image, 0x28)
    size, count, names = struct.unpack_from("<HHH", image, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", image, start + size * k) for k in range(count)]

    def content(header: tuple[int, ...]) -> bytes:
        # The sections of kind 8 have no bytes in the file.
        return b"" if header[1] == 8 else image[header[4] : header[4] + header[5]]

    texts = content(headers[names])
    # Sections of the same name are none of those read here; each keeps its place in the order.
    return {
        _string(texts, header[0]) or str(k): _Section(header[1], content(header), header[5], header[6])
        for k, header in enumerate(headers)
    }


def _attributes(content: bytes) -> list[tuple[int, bytes]]:
    """Return the attributes that have bytes of their own; the others are a number of 16 bits in the entry itself."""
    found, at = [], 0
    while at < len(content):
        layout, attribute, value = struct.unpack_from("<BBH", content, at)
        at += 4
        if layout == 4:
            found.append((attribute, content[at : at + value]))
            at += value
    return found


def _string(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode()
