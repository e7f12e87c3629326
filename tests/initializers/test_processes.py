"""What a process of its own is needed to see: forks, the end of the interpreter, and peaks of memory."""

import os
from pathlib import Path

import pytest
from processes import run

FORK = """
import os, sys, threading
import numpy as np
import arrayinit as ai

def fill():
    return ai.normal_(np.empty((4, 100_000), np.float32), rng=5)

expected = fill()
for _ in range(int(sys.argv[1])):
    threading.Thread(target=lambda: [fill() for _ in iter(int, 1)], daemon=True).start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = int((fill() != expected).any())
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
assert (fill() == expected).all()
print("same")
"""


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX systems fork")
@pytest.mark.parametrize("filling", ["0", "2"])
def test_a_forked_child_gets_the_same_bits_whatever_the_parents_threads_do(filling):
    assert run(FORK, filling) == "same\n"


@pytest.mark.usefixtures("numpy_library")
def test_a_fill_under_way_keeps_no_interpreter_alive():
    # A minute's work on a few megabytes.
    script = """
import threading, time
import numpy as np
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.stream.seed import seed_of
shape = (1 << 14, 1 << 20)
x = np.lib.stride_tricks.as_strided(np.empty(1 << 20, np.float32), shape, (0, 4))
draw = Draw(Normal(0.0, 1.0), seed_of(0), FORMATS["float32"], shape, (0, 1))
threading.Thread(target=draw.fill_host, args=(x,), daemon=True).start()
while threading.active_count() < 3:
    time.sleep(0.01)
print("end")
"""
    assert run(script, timeout=20) == "end\n"


MEMORY = """
import importlib, sys
import numpy as np
import arrayinit as ai
from memory import mebibytes

module, dtype, function, size = sys.argv[1:]
xp = importlib.import_module(module)
x = xp.ones((64, int(size) // 64), dtype=getattr(xp, dtype))
fill = getattr(ai, function)
fill(x[:, :1], rng=0)
before = mebibytes("VmHWM")
fill(x, rng=0)
after = mebibytes("VmHWM")
# To show that the peak is measured.
np.ones(64 << 20, np.uint8)
print(after - before, mebibytes("VmHWM") - after)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize(
    ("library", "dtype", "function", "size"),
    [
        ("numpy", "float32", "uniform_", 1 << 28),
        ("numpy", "float32", "normal_", 1 << 28),
        ("numpy", "float64", "normal_", 1 << 26),
        ("torch", "bfloat16", "normal_", 1 << 27),
    ],
    indirect=["library"],
)
def test_a_gigabyte_is_filled_with_32_megabytes_to_spare(library, dtype, function, size):
    rise, control = map(float, run(MEMORY, library.module, dtype, function, str(size)).split())
    assert rise <= 32
    assert control > 30
