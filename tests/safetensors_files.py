"""Safetensors files, right and broken, byte by byte."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

CODES = {"float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32", "uint8": "U8", "bool": "BOOL"}


def described(arrays: Arrays) -> tuple[dict[str, Any], bytes]:
    """Return the header and the bytes of arrays."""
    header, data = {}, b""
    for name, array in arrays.items():
        stop = len(data) + array.nbytes
        header[name] = {"dtype": CODES[array.dtype.name], "shape": array.shape, "data_offsets": [len(data), stop]}
        data += array.tobytes()
    return header, data


def write(path: Path, header: dict[str, Any] | bytes, data: bytes, length: int | None = None) -> None:
    """Write a file, of which the header may say that it has another length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def save(path: Path, arrays: Arrays) -> Path:
    """Write a right file."""
    write(path, *described(arrays))
    return path


def save_index(folder: Path, files: dict[str, Arrays], **changed: str) -> Path:
    """Write files and their index, in which the files of some names may be changed."""
    for file, arrays in files.items():
        save(folder / file, arrays)
    weights = {name: file for file, arrays in files.items() for name in arrays}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": {**weights, **changed}}))
    return path
