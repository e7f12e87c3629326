"""Conversions between integers and floats, and between floats of different sizes."""

from __future__ import annotations

import numpy as np

from sass.disassembly import Array, Instruction
from sass.floats import flushed
from sass.machine import Machine
from sass.table import instruction, unknown

_INTEGERS = {"U32": np.uint32, "S32": np.int32, "U64": np.uint64, "S64": np.int64}
_KINDS = " ".join(_INTEGERS)


def _integer(i: Instruction) -> type[np.integer]:
    return next((kind for name, kind in _INTEGERS.items() if name in i.modifiers), np.int32)


@instruction("I2F", "I2FP", modifiers=f"{_KINDS} F64 F32 RP")
def to_float(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    kind = _integer(i)
    x = (m.u64(source) if kind in (np.uint64, np.int64) else m.u32(source)).view(kind)
    if "RP" in i.modifiers:
        assert kind in (np.uint32, np.uint64)
        m.write_float(to, _up(x.astype(np.uint64)), mask)
    else:
        m.write_float(to, x.astype(np.float64 if "F64" in i.modifiers else np.float32), mask)


def _up(x: np.ndarray) -> np.ndarray:
    """Round integers up to numbers of 24 bits."""
    high = x >> np.uint64(32)
    length = np.where(high > 0, np.frexp(high.astype(np.float64))[1] + 32, np.frexp(x.astype(np.float64))[1])
    dropped = np.maximum(length - 24, 0).astype(np.uint64)
    kept = x >> dropped
    kept = kept + (kept << dropped != x)
    return np.ldexp(kept.astype(np.float64), dropped.astype(np.int32)).astype(np.float32)


@instruction("F2I", modifiers=f"{_KINDS} FTZ TRUNC NTZ")
def to_integer(m: Machine, i: Instruction, mask: Array) -> None:
    """Cut the digits after the point; what is beyond the integers becomes the nearest."""
    assert "TRUNC" in i.modifiers
    to, source = i.operands
    x, kind = m.f32(source), _integer(i)
    x = np.trunc(flushed(x) if "FTZ" in i.modifiers else x).astype(np.float64)
    limits = np.iinfo(kind)
    beyond = x >= float(limits.max) + (float(limits.max) < limits.max)
    inside = np.where(beyond | (x <= limits.min) | np.isnan(x), 0, x).astype(kind)
    value = np.where(beyond, kind(limits.max), np.where(x <= limits.min, kind(limits.min), inside))
    if value.itemsize == 8:
        m.write_wide(to, value.view(np.uint64), mask)
    else:
        m.write(to, value.view(np.uint32), mask)


@instruction("F2F", modifiers="F16 F32")
def to_half(m: Machine, i: Instruction, mask: Array) -> None:
    """Round a number to 16 bits, to nearest. The compiler relies on zeros in the upper half."""
    if not i.opcode.endswith(".F16.F32"):
        raise unknown(i)
    to, source = i.operands
    m.write(to, _float16(m.f32(source)), mask)


@instruction("F2FP", modifiers="F16 BF16 F32 PACK_AB")
def to_halves(m: Machine, i: Instruction, mask: Array) -> None:
    """Round two numbers to 16 bits, to nearest, and pack them into a register."""
    to, high, low = i.operands
    halves = [(_bfloat16 if "BF16" in i.modifiers else _float16)(m.f32(operand)) for operand in (low, high)]
    m.write(to, halves[0] | halves[1] << np.uint32(16), mask)


def _float16(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float16).view(np.uint16).astype(np.uint32)


def _bfloat16(x: np.ndarray) -> np.ndarray:
    bits = x.view(np.uint32)
    return bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1)) >> np.uint32(16)
