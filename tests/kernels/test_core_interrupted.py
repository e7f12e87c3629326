"""The compiled core beside signals, forks, threads, other interpreters, and where there is no memory left."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from array import array
from hashlib import sha256
from types import ModuleType

import numpy as np
import pytest
from libraries import no_such_case
from wrong_core_calls import float32_law

import arrayinit as ai

pytestmark = pytest.mark.usefixtures("numpy_library")


def filled(core: ModuleType, count: int = 100_000, seed: int = 0) -> np.ndarray:
    x = np.zeros(count, np.float32)
    core.fill(float32_law(), seed, x)
    return x


def test_an_exception_from_a_signal_comes_after_a_whole_fill(core):
    if sys.platform == "win32":
        no_such_case("Windows has no timer that sends signals")
    expected, raised = filled(core, 1 << 22), 0

    def fail(*_):
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, fail)
    try:
        for delay in range(1, 20):
            x = np.zeros(1 << 22, np.float32)
            try:
                signal.setitimer(signal.ITIMER_REAL, delay * 3e-4)
                core.fill(float32_law(), 0, x)
                core.fill(float32_law(), 0, x)
                threading.Event().wait(1)
            except InterruptedError:
                raised += 1
            if x[0]:
                np.testing.assert_array_equal(x, expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert raised == 19


def test_a_child_fills_after_its_parent_has_filled(core):
    if not hasattr(os, "fork"):
        no_such_case("this platform has no fork")
    # Away from the threads of pytest.
    code = (
        "import os, numpy, arrayinit\n"
        "def digest(seed): return hash(arrayinit.normal_(numpy.empty(1 << 20, 'f4'), rng=seed).tobytes())\n"
        "before = digest(0)\n"
        "for _ in range(5):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os._exit(0 if digest(0) == before != digest(1) else 1)\n"
        "    assert digest(0) == before\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
    variables = os.environ | {"ARRAYINIT_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=variables)


def test_many_threads_fill_at_once(core):
    sizes = (10, 5000, 300_000)
    expected = {(size, seed): filled(core, size, seed) for size in sizes for seed in range(8)}
    wrong: list[tuple[int, int]] = []
    together = threading.Barrier(8)

    def work(seed: int) -> None:
        together.wait()
        same = ((size, np.array_equal(filled(core, size, seed), expected[size, seed])) for size in sizes * 5)
        wrong.extend((size, seed) for size, is_same in same if not is_same)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_another_thread_runs_while_a_large_array_is_filled(core):
    x = np.zeros(1 << 24, np.float32)

    def turns() -> int:
        done, count = threading.Event(), 0
        thread = threading.Thread(target=lambda: (core.fill(float32_law(), 0, x), done.set()))
        thread.start()
        while not done.wait(1e-3):
            count += 1
        thread.join()
        return count

    # Where the machine is busy, a fill may be over before this thread gets its next turn.
    assert any(turns() > 3 for _ in range(30))


def test_where_an_allocation_fails_nothing_is_kept_or_half_done(core):
    try:
        memory = importlib.import_module("_testcapi")
    except ImportError:
        no_such_case("this Python has no module _testcapi, which lets allocations fail")
    law, expected, failures = float32_law(), filled(core, 100), 0
    calls = {
        "fill": lambda x: core.fill(law, 0, x, (100,), (0,)),
        "fill_at_once": lambda x: core.fill_at_once(law, 0, x, (0,)),
        "wrong law": lambda x: core.fill(b"", 0, x),
        "wrong array": lambda x: core.fill(law, 0, 3),
        "key": lambda x: core.key((2**63,), (2**63,)),
        "instruction_sets": lambda x: core.instruction_sets(),
        "use": lambda x: core.use("none"),
    }
    for call in calls.values():
        for first in range(12):
            x = array("f", [0.0] * 100)
            memory.set_nomemory(first, first + 1)
            try:
                call(x)
            except (MemoryError, TypeError, ValueError) as error:
                failures += isinstance(error, MemoryError)
            finally:
                memory.remove_mem_hooks()
            assert not any(x) or x.tobytes() == expected.tobytes()
            # The buffer was released.
            x.append(0.0)
    assert failures > 10


INTERPRETER = """
import importlib.util
from array import array
try:
    spec = importlib.util.spec_from_file_location("arrayinit._core", {path!r})
    core = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(core)
    x = array("f", [0.0] * 1000)
    core.fill(bytes.fromhex({law!r}), 0, x)
    result = __import__("hashlib").sha256(x.tobytes()).hexdigest()
except ImportError as error:
    result = f"refused: {{error}}"
open({file!r}, "w").write(result)
"""


def test_another_interpreter_of_the_process_fills_or_refuses_clearly(core, tmp_path):
    names = ("_interpreters", "_xxsubinterpreters")
    module = next(filter(None, map(_imported, names)), None)
    if module is None:
        no_such_case("this Python has no subinterpreters")
    file = tmp_path / "result"
    code = INTERPRETER.format(path=core.__file__, law=float32_law().hex(), file=str(file))
    for _ in range(2):
        other = module.create()
        module.run_string(other, code)
        module.destroy(other)
        result = file.read_text()
        refused = result.startswith("refused: ") and "does not support loading in subinterpreters" in result
        assert refused or result == sha256(filled(core, 1000).tobytes()).hexdigest()
    # This interpreter goes on.
    np.testing.assert_array_equal(ai.normal_(np.empty(1000, np.float32), rng=0), filled(core, 1000))


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
