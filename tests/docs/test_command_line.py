"""The command line, as a user runs it."""

import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from libraries import no_such_case

import arrayinit
from arrayinit.__main__ import main
from arrayinit.backends.registry import libraries
from arrayinit.cli.measure import LIMIT, deviation, measure
from arrayinit.cli.models import MODELS, gpt2, resnet50
from arrayinit.cli.report import EXPLANATION, Report
from arrayinit.cli.targets import targets
from arrayinit.cli.terminal import Progress, width_of
from arrayinit.stream.extension import core, instruction_set

RESNET50_OF_SEED_0 = "6a3730078c006fbc6fc9d3e657be19332f7aac856bc1c24a1686b26ea8afb3e7"


def test_the_models_are_the_real_ones():
    parameters = {name: list(model()) for name, model in MODELS.items()}
    assert {name: len(arrays) for name, arrays in parameters.items()} == {"gpt2": 148, "resnet50": 161}
    # The published totals.
    assert sum(p.size for p in parameters["gpt2"]) == 124_439_808
    assert sum(p.size for p in parameters["resnet50"]) == 25_557_032
    for arrays in parameters.values():
        assert len({p.name for p in arrays}) == len(arrays)


def test_some_parameters_of_each_model():
    gpt = {p.name: p for p in gpt2()}
    assert gpt["h.11.mlp.c_proj.weight"].shape == (3072, 768)
    assert gpt["h.11.mlp.c_proj.weight"].std == pytest.approx(0.02 / math.sqrt(24))
    assert gpt["wte.weight"].std == 0.02
    assert (gpt["ln_f.weight"].constant, gpt["ln_f.bias"].constant) == (1, 0)
    resnet = {p.name: p for p in resnet50()}
    assert resnet["layer4.0.downsample.0.weight"].shape == (2048, 1024, 1, 1)
    assert resnet["conv1.weight"].std == pytest.approx(math.sqrt(2 / (64 * 49)))
    assert resnet["fc.weight"].shape == (1000, 2048)


def test_resnet_is_initialized_as_torch_layers_are():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    fills = {p.name: p.fill for p in resnet50()}
    linear = torch.nn.Linear(2048, 1000, device="meta").to_empty(device="cpu")
    torch.manual_seed(0)
    linear.reset_parameters()
    torch.manual_seed(0)
    for name in ("weight", "bias"):
        assert torch.equal(fills[f"fc.{name}"](torch.empty_like(getattr(linear, name)), None), getattr(linear, name))


def named(library):
    """Return the name of a library on the command line."""
    name = library.module.partition(".")[0]
    if name not in libraries():
        no_such_case("the command line has the libraries that have an adapter of their own")
    return name


@pytest.mark.parametrize("source", [[], ["--rng", "native"]], ids=["seed", "native"])
def test_every_library_is_initialized_rightly(library, source, monkeypatch, capsys, request):
    if ":" in library.name:
        pytest.skip("the command line takes all devices of a library at once")
    name = named(library)
    # JAX has eight devices here, and compiles its own draws for each device and shape.
    monkeypatch.setattr("arrayinit.__main__.targets", lambda names: targets(names)[: 1 if source else 2])
    if source:
        request.getfixturevalue("small")
    parameters = list(MODELS["resnet50"]())
    assert main(["--backend", name, "--model", "resnet50", *source]) == 0
    title, blank, head, rule, *rest = capsys.readouterr().out.splitlines()
    origin = "each library's own generator" if source else "seed 0"
    size = sum(p.size for p in parameters)
    assert (title, blank) == (f"resnet50: {size:,} parameters in {len(parameters)} arrays, from {origin}", "")
    names = ["backend", "version", "device", "seconds", "compile", "ns/param", "std error", "ok"]
    assert re.split(" {2,}", head) == (names if source else [*names, "sha256"])
    assert set(rule) == {"-", " "}
    rows = [line.split() for line in rest[: rest.index("")]]
    assert rows
    for row in rows:
        assert row[0] == name
        assert row[7:] == (["ok"] if source else ["ok", RESNET50_OF_SEED_0])
    assert (RESNET50_OF_SEED_0 in rest) == (not source)
    assert rest[-1] == EXPLANATION


