"""The command line, called in this process: on each library, and with each argument."""

import json
import re
from importlib.util import find_spec

import numpy as np
import pytest
from command_line import RESNET50_OF_SEED_0
from libraries import no_such_case

import arrayinit
from arrayinit.__main__ import main
from arrayinit.backends.registry import libraries
from arrayinit.cli.measure import LIMIT
from arrayinit.cli.models import MODELS, resnet50
from arrayinit.cli.report import EXPLANATION
from arrayinit.cli.targets import targets
from arrayinit.stream.extension import instruction_set


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


@pytest.mark.usefixtures("numpy_library", "small")
def test_the_same_weights_on_several_devices_have_one_digest(monkeypatch, capsys):
    (target,) = targets(["numpy"])
    monkeypatch.setattr("arrayinit.__main__.targets", lambda _: [target, target._replace(device="other")])
    assert main(["--model", "resnet50"]) == 0
    out = capsys.readouterr().out
    (digest,) = re.findall(r"^sha256 of the weights, the same on all 2:\n([0-9a-f]{64})$", out, re.MULTILINE)
    assert out.count(digest) == 3


def test_each_adapter_makes_awaits_and_reads_an_array_on_its_devices(library):
    for device in libraries()[named(library)]().devices():
        x = arrayinit.normal_(device.empty((3, 4)), rng=0)
        device.finish(x)
        values = np.asarray(device.to_host(x))
        np.testing.assert_array_equal(values, arrayinit.normal_(np.empty((3, 4), np.float32), rng=0))
