"""Machine code as instructions with operands, as nvdisasm from PyPI reads it."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

# The registers that read as zero, and the predicates that read as true.
ZERO, UNIFORM_ZERO, TRUE = 255, 63, 7


class Operand(NamedTuple):
    """What an instruction reads or writes.

    ``kind`` is R (register), U (uniform register), P (predicate), V (uniform predicate), # (number), C (constant
    bank), M (memory), B (register of a reconvergence barrier) or S (anything else, by its text).
    """

    kind: str
    text: str
    index: int = 0
    negative: bool = False
    absolute: bool = False
    inverted: bool = False
    bits: Array | None = None
    """A number that is written as bits: the low 32 bits, then the high ones."""
    number: float | None = None
    """A number that is written as a number."""
    base: tuple[Operand, ...] = ()
    """The registers whose sum, and that of ``index``, is an address."""
    scale: int = 1
    """By what the register of an address is multiplied."""
    bank: int = 0
    """The constant bank."""


class Instruction(NamedTuple):
    """An instruction at an address of its kernel."""

    address: int
    guard: Operand | None
    name: str
    modifiers: frozenset[str]
    operands: tuple[Operand, ...]
    text: str

    @property
    def opcode(self) -> str:
        """The name with the modifiers."""
        return self.text.split()[0 if self.guard is None else 1]

    @property
    def comparison(self) -> str:
        """The first of the modifiers, which says how two values are compared."""
        return self.opcode.split(".")[1]


_LINE = re.compile(r"^\s+/\*([0-9a-f]+)\*/\s+(.*?)\s*;", re.MULTILINE)
_COMMA = re.compile(r",\s*(?![^\[]*\])")
_ADDRESS = re.compile(r"(-?)0x([0-9a-f]+)")


def disassembled(texts: Sequence[bytes], architecture: int) -> list[dict[int, Instruction]]:
    """Return the instructions of each text by their addresses. One run of nvdisasm reads all texts."""
    starts = np.cumsum([0, *map(len, texts)]).tolist()
    with TemporaryDirectory() as folder:
        file = Path(folder, "texts.bin")
        file.write_bytes(b"".join(texts))
        command = [nvdisasm(), "--binary", f"SM{architecture}", "--no-dataflow", str(file)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [(int(found[1], 16), found[2]) for found in _LINE.finditer(printed)]
    code = iter(lines)
    found: list[dict[int, Instruction]] = []
    for start, end in pairwise(starts):
        # An instruction has 16 bytes.
        part = [next(code) for _ in range((end - start) // 16)]
        assert [address for address, _ in part] == list(range(start, end, 16))
        found.append({address - start: _instruction(address - start, text, start) for address, text in part})
    return found


@cache
def nvdisasm() -> str:
    """Return the path of the program that a package of PyPI has."""
    files = importlib.metadata.files("nvidia-cuda-nvdisasm") or ()
    return str(next(file.locate() for file in files if file.stem == "nvdisasm"))


_JUMPS = ("BRA", "CALL", "RET", "BSSY")


def _instruction(address: int, text: str, start: int) -> Instruction:
    guard, rest = None, text
    if text.startswith("@"):
        first, rest = text.split(None, 1)
        guard = _operand(first[1:])
    opcode, _, listed = rest.partition(" ")
    name, *modifiers = opcode.split(".")
    operands = list(_operands(listed.strip(), name))
    if name in _JUMPS and operands[-1].bits is not None:
        target = operands[-1].bits[0].item() - start
        operands[-1] = operands[-1]._replace(index=target)
    return Instruction(address, guard, name, frozenset(modifiers), tuple(operands), text)


def _operands(listed: str, name: str) -> Iterator[Operand]:
    # The only instruction whose operands no comma parts.
    listed = listed.replace(" ", ", ") if name == "RET" else listed
    return map(_operand, _COMMA.split(listed)) if listed else iter(())


@cache
def _operand(text: str) -> Operand:
    text = text.strip().replace(".reuse", "")
    if text.startswith(("c[", "desc[", "[")):
        return _memory(text)
    rest, negative, absolute, inverted = text, False, False, False
    if re.match(r"-[|RUc]", rest):
        negative, rest = True, rest[1:]
    if rest.startswith("|"):
        absolute, rest = True, rest.strip("|")
    if rest[0] in "~!":
        inverted, rest = True, rest[1:]
    if rest.startswith("c["):
        return _memory(rest)._replace(text=text, negative=negative, absolute=absolute, inverted=inverted)
    for kind, pattern, zero in _REGISTERS:
        if found := re.fullmatch(pattern, rest):
            index = int(found[1]) if found[1].isdigit() else zero
            return Operand(kind, text, index, negative, absolute, inverted)
    return _number(rest)


_REGISTERS = (
    ("R", r"S?R(\d+|Z)", ZERO),
    ("U", r"UR(\d+|Z)", UNIFORM_ZERO),
    ("P", r"P(\d|T)", TRUE),
    ("V", r"UP(\d|T)", TRUE),
    ("B", r"B(\d+)", 0),
)


def _number(text: str) -> Operand:
    if found := _ADDRESS.fullmatch(text):
        value = int(found[2], 16) * (-1 if found[1] else 1)
        halves = divmod(value % 2**64, 2**32)[::-1]
        return Operand("#", text, bits=np.array(halves, np.uint32).reshape(2, 1, 1))
    known = {"QNAN": "nan", "SNAN": "nan", "INF": "inf"}
    sign, name = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    try:
        return Operand("#", text, number=float(sign + known.get(name, name)))
    except ValueError:
        return Operand("S", text)


def _memory(text: str) -> Operand:
    """Return the operand for an address: registers, of 32 or 64 bits, and a number of bytes."""
    inner = text[text.rindex("[") + 1 : -1]
    parts = [part.strip() for part in inner.replace("-0x", "+-0x").split("+") if part.strip()]
    offset, base = 0, []
    for part in parts:
        name, _, form = part.partition(".")
        if found := _ADDRESS.fullmatch(part):
            offset += int(found[2], 16) * (-1 if found[1] else 1)
        elif (register := _operand(name)).kind in "RU" and form in ("", "64", "U32", "X4", "X8", "X16"):
            base.append(register._replace(text=part, scale=int(form[1:]) if form.startswith("X") else 1))
        else:
            raise ValueError(f"an address of an unknown kind: {text}")
    if not text.startswith("c["):
        return Operand("M", text, offset, base=tuple(base))
    if not (bank := re.match(r"c\[0x(\d)\]", text)):
        raise ValueError(f"a constant bank that no kernel here has: {text}")
    return Operand("C", text, offset, base=tuple(base), bank=int(bank[1]))
