"""Arithmetic on integers, bits and predicates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

import numpy as np

from sass.disassembly import TRUE, Array, Instruction, Operand
from sass.machine import Machine
from sass.table import instruction, unknown

_HALF = np.uint64(32)


def _split(i: Instruction) -> tuple[Operand, list[Operand], list[Operand]]:
    """Return the result, the predicates that get a carry, and the other operands."""
    to, *others = i.operands
    predicates = list(takewhile(lambda operand: operand.kind in "PV", others))
    # Since sm_100 nvdisasm prints those that get none, too.
    carries = list(takewhile(lambda operand: operand.index != TRUE, predicates))
    if any(operand.index != TRUE for operand in predicates[len(carries) :]):
        raise unknown(i)
    return to, carries, others[len(predicates) :]


def _wide(m: Machine, operand: Operand) -> Array:
    """Read 32 bits such that a sum's carry is right: the negative of zero has one."""
    if operand.negative and operand.bits is None:
        return (~m.u32(operand._replace(negative=False))).astype(np.uint64) + np.uint64(1)
    return m.u32(operand).astype(np.uint64)


def _whole(m: Machine, operand: Operand) -> Array:
    """Read 64 bits as an integer: two registers, perhaps the negative, or a number."""
    if operand.negative:
        return np.uint64(0) - m.u64(operand._replace(negative=False))
    return m.pair(operand) if operand.kind == "#" else m.u64(operand)


def _low(x: Array) -> Array:
    return x.astype(np.uint32)


def _carried(m: Machine, i: Instruction, given: Sequence[Operand]) -> Array:
    """Return the sum of the predicates that an instruction with a carry adds."""
    total = np.zeros((1, 1), np.uint64)
    for operand in given:
        if "X" in i.modifiers:
            total = total + m.predicate(operand)
    return total


def _write_carry(m: Machine, carries: Sequence[Operand], carry: Array, mask: Array, i: Instruction) -> None:
    if carries and (np.broadcast_to(carry, mask.shape)[mask] > len(carries)).any():
        raise NotImplementedError(f"a carry that has no predicate: {i.text}")
    # Two predicates are added by the next instruction; their sum is the carry of three numbers.
    for least, operand in enumerate(carries, 1):
        m.write_predicate(operand, carry >= least, mask)


@instruction("IADD3", modifiers="X")
def add(m: Machine, i: Instruction, mask: Array) -> None:
    to, carries, given = _split(i)
    total = _wide(m, given[0]) + _wide(m, given[1]) + _wide(m, given[2]) + _carried(m, i, given[3:])
    m.write(to, _low(total), mask)
    _write_carry(m, carries, total >> _HALF, mask, i)


@instruction("VIADD")
def add_two(m: Machine, i: Instruction, mask: Array) -> None:
    to, x, y = i.operands
    m.write(to, m.u32(x) + m.u32(y), mask)


@instruction("IADD", modifiers="64")
def add_whole(m: Machine, i: Instruction, mask: Array) -> None:
    if "64" not in i.modifiers:
        raise unknown(i)
    to, x, y = i.operands
    m.write_wide(to, _whole(m, x) + _whole(m, y), mask)


@instruction("IMAD", modifiers="MOV U32 IADD SHL X WIDE HI")
def multiply(m: Machine, i: Instruction, mask: Array) -> None:
    to, carries, (x, y, z, *rest) = _split(i)
    carried = _carried(m, i, rest)
    if not i.modifiers & {"WIDE", "HI"}:
        m.write(to, m.u32(x) * m.u32(y) + m.u32(z) + _low(carried), mask)
        return
    if "U32" in i.modifiers:
        product = m.u32(x).astype(np.uint64) * m.u32(y).astype(np.uint64)
    else:
        assert not carries
        product = (m.u32(x).view(np.int32).astype(np.int64) * m.u32(y).view(np.int32)).view(np.uint64)
    added = m.u64(z)
    total = product + added
    carry = (total < product).astype(np.uint64)
    total = total + carried
    carry = carry + (total < carried)
    if "HI" in i.modifiers:
        m.write(to, _low(total >> _HALF), mask)
    else:
        m.write_wide(to, total, mask)
    _write_carry(m, carries, carry, mask, i)


@instruction("LEA", modifiers="HI X SX32")
def scaled_sum(m: Machine, i: Instruction, mask: Array) -> None:
    to, carries, (x, y, *rest) = _split(i)
    if "SX32" in i.modifiers:
        x64 = m.u32(x).view(np.int32).astype(np.int64).view(np.uint64)
    else:
        x64 = m.u32(x).astype(np.uint64)
        if "HI" in i.modifiers:
            x64 = x64 | m.u32(rest.pop(0)).astype(np.uint64) << _HALF
    shift, *predicates = rest
    shifted = x64 << m.u32(shift).astype(np.uint64)
    part = shifted >> _HALF if "HI" in i.modifiers else shifted
    total = (part & np.uint64(0xFFFFFFFF)) + _wide(m, y) + _carried(m, i, predicates)
    m.write(to, _low(total), mask)
    _write_carry(m, carries, total >> _HALF, mask, i)


