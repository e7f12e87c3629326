"""Safetensors files that are initialized on the disk: the bits of a model in memory, read by safetensors itself."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch_models import RULES, made

import arrayinit as ai
from arrayinit.checkpoints import create
from arrayinit.checkpoints import file as files

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch
    from torch import nn

# The package safetensors is installed where torch is.
pytestmark = pytest.mark.usefixtures("torch_library")


def of_every_dtype() -> Any:
    """Return a module on the meta device, with a weight of each dtype."""
    module: Any = nn.Module()
    names = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64")
    for name in names:
        p = nn.Parameter(torch.empty(5, 3, dtype=getattr(torch, name), device="meta"), requires_grad=False)
        module.register_parameter(f"{name}_weight", p)
    for name in ("int64", "int32", "uint8", "bool"):
        module.register_buffer(f"{name}_count", torch.empty(3, dtype=getattr(torch, name), device="meta"))
    module.register_buffer("scale", torch.empty((), device="meta"))
    module.register_buffer("empty_count", torch.empty(0, 3, device="meta"))
    return module


OF_EVERY_DTYPE: list[Any] = [
    ("uint8_count", np.array([3, 0, 255], "uint8")),
    ("*_count", ai.ones()),
    ("scale", ai.constant(0.5)),
    ("float32_weight", ai.orthogonal(layout="OI")),
    ("*_weight", ai.normal(std=0.02)),
]


def bits(tensors: dict[str, Any]) -> dict[str, bytes]:
    return {name: x.detach().reshape(-1).view(torch.uint8).numpy().tobytes() for name, x in tensors.items()}


def read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the tensors and the metadata, as safetensors reads them."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def test_the_bits_are_those_of_the_model_in_memory(tmp_path: Path) -> None:
    model = of_every_dtype()
    path = create(tmp_path / "m.safetensors", model, OF_EVERY_DTYPE, rng=3)
    assert all(x.is_meta for x in [*model.parameters(), *model.buffers()])
    filled = ai.initialize(model, OF_EVERY_DTYPE, rng=3, device="cpu").state_dict()
    found, metadata = read(path)
    assert bits(found) == bits(filled)
    assert {name: (x.dtype, x.shape) for name, x in found.items()} == {n: (x.dtype, x.shape) for n, x in filled.items()}
    assert metadata == {"format": "pt"}


def test_all_tensors_are_aligned(tmp_path: Path) -> None:
    tensors, _ = read(create(tmp_path / "m.safetensors", of_every_dtype(), OF_EVERY_DTYPE, rng=3))
    assert all(x.data_ptr() % x.itemsize == 0 for x in tensors.values())


def test_ties_stand_once_and_what_is_transient_does_not(tmp_path: Path) -> None:
    from safetensors.torch import load_model

    rules = [("frequencies", ai.zeros()), *RULES]
    path = create(tmp_path / "m.safetensors", made("meta"), rules, rng=3)
    found, metadata = read(path)
    assert metadata == {"format": "pt", "head.weight": "embedding.weight"}
    whole = ai.initialize(made("meta"), rules, rng=3, device="cpu")
    assert set(found) == set(whole.state_dict()) - {"head.weight"}
    loaded = made()
    assert load_model(loaded, path) == (set(), [])
    assert bits(loaded.state_dict()) == bits(whole.state_dict())
    again = ai.initialize(made(), [("frequencies", ai.zeros())], pretrained=path)
    assert bits(again.state_dict()) == bits(whole.state_dict())


def test_a_generator_of_torch_draws_as_in_memory(tmp_path: Path) -> None:
    path = create(tmp_path / "m.safetensors", made(), RULES, rng=torch.Generator().manual_seed(1))
    whole = ai.initialize(made(), RULES, rng=torch.Generator().manual_seed(1))
    assert bits(read(path)[0]) == bits({n: x for n, x in whole.state_dict().items() if n != "head.weight"})


def test_arrays_of_numpy_and_values_that_are_kept(tmp_path: Path) -> None:
    model = {"a": np.arange(6.0).reshape(2, 3), "b": np.empty((3, 3), "float32"), "c": np.zeros(2, "int32")}
    rules = [("a", ai.keep()), ("b", ai.eye(layout="OI")), ("c", np.array([7, 8]))]
    path = create(os.fspath(tmp_path / "m.safetensors"), model, rules, metadata={"by": "hand"})
    found, metadata = read(path)
    assert metadata == {"format": "np", "by": "hand"}
    np.testing.assert_array_equal(found["a"].numpy(), model["a"], strict=True)
    np.testing.assert_array_equal(found["b"].numpy(), np.eye(3, dtype="float32"), strict=True)
    np.testing.assert_array_equal(found["c"].numpy(), np.array([7, 8], "int32"), strict=True)


def test_a_plan_may_load_from_another_file(tmp_path: Path) -> None:
    first = create(tmp_path / "first.safetensors", {"a": np.empty((4, 2), "float32")}, [("a", ai.normal())], rng=1)
    model = {"a": np.empty((4, 2), "float16"), "b": np.empty(3, "float32")}
    plan = ai.plan(model, [("b", ai.normal())], pretrained=first)
    found, _ = read(create(tmp_path / "second.safetensors", model, plan, rng=2))
    assert torch.equal(found["a"], read(first)[0]["a"].half())
    assert torch.equal(found["b"], ai.normal_(torch.empty(3), rng=ai.fold_in(2, "b")))
    with pytest.raises(TypeError, match=r"pass rename= to plan\(\)"):
        create(tmp_path / "third.safetensors", model, plan, rename="torch")


def test_renamed_seeds_leave_the_names_of_the_file(tmp_path: Path) -> None:
    model = {"fc.kernel": np.empty((4, 2), "float32")}
    found, _ = read(create(tmp_path / "m.safetensors", model, [("*", ai.normal())], rng=1, rename="torch"))
    assert torch.equal(found["fc.kernel"], ai.normal_(torch.empty(4, 2), rng=ai.fold_in(1, "fc.weight")))


def test_tensors_on_meta_in_a_mapping(tmp_path: Path) -> None:
    found, _ = read(create(tmp_path / "m.safetensors", {"a": torch.empty(3, device="meta")}, [("a", ai.ones())]))
    assert torch.equal(found["a"], torch.ones(3))


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[Any] = []
    create(
        tmp_path / "m.safetensors",
        made("meta"),
        [("frequencies", ai.zeros()), *RULES],
        progress=lambda *at: seen.append(at),
    )
    assert seen[0][2] == "embedding.weight"
    assert seen[-1][0] == seen[-1][1]


def test_a_file_is_replaced_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path, model = tmp_path / "m.safetensors", {"a": np.empty(3, "float32")}
    create(path, model, [("a", ai.zeros())])
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"is there already: pass overwrite=True"):
        create(path, model, [("a", ai.ones())])
    assert path.read_bytes() == before
    create(path, model, [("a", ai.ones())], overwrite=True)
    assert torch.equal(read(path)[0]["a"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(FileExistsError):
        create(path, {"a": np.empty(3)}, [("a", ai.zeros())], progress=lambda *_: path.write_bytes(b"mine"))
    assert path.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


class Stop(BaseException):
    """An interruption."""


@pytest.mark.parametrize("at", [0, 1])
def test_an_interruption_leaves_no_file(at: int, tmp_path: Path) -> None:
    model = {name: np.empty(3, "float32") for name in "ab"}

    def stop(_done: int, _total: int, name: str) -> None:
        if name == "ab"[at]:
            raise Stop

    with pytest.raises(Stop) as stopped:
        create(tmp_path / "m.safetensors", model, [("*", ai.zeros())], progress=stop)
    assert stopped.value.__notes__ == [f"{2 - at} of 2 parameters are not filled: {'ab'[at]} and later ones"]
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_an_error_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left on device"):
        create(tmp_path / "m.safetensors", {"a": np.empty(3)}, [("a", ai.zeros())])
    assert not list(tmp_path.iterdir())


REFUSED: dict[str, tuple[Any, Any, dict[str, Any], type[Exception], str]] = {
    "no rule": ({"a": np.empty(3)}, [], {}, ValueError, "matches no rule"),
    "no values to keep": (
        "meta",
        [("**", ai.keep())],
        {},
        ValueError,
        r"keep\(\) would leave parameters without values",
    ),
    "dtype": (
        {"a": np.empty(3, complex)},
        [("a", ai.zeros())],
        {},
        TypeError,
        "safetensors has no such dtype: a complex128",
    ),
    "generator": ({"a": np.empty(3)}, [("a", ai.normal())], {"rng": "seed"}, TypeError, "rng"),
    "name": (
        {"__metadata__": np.empty(3)},
        [("*", ai.zeros())],
        {},
        ValueError,
        "no tensor of the name '__metadata__'",
    ),
    "metadata": ({"a": np.empty(3)}, [("a", ai.zeros())], {"metadata": {"n": 1}}, TypeError, "mapping of texts"),
    "folder": (
        {"a": np.empty(3)},
        [("a", ai.zeros())],
        {"name": "no/such.safetensors"},
        FileNotFoundError,
        "there is no folder .*no",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_leaves_no_file(case: str, tmp_path: Path) -> None:
    model, rules, options, kind, text = REFUSED[case]
    others = {name: option for name, option in options.items() if name != "name"}
    path, described = tmp_path / options.get("name", "m.safetensors"), made("meta") if model == "meta" else model
    with pytest.raises(kind, match=text):
        create(path, described, rules, **others)
    assert not list(tmp_path.iterdir())
