"""The examples do what they claim, on every library they name."""

import importlib.util
import os
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from places import ROOT

BACKENDS = ("numpy", "torch", "jax")
REQUIRED = {name.partition(":")[0] for name in os.environ.get("ARRAYINIT_TEST_BACKENDS", "").split(",")}


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    path = ROOT / "examples" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name in REQUIRED:
        import_module(name)
    else:
        pytest.importorskip(name, reason=f"{name} is not installed")
    return name


def test_digits_are_learned(digits: ModuleType, backend: str) -> None:
    assert digits.main(["--backend", backend]) == 0


def test_digits_start_from_the_same_weights(digits: ModuleType, backend: str) -> None:
    def weights(name: str) -> list[np.ndarray]:
        layers = digits.network(import_module(digits.NAMESPACES[name]))
        return [np.asarray(p) for layer in layers for p in layer.params]

    for ours, reference in zip(weights(backend), weights("numpy"), strict=True):
        np.testing.assert_array_equal(ours, reference, strict=True)


@pytest.mark.parametrize(("accuracy", "status"), [(0.95, 0), (0.94, 1)])
def test_digits_exit_status(
    digits: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    accuracy: float,
    status: int,
) -> None:
    monkeypatch.setattr(digits, "train", lambda _name: digits.Result(epochs=1, seconds=0.5, accuracy=accuracy))
    assert digits.main(["--backend", "numpy"]) == status
    assert capsys.readouterr().out.splitlines()[1].split() == ["numpy", "1", "0.50", f"{accuracy:.1%}"]


def test_digits_names_a_missing_backend(
    digits: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(digits, "find_spec", lambda name: name != "torch")
    with pytest.raises(SystemExit, match="2"):
        digits.main(["--backend", "torch"])
    assert "torch is not installed" in capsys.readouterr().err