@instruction("SHF", modifiers="L R U32 S32 U64 S64 HI W")
def shift(m: Machine, i: Instruction, mask: Array) -> None:
    to, low, by, high = i.operands
    x = m.u32(low).astype(np.uint64) | m.u32(high).astype(np.uint64) << _HALF
    most = 32 if i.modifiers & {"U32", "S32"} else 63
    count = m.u32(by)
    count = count & np.uint32(31 if most == 32 else 63) if "W" in i.modifiers else np.minimum(count, np.uint32(most))
    if "L" in i.modifiers:
        x = x << count.astype(np.uint64)
    elif i.modifiers & {"S32", "S64"}:
        x = (x.view(np.int64) >> count.astype(np.int64)).view(np.uint64)
    else:
        x = x >> count.astype(np.uint64)
    m.write(to, _low(x >> _HALF if "HI" in i.modifiers else x), mask)


@instruction("MOV", modifiers="64")
def move(m: Machine, i: Instruction, mask: Array) -> None:
    to, source, *_ = i.operands
    if "64" in i.modifiers:
        m.write_wide(to, _whole(m, source), mask)
    else:
        m.write(to, m.u32(source), mask)


@instruction("CS2R")
def clear(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    if source.text != "SRZ":
        raise unknown(i, "a register")
    m.write_wide(to, np.zeros((1, 1), np.uint64), mask)


@instruction("SEL", modifiers="64")
def select(m: Machine, i: Instruction, mask: Array) -> None:
    to, x, y, which = i.operands
    if "64" in i.modifiers:
        m.write_wide(to, np.where(m.predicate(which), _whole(m, x), _whole(m, y)), mask)
    else:
        m.write(to, np.where(m.predicate(which), m.u32(x), m.u32(y)), mask)


COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "GT": np.greater,
    "GE": np.greater_equal,
    "LT": np.less,
    "LE": np.less_equal,
    "EQ": np.equal,
    "NE": np.not_equal,
}


def write_comparison(m: Machine, i: Instruction, holds: Array, mask: Array) -> None:
    """Write a comparison, and its opposite, each combined with a third predicate."""
    first, second, _, _, other, *_ = i.operands
    combine = next(function for name, function in _COMBINE.items() if name in i.modifiers)
    known = m.predicate(other)
    m.write_predicate(first, combine(holds, known), mask)
    m.write_predicate(second, combine(~holds, known), mask)


_COMBINE: dict[str, Callable[[Array, Array], Array]] = {
    "AND": np.logical_and,
    "OR": np.logical_or,
    "XOR": np.logical_xor,
}


@instruction("ISETP", modifiers="GT GE LT LE EQ NE AND OR XOR U32 U64 S64 EX")
def compare(m: Machine, i: Instruction, mask: Array) -> None:
    if i.modifiers & {"U64", "S64"}:
        x, y = (_whole(m, operand) for operand in i.operands[2:4])
    else:
        x, y = m.u32(i.operands[2]), m.u32(i.operands[3])
    if not i.modifiers & {"U32", "U64"}:
        x, y = (value.view(f"i{value.itemsize}") for value in (x, y))
    holds = COMPARE[i.comparison](x, y)
    if "EX" in i.modifiers:
        # The low halves, where the high ones do not decide.
        low = m.predicate(i.operands[5])
        holds = holds | low if i.comparison == "NE" else np.where(x == y, low, holds)
    write_comparison(m, i, holds, mask)


@instruction("VIMNMX", "IMNMX", modifiers="U32 S32")
def extreme(m: Machine, i: Instruction, mask: Array) -> None:
    to, others, (x, y, least) = _split(i)
    if others:
        raise unknown(i)
    m.write(to, _extreme(m.u32(x), m.u32(y), m.predicate(least), signed="U32" not in i.modifiers), mask)


@instruction("VIADDMNMX", modifiers="U32")
def add_extreme(m: Machine, i: Instruction, mask: Array) -> None:
    to, x, y, z, least = i.operands
    m.write(to, _extreme(m.u32(x) + m.u32(y), m.u32(z), m.predicate(least), signed="U32" not in i.modifiers), mask)


def _extreme(x: Array, y: Array, least: Array, *, signed: bool) -> Array:
    kind = np.int32 if signed else np.uint32
    x, y = x.view(kind), y.view(kind)
    return np.where(least, np.minimum(x, y), np.maximum(x, y)).view(np.uint32)
