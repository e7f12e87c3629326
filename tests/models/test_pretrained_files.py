"""Safetensors files: whole, in parts, and broken in each way that we know."""

from __future__ import annotations

import builtins
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from broken_checkpoints import BROKEN, parts, values
from safetensors_files import Arrays, described, save, save_index, write

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

# The package safetensors is installed where torch is.
pytestmark = pytest.mark.usefixtures("torch_library")

RULES: list[Any] = [("weight", ai.normal(std=0.02)), ("bias", ai.uniform(-0.1, 0.1))]


def model() -> Any:
    """Return a module full of NaN."""
    made = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "b": torch.nn.Linear(4, 5)})
    for p in made.parameters():
        torch.nn.init.constant_(p, torch.nan)
    return made


def same(filled: Any, arrays: Arrays) -> None:
    for name, p in filled.named_parameters():
        np.testing.assert_array_equal(p.detach().numpy(), arrays[name], err_msg=name, strict=True)


def test_a_file_an_index_and_a_folder_are_one_checkpoint(tmp_path: Path) -> None:
    first, second = parts()
    single, many, loose = tmp_path / "single", tmp_path / "many", tmp_path / "loose"
    for folder in (single, many, loose):
        folder.mkdir()
    file = save(single / "model.safetensors", values())
    index = save_index(many, {"model-1-of-2.safetensors": first, "model-2-of-2.safetensors": second})
    for name, part in (("x", first), ("y", second)):
        save(loose / f"{name}.safetensors", part)
    for given in (file, str(file), single, index, many, loose):
        same(ai.initialize(model(), [], pretrained=given), values())
    sources = {step.name: step.source for step in ai.plan(model(), [], pretrained=many)}
    assert sources["a.weight"] == "model-1-of-2.safetensors"
    assert sources["b.bias"] == "model-2-of-2.safetensors"


def test_the_files_of_an_index_may_be_links_to_other_folders(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    index = save_index(tmp_path / "snapshot", {"m.safetensors": values()})
    (tmp_path / "snapshot" / "m.safetensors").rename(tmp_path / "blobs" / "1a2b")
    (tmp_path / "snapshot" / "m.safetensors").symlink_to(tmp_path / "blobs" / "1a2b")
    same(ai.initialize(model(), [], pretrained=index), values())


def test_half_of_a_file_leaves_the_rest_as_from_scratch(tmp_path: Path) -> None:
    half = save(tmp_path / "half.safetensors", parts()[0])
    scratch = ai.initialize(model(), RULES, rng=3)
    with torch.device("meta"):
        empty = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "b": torch.nn.Linear(4, 5)})
    made = ai.initialize(empty, RULES, rng=3, pretrained=half, device="cpu")
    same(made, {**{n: p.detach().numpy() for n, p in scratch.named_parameters()}, **parts()[0]})


def test_an_open_file_is_read_by_slices(tmp_path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    file = save(tmp_path / "model.safetensors", values())
    for framework in ("np", "pt"):
        with safe_open(file, framework) as handle:
            same(ai.initialize(model(), [], pretrained=handle), values())
            plan = ai.plan(model(), [], pretrained=handle)
        empty = model()
        with pytest.raises(SafetensorError, match="File is closed"):
            ai.initialize(empty, plan)
        assert all(p.isnan().all() for p in empty.parameters())


def test_memory_of_any_alignment_is_read(tmp_path: Path) -> None:
    for shift in range(8):
        header, data = described(values())
        write(tmp_path / "m.safetensors", json.dumps(header).encode() + b" " * shift, data)
        same(ai.initialize(model(), [], pretrained=tmp_path / "m.safetensors"), values())


@pytest.mark.parametrize("has_ml_dtypes", [True, False])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float64", "complex64"])
def test_all_dtypes_keep_their_bits(
    dtype: str, has_ml_dtypes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import save_file

    bits = torch.arange(256, dtype=torch.uint8).repeat(4)
    kept = {"x": bits.view(getattr(torch, dtype)).reshape(4, -1), "empty": bits[:0].view(getattr(torch, dtype))}
    save_file(kept, tmp_path / "m.safetensors")
    if not has_ml_dtypes:
        monkeypatch.setattr("arrayinit.models.pretrained.tensors.find_spec", lambda _: None)
    made = {name: torch.zeros_like(x) for name, x in kept.items()}
    ai.initialize(made, [], pretrained=tmp_path / "m.safetensors")
    assert torch.equal(made["x"].view(torch.uint8), kept["x"].view(torch.uint8))


def test_a_module_keeps_its_ties_buffers_and_padding(tmp_path: Path) -> None:
    from safetensors.torch import save_model

    def made() -> Any:
        new = torch.nn.ModuleDict(
            {"e": torch.nn.Embedding(7, 4, padding_idx=1), "n": torch.nn.BatchNorm1d(4), "h": torch.nn.Linear(4, 7)}
        )
        new["h"].weight = new["e"].weight
        return new

    given = made()
    with torch.no_grad():
        for x in given.state_dict().values():
            x.fill_(3)
    save_model(given, tmp_path / "m.safetensors")
    with torch.device("meta"):
        empty = made()
    filled = ai.initialize(empty, [], pretrained=tmp_path / "m.safetensors", device="cpu")
    assert filled["h"].weight is filled["e"].weight
    for name, x in given.state_dict().items():
        assert torch.equal(filled.state_dict()[name], x), name
    plan = ai.plan(made(), [], pretrained=tmp_path / "m.safetensors")
    assert plan.audit(filled).ok
    filled["n"].running_mean[0] = 0.0
    assert plan.audit(filled).faults == ["n.running_mean: the values are not those of the checkpoint"]


def test_a_parameter_that_transformers_has_loaded_is_loaded_again(tmp_path: Path) -> None:
    loaded = model()
    for p in loaded.parameters():
        p._is_hf_initialized = True
    file = save(tmp_path / "m.safetensors", values())
    same(ai.initialize(loaded, [], pretrained=file), values())
    plan = ai.plan(loaded, [], pretrained=file)
    same(ai.initialize(loaded, plan), values())


def test_the_package_is_asked_for_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "safetensors":
            raise ImportError(name)
        return real(name, *rest)

    file = save(tmp_path / "m.safetensors", values())
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        ImportError, match=r"needs the package safetensors, as by pip install 'arrayinit\[safetensors\]'"
    ):
        ai.plan(model(), [], pretrained=file)


def test_there_are_twenty_and_more() -> None:
    assert len(BROKEN) >= 20


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_checkpoint_is_refused_and_the_model_is_as_it_was(case: str, tmp_path: Path) -> None:
    make, text = BROKEN[case]
    given, empty = make(tmp_path), model()
    rules = RULES[:1] if case != "missing" else []
    with pytest.raises(ValueError, match=text):
        ai.initialize(empty, rules, rng=0, pretrained=given)
    assert all(p.isnan().all() for p in empty.parameters())
    with torch.device("meta"):
        on_meta = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "b": torch.nn.Linear(4, 5)})
    with pytest.raises(ValueError, match=text):
        ai.initialize(on_meta, rules, rng=0, pretrained=given, device="cpu")
    assert all(p.is_meta for p in on_meta.parameters())
