"""A kernel that can be launched on the CPU."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from sass import bits, conversions, floats, flow, integers, moves  # noqa: F401 - they fill the table of instructions
from sass.cubin import Cubin, compiled
from sass.disassembly import Array, Instruction, disassembled
from sass.machine import Choices, Grid, Machine
from sass.memory import Memory

# Where the threads' memory begins, far above what 32 bits reach.
_START = 1 << 40


class Kernel(NamedTuple):
    """A kernel as machine code, and its instructions by their addresses."""

    cubin: Cubin
    code: Mapping[int, Instruction]

    def launch(
        self,
        grid: Grid,
        out: Array,
        arguments: Sequence[bytes],
        choices: Choices | None = None,
        kind: type[Machine] = Machine,
    ) -> Machine:
        """Run all threads. The first argument is the address of ``out``, a view of an array in one piece."""
        owner = out
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        assert owner.flags.forc
        content = owner.reshape(-1, order="A").view(np.uint8)
        pointer = _START + out.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        memories = self._memories(grid, content, [struct.pack("<Q", pointer), *arguments])
        machine = kind(self.code, self.end, grid, memories, choices or Choices())
        machine.run()
        return machine

    @property
    def end(self) -> int:
        """Where the subroutines begin that the compiler added to the kernel."""
        return min([start for start in self.cubin.functions.values() if start] or [len(self.cubin.text)])

    def _memories(self, grid: Grid, content: Array, arguments: Sequence[bytes]) -> dict[str, Memory]:
        banks = {bank: np.frombuffer(content, np.uint8).copy() for bank, content in self.cubin.banks.items()}
        constant = banks[0]
        # What a kernel reads here besides these is not zero on a GPU.
        constant[: self.cubin.constants] = 0xA5
        for place, value in zip(self.cubin.launch_constants, (grid.threads, self.cubin.stack), strict=True):
            constant[place : place + 4] = np.frombuffer(struct.pack("<I", value), np.uint8)
        assert len(arguments) == len(self.cubin.parameters)
        for parameter, argument in zip(self.cubin.parameters, arguments, strict=True):
            if parameter.size != len(argument):
                raise ValueError(f"an argument has {len(argument)} bytes, and the kernel's parameter {parameter.size}")
            place = self.cubin.constants + parameter.offset
            constant[place : place + parameter.size] = np.frombuffer(argument, np.uint8)
        threads = grid.blocks * -(-grid.threads // 32) * 32
        # What nothing has written is not zero on a GPU.
        return {
            **{f"constant {bank}": Memory(content) for bank, content in banks.items()},
            "global": Memory(content, _START),
            "shared": Memory(np.full(grid.blocks * self.cubin.shared, 0xA5, np.uint8)),
            "local": Memory(np.full(threads * self.cubin.stack, 0xA5, np.uint8)),
        }

    def issued(self, machine: Machine) -> Counter[str]:
        """Return how many warps have issued each instruction, by its name and modifiers."""
        counts: Counter[str] = Counter()
        for address, count in machine.issued.items():
            counts[self.code[address].opcode] += count
        return counts


def compiled_kernels(sources: Iterable[str], architecture: int = 90) -> dict[str, Kernel]:
    """Compile sources for GPUs of an architecture, as 90 for sm_90, and read what became of them."""
    texts = list(dict.fromkeys(sources))
    with ThreadPoolExecutor() as pool:
        cubins = list(pool.map(lambda text: compiled(text, architecture), texts))
    codes = disassembled([cubin.text for cubin in cubins], architecture)
    return {text: Kernel(cubin, code) for text, cubin, code in zip(texts, cubins, codes, strict=True)}
