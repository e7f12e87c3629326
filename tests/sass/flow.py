"""Branches, subroutines, barriers, and the reconvergence of threads that have parted."""

from __future__ import annotations

import numpy as np

from sass.disassembly import Array, Instruction
from sass.machine import WHOLE_WARP, Machine
from sass.table import flow, instruction, unknown


@flow("BRA", "CALL", modifiers="REL NOINC U")
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


# Blackwell has the modifier. Which threads run together is left open, so it changes no result.
@flow("BSSY", modifiers="RECONVERGENT")
def enter(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> int:
    register = i.operands[0].index
    m.entered[register][mask] = len(m.register_of)
    m.register_of.append(register)
    return after


@flow("BSYNC", modifiers="RECONVERGENT")
def reconverge(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> int | None:
    return _wait(m, m.entered[i.operands[0].index], mask, group, after)


@flow("WARPSYNC")
def wait_for_warp(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> int | None:
    if i.operands[0].text != "0xffffffff":
        raise NotImplementedError(f"parts of a warp: {i.text}")
    return _wait(m, m.entered[WHOLE_WARP], mask, group, after)


def _wait(m: Machine, entered: Array, mask: Array, group: Array, after: int) -> int | None:
    # Nobody waits if all that entered together are here.
    if mask.any() and np.array_equal((entered == entered[mask][0]) & m.alive, group) and np.array_equal(mask, group):
        return after
    m.pc[group] = after
    m.awaited[mask] = entered[mask]
    return None


@instruction("BMOV", modifiers="32 CLEAR")
def forget(m: Machine, i: Instruction, mask: Array) -> None:
    """Clear the register of a reconvergence that the threads have left."""
    to, source = i.operands
    if to.text != "RZ" or "CLEAR" not in i.modifiers:
        raise unknown(i)
    m.entered[source.index][mask] = 0


@flow("BAR", modifiers="SYNC DEFER_BLOCKING")
def barrier(m: Machine, i: Instruction, mask: Array, group: Array, after: int) -> None:
    m.pc[group] = after
    m.at_barrier |= mask


@instruction("NOP")
def nothing(m: Machine, i: Instruction, mask: Array) -> None:
    """Wait for a cycle."""
