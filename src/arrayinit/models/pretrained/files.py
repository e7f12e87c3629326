"""Safetensors files, their index, and folders of them. Each file is mapped into memory, and nothing is copied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from arrayinit.models.names import listed
from arrayinit.models.pretrained.tensors import Array, Host, Tensor, as_array, dtype_of
from arrayinit.stream.box import Index

_INDEX = ".safetensors.index.json"
_SINGLE = "model.safetensors"


def tensors_of(path: Path) -> list[Tensor]:
    """Return the tensors of a file, of the files of an index, or of a folder; raise ValueError for a broken one."""
    if path.is_dir():
        return _of_folder(path)
    if path.name.endswith(".index.json"):
        return _of_index(path)
    return list(_of_file(path))


def _of_folder(folder: Path) -> list[Tensor]:
    """Return the tensors of the index in a folder, else of model.safetensors, else of all files."""
    files = sorted(path for path in folder.iterdir() if path.name.endswith((".safetensors", _INDEX)))
    if not files:
        raise ValueError(f"{folder} has no .safetensors file")
    indices = [path for path in files if path.name.endswith(_INDEX)]
    single = [path for path in files if path.name == _SINGLE]
    if len(indices + single) > 1:
        raise ValueError(f"{folder} has several checkpoints: pass one of {listed([p.name for p in indices + single])}")
    if indices:
        return _of_index(*indices)
    return _joined(single or files)


def _of_index(path: Path) -> list[Tensor]:
    """Return the tensors of the files that an index names."""
    try:
        weights: Any = _parsed(path.read_bytes())["weight_map"]
        names = {str(name): str(file) for name, file in weights.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no index of safetensors files: {_said(error)}") from error
    files = sorted(set(names.values()))
    outside = [file for file in files if _leaves(file)]
    if outside:
        raise ValueError(f"{path} names files outside of its folder: {listed(outside)}")
    missing = [file for file in files if not (path.parent / file).is_file()]
    if missing:
        raise ValueError(f"{path} names files that are missing: {listed(missing)}")
    found = _joined([path.parent / file for file in files])
    held = {tensor.name: tensor.origin for tensor in found}
    wrong = [name for name, file in names.items() if held.get(name) != PurePosixPath(file).name]
    if wrong:
        raise ValueError(f"{path} names tensors that are not in the files that it says: {listed(wrong)}")
    more = [name for name in held if name not in names]
    if more:
        raise ValueError(f"{path} does not name tensors that are in its files: {listed(more)}")
    return found


def _leaves(file: str) -> bool:
    """Whether the path of a file may lead out of a folder. A file may be a link, as in the cache of a hub."""
    paths = PurePosixPath(file), PureWindowsPath(file)
    return any(path.is_absolute() or path.drive or ".." in path.parts for path in paths)


def _joined(files: list[Path]) -> list[Tensor]:
    """Return the tensors of several files."""
    found: dict[str, Tensor] = {}
    for file in files:
        for tensor in _of_file(file):
            other = found.setdefault(tensor.name, tensor)
            if other is not tensor:
                raise ValueError(f"{file.parent} has {tensor.name!r} in two files: {other.origin} and {tensor.origin}")
    return list(found.values())


def _of_file(path: Path) -> Iterator[Tensor]:
    """Yield the tensors of one file."""
    _check(path)
    # Copy on write: torch takes no memory that is read-only. Nothing is written, so nothing is copied.
    memory: Host = np.asarray(np.memmap(path, np.uint8, "c"))
    begin = 8 + int.from_bytes(memory[:8].tobytes(), "little")
    try:
        header = _parsed(memory[8:begin].tobytes())
    except ValueError as error:
        raise ValueError(f"{path} is no safetensors file: {error}") from error
    for name, entry in header.items():
        if name != "__metadata__":
            shape, dtype = tuple(entry["shape"]), dtype_of(entry["dtype"])
            start, stop = entry["data_offsets"]
            read = partial(_box, memory[begin + start : begin + stop], shape, dtype)
            yield Tensor(name, shape, dtype, path.name, read)


def _box(memory: Host, shape: tuple[int, ...], dtype: str, index: Index) -> Array:
    array = as_array(memory, shape, dtype)
    return array[index] if index else array


def _check(path: Path) -> None:
    """Raise unless the safetensors package accepts a file: its header, the dtypes, and that all bytes belong to one."""
    try:
        import safetensors
    except ImportError:
        raise ImportError(
            f"{path} needs the package safetensors, as by pip install 'arrayinit[safetensors]'", name="safetensors"
        ) from None
    try:
        with safetensors.safe_open(path, "np"):
            pass
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file: {error}") from error


def _parsed(text: bytes) -> dict[str, Any]:
    """Return an object of JSON; raise ValueError if a name stands in it twice."""
    parsed = json.loads(text, object_pairs_hook=_once)
    if not isinstance(parsed, dict):
        raise TypeError("it is no JSON object")
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has a name twice: {listed(sorted({n for n in names if names.count(n) > 1}))}")
    return found


def _said(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
