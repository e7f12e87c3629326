"""The compiled core has each way of drawing, with the maths that Python records now."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest
from places import ROOT
from programs import CASES, IDS

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import compiled
from arrayinit.kernels.rounding import host_dtype, memory_dtype
from arrayinit.stream.program import LITERALS, Program, Step

pytestmark = pytest.mark.usefixtures("numpy_library")


@pytest.fixture(scope="module")
def printer() -> ModuleType:
    """What prints the programs when the core is built."""
    spec = importlib.util.spec_from_file_location("print_programs", ROOT / "csrc" / "print_programs.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        # The module puts the folder of the sources first.
        patched.setattr("sys.path", [])
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "distribution", "dtype"), CASES, ids=IDS)
def test_no_draw_falls_back_to_numpy(core, name, distribution, dtype):
    form = FORMATS[dtype]
    memory = np.dtype(memory_dtype(dtype))
    assert compiled.law(distribution, form, memory) is not None
    assert compiled.law(distribution, form, np.dtype(host_dtype(dtype))) is not None
    # NumPy turns the bytes around.
    if memory.itemsize > 1:
        assert compiled.law(distribution, form, memory.newbyteorder()) is None


def test_the_keys_of_sparse_come_from_the_core(core):
    assert compiled.keys_law() is not None


def test_the_core_has_the_programs_that_python_records_in_the_order_of_the_printer(core, printer):
    indices = [core.program(program.digest) for program in printer.programs()]
    assert indices == list(range(len(indices)))
    assert core.program(0) == -1


def other(step: Step) -> Step:
    """Return a step that computes something else."""
    if step.name in LITERALS:
        return step._replace(operands=(step.operands[0] + 1,))
    if len(set(step.operands)) > 1:
        return step._replace(operands=(*step.operands[1:], step.operands[0]))
    return step._replace(name={"multiply": "add", "invert": "negative"}.get(step.name, "invert"))


def test_a_change_of_any_step_is_another_program_and_other_c(core, printer):
    changed = 0
    for index, program in enumerate(printer.programs()):
        before = list(printer.Printed(index, program).functions())
        for k, step in enumerate(program.steps):
            steps = (*program.steps[:k], other(step), *program.steps[k + 1 :])
            mutant = Program(steps, program.outputs)
            # A mirrored tail is a program of its own.
            assert core.program(mutant.digest) != index
            try:
                after = list(printer.Printed(index, mutant).functions())
            except ValueError:
                # The printer does not know a second stream of words that is in no other step.
                continue
            changed += after != before
    assert changed > 1000


def test_every_step_that_is_used_is_printed(printer):
    for index, program in enumerate(printer.programs()):
        text = "\n".join(printer.Printed(index, program).functions())
        used = {*program.outputs}
        for k in range(len(program.steps) - 1, -1, -1):
            if k in used:
                used.update(program.steps[k].inputs)
        assert all(f" v{k} = " in text for k in used)