@pytest.mark.usefixtures("numpy_library")
def test_json(capsys):
    assert main(["--json", "--backend", "numpy", "--model", "resnet50"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["arrays"] == 161
    assert row["parameters"] == 25_557_032
    assert row["ok"] is True
    assert abs(row["worst_std_error"]) <= LIMIT
    assert row["seed"] == 0
    assert row["sha256"] == RESNET50_OF_SEED_0
    assert row["ns_per_parameter"] == pytest.approx(row["seconds"] / row["parameters"] * 1e9)


@pytest.fixture
def small(monkeypatch):
    """Leave the first and the last layers of the model, for what does not ask for its size."""
    layers = [p for p in resnet50() if p.name.startswith(("conv1.", "bn1.", "fc."))]
    monkeypatch.setitem(MODELS, "resnet50", lambda: iter(layers))


@pytest.mark.usefixtures("numpy_library", "small")
def test_other_seeds_give_other_models(capsys):
    digests = []
    for seed in ("0", "1"):
        assert main(["--backend", "numpy", "--model", "resnet50", "--seed", seed, "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        digests.append(row["sha256"])
    assert [len(digest) for digest in digests] == [64, 64]
    assert digests[0] != digests[1]


@pytest.mark.usefixtures("numpy_library", "small")
def test_weights_that_differ_between_backends_are_an_error(monkeypatch, capsys):
    (target,) = targets(["numpy"])
    seeds = iter(range(1000))
    monkeypatch.setattr("arrayinit.__main__.targets", lambda _: [target, target._replace(device="other")])
    monkeypatch.setattr(arrayinit, "fold_in", lambda seed, name: next(seeds))
    assert main(["--model", "resnet50", "--seed", "0"]) == 1
    out = capsys.readouterr().out
    assert "not the same weights: resnet50" in out
    assert "the same on all" not in out


@pytest.mark.parametrize("text", ["-1", "1.5", "one"])
def test_a_seed_that_is_none_is_an_error(text, capsys):
    with pytest.raises(SystemExit) as error:
        main(["--seed", text])
    assert error.value.code == 2
    assert f"{text!r} is not a non-negative integer" in capsys.readouterr().err


@pytest.mark.usefixtures("numpy_library", "small")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x * 1.1,
        lambda x: x.astype(np.float64),
        lambda x: np.full_like(x, np.nan),
        lambda x: np.zeros_like(x),
        lambda x: x[:-1],
    ],
    ids=["scaled", "dtype", "nan", "zero", "shape"],
)
def test_what_is_off_is_noticed(spoil, monkeypatch, capsys):
    sound = arrayinit.kaiming_uniform_
    monkeypatch.setattr(arrayinit, "kaiming_uniform_", lambda x, **arguments: spoil(sound(x, **arguments)))
    assert main(["--backend", "numpy", "--model", "resnet50"]) == 1
    assert "not ok: resnet50 on numpy cpu, fc.weight" in capsys.readouterr().out
    assert main(["--backend", "numpy", "--model", "resnet50", "--json"]) == 1
    assert "Infinity" not in capsys.readouterr().out


def test_a_wrong_constant_is_noticed():
    ones = next(p for p in gpt2() if p.name == "ln_f.weight")
    assert deviation(np.ones(768, np.float32), ones) == 0
    assert deviation(np.zeros(768, np.float32), ones) == math.inf
    (target,) = targets(["numpy"])
    spoiled = ones._replace(fill=lambda x, _: arrayinit.zeros_(x))
    assert not measure("gpt2", [spoiled], target, lambda: None).ok


def test_standard_errors_are_standard_errors():
    fc = next(p for p in resnet50() if p.name == "fc.bias")
    rng = np.random.default_rng(0)
    bound = 1 / math.sqrt(2048)
    errors = [deviation(rng.uniform(-bound, bound, 1000).astype(np.float32), fc) for _ in range(2000)]
    assert np.std(errors) == pytest.approx(1, abs=5 / math.sqrt(2 * 2000))


@pytest.mark.usefixtures("numpy_library", "small")
@pytest.mark.parametrize("width", [None, 80])
def test_a_broken_library_spoils_its_own_row_and_no_other(width, monkeypatch, capsys):
    def broken():
        raise OSError("libarrays.so.12: cannot open\nshared object file")

    # One cannot be imported, and one is too old.
    known = libraries()
    monkeypatch.setattr("arrayinit.cli.targets.libraries", lambda: {"broken": broken, **known})
    (target,) = targets(["numpy"])
    old = target._replace(backend="old", version="0.1", finish=lambda x: x.no_such_method())
    monkeypatch.setattr("arrayinit.cli.targets.find_spec", lambda name: name in ("broken", "numpy") or None)
    found = [*targets(None), old]
    assert [device.backend for device in found] == ["broken", "numpy", "old"]
    monkeypatch.setattr("arrayinit.__main__.targets", lambda _: found)
    monkeypatch.setattr("arrayinit.__main__.width_of", lambda _: width)
    assert main(["--model", "resnet50"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^broken +- +(- +)+NO", printed, re.MULTILINE)
    assert re.search(r"^numpy .* ok ", printed, re.MULTILINE)
    assert re.search(r"^old +0\.1 +cpu +(- +)+NO", printed, re.MULTILINE)
    text = " ".join(printed.split())
    assert "resnet50 on broken -, OSError: libarrays.so.12: cannot open shared object file" in text
    assert "resnet50 on old cpu, AttributeError: 'numpy.ndarray' object has no attribute 'no_such_method'" in text
    assert "sha256 of the weights:" in text
    assert main(["--model", "resnet50", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["ok"] for row in rows] == [False, True, False]
    assert [bool(row["error"]) for row in rows] == [True, False, True]


def test_paddle_is_imported_before_tensorflow():
    # It crashes the process otherwise.
    names = [name for name in libraries() if name in ("paddle", "tensorflow")]
    assert names == sorted(names)


def test_a_missing_backend_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr("arrayinit.cli.targets.find_spec", lambda name: None)
    assert main(["--backend", "torch"]) == 2
    assert capsys.readouterr().err == "arrayinit: backend torch is not installed\n"


def test_an_unknown_backend_is_an_error(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--backend", "fortran"])
    assert error.value.code == 2
    assert "invalid choice: 'fortran'" in capsys.readouterr().err


def test_without_a_name_all_that_is_installed_is_found(monkeypatch):
    found = {target.backend for target in targets(None)}
    installed = {name for name in libraries() if find_spec(name)}
    assert "numpy" in found <= installed
    monkeypatch.setattr("arrayinit.cli.targets.find_spec", lambda name: name == "numpy" or None)
    assert [target.backend for target in targets(None)] == ["numpy"]


def test_a_seed_and_a_native_generator_exclude_each_other(capsys):
    # 0 is also the default, of which argparse takes no notice.
    with pytest.raises(SystemExit) as error:
        main(["--rng", "native", "--seed", "0"])
    assert error.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--version"])
    assert error.value.code == 0
    name = instruction_set()
    line = "without its compiled core" if name == "none" else f"compiled core: {name}"
    assert capsys.readouterr().out == f"arrayinit {arrayinit.__version__}, {line}\n"


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


@pytest.mark.usefixtures("numpy_library", "small")
def test_the_same_weights_on_several_devices_have_one_digest(monkeypatch, capsys):
    (target,) = targets(["numpy"])
    monkeypatch.setattr("arrayinit.__main__.targets", lambda _: [target, target._replace(device="other")])
    assert main(["--model", "resnet50"]) == 0
    out = capsys.readouterr().out
    (digest,) = re.findall(r"^sha256 of the weights, the same on all 2:\n([0-9a-f]{64})$", out, re.MULTILINE)
    assert out.count(digest) == 3


@pytest.mark.parametrize("compiles", [True, False])
def test_the_time_to_compile_is_told_apart(compiles, monkeypatch):
    (target,) = targets(["numpy"])
    calls, clock = [], [0.0]
    monkeypatch.setattr("arrayinit.cli.measure.perf_counter", lambda: clock[0])

    def slow_at_first(x, _):
        clock[0] += 1.0 if x.shape in calls else 11.0
        calls.append(x.shape)
        return arrayinit.ones_(x)

    ones = next(p for p in gpt2() if p.name == "ln_f.weight")._replace(fill=slow_at_first)
    parameters = [ones._replace(name=str(i), shape=(n,)) for i, n in enumerate((8, 9, 8))]
    row = measure("gpt2", parameters, target._replace(compiles=compiles), lambda: None)
    assert (row.seconds, row.compile_seconds) == ((3, 20) if compiles else (23, 0))
    # A second call for each kind, and none for the third array, which is like the first.
    assert len(calls) == (5 if compiles else 3)


WIDTHS = [20, 30, 40, 50, 60, 79, 80, 90, 120, 200]


@pytest.fixture
def places():
    (target,) = targets(["numpy"])
    return [target, target._replace(backend="array_api_strict", version="2.13.0+cpu", device="cuda:0")]


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_tables_fit_in_any_terminal(width, seed, places):
    report = Report(places, seed, width)
    parameters = list(resnet50())
    rows = [
        measure("resnet50", parameters[-1:], place, lambda: None, seed)._replace(
            seconds=1234.56, compile_seconds=99.99, ns_per_parameter=1234.56, worst_std_error=math.inf, ok=False
        )
        for place in places
    ]
    lines = [
        *report.head("resnet50", parameters).splitlines(),
        *map(report.row, rows),
        *report.foot(rows).splitlines(),
        *report.explanation().splitlines(),
    ]
    assert max(map(len, lines)) <= width
    assert seed is None or str(rows[0].sha256) in "".join(lines)
    # What is left out is left out in each row, and what says whether all is well comes last.
    head, first = report.row(rows[0]), report.row(rows[1])
    assert head.startswith("numpy")
    assert "array_api_strict"[:width] in first
    if width >= 30:
        assert "1234.56" in first
        assert "NO" in first
    if width >= 80:
        assert {"version", "device", "compile", "std error"} <= report.widths.keys()
    assert ("sha256" in report.widths) == (seed is not None and width >= 60)


def test_a_table_that_is_no_terminals_is_whole(places):
    report = Report(places, 0, None)
    assert list(report.widths)[-2:] == ["ok", "sha256"]
    assert report.widths["sha256"] == 64
    assert len(report.widths) == 9


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bar_fits_in_any_terminal(width, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    bar = Progress(1854)
    for label in ("resnet50 on array_api_strict cuda:0", "gpt2 on numpy cpu"):
        bar.label = label
        bar.advance()
    bar.done = 1853
    bar.advance()
    bar.clear()
    drawn = capsys.readouterr().err.split("\r")[1:]
    # One column is left free, since the next character after the last column is on a new line.
    assert max(map(len, drawn)) < width
    # Each draws over all of the one before, and at last the line is empty.
    assert all(len(after) >= len(before.rstrip()) for before, after in pairwise(drawn[:-1]))
    assert drawn[-2].strip() == drawn[-1] == ""
    if width >= 60:
        assert drawn[2].startswith("[####")
        assert "1854/1854 gpt2 on numpy cpu" in drawn[2]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_is_for_terminals(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "80")
    bar = Progress(4)
    bar.label = "gpt2 on numpy cpu"
    bar.advance()
    assert capsys.readouterr().err.startswith("\r[#######.......................] 1/4 gpt2 on") == terminal
    bar.clear()
    assert bool(capsys.readouterr().err) == terminal


def test_no_terminal_has_no_width(tmp_path):
    with (tmp_path / "file").open("w") as stream:
        assert width_of(stream) is None


PROGRAM = [sys.executable, "-m", "arrayinit", "--backend", "numpy", "--model", "resnet50"]
# Still at work when its first row has been read.
LONG = [*PROGRAM, *["--backend", "numpy"] * 9]


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


def test_each_adapter_makes_awaits_and_reads_an_array_on_its_devices(library):
    for device in libraries()[named(library)]().devices():
        x = arrayinit.normal_(device.empty((3, 4)), rng=0)
        device.finish(x)
        values = np.asarray(device.to_host(x))
        np.testing.assert_array_equal(values, arrayinit.normal_(np.empty((3, 4), np.float32), rng=0))
