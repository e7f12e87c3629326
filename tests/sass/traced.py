"""Where each value comes from: whether what is inexact stays within the chains that are known to be exact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from sass.disassembly import TRUE, Array, Instruction, Operand
from sass.floats import packed
from sass.machine import Machine
from sass.patterns import CHECKS, EXACT, ZERO, Input, Value, matches

# What IEEE 754 rounds once, and what rounds nothing; of the others nobody promises the last bit.
_EXACT = re.compile(
    r"""(?x)
    FADD | FMUL | FSEL | FMNMX | FCHK | DADD | DMUL | [FD]SETP\.\w+\.\w+ | HFMA2(\.MMA)?
    | F2FP\.((BF16|F16)\.F32\.|BF16\.)?PACK_AB | F2F\.F16\.F32 | I2FP\.F32\.[SU]32 | I2F(\.U32)? | I2F\.F64\.[SU]64
    """
)
_COPIES = {"MOV": 0, "MOV.64": 0, "R2UR": 0, "IMAD.MOV.U32": 2, "IMAD.U32": 2}
# The same numbers give the same result.
_SIMPLE = ("FADD", "FMUL", "DADD", "DMUL")
_HALVES = ("low", "high")


def _opcode(i: Instruction) -> str:
    """Return the opcode; those of the uniform registers do what their namesakes do."""
    return i.opcode.removeprefix("U")


def is_inexact(opcode: str) -> bool:
    """Tell whether an instruction on floats is fused, approximate, flushing or not rounded to nearest."""
    return bool(re.match(r"(?!FLO\b)[FDH]|MUFU|I2F", opcode)) and not _EXACT.fullmatch(opcode)


class Traced(Machine):
    """A machine that knows the value in each register, and finds fault with what becomes of inexact ones."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.values: list[Value] = []
        self.numbers: dict[Value, int] = {}
        self.inexact: set[int] = set()
        self.faults: set[str] = set()
        self.seen: set[int] = set()
        zero = self._number(ZERO)
        self.held = {"R": np.full(self.registers.shape, zero), "U": np.full(self.uniform.shape, zero)}
        self.reads: list[tuple[Operand, int, Array]] = []
        self.writes: list[tuple[Operand, int]] = []
        self.steps = 0
        self.decides = False

    def _number(self, value: Value) -> int:
        """Return the number of a value; equal values have the same."""
        if value not in self.numbers:
            self.numbers[value] = len(self.values)
            self.values.append(value)
        return self.numbers[value]

    def bits(self, operand: Operand, half: int = 0) -> Array:
        found = super().bits(operand, half)
        if operand.kind in self.held:
            zero = self._is_zero(operand)
            ids = np.array([[self._number(ZERO)]]) if zero else self.held[operand.kind][operand.index + half].copy()
        elif operand.kind == "C" and operand.bank:
            # The content of the other banks is part of the machine code.
            ids = np.vectorize(lambda word: self._number(Value("bits", literal=int(word))), [int])(found)
        elif operand.kind == "C" and not operand.base:
            ids = np.array([[self._constant(operand, half)]])
        elif operand.bits is not None:
            ids = np.array([[self._number(Value("bits", literal=operand.bits[half].item()))]])
        else:
            ids = np.array([[self._fresh(half)]])
        self.reads.append((operand, half, ids))
        return found

    def _constant(self, operand: Operand, half: int = 0) -> int:
        return self._number(Value("constant", literal=operand.index + 4 * half))

    @staticmethod
    def _is_zero(operand: Operand) -> bool:
        return operand.text.strip("-~|") in ("RZ", "URZ", "SRZ")

    def _fresh(self, half: int = 0) -> int:
        return self._number(Value("exact", literal=self.steps + half / 8))

    def f32(self, operand: Operand) -> Array:
        found = self._read_number(operand, super().f32(operand))
        _, half, ids = self.reads.pop()
        numbers = {n: self._number_of_bits([n], np.float32) for n in np.unique(ids).tolist()}
        self.reads.append((operand, half, np.vectorize(numbers.get, [int])(ids)))
        return found

    def f64(self, operand: Operand) -> Array:
        return self._read_number(operand, super().f64(operand))

    def _read_number(self, operand: Operand, found: Array) -> Array:
        if operand.number is not None:
            self.reads.append((operand, 0, np.array([[self._number(Value("number", literal=operand.number))]])))
        return found

    def write(self, operand: Operand, value: Array, mask: Array, half: int = 0) -> None:
        super().write(operand, value, mask, half)
        if not self._is_zero(operand):
            self.writes.append((operand, half))

    def write_predicate(self, operand: Operand, value: Array, mask: Array) -> None:
        super().write_predicate(operand, value, mask)
        self.decides |= operand.index != TRUE

    def _step(self, here: int, group: Array) -> int | None:
        instruction = self.code[here]
        mask = group if instruction.guard is None else group & self.predicate(instruction.guard)
        self.reads, self.writes, self.steps, self.decides = [], [], self.steps + 1, False
        after = super()._step(here, group)
        if mask.any():
            self.seen.add(here)
            self._follow(instruction, mask)
        return after

    def _follow(self, i: Instruction, mask: Array) -> None:
        """Find out which values an instruction has made."""
        signs, columns = self._columns(mask)
        if all((column == column[0]).all() for column in columns):
            unique, places = np.array([[column[0] for column in columns]], int), np.zeros(np.count_nonzero(mask), int)
        else:
            unique, places = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        made = [self._made(i, [*zip(signs, row.tolist(), strict=False)]) for row in unique]
        wide = any(half for _, half in self.writes)
        for operand, half in self.writes:
            ids = np.array([self._part(_HALVES[half % 2], n) if wide else n for n in made])[places.reshape(-1)]
            if operand.kind == "R":
                self.held["R"][operand.index + half][mask] = ids
            else:
                spread = np.zeros(mask.shape, int)
                spread[mask] = ids
                warps = mask.any(1)
                first = spread[np.arange(len(mask)), mask.argmax(1)]
                self.held["U"][operand.index + half][warps, 0] = first[warps]

    def _columns(self, mask: Array) -> tuple[list[bool], list[Array]]:
        """Return the values that each thread has read, and whether they were negated; of two halves the whole."""
        signs, columns, known = [], [], None
        for operand, half, ids in self.reads:
            column = np.broadcast_to(ids, mask.shape)[mask]
            if half and known is operand:
                pairs = list(zip(columns[-1].tolist(), column.tolist(), strict=True))
                wholes = {pair: self._whole(*pair) for pair in set(pairs)}
                columns[-1] = np.array([wholes[pair] for pair in pairs])
                continue
            signs.append(operand.negative)
            columns.append(column)
            known = operand
        return signs, columns

    def _part(self, name: str, whole: int) -> int:
        return self._derived(Value(name, ((False, whole),)))

    def _whole(self, low: int, high: int) -> int:
        first, second = self.values[low], self.values[high]
        if (first.opcode, second.opcode) == _HALVES and first.inputs == second.inputs:
            return first.inputs[0][1]
        number = self._number_of_bits([low, high], np.float64)
        return self._derived(Value("pair", ((False, low), (False, high)))) if number == low else number

    def _number_of_bits(self, parts: list[int], kind: type[np.floating]) -> int:
        """Return the number that bits in the text of instructions spell, or else the first value."""
        values = [self.values[part] for part in parts]
        if any(value.opcode != "bits" for value in values):
            return parts[0]
        words = np.array([int(value.literal or 0) for value in values], np.uint32)
        return self._number(Value("number", literal=float(words.view(kind)[0])))

    def _derived(self, value: Value) -> int:
        number = self._number(value)
        if any(n in self.inexact for _, n in value.inputs):
            self.inexact.add(number)
        return number

    def _made(self, i: Instruction, inputs: list[Input]) -> int:
        """Return the value that an instruction makes of others."""
        tainted = [number for _, number in inputs if number in self.inexact]
        if i.address >= self.end:
            # A subroutine of the compiler, which is exact as a whole.
            self._blame(i, tainted)
            return self._fresh()
        if self.decides or not self.writes:
            self._blame(i, [n for n in tainted if not self._fits(CHECKS.values(), n)])
        if not self.writes:
            return self._fresh()
        opcode = _opcode(i)
        if opcode in _COPIES and (len(inputs) == 1 or all(self.values[n] == ZERO for _, n in inputs[:2])):
            return inputs[_COPIES[opcode]][1]
        if i.name in ("LDC", "ULDC", "LDCU") and len(self.writes) == 1:
            source = i.operands[1]
            return self._fresh() if source.base or source.bank else self._constant(source)
        if i.name == "HFMA2":
            return self._number(Value("bits", literal=int(packed(i)[0, 0])))
        if not tainted and not is_inexact(opcode):
            return self._number(Value(opcode, tuple(inputs))) if opcode in _SIMPLE else self._fresh()
        # A sum of two, written as a sum of three.
        given = tuple(one for one in inputs if i.name != "IADD3" or self.values[one[1]] != ZERO)
        number = self._number(Value(opcode, given))
        if not self._fits(EXACT.values(), number):
            self.inexact.add(number)
        return number

    def _fits(self, patterns: Sequence[Any], number: int) -> bool:
        return any(next(matches(self.values, pattern, number, {}), None) is not None for pattern in patterns)

    def _blame(self, i: Instruction, tainted: Sequence[int]) -> None:
        for number in tainted:
            self.faults.add(f"{i.address:#x}: {i.text} takes an inexact {self.shown(number)}")

    def shown(self, number: int, depth: int = 4) -> str:
        """Return a value as text, with what went in."""
        opcode, inputs, literal = self.values[number]
        if not inputs or not depth:
            return f"{opcode} {literal}" if literal is not None else opcode
        return f"{opcode}({', '.join('-' * sign + self.shown(n, depth - 1) for sign, n in inputs)})"

    def never_run(self) -> set[str]:
        """Return the inexact instructions of the kernel itself that no thread has run."""
        left = (i for i in self.code.values() if i.address < self.end and i.address not in self.seen)
        return {f"{i.address:#x}: {i.text}" for i in left if is_inexact(_opcode(i))}
