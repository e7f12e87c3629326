"""Checkpoints of two linear layers, right in parts, and broken in each way that we know."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors_files import Arrays, described, save, save_index, write

SHAPES = {"a.weight": (4, 3), "a.bias": (4,), "b.weight": (5, 4), "b.bias": (5,)}
NAMES = tuple(SHAPES)


def values() -> Arrays:
    """Return the values of a checkpoint."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}


def parts() -> tuple[Arrays, Arrays]:
    """Return the values in two parts."""
    whole = values()
    return {n: whole[n] for n in NAMES[:1]}, {n: whole[n] for n in NAMES[1:]}


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {}
"""What writes a checkpoint into a folder and returns its path, and what the error says."""


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
