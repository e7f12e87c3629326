"""Each instruction set of the compiled core, and NumPy without the core, give what golden.json has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from libraries import no_such_case
from places import TESTS

from arrayinit.stream import extension

pytestmark = pytest.mark.usefixtures("numpy_library")

CODE = """
import golden
from arrayinit.stream.extension import instruction_set

recorded = golden.read()
cases = list(golden.current())
wrong = [(call, dtype, case) for call, dtype, case, result in cases
         if not golden.agree(recorded[call][dtype][case], result, dtype)]
print(instruction_set(), len(cases), len(wrong), *wrong[:5])
"""


@pytest.mark.parametrize("name", ["none", "base", "avx2", "avx512"])
def test_each_gives_the_golden_digests(name):
    core = extension.core()
    sets = ["none", *(core.instruction_sets() if core else ())]
    if name not in sets:
        no_such_case(f"this machine, with this build, has only {', '.join(sets)}, and not {name}")
    environment = os.environ | {"ARRAYINIT_CORE": name, "PYTHONPATH": str(TESTS)}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=environment)
    ran, cases, *wrong = done.stdout.split(maxsplit=3)
    assert ran == name
    assert int(cases) > 1000
    assert wrong == ["0"]


@pytest.mark.parametrize("name", ["avx1024", "None", "AVX2", " base"])
def test_a_name_that_the_machine_does_not_know_is_an_error(name, monkeypatch):
    if extension.core() is None:
        no_such_case("arrayinit was installed without its compiled core")
    monkeypatch.setenv("ARRAYINIT_CORE", name)
    extension.core.cache_clear()
    with pytest.raises(ValueError, match=f"ARRAYINIT_CORE must be one of none, base.*; got '{name}'"):
        extension.core()
    monkeypatch.undo()
    assert extension.core() is not None


def test_a_core_that_is_missing_but_asked_for_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "arrayinit._core", None)
    monkeypatch.delattr("arrayinit._core", raising=False)
    for asked in ("", "base"):
        monkeypatch.setenv("ARRAYINIT_CORE", asked)
        extension.core.cache_clear()
        if asked:
            with pytest.raises(ImportError, match="without its compiled core"):
                extension.core()
        else:
            assert extension.core() is None
    monkeypatch.undo()
    extension.core.cache_clear()
