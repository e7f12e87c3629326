"""The command line, as a user runs it."""

import json
import math
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import arrayinit
from arrayinit.__main__ import main
from arrayinit.cli.measure import LIMIT, deviation, measure
from arrayinit.cli.models import MODELS, gpt2, resnet50
from arrayinit.cli.report import Progress
from arrayinit.cli.targets import LIBRARIES, targets

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


def test_every_library_is_initialized_rightly(library, capsys):
    if ":" in library.name:
        pytest.skip("the command line takes all devices of a library at once")
    status = main(["--backend", library.module, "--model", "resnet50"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0].split()[:5] == ["model", "backend", "version", "device", "arrays"]
    assert lines[0].split()[5:] == ["parameters", "seconds", "ns/param", "std", "error", "ok"]
    for line in lines[2:]:
        assert line.startswith("resnet50")
        assert library.module in line
        assert line.endswith("ok")


@pytest.mark.usefixtures("numpy_library")
def test_json(capsys):
    assert main(["--json", "--backend", "numpy", "--model", "resnet50"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["arrays"] == 161
    assert row["parameters"] == 25_557_032
    assert row["ok"] is True
    assert abs(row["worst_std_error"]) <= LIMIT
    assert row["ns_per_parameter"] == pytest.approx(row["seconds"] / row["parameters"] * 1e9)


def test_a_seed_gives_the_same_model_on_every_library(library, capsys):
    if ":" in library.name:
        pytest.skip("the command line takes all devices of a library at once")
    assert main(["--backend", library.module, "--model", "resnet50", "--seed", "0"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if " resnet50 on " in line]
    assert lines
    assert all(line.startswith(f"{RESNET50_OF_SEED_0}  resnet50 on {library.module}") for line in lines)


@pytest.mark.usefixtures("numpy_library")
def test_other_seeds_give_other_models(capsys):
    assert main(["--backend", "numpy", "--model", "resnet50", "--seed", "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert len(row["sha256"]) == 64
    assert row["sha256"] != RESNET50_OF_SEED_0


@pytest.mark.usefixtures("numpy_library")
def test_weights_that_differ_between_backends_are_an_error(monkeypatch, capsys):
    (target,) = targets(["numpy"])
    seeds = iter(range(1000))
    monkeypatch.setattr("arrayinit.__main__.targets", lambda _: [target, target._replace(device="other")])
    monkeypatch.setattr(arrayinit, "fold_in", lambda seed, name: next(seeds))
    assert main(["--model", "resnet50", "--seed", "0"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "not the same weights: resnet50"
    assert [line.split("  ")[1] for line in lines[-3:-1]] == ["resnet50 on numpy cpu", "resnet50 on numpy other"]


@pytest.mark.parametrize("text", ["-1", "1.5", "one"])
def test_a_seed_that_is_none_is_an_error(text, capsys):
    with pytest.raises(SystemExit) as error:
        main(["--seed", text])
    assert error.value.code == 2
    assert f"{text!r} is not a non-negative integer" in capsys.readouterr().err


@pytest.mark.usefixtures("numpy_library")
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


def test_a_missing_backend_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr("arrayinit.cli.targets.find_spec", lambda name: None)
    assert main(["--backend", "torch"]) == 2
    assert capsys.readouterr().err == "arrayinit: backend torch is not installed\n"


def test_an_unknown_backend_is_an_error(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--backend", "tensorflow"])
    assert error.value.code == 2
    assert "invalid choice: 'tensorflow'" in capsys.readouterr().err


def test_without_a_name_all_that_is_installed_is_found(monkeypatch):
    found = {target.backend for target in targets(None)}
    installed = {name for name in LIBRARIES if find_spec(name)}
    assert "numpy" in found <= installed
    monkeypatch.setattr("arrayinit.cli.targets.find_spec", lambda name: name == "numpy" or None)
    assert [target.backend for target in targets(None)] == ["numpy"]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_is_for_terminals(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    bar = Progress(4)
    bar.label = "gpt2 on numpy cpu"
    bar.advance()
    assert capsys.readouterr().err.startswith("\r[#######.......................] 1/4 gpt2 on") == terminal
    bar.clear()
    assert bool(capsys.readouterr().err) == terminal


@pytest.mark.usefixtures("numpy_library")
def test_as_a_program():
    command = [sys.executable, "-m", "arrayinit", "--backend", "numpy", "--model", "resnet50"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "161" in done.stdout
    assert done.stderr == ""
    assert "--backend" in subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
