"""Single bits and bytes: logic, counts, permutations, and predicates as bits of a register."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sass.disassembly import Array, Instruction
from sass.machine import Machine
from sass.table import instruction, unknown


@instruction("PRMT")
def permute(m: Machine, i: Instruction, mask: Array) -> None:
    to, low, chosen, high = i.operands
    x = m.u32(low).astype(np.uint64) | m.u32(high).astype(np.uint64) << np.uint64(32)
    result = np.zeros((1, 1), np.uint64)
    for k in range(4):
        which = (m.u32(chosen) >> np.uint32(4 * k)).astype(np.uint64)
        byte = x >> (which & np.uint64(7)) * np.uint64(8) & np.uint64(0xFF)
        # The highest bit of the choice asks for the sign of the byte.
        byte = np.where(which & np.uint64(8), np.where(byte >> np.uint64(7), 0xFF, 0), byte).astype(np.uint64)
        result = result | byte << np.uint64(8 * k)
    m.write(to, result.astype(np.uint32), mask)


@instruction("POPC")
def count(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    m.write(to, np.bitwise_count(m.u32(source)).astype(np.uint32), mask)


@instruction("BREV")
def reverse(m: Machine, i: Instruction, mask: Array) -> None:
    to, source = i.operands
    bits = np.unpackbits(np.ascontiguousarray(m.u32(source))[..., None].view(np.uint8), axis=-1, bitorder="little")
    m.write(to, np.packbits(bits, axis=-1).view(">u4")[..., 0].astype(np.uint32), mask)


@instruction("FLO", modifiers="U32 SH")
def highest(m: Machine, i: Instruction, mask: Array) -> None:
    """Find the place of the highest bit, or how far it is from the top."""
    to, source = i.operands
    x = m.u32(source)
    place = np.frexp(x.astype(np.float64))[1] - 1
    found = 31 - place if "SH" in i.modifiers else place
    m.write(to, np.where(x == 0, -1, found).astype(np.int32).view(np.uint32), mask)


@instruction("P2R")
def predicates_to_register(m: Machine, i: Instruction, mask: Array) -> None:
    to, _, kept, chosen = i.operands
    bits = np.zeros((1, 1), np.uint32)
    for k in range(7):
        bits = bits | m.predicates[k].astype(np.uint32) << np.uint32(k)
    m.write(to, m.u32(kept) & ~m.u32(chosen) | bits & m.u32(chosen), mask)


@instruction("R2P")
def register_to_predicates(m: Machine, i: Instruction, mask: Array) -> None:
    to, source, chosen = i.operands
    for k in range(7):
        if int(m.u32(chosen)[0, 0]) >> k & 1:
            m.write_predicate(to._replace(kind="P", index=k), m.u32(source) >> np.uint32(k) & np.uint32(1) == 1, mask)


def _table(inputs: Sequence[Array], table: int, ones: Array) -> Array:
    """Return a function of three bits, whose results are the bits of a number."""
    result = ones ^ ones
    for k in range(8):
        if table >> k & 1:
            terms = [x if k >> (2 - n) & 1 else x ^ ones for n, x in enumerate(inputs)]
            result = result | (terms[0] & terms[1] & terms[2])
    return result


@instruction("LOP3", modifiers="LUT")
def logic(m: Machine, i: Instruction, mask: Array) -> None:
    *results, x, y, z, table, last = i.operands
    if last.text not in ("!PT", "!UPT"):
        raise unknown(i)
    value = _table([m.u32(x), m.u32(y), m.u32(z)], table.bits[0].item(), np.full((1, 1), 2**32 - 1, np.uint32))
    m.write(results[-1], value, mask)
    for operand in results[:-1]:
        m.write_predicate(operand, value != 0, mask)


@instruction("PLOP3", modifiers="LUT")
def predicate_logic(m: Machine, i: Instruction, mask: Array) -> None:
    first, second, x, y, z, *tables = i.operands
    given = [m.predicate(operand) for operand in (x, y, z)]
    for to, table in zip((first, second), tables, strict=True):
        m.write_predicate(to, _table(given, table.bits[0].item(), np.ones((1, 1), bool)), mask)
