"""Arithmetic on floats. What is not rounded exactly by the documents is chosen by the machine's `Choices`."""

from __future__ import annotations

import numpy as np

from sass.disassembly import Array, Instruction
from sass.fma import fma32, fma64
from sass.integers import COMPARE, write_comparison
from sass.machine import Machine
from sass.table import instruction, unknown


def _rounding(i: Instruction) -> str:
    return next((name for name in ("RZ", "RP", "RM") if name in i.modifiers), "RN")


def _flushed(i: Instruction, x: Array) -> Array:
    """Return zeros for subnormal numbers if the instruction flushes them."""
    return flushed(x) if "FTZ" in i.modifiers else x


def flushed(x: Array) -> Array:
    """Return zeros for subnormal numbers."""
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, np.copysign(x.dtype.type(0), x), x)


@instruction("FADD", "FMUL", "FFMA", modifiers="FTZ RZ RP RM")
def arithmetic(m: Machine, i: Instruction, mask: Array) -> None:
    to, *given = i.operands
    x, y, *z = (_flushed(i, m.f32(operand)) for operand in given)
    if _rounding(i) != "RN" and not z:
        raise unknown(i, "a rounding")
    result = fma32(x, y, z[0], _rounding(i)) if z else x + y if i.name == "FADD" else x * y
    m.write_float(to, _flushed(i, result), mask)


@instruction("DADD", "DMUL", "DFMA", modifiers="RP RM")
def wide_arithmetic(m: Machine, i: Instruction, mask: Array) -> None:
    to, *given = i.operands
    x, y, *z = (m.f64(operand) for operand in given)
    if z or _rounding(i) != "RN":
        # The sum with -0 changes no product.
        assert z or i.name == "DMUL"
        result = fma64(x, y, z[0] if z else np.full((1, 1), -0.0), _rounding(i), mask)
    else:
        result = x + y if i.name == "DADD" else x * y
    m.write_float(to, result, mask)


@instruction("HFMA2", modifiers="MMA")
def half_arithmetic(m: Machine, i: Instruction, mask: Array) -> None:
    """Load two numbers of 16 bits, the only use of this instruction here."""
    m.write(i.operands[0], packed(i), mask)


def packed(i: Instruction) -> Array:
    """Return the bits of the two numbers."""
    _, x, y, high, low = i.operands
    if (x.text, y.text) != ("-RZ", "RZ"):
        raise unknown(i)
    return np.array([[low.number, high.number]], np.float16).view(np.uint32)


@instruction("FSEL")
def select(m: Machine, i: Instruction, mask: Array) -> None:
    to, x, y, which = i.operands
    m.write_float(to, np.where(m.predicate(which), m.f32(x), m.f32(y)), mask)


@instruction("FMNMX")
def extreme(m: Machine, i: Instruction, mask: Array) -> None:
    to, x, y, least = i.operands
    m.write_float(to, np.where(m.predicate(least), np.fmin(m.f32(x), m.f32(y)), np.fmax(m.f32(x), m.f32(y))), mask)


@instruction("FSETP", "DSETP", modifiers="GT GE LT LE EQ NE GTU GEU LTU LEU EQU NEU NAN NUM AND OR XOR FTZ")
def compare(m: Machine, i: Instruction, mask: Array) -> None:
    read = m.f32 if i.name == "FSETP" else m.f64
    x, y = (_flushed(i, read(operand)) for operand in i.operands[2:4])
    name, unordered = i.comparison, np.isnan(x) | np.isnan(y)
    if name in ("NAN", "NUM"):
        holds = unordered if name == "NAN" else ~unordered
    else:
        # NumPy takes numbers to differ from NaN, as the ordered comparison does not.
        holds = COMPARE[name.removesuffix("U")](x, y)
        holds = holds | unordered if name.endswith("U") else holds & ~unordered
    write_comparison(m, i, holds, mask)


@instruction("FCHK")
def check(m: Machine, i: Instruction, mask: Array) -> None:
    """Ask whether a quotient needs care. When it does is not documented; both ways have to give the same bits."""
    to, x, y = i.operands
    exponent, other = (m.f32(operand).view(np.uint32) >> np.uint32(23) & np.uint32(255) for operand in (x, y))
    apart = exponent.astype(np.int32) - other.astype(np.int32)
    easy = (exponent > 24) & (exponent < 255) & (other > 1) & (other < 252) & (np.abs(apart) < 124)
    m.write_predicate(to, ~easy | m.choices.always_checked, mask)


@instruction("MUFU", modifiers="RCP RSQ RCP64H RSQ64H")
def approximate(m: Machine, i: Instruction, mask: Array) -> None:
    """Give a reciprocal, or that of the root: the nearest number, or the one below or above the exact value.

    One unit in the last place is the error that NVIDIA's PTX manual allows for rcp.approx.
    """
    to, source = i.operands
    wide = bool(i.modifiers & {"RCP64H", "RSQ64H"})
    if wide:
        x = (m.u32(source).astype(np.uint64) << np.uint64(32)).view(np.float64)
    else:
        x = flushed(m.f32(source)).astype(np.float64)
    root = bool(i.modifiers & {"RSQ", "RSQ64H"})
    exact = 1 / (np.sqrt(x) if root else x)
    if wide:
        bits = exact.view(np.uint64)
        half = {"nearest": 1 << 31, "down": 0, "up": (1 << 32) - 1}[m.choices.reciprocal]
        m.write(to, (bits + np.where(np.isfinite(exact), np.uint64(half), 0) >> np.uint64(32)).astype(np.uint32), mask)
        return
    near = exact.astype(np.float32)
    if m.choices.reciprocal != "nearest":
        up = m.choices.reciprocal == "up"
        # Twice as precise as the answer, so that its side of the exact value is known.
        wrong = near.astype(np.float64) <= exact if up else near.astype(np.float64) >= exact
        neighbour = np.nextafter(near, np.float32(np.inf if up else -np.inf))
        near = np.where(wrong & np.isfinite(near), neighbour, near)
    m.write_float(to, flushed(near), mask)
