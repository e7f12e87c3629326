"""The steps of a program as CUDA C++: loops over the elements of a thread, and a queue for each branch.

Few elements need a branch, but among the threads of a warp one does nearly always. So the elements that need it wait in
shared memory until full warps compute them, and each thread takes its own back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from struct import pack, unpack
from typing import NamedTuple

import numpy as np

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda_steps import operand
from arrayinit.stream.coefficients import SINGLE_TAIL
from arrayinit.stream.philox import WORDS_PER_BLOCK
from arrayinit.stream.program import Program, Step

TYPES = {
    "bool": "bool",
    "int32": "int",
    "uint32": "unsigned int",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}

# The constant of the only fraction whose estimate takes another number: with the constant itself, the corrected
# quotient could be wrong for three operands.
_LOWERED = FORMATS["float32"].nearest(SINGLE_TAIL[2][0])

# A logarithm takes the exponent and the mantissa of x > 0. x + 2^23 exponent is the mantissa, in one instruction.
_SHORTER = (
    (("subtract", 127, ("right", ..., 23)), "exponent_({x})"),
    (("or", ("and", ..., (1 << 23) - 1), 127 << 23), "{x} + (exponent_({x}) << 23)"),
)


class _Part(NamedTuple):
    """Steps that follow each other, and have the same mask or none."""

    steps: list[int]
    mask: int | None
    takes: list[int]
    """The results of other parts that these steps take."""
    gives: list[int]
    """The results that other parts take."""


class Loops:
    """A program as loops over the elements of a thread, with branches in between."""

    def __init__(self, program: Program, threads: int) -> None:
        self.program, self.steps, self.threads = program, program.steps, threads
        self.each, self.size = WORDS_PER_BLOCK[program.word], 8 if program.word == "uint64" else 4
        self.parts = list(self._parts())
        self.branches = [part for part in self.parts if part.mask is not None]
        self.masks = {part.mask for part in self.branches}
        # The results of a branch come from the queue, all others are kept in registers.
        self.kept_steps = {index for part in self.parts if part.mask is None for index in part.gives}
        self.stride = self.size * threads * self.each
        self.room = self.stride * max((len(part.takes) for part in self.branches), default=0)

    def _parts(self) -> Iterator[_Part]:
        groups = [(mask, list(group)) for mask, group in groupby(range(len(self.steps)), lambda k: self.steps[k].guard)]
        users = [{index for user in group for index in self.steps[user].inputs} for _, group in groups]
        for n, (mask, group) in enumerate(groups):
            others = set(self.program.outputs).union(*users[:n], *users[n + 1 :])
            takes, gives = users[n].difference(group), others.intersection(group)
            # The result of a branch is put where the first number was that the branch takes.
            sizes = {self.steps[index].dtype[-2:] for index in takes | gives}
            assert mask is None or (len(gives) == 1 and len(sizes) == 1), "a branch has one result, of the same size"
            yield _Part(group, mask, sorted(takes), sorted(gives))

    def kept(self) -> Iterator[str]:
        """Yield the members of the struct of what is kept of each element between the loops."""
        return (f"{self._declared(index)};" for index in sorted(self.kept_steps))

    def shared(self) -> Iterator[str]:
        """Yield the declarations of the queue: room for all elements of all threads, then their number."""
        if self.branches:
            yield f"__shared__ Index queue[{self.room // 8 + 1}];"
            yield "const Place begin = place(queue);"
            yield "Place at;"

    def statements(self) -> Iterator[str]:
        """Yield the loops and the branches."""
        for before, part, after in zip([None, *self.parts], self.parts, [*self.parts[1:], None], strict=False):
            if part.mask is not None:
                yield from self._branch(part)
                continue
            if after:
                # All threads have read the number of the last branch before they come to a barrier of the next.
                yield f"if (threadIdx.x == 0) put<{self.room}>(begin, 0u);"
                yield f"unsigned int wanted{after.mask} = 0;"
            yield "#pragma unroll"
            # From the last to the first, since ``at`` is past the last.
            yield f"for (int k = {self.each - 1}; k >= 0; k--) {{" if before else self._each()
            for index in part.steps:
                yield f"    {self._statement(index, part)}"
                if self._is_taken(index):
                    yield f"    take_back(all[k].v{self.steps[index].operands[0]}, at, v{index});"
                if index in self.kept_steps:
                    yield f"    all[k].v{index} = v{index};"
                if index in self.masks:
                    yield f"    count(v{index}, wanted{index});"
            yield "}"

    def _branch(self, part: _Part) -> Iterator[str]:
        (result,), mask = part.gives, part.mask
        yield "__syncthreads();"
        yield "at = begin;"
        yield f"if (wanted{mask}) at += {self.size} * increase<{self.room}>(begin, wanted{mask});"
        yield "#pragma unroll"
        yield self._each()
        puts = " ".join(f"put<{n * self.stride}>(at, all[k].v{index});" for n, index in enumerate(part.takes))
        yield f"    if (all[k].v{mask}) {{ {puts} at += {self.size}; }}"
        yield "}"
        yield "__syncthreads();"
        yield f"unsigned int queued{mask}; take<{self.room}>(begin, queued{mask});"
        yield f"for (unsigned int n = threadIdx.x; n < queued{mask}; n += {self.threads}) {{"
        yield f"    const Place from = begin + {self.size} * n;"
        for n, index in enumerate(part.takes):
            yield f"    {self._declared(index)}; take<{n * self.stride}>(from, v{index});"
        yield from (f"    {self._statement(index, part)}" for index in part.steps)
        yield f"    put<0>(from, v{result});"
        yield "}"
        yield "__syncthreads();"

    def _each(self) -> str:
        return f"for (int k = 0; k < {self.each}; k++) {{"

    def _declared(self, index: int) -> str:
        return f"{TYPES[self.steps[index].dtype]} v{index}"

    def _is_taken(self, index: int) -> bool:
        """Tell whether a step selects the result of a branch where the mask of the branch is set."""
        step = self.steps[index]
        return step.name == "where" and self.steps[step.operands[1]].guard == step.operands[0]

    def _statement(self, index: int, part: _Part) -> str:
        names = [self._name(k, part) for k in self.steps[index].inputs]
        if self._is_taken(index):
            return f"{self._declared(index)} = {names[2]};"
        return f"{self._declared(index)} = {self._expression(self.steps[index], names)};"

    def _name(self, index: int, part: _Part) -> str:
        is_kept = part.mask is None and index in part.takes and index in self.kept_steps
        return f"all[k].v{index}" if is_kept else f"v{index}"

    def _expression(self, step: Step, names: list[str]) -> str:
        match step.name:
            case "word":
                return f"word(words{step.operands[0]}, k)"
            case "number":
                return f"numbers.value[{step.operands[0]}]"
            case "integer":
                return f"({TYPES[step.dtype]}) {step.operands[0] % 2**64:#x}ull"
            case "constant":
                return _number(step.value, step.dtype)
            case "bits":
                return f"{step.dtype}({names[0]})"
            case "convert":
                return f"({TYPES[step.dtype]}) {names[0]}"
            case "where":
                return "{} ? {} : {}".format(*names)
            case "fraction":
                near = _number(factor(self.steps[step.operands[0]].value), step.dtype)
                return f"fraction_({names[0]}, {near}, {names[1]})"
            case name:
                return self._fused(step) or self._shorter(step) or f"{name}_({', '.join(names)})"

    def _shorter(self, step: Step) -> str | None:
        for pattern, text in _SHORTER:
            x = operand(self.steps, step, pattern)
            if x is not None:
                return text.format(x=f"v{x}")
        return None

    def _fused(self, step: Step) -> str | None:
        """Return (k + 1/2) 2^n as k 2^n + 2^(n - 1), for an integer k: a power of 2 commutes with rounding."""
        if step.name != "multiply":
            return None
        total, power = (self.steps[index] for index in step.operands)
        if total.name != "add" or power.name != "constant" or math.frexp(power.value)[0] != 0.5:
            return None
        k, half = total.operands
        if self.steps[k].name != "convert" or self.steps[half].name != "constant" or self.steps[half].value != 0.5:
            return None
        numbers = (_number(x, step.dtype) for x in (power.value, 0.5 * power.value))
        return f"fma_(v{k}, {', '.join(numbers)})"


def factor(w: float) -> float:
    """Return the number by which an approximate 1 / x is multiplied to estimate w / x.

    One correction then makes each quotient exact, for any reciprocal within one unit in the last place.
    """
    return float(np.nextafter(np.float32(w), np.float32(0))) if w == _LOWERED else w


def _number(value: float, dtype: str) -> str:
    """Return a literal. As bits, it can be infinite, and no compiler reads it in its own way."""
    real, integer, suffix = ("d", "Q", "ll") if dtype == "float64" else ("f", "I", "")
    return f"{dtype}({unpack(integer, pack(real, value))[0]:#x}{suffix})"
