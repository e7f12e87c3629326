"""Branches, subroutines, barriers, and the reconvergence of threads that have parted."""

from __future__ import annotations

import numpy as np

from sass.disassembly import Array, Instruction
from sass.machine import Machine
from sass.table import flow, instruction


@flow("BRA", "CALL", modifiers="REL NOINC")
def branch(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> int | None:
    *conditions, target = i.operands
    for condition in conditions:
        mask = mask & m.predicate(condition)
    if not mask.any():
        return after
    if np.array_equal(mask, group):
        return target.index
    m.pc[group] = after
    m.pc[mask] = target.index
    return None


@flow("RET", modifiers="REL NODEC")
def ret(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> None:
    register, start = i.operands
    m.pc[group] = after
    m.pc[mask] = m.u64(register).view(np.int64)[mask] + start.index


@flow("EXIT")
def leave(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> None:
    m.pc[group] = after
    m.alive &= ~mask


@flow("BSSY")
def enter(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> int:
    register = i.operands[0].index
    m.entered[register][mask] = len(m.register_of)
    m.register_of.append(register)
    return after


@flow("BSYNC")
def reconverge(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> int | None:
    entered = m.entered[i.operands[0].index]
    # Nobody waits if all that entered together are here.
    if mask.any() and np.array_equal((entered == entered[mask][0]) & m.alive, group) and np.array_equal(mask, group):
        return after
    m.pc[group] = after
    m.awaited[mask] = entered[mask]
    return None


@flow("BAR", modifiers="SYNC DEFER_BLOCKING")
def barrier(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> None:
    m.pc[group] = after
    m.at_barrier |= mask


@instruction("NOP")
def nothing(m: Machine, i: Instruction, mask: Array) -> None:
    """Wait for a cycle."""
