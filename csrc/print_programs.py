"""Print the programs of the portable stream as C: ``python print_programs.py FOLDER``, which the build does.

A program is the maths of one way of drawing, as `arrayinit.stream.program` records it. Each becomes a function on the
vectors of vector.h. A program with a rare branch, such as the tail of the normal, becomes two functions: ``usual``
leaves the branch out and returns the mask of the lanes that need it; ``whole`` does everything.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from arrayinit.core.distributions import (
    Disk,
    Distribution,
    Normal,
    TruncatedComplexNormal,
    TruncatedNormal,
    Uniform,
)
from arrayinit.core.dtypes import FORMATS
from arrayinit.stream.program import KEYS_PROGRAM, Program, Step, recorded

# The distributions whose draws are worth a loop of their own, with the rounds of Philox between the steps.
HOT: tuple[Distribution, ...] = (
    Uniform(0.0, 1.0),
    Uniform(-0.3, 0.3),
    Uniform(-0.3, 0.7),
    Normal(0.0, 1.0),
    Normal(0.5, 0.02),
    TruncatedNormal(0.0, 1.0, -2.0, 2.0),
)

# One distribution for each other way of drawing.
REAL: tuple[Distribution, ...] = (
    Uniform(0.25, 0.25),
    Normal(0.5, 0.0),
    Normal(0.0, 0.0),
    TruncatedNormal(5.0, 2.0, 3.0, 9.0),
    TruncatedNormal(1.0, 2.0, -math.inf, -5.0),
    TruncatedNormal(0.0, 0.02, 0.6, 100.0),
    TruncatedNormal(0.0, 1.0, -3.001, -3.0),
    TruncatedNormal(0.0, 1.0, 3.0, 3.001),
    TruncatedNormal(0.0, 1.0, -40.0, -39.0),
    TruncatedNormal(0.0, 1.0, 40.0, math.inf),
    TruncatedNormal(0.0, 1.0, -40.00001, -40.0),
    TruncatedNormal(0.0, 1.0, 40.0, 40.00001),
    TruncatedNormal(0.0, 1.0, -1e-6, 1e-6),
    TruncatedNormal(0.0, 1.0, 2.5, 2.5009),
)
# The same, so small that a product is rounded in two steps.
TINY = {
    "float32": (Uniform(0.0, 1e-41), Uniform(-1e-41, 1e-41), Uniform(1e-41, 3e-41)),
    "float64": (Uniform(0.0, 1e-310), Uniform(-1e-310, 1e-310), Uniform(1e-310, 3e-310)),
}
COMPLEX: tuple[Distribution, ...] = (
    Disk(0.0, 1.5),
    Disk(2.5, 1.5),
    Normal(0.0, 1.0),
    Normal(0.5, 0.3),
    Normal(0.5, 0.0),
    Normal(0.0, 0.0),
    TruncatedComplexNormal(0.7),
)

TYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "uint32": "U32", "int64": "I64", "uint64": "U64"}
INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "fraction": "/",
    "and": "&",
    "or": "|",
    "xor": "^",
    "left": "<<",
    "right": ">>",
}


def programs() -> dict[Program, bool]:
    """Return each program, and whether it is hot."""
    found = {recorded(distribution, FORMATS["float32"]).program: True for distribution in HOT}
    for dtype, distributions in (
        ("float32", REAL + TINY["float32"]),
        ("float64", HOT + REAL + TINY["float64"]),
        ("complex64", COMPLEX),
        ("complex128", COMPLEX),
    ):
        for distribution in distributions:
            found.setdefault(recorded(distribution, FORMATS[dtype]).program, False)
    found[KEYS_PROGRAM] = False
    return found


def functions() -> Iterator[str]:
    """Yield the maths of all programs."""
    all_printed = [Printed(index, program) for index, program in enumerate(programs())]
    for printed in all_printed:
        yield from printed.functions()
    for bits in (32, 64):
        yield from chosen(f"usual_{bits}", bits, [printed for printed in all_printed if printed.bits == bits])
        yield from chosen(f"whole_{bits}", bits, [p for p in all_printed if p.bits == bits and p.guards])


def table() -> Iterator[str]:
    """Yield the facts of all programs."""
    # A file that includes this one defines what EACH does with the index of a program, the bits of a word, the first
    # stream, how many streams, parts and numbers it has, whether it has a rare branch and is hot, and its digest.
    rows = [Printed(index, program).row(is_hot) for index, (program, is_hot) in enumerate(programs().items())]
    yield "#define EACH_PROGRAM(EACH) \\\n" + " \\\n".join(rows)
    yield f"#define PROGRAMS {len(rows)}"


def chosen(name: str, bits: int, among: list[Printed]) -> Iterator[str]:
    """Yield the function that calls one program by its index, which is known where the function is inlined."""
    mask = f", M{bits} *rare" if name.startswith("usual") else ""
    given = "numbers, w, out" + (", rare" if mask else "")
    yield f"INLINE void {name}(int program, const void *numbers, const U{bits} *w, F{bits} *out{mask}) {{"
    yield "    switch (program) {"
    yield from (f"    case {printed.index}: {name[:5]}_of_{printed.index}({given}); break;" for printed in among)
    yield "    default: __builtin_unreachable();"
    yield "    }"
    yield "}"


class Printed:
    """A program as C."""

    def __init__(self, index: int, program: Program) -> None:
        self.index, self.program, self.steps = index, program, program.steps
        self.guards = sorted({step.guard for step in self.steps if step.guard is not None})
        self.bits = 64 if program.word == "uint64" else 32
        self.streams = sorted({step.operands[0] for step in self.steps if step.name == "word"})

    def row(self, is_hot: bool) -> str:
        """Return the facts of the program, as a use of the macro EACH."""
        numbers = sum(step.name == "number" for step in self.steps)
        facts = (self.index, self.bits, self.streams[0], len(self.streams), len(self.program.outputs), numbers)
        flags = (int(bool(self.guards)), int(is_hot), f"{self.program.digest:#018x}ull")
        return f"    EACH({', '.join(map(str, (*facts, *flags)))})"

    def functions(self) -> Iterator[str]:
        """Yield the function without the rare branches, and the function with them if there are any."""
        yield from self._function("usual", is_whole=False)
        if self.guards:
            yield from self._function("whole", is_whole=True)

    def _function(self, name: str, *, is_whole: bool) -> Iterator[str]:
        bits, numbers = self.bits, "double" if self.bits == 64 else "float"
        mask = "" if is_whole else f", M{bits} *rare"
        arguments = f"const void *numbers, const U{bits} *w, F{bits} *out{mask}"
        yield f"INLINE void {name}_of_{self.index}({arguments}) {{"
        yield f"    const {numbers} *restrict n = numbers;"
        yield "    (void)n, (void)w;"
        used = self._used(is_whole=is_whole)
        for index, step in enumerate(self.steps):
            if index in used:
                yield f"    {self._type(step)} v{index} = {self._expression(step, is_whole=is_whole)};"
        yield from (f"    out[{k}] = (F{bits})v{index};" for k, index in enumerate(self.program.outputs))
        if not is_whole:
            yield f"    *rare = {' | '.join(f'v{index}' for index in self.guards) or f'(M{bits}){{0}}'};"
        yield "}"

    def _used(self, *, is_whole: bool) -> set[int]:
        """Return the steps whose results are used."""
        used = {*self.program.outputs, *(() if is_whole else self.guards)}
        for index in range(len(self.steps) - 1, -1, -1):
            if index in used:
                inputs = self.steps[index].inputs
                used.update(inputs[2:] if self._is_rare(self.steps[index]) and not is_whole else inputs)
        return used

    def _is_rare(self, step: Step) -> bool:
        """Whether a step takes the result of a rare branch where its mask is set."""
        return step.name == "where" and step.inputs[0] in self.guards

    def _type(self, step: Step) -> str:
        return f"M{self.bits}" if step.dtype == "bool" else TYPES[step.dtype]

    def _expression(self, step: Step, *, is_whole: bool) -> str:
        kind, names = self._type(step), [f"v{k}" for k in step.inputs]
        given = self._type(self.steps[step.inputs[0]]) if step.inputs else ""
        if not step.inputs:
            return self._literal(step, kind)
        if self._is_rare(step) and not is_whole:
            # Where no branch is taken, its result is not used.
            return names[2]
        if step.name in INFIX:
            return f" {INFIX[step.name]} ".join(names)
        match step.name:
            case "bits":
                return f"({kind}){names[0]}"
            case "invert":
                return f"~{names[0]}"
            case "convert":
                return f"convert_{given}_{kind}({names[0]})"
            case "less":
                return f"less_{given}({', '.join(names)})"
            case name:
                return f"{name}_{kind}({', '.join(names)})"

    def _literal(self, step: Step, kind: str) -> str:
        (operand,) = step.operands
        match step.name:
            case "word":
                return f"w[{self.streams.index(operand)}]"
            case "number":
                return f"ALL({kind}, n[{operand}])"
            case "constant":
                return f"ALL({kind}, {step.value.hex()}{'f' * (self.bits == 32)})"
            case _:
                return f"ALL({kind}, ({step.dtype}_t){operand % 2**self.bits:#x}u{'ll' * (self.bits > 32)})"


def main(arguments: Sequence[str]) -> None:
    """Write the two files."""
    for name, lines in (("programs_printed.h", functions()), ("programs_table.h", table())):
        text = "\n".join(["/* Printed by print_programs.py. */", *lines, ""])
        Path(arguments[0], name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
