"""The command line as a program: its core, its terminal, its pipe, and an interrupt."""

import json
import os
import re
import signal
import struct
import subprocess
import sys

import pytest
from command_line import PROGRAM, RESNET50_OF_SEED_0

import arrayinit
from arrayinit.stream.extension import core

# Still at work when its first row has been read.
LONG = [*PROGRAM, *["--backend", "numpy"] * 9]


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("name", ["none", *(core().instruction_sets() if core() else ())])
def test_the_core_that_runs_is_told(name):
    environment = os.environ | {"ARRAYINIT_CORE": name}
    done = subprocess.run([*PROGRAM, "--json"], capture_output=True, text=True, check=True, env=environment)
    (row,) = json.loads(done.stdout)
    assert (row["core"], row["sha256"]) == (name, RESNET50_OF_SEED_0)
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True, env=environment)
    line = "without its compiled core" if name == "none" else f"compiled core: {name}"
    assert f"arrayinit {arrayinit.__version__}, {line}\n" in done.stdout


@pytest.mark.usefixtures("numpy_library")
def test_a_core_that_the_machine_lacks_is_an_error():
    environment = os.environ | {"ARRAYINIT_CORE": "avx1024"}
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch("arrayinit: .*ARRAYINIT_CORE.*'avx1024'.*\n", done.stderr)


@pytest.mark.usefixtures("numpy_library")
def test_as_a_program():
    done = subprocess.run(PROGRAM, capture_output=True, text=True, check=True)
    assert "in 161 arrays" in done.stdout
    assert done.stderr == ""
    assert "--backend" in subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("numpy_library")
@pytest.mark.parametrize("columns", [0, 40, 80])
def test_in_a_terminal_no_line_is_too_long(columns):
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo terminals of this kind")
    import fcntl
    import pty
    import termios

    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(PROGRAM, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        written = b"".join(iter(lambda: _read(mine), b"")).decode()
    os.close(mine)
    assert process.returncode == 0
    assert "[####" in written
    shown = re.split("[\r\n]+", written)
    assert max(map(len, shown)) <= (columns or 80)
    assert any(re.match("numpy .* ok", line) for line in shown)


def _read(terminal):
    # Linux gives an error at the end, macOS nothing.
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


@pytest.mark.usefixtures("numpy_library")
def test_a_row_comes_as_soon_as_it_is_measured_and_the_reader_may_go():
    if sys.platform == "win32":
        pytest.skip("Windows tells a program otherwise that its pipe is broken")
    with subprocess.Popen(LONG, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("numpy") for line in process.stdout)
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.usefixtures("numpy_library")
def test_an_interrupt_ends_it_without_a_traceback():
    if sys.platform == "win32":
        pytest.skip("Windows sends Ctrl-C to a group of processes")
    # A shell starts what runs in the background with this signal ignored, and all its children inherit that.
    heard = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", heard, *LONG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("resnet50")
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip() == "arrayinit: interrupted"
    assert process.returncode == 128 + signal.SIGINT
