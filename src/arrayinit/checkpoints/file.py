"""A new safetensors file, mapped into memory. It appears under its name when it is complete."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arrayinit.models.parameter import itemsize
from arrayinit.models.pretrained.tensors import FORMATS, Array, Host, as_array

CODES = {name: code for code, name in FORMATS.items()}
"""How safetensors names a dtype."""


METADATA = "__metadata__"


class Entry(NamedTuple):
    """A tensor of the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_tensor: bool
    """Whether it is filled as a tensor of torch, and not as an array of NumPy."""

    def array(self, memory: Host) -> Array:
        """Return the array in memory."""
        return as_array(memory, self.shape, self.dtype, self.is_tensor)

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return math.prod(self.shape) * itemsize(self.dtype)


@contextmanager
def written(
    path: Path, entries: Sequence[Entry], metadata: Mapping[str, str], overwrite: bool
) -> Generator[dict[str, Array], None, None]:
    """Give the tensors of a new file, to be filled. An error leaves no file."""
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} is there already: pass overwrite=True to replace it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}")
    head, starts = _header(entries, metadata)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    arrays: dict[str, Array] = {}
    try:
        with temporary.open("xb+") as file:
            file.write(head)
            _allocate(file.fileno(), len(head) + sum(entry.nbytes for entry in entries))
            file.flush()
        memory: Host = np.asarray(np.memmap(temporary, np.uint8, "r+"))
        for entry, start in zip(entries, starts, strict=True):
            first = len(head) + start
            arrays[entry.name] = entry.array(memory[first : first + entry.nbytes])
        yield arrays
        # Windows renames no file that is mapped.
        arrays.clear()
        del memory
        _publish(temporary, path, overwrite)
    except BaseException:
        arrays.clear()
        temporary.unlink(missing_ok=True)
        raise


def _header(entries: Sequence[Entry], metadata: Mapping[str, str]) -> tuple[bytes, list[int]]:
    """Return the first bytes of the file, and where each tensor begins after them."""
    starts, stop = [0] * len(entries), 0
    # The widest come first, so that each is aligned.
    for number in sorted(range(len(entries)), key=lambda n: -itemsize(entries[n].dtype)):
        starts[number], stop = stop, stop + entries[number].nbytes
    header: dict[str, Any] = {METADATA: dict(metadata)}
    for entry, start in zip(entries, starts, strict=True):
        offsets = [start, start + entry.nbytes]
        header[entry.name] = {"dtype": CODES[entry.dtype], "shape": entry.shape, "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, starts


def _allocate(file: int, size: int) -> None:
    """Give the file its size. Where the system can, the disk's space is taken now: a full disk would kill the process.

    A file is mapped into memory, and a write to memory reports no error.
    """
    os.ftruncate(file, size)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)


def _publish(temporary: Path, path: Path, overwrite: bool) -> None:
    """Write the file to the disk, and rename it."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if not overwrite:
        # Unlike a change of the name, a link replaces no file that has come meanwhile.
        os.link(temporary, path)
        temporary.unlink()
    else:
        temporary.replace(path)
