"""What a checkpoint may be: a path, a handle of safetensors, an archive of NumPy, a model, a mapping of arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from arrayinit.models.names import listed
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.files import tensors_of
from arrayinit.models.pretrained.tensors import Array, Tensor, dtype_of
from arrayinit.models.readers import read as read_model
from arrayinit.stream.box import Index, whole_index

_ORIGIN = "pretrained"


def checkpoint(given: Any) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by their names; no values are read yet."""
    if isinstance(given, (str, os.PathLike)):
        found = _of_path(Path(given))
    elif isinstance(given, np.lib.npyio.NpzFile):
        found = list(_of_archive(given, _ORIGIN, given.__getitem__, partial(_check_open, given)))
    elif all(hasattr(given, method) for method in ("keys", "get_slice", "get_tensor")):
        found = list(_of_handle(given))
    else:
        found = _of_model(given)
    return {tensor.name: tensor for tensor in found}


def _of_path(path: Path) -> list[Tensor]:
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    if path.is_dir() or path.name.endswith((".safetensors", ".index.json")):
        return tensors_of(path)
    if path.suffix == ".npz":
        try:
            # NumPy leaves a broken file open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return list(_of_archive(archive, path.name, partial(_of_file, path)))
        except (BadZipFile, EOFError, ValueError) as error:
            raise ValueError(f"{path} is no archive of NumPy: {error}") from error
    raise ValueError(
        f"{path} must be a .safetensors file, its index, a folder of them, or an .npz file: arrayinit never unpickles. "
        "Load it yourself, as by torch.load(path, weights_only=True), and pass the mapping"
    )


def _of_archive(archive: Any, origin: str, read: Callable[[str], Array], check: Any = None) -> Iterator[Tensor]:
    """Yield the arrays of an archive of NumPy, of which only the headers are read now."""
    for name in archive.files:
        member = name if name in archive.zip.namelist() else f"{name}.npy"
        with archive.zip.open(member) as file:
            major, _ = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(file)
        if dtype.hasobject:
            raise ValueError(f"{name!r} holds Python objects, and arrayinit never unpickles")
        yield Tensor(name, tuple(shape), dtype.name, origin, partial(_of_member, read, name), check=check)


def _check_open(archive: Any) -> None:
    if archive.zip is None:
        raise ValueError("the archive of the checkpoint is closed")


def _of_file(path: Path, name: str) -> Array:
    with np.load(path, allow_pickle=False) as archive:
        return archive[name]


def _of_member(read: Callable[[str], Array], name: str, index: Index) -> Array:
    array = read(name)
    return array[index] if index else array


def _of_handle(handle: Any) -> Iterator[Tensor]:
    """Yield the tensors of an open file of safetensors."""
    for name in handle.keys():  # noqa: SIM118
        held = handle.get_slice(name)
        shape, dtype = tuple(held.get_shape()), held.get_dtype()
        try:
            _slice(handle, name, tuple(slice(0, min(size, 1)) for size in shape))
        except AttributeError as error:
            raise ValueError(
                f"pretrained: this handle cannot read {name!r} of {dtype}: pass the path of the file ({error})"
            ) from error
        read, check = partial(_slice, handle, name), partial(handle.get_slice, name)
        yield Tensor(name, shape, dtype_of(dtype), _ORIGIN, read, check=check)


def _slice(handle: Any, name: str, index: Index) -> Array:
    held = handle.get_slice(name)
    shape = held.get_shape()
    # safetensors cuts no array that is empty.
    is_whole = 0 in shape or index == whole_index(shape)
    return handle.get_tensor(name) if is_whole else held[index]


def _of_model(given: Any) -> list[Tensor]:
    """Return the parameters and buffers of a model, or of a mapping such as the state dict of torch."""
    try:
        parameters = read_model(given).parameters
    except (TypeError, ValueError) as error:
        raise type(error)(f"pretrained: {error}") from error
    empty = [p.name for p in parameters if not p.has_values]
    if empty:
        raise ValueError(f"pretrained: these have no values: {listed(empty)}")
    return [_of_parameter(p) for p in parameters]


def _of_parameter(p: Parameter) -> Tensor:
    read = partial(_of_array, p.array)
    return Tensor(p.name, p.shape, p.dtype, _ORIGIN, read, p.layout, p.groups, p.array)


def _of_array(array: Array, index: Index) -> Array:
    # Whole, it may be sharded, which a slice of it is not.
    return array if index == whole_index(array.shape) else array[index]
