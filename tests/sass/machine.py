"""The threads of a grid that run machine code in step: an array of warps by lanes for each register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sass.disassembly import TRUE, UNIFORM_ZERO, ZERO, Array, Instruction, Operand
from sass.memory import Memory
from sass.table import Entry, entry

LANES = 32
SIZE = 16
"""Bytes of an instruction."""

WHOLE_WARP = 16
"""The register, beside the 16 that there are, of the reconvergence that all threads have entered."""

_NEVER = 1 << 30


class Grid(NamedTuple):
    """The blocks of a launch, and the threads in each."""

    blocks: int
    threads: int


class Choices(NamedTuple):
    """What the documents of the machine leave open."""

    reciprocal: str = "nearest"
    """How an approximate reciprocal or root is rounded: "nearest", "down" or "up"."""
    always_checked: bool = False
    """Whether each division takes the path for operands near the ends of the range."""
    one_by_one: str = ""
    """Whether warps run in step (""), or each as far as it can: the "first" warp first, or the "last"."""


class Machine:
    """The state of all threads, and what runs them."""

    def __init__(
        self,
        code: Mapping[int, Instruction],
        end: int,
        grid: Grid,
        memories: Mapping[str, Memory],
        choices: Choices,
    ) -> None:
        self.code, self.grid, self.memories, self.choices = code, grid, memories, choices
        self.end = end
        """Where the subroutines begin that the compiler added to the kernel."""
        self.warps_per_block = -(-grid.threads // LANES)
        warps = grid.blocks * self.warps_per_block
        shape = (warps, LANES)
        self.registers = np.zeros((256, *shape), np.uint32)
        self.uniform = np.zeros((64, warps, 1), np.uint32)
        self.predicates = np.zeros((8, *shape), bool)
        self.uniform_predicates = np.zeros((8, warps, 1), bool)
        self.predicates[TRUE] = self.uniform_predicates[TRUE] = True
        warp = np.arange(warps)[:, None]
        self.block = warp // self.warps_per_block
        self.thread = warp % self.warps_per_block * LANES + np.arange(LANES)
        self.alive = self.thread < grid.threads
        self.pc = np.zeros(shape, np.int64)
        # The reconvergence that each thread has entered by each register, and the one that it waits for; by number.
        self.entered = np.zeros((WHOLE_WARP + 1, *shape), np.int64)
        self.entered[WHOLE_WARP] = 1
        self.awaited = np.zeros(shape, np.int64)
        self.register_of = [0, WHOLE_WARP]
        self.at_barrier = np.zeros(shape, bool)
        self.known: dict[int, Entry] = {}
        self.issued: Counter[int] = Counter()
        """How many warps have issued the instruction at each address."""

    def run(self) -> None:
        """Run all threads to their ends."""
        # Arithmetic on what a lane's registers hold while the lane is idle may overflow.
        with np.errstate(all="ignore"):
            while self.alive.any():
                self._run_group()

    def _run_group(self) -> None:
        """Run the threads at the lowest address, until they part or meet others."""
        here, group, limit = self._group()
        warps = int(np.count_nonzero(group.any(1)))
        going: int | None = here
        while going is not None:
            if going >= limit:
                self.pc[group] = going
                return
            self.issued[going] += warps
            going = self._step(going, group)

    def _step(self, here: int, group: Array) -> int | None:
        """Run one instruction, and return where the whole group goes on, if it does."""
        instruction = self.code[here]
        known = self.known.get(here) or self.known.setdefault(here, entry(instruction))
        guard, after = instruction.guard, here + SIZE
        mask = group if guard is None else group & self.predicate(guard)
        if known.is_flow:
            going: int | None = known.run(self, instruction, mask, group, after)
            return going
        known.run(self, instruction, mask)
        return after

    def _group(self) -> tuple[int, Array, int]:
        """Return the lowest address of a thread that can run, the threads there, and the next address of another."""
        if self.awaited.any():
            self._reconverge()
        can_run = self._runnable()
        if not can_run.any():
            can_run = self._pass_barrier()
        if self.choices.one_by_one:
            warps = np.flatnonzero(can_run.any(1))
            can_run &= (np.arange(len(can_run)) == warps[0 if self.choices.one_by_one == "first" else -1])[:, None]
        here = int(self.pc[can_run].min())
        group = can_run & (self.pc == here)
        others = self.pc[can_run & ~group]
        return here, group, int(others.min()) if others.size else _NEVER

    def _reconverge(self) -> None:
        """Let threads go on whose whole warp, as far as it entered with them, has arrived."""
        for number in np.unique(self.awaited[self.awaited > 0]).tolist():
            members = (self.entered[self.register_of[number]] == number) & self.alive
            arrived = self.awaited == number
            complete = ~(members & ~arrived).any(1, keepdims=True)
            self.awaited[arrived & complete] = 0

    def _pass_barrier(self) -> Array:
        blocks = (self.grid.blocks, -1)
        complete = ~(self.alive & ~self.at_barrier).reshape(blocks).any(1)
        ready = self.at_barrier & np.repeat(complete, self.warps_per_block)[:, None]
        if not ready.any():
            raise RuntimeError("a deadlock: threads wait for others that never arrive")
        self.at_barrier &= ~ready
        return self._runnable()

    def _runnable(self) -> Array:
        return self.alive & (self.awaited == 0) & ~self.at_barrier

    def predicate(self, operand: Operand) -> Array:
        """Read a predicate."""
        held = (self.predicates if operand.kind == "P" else self.uniform_predicates)[operand.index]
        return ~held if operand.inverted else held

    def u32(self, operand: Operand) -> Array:
        """Read 32 bits as an integer."""
        bits = self.bits(operand)
        if operand.negative:
            return ~bits + np.uint32(1)
        return ~bits if operand.inverted else bits

    def f32(self, operand: Operand) -> Array:
        """Read 32 bits as a float."""
        if operand.number is not None:
            return np.full((1, 1), operand.number, np.float32)
        return _signed(self.bits(operand).view(np.float32), operand)

    def u64(self, operand: Operand) -> Array:
        """Read two registers as an integer."""
        if operand.inverted or operand.negative or operand.kind == "#":
            raise NotImplementedError(f"the negative of two registers, or a number: {operand.text}")
        return self.pair(operand)

    def pair(self, operand: Operand) -> Array:
        """Read 64 bits as they are."""
        return self.bits(operand).astype(np.uint64) | self.bits(operand, 1).astype(np.uint64) << np.uint64(32)

    def f64(self, operand: Operand) -> Array:
        """Read two registers as a float."""
        if operand.number is not None:
            return np.full((1, 1), operand.number, np.float64)
        if operand.kind == "#":
            raise NotImplementedError(f"bits of 64 as a float: {operand.text}")
        return _signed(self.pair(operand).view(np.float64), operand)

    def bits(self, operand: Operand, half: int = 0) -> Array:
        """Read 32 bits as they are, of the first register of an operand or of the one after it."""
        match operand.kind:
            case "R":
                return self.registers[operand.index + half if operand.index != ZERO else ZERO]
            case "U":
                return self.uniform[operand.index + half if operand.index != UNIFORM_ZERO else UNIFORM_ZERO]
            case "C":
                return self.constants(operand).load(self.address(operand) + 4 * half, 4)[0]
            case "#" if operand.bits is not None:
                return np.asarray(operand.bits[half])
        raise ValueError(f"an operand of an unknown kind: {operand.text}")

    def constants(self, operand: Operand) -> Memory:
        """Return the constant bank of an operand."""
        if f"constant {operand.bank}" not in self.memories:
            raise ValueError(f"a constant bank that the kernel does not have: {operand.text}")
        return self.memories[f"constant {operand.bank}"]

    def address(self, operand: Operand, *, extended: bool = False) -> Array:
        """Return the addresses that an operand stands for; extended ones have 64 bits."""
        total = np.full((1, 1), operand.index, np.int64)
        for register in operand.base:
            wide = extended and not register.text.endswith(".U32")
            value = self.u64(register).view(np.int64) if wide else self.u32(register).astype(np.int64)
            total = total + value * register.scale
        return total

    def write(self, operand: Operand, value: Array, mask: Array, half: int = 0) -> None:
        """Write 32 bits."""
        if operand.kind == "R":
            if operand.index != ZERO:
                np.copyto(self.registers[operand.index + half], value, where=mask, casting="no")
        elif operand.kind == "U":
            if operand.index != UNIFORM_ZERO:
                mask = mask.any(1, keepdims=True)
                np.copyto(self.uniform[operand.index + half], value, where=mask, casting="no")
        else:
            raise ValueError(f"a result of an unknown kind: {operand.text}")

    def write_float(self, operand: Operand, value: Array, mask: Array) -> None:
        """Write a number, or two registers if it has 64 bits."""
        if value.dtype == np.float32:
            self.write(operand, value.view(np.uint32), mask)
        else:
            self.write_wide(operand, value.view(np.uint64), mask)

    def write_wide(self, operand: Operand, value: Array, mask: Array) -> None:
        """Write two registers."""
        self.write(operand, value.astype(np.uint32), mask)
        self.write(operand, (value >> np.uint64(32)).astype(np.uint32), mask, 1)

    def write_predicate(self, operand: Operand, value: Array, mask: Array) -> None:
        """Write a predicate."""
        if operand.index == TRUE:
            return
        if operand.kind == "P":
            np.copyto(self.predicates[operand.index], value, where=mask)
        else:
            np.copyto(self.uniform_predicates[operand.index], value, where=mask.any(1, keepdims=True))


def _signed(value: Array, operand: Operand) -> Array:
    value = np.abs(value) if operand.absolute else value
    return -value if operand.negative else value
