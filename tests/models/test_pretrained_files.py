"""Safetensors files: whole, in parts, and broken in each way that we know."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors_files import described, save, save_index, write

import arrayinit as ai

# Without torch, torch_library skips the tests, or fails them where torch was asked for.
with suppress(ImportError):
    import torch

# The package safetensors is installed where torch is.
pytestmark = pytest.mark.usefixtures("torch_library")

NAMES = ("a.weight", "a.bias", "b.weight", "b.bias")
RULES: list[Any] = [("weight", ai.normal(std=0.02)), ("bias", ai.uniform(-0.1, 0.1))]
Arrays = dict[str, np.ndarray]


def model() -> Any:
    """Return a module full of NaN."""
    made = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "b": torch.nn.Linear(4, 5)})
    for p in made.parameters():
        torch.nn.init.constant_(p, torch.nan)
    return made


def values() -> Arrays:
    """Return the values of a checkpoint."""
    return {name: p.detach().numpy() for name, p in ai.initialize(model(), RULES, rng=9).named_parameters()}


def parts() -> tuple[Arrays, Arrays]:
    """Return the values in two parts."""
    whole = values()
    return {n: whole[n] for n in NAMES[:1]}, {n: whole[n] for n in NAMES[1:]}


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


# What breaks a checkpoint: writes it into a folder, and returns what is passed. The error matches the text.
BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {}


def broken(text: str) -> Callable[[Callable[[Path], Path]], None]:
    def keep(make: Callable[[Path], Path]) -> None:
        BROKEN[make.__name__.replace("_", " ").strip()] = make, text

    return keep


def one(folder: Path, header: Any, data: bytes, length: int | None = None) -> Path:
    write(folder / "m.safetensors", header, data, length)
    return folder / "m.safetensors"


@broken(r"2 of 4 parameters match no rule: b.weight, b.bias")
def missing(folder: Path) -> Path:
    return save(folder / "m.safetensors", {name: values()[name] for name in NAMES[:2]})


@broken(r"the checkpoint has 1 tensor that the model lacks: c.weight;")
def extra(folder: Path) -> Path:
    return save(folder / "m.safetensors", {**values(), "c.weight": np.ones(2, "float32")})


@broken(r"another shape in the checkpoint, see on_mismatch: b.weight \(4, 5\) for \(5, 4\)")
def wrong_shape(folder: Path) -> Path:
    return save(folder / "m.safetensors", {**values(), "b.weight": values()["b.weight"].T.copy()})


@broken(r"another kind of dtype in the checkpoint: b.bias int64 for float32")
def wrong_dtype(folder: Path) -> Path:
    return save(folder / "m.safetensors", {**values(), "b.bias": np.ones(5, "int64")})


@broken(r"another kind of dtype in the checkpoint: b.bias F8_E8M0 for float32")
def strange_dtype(folder: Path) -> Path:
    header, data = described({**values(), "b.bias": np.ones(5, "uint8")})
    return one(folder, {**header, "b.bias": {**header["b.bias"], "dtype": "F8_E8M0"}}, data)


@broken(r"m.safetensors is no safetensors file: .*unknown variant `Q4`")
def unknown_dtype(folder: Path) -> Path:
    header, data = described(values())
    return one(folder, {**header, "b.bias": {**header["b.bias"], "dtype": "Q4"}}, data)


@broken(r"m.safetensors is no safetensors file: .*not fully covered")
def truncated(folder: Path) -> Path:
    header, data = described(values())
    return one(folder, header, data[:-4])


@broken(r"m.safetensors is no safetensors file: .*not fully covered")
def too_long(folder: Path) -> Path:
    header, data = described(values())
    return one(folder, header, data + b"more")


@broken(r"m.safetensors is no safetensors file: .*invalid header length")
def header_longer_than_the_file(folder: Path) -> Path:
    return one(folder, *described(values()), 10_000)


@broken(r"m.safetensors is no safetensors file: .*header too large")
def header_longer_than_any(folder: Path) -> Path:
    return one(folder, *described(values()), 2**63)


@broken(r"m.safetensors is no safetensors file: .*header too small")
def empty_file(folder: Path) -> Path:
    (folder / "m.safetensors").touch()
    return folder / "m.safetensors"


@broken(r"m.safetensors is no safetensors file: .*invalid JSON")
def no_json(folder: Path) -> Path:
    return one(folder, b"no JSON", b"")


@broken(r"m.safetensors is no safetensors file: .*invalid UTF-8")
def no_text(folder: Path) -> Path:
    return one(folder, b'{"\xff": 1}', b"")


@broken(r"m.safetensors is no safetensors file: it has a name twice: a.bias")
def duplicate_names(folder: Path) -> Path:
    header, data = described(values())
    again = json.dumps({"a.bias": header["a.bias"]})[1:]
    return one(folder, (json.dumps(header)[:-1] + ", " + again).encode(), data)


@broken(r"m.safetensors is no safetensors file: .*invalid offset for tensor `a.bias`")
def overlap(folder: Path) -> Path:
    header, data = described(values())
    return one(folder, {**header, "a.bias": {**header["a.bias"], "data_offsets": [40, 56]}}, data)


@broken(r"m.safetensors is no safetensors file: .*invalid offset for tensor")
def gap(folder: Path) -> Path:
    header, data = described(values())
    start, stop = header["b.bias"]["data_offsets"]
    return one(
        folder, {**header, "b.bias": {**header["b.bias"], "data_offsets": [start + 4, stop + 4]}}, data + b"1234"
    )


@broken(r"m.safetensors is no safetensors file: .*invalid shape, data type, or offset")
def shape_of_another_size(folder: Path) -> Path:
    header, data = described(values())
    return one(folder, {**header, "b.bias": {**header["b.bias"], "shape": [6]}}, data)


@broken(r"m.safetensors is no safetensors file: .*invalid value: integer `-5`")
def negative_size(folder: Path) -> Path:
    header, data = described(values())
    return one(folder, {**header, "b.bias": {**header["b.bias"], "shape": [-5]}}, data)


@broken(r"has no .safetensors file")
def empty_folder(folder: Path) -> Path:
    return folder


@broken(r"has 'b.bias' in two files: x.safetensors and y.safetensors")
def two_files_with_one_name(folder: Path) -> Path:
    first, second = parts()
    save(folder / "x.safetensors", {**first, "b.bias": second["b.bias"]})
    save(folder / "y.safetensors", second)
    return folder


@broken(r"has several checkpoints: pass one of model.safetensors.index.json, model.safetensors")
def two_checkpoints(folder: Path) -> Path:
    save_index(folder, {"model.safetensors": values()})
    return folder


@broken(r"names files that are missing: m2.safetensors")
def missing_shard(folder: Path) -> Path:
    save_index(folder, {"m1.safetensors": values()}, **{"b.bias": "m2.safetensors"})
    return folder


@broken(r"names files outside of its folder: \.\./m.safetensors")
def path_outside_of_the_folder(folder: Path) -> Path:
    (folder / "in").mkdir()
    save(folder / "m.safetensors", values())
    return save_index(folder / "in", {"m1.safetensors": values()}, **{"b.bias": "../m.safetensors"})


@broken(r"names files outside of its folder: /etc/passwd, C:\\x.safetensors")
def absolute_paths(folder: Path) -> Path:
    changed = {"a.bias": "/etc/passwd", "b.bias": "C:\\x.safetensors"}
    return save_index(folder, {"m1.safetensors": values()}, **changed)


@broken(r"names tensors that are not in the files that it says: b.bias")
def tensor_in_another_file(folder: Path) -> Path:
    first, second = parts()
    return save_index(folder, {"m1.safetensors": first, "m2.safetensors": second}, **{"b.bias": "m1.safetensors"})


@broken(r"does not name tensors that are in its files: z")
def tensor_that_the_index_lacks(folder: Path) -> Path:
    index = save_index(folder, {"m1.safetensors": values()})
    save(folder / "m1.safetensors", {**values(), "z": np.ones(1, "float32")})
    return index


@broken(r"is no index of safetensors files: it has no 'weight_map'")
def index_without_a_map(folder: Path) -> Path:
    (folder / "model.safetensors.index.json").write_text("{}")
    return folder


@broken(r"is no index of safetensors files: it has a name twice: b.bias")
def index_with_a_name_twice(folder: Path) -> Path:
    index = save_index(folder, {"m1.safetensors": values()})
    index.write_text(index.read_text().replace('"a.bias"', '"b.bias"'))
    return index


@broken(r"is no index of safetensors files: Expecting value")
def index_that_is_no_json(folder: Path) -> Path:
    (folder / "model.safetensors.index.json").write_text("weights")
    return folder


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
