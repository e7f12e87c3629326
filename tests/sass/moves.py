"""Loads and stores, special registers, and what lanes tell each other."""

from __future__ import annotations

import numpy as np

from sass.disassembly import Array, Instruction, Operand
from sass.machine import LANES, Machine
from sass.memory import Memory
from sass.table import instruction, unknown

_SIZES = {"128": 16, "64": 8, "U16": 2, "U8": 1}
# ".LU" tells that a register that was put aside is read for the last time. ".U" changes no bit of a load, and ".SYS"
# says who else sees a store in order.
_WIDTHS = "128 64 U16 U8 E LU U SYS"


def _size(i: Instruction) -> int:
    return next((size for name, size in _SIZES.items() if name in i.modifiers), 4)


@instruction("LDC", "LDCU", modifiers="64 128")
def load_constant(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    where = mask.any(1, keepdims=True) if to.kind == "U" else mask
    addresses = np.broadcast_to(m.address(source), where.shape)[where]
    for half, word in enumerate(m.constants(source).load(addresses, _size(i))):
        m.write(to, _spread(word, where), mask, half)


def _spread(values: Array, mask: Array) -> Array:
    """Return the values of some lanes as an array of all lanes."""
    spread = np.zeros(mask.shape, values.dtype)
    spread[mask] = values
    return spread


def _place(m: Machine, i: Instruction, operand: Operand, mask: Array) -> tuple[Memory, Array]:
    """Return the memory, and the address of each lane in it."""
    kind = {"G": "global", "S": "shared", "L": "local"}[i.name[-1]]
    # Only memory that all threads share has so many bytes. Without "E", a pointer would have 32 bits.
    assert (kind == "global") == ("E" in i.modifiers), i.text
    address = np.broadcast_to(m.address(operand, extended=kind == "global"), mask.shape)
    memory = m.memories[kind]
    if kind == "global":
        return memory, address[mask]
    owner = np.broadcast_to(m.block, mask.shape) if kind == "shared" else np.arange(mask.size).reshape(mask.shape)
    owners = m.grid.blocks if kind == "shared" else mask.size
    own = len(memory.content) // owners
    if ((address[mask] < 0) | (address[mask] >= own)).any():
        raise IndexError(f"beside the {kind} memory of {own} bytes: {i.text}")
    return memory, (owner * own + address)[mask]


@instruction("LDG", "LDS", "LDL", modifiers=_WIDTHS)
def load(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    memory, addresses = _place(m, i, source, mask)
    for half, word in enumerate(memory.load(addresses, _size(i))):
        m.write(to, _spread(word, mask), mask, half)


@instruction("STG", "STS", "STL", modifiers=_WIDTHS)
def store(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    memory, addresses = _place(m, i, to, mask)
    words = (np.broadcast_to(m.bits(source, half), mask.shape) for half in range(max(1, _size(i) // 4)))
    memory.store(addresses, _size(i), [word[mask] for word in words])


@instruction("ATOMS", modifiers="ADD POPC INC 32")
def atomic_add(m: Machine, i: Instruction, mask: Array) -> None:
    """Add to a number in shared memory, one lane after another, and return what was there before."""
    to, place, *given = i.operands
    memory, addresses = _place(m, i, place, mask)
    added = np.broadcast_to(m.u32(given[0]) if given else np.ones((1, 1), np.uint32), mask.shape)[mask]
    before = np.zeros(len(addresses), np.uint32)
    # Which thread comes first is left open; here the last one does.
    for k in reversed(range(len(addresses))):
        (before[k : k + 1],) = memory.load(addresses[k : k + 1], 4)
        memory.store(addresses[k : k + 1], 4, [before[k : k + 1] + added[k : k + 1]])
    m.write(to, _spread(before, mask), mask)


_SPECIAL = {
    "SR_TID.X": lambda m: m.thread,
    "SR_CTAID.X": lambda m: m.block,
    "SR_LANEID": lambda m: np.arange(LANES)[None],
    # There is no cluster.
    "SR_CgaCtaId": lambda m: np.zeros((1, 1)),
    "SR_LTMASK": lambda m: ((1 << np.arange(LANES)) - 1)[None],
}


@instruction("S2R", "S2UR")
def special(m: Machine, i: Instruction, mask: Array) -> None:
    to, name = i.operands
    if name.text not in _SPECIAL:
        raise unknown(i, "a register")
    m.write(to, _SPECIAL[name.text](m).astype(np.uint32), mask)


@instruction("R2UR")
def to_uniform(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    value = np.broadcast_to(m.u32(source), mask.shape)
    m.write(to, np.take_along_axis(value, mask.argmax(1)[:, None], 1), mask)


@instruction("SHFL", modifiers="UP DOWN BFLY IDX")
def shuffle(m: Machine, i: Instruction, mask: Array) -> None:
    """Read what another lane has, or one's own value if there is no such lane."""
    inside, to, source, other, end = i.operands
    if end.text != ("RZ" if "UP" in i.modifiers else "0x1f"):
        raise NotImplementedError(f"parts of a warp: {i.text}")
    lane, by = np.arange(LANES)[None], m.u32(other).astype(np.int64)
    places = {"UP": lane - by, "DOWN": lane + by, "BFLY": lane ^ by, "IDX": by + 0 * lane}
    place = np.broadcast_to(next(place for name, place in places.items() if name in i.modifiers), mask.shape)
    valid = (place >= 0) & (place < LANES)
    place = np.where(valid, place, lane)
    if not (np.take_along_axis(mask, place, 1) | ~mask).all():
        raise RuntimeError(f"a lane reads one that takes no part: {i.text}")
    m.write(to, np.take_along_axis(np.broadcast_to(m.u32(source), mask.shape), place, 1), mask)
    m.write_predicate(inside, valid, mask)


@instruction("REDUX", modifiers="SUM")
def warp_sum(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    m.write(to, np.where(mask, m.u32(source), 0).astype(np.uint32).sum(1, np.uint32, keepdims=True), mask)


@instruction("VOTE", "VOTEU", modifiers="ANY ALL")
def vote(m: Machine, i: Instruction, mask: Array) -> None:
    *registers, result, given = i.operands
    holds = m.predicate(given) & mask
    bits = (holds.astype(np.uint64) << np.arange(LANES, dtype=np.uint64)).sum(1, keepdims=True).astype(np.uint32)
    for register in registers:
        m.write(register, bits, mask)
    answer = holds.any(1) if "ANY" in i.modifiers else (holds | ~mask).all(1)
    m.write_predicate(result, answer[:, None], mask)
