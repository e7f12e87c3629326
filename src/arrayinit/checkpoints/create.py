"""create: initialize a model in a safetensors file, without the model in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arrayinit.checkpoints.file import CODES, METADATA, Entry, written
from arrayinit.initializers.copy import copy_
from arrayinit.models.initialize import check_rng, fill_all, steps_for
from arrayinit.models.names import Rename, listed
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.tensors import Array
from arrayinit.models.progress import Progress, reporter
from arrayinit.models.readers import read
from arrayinit.models.readers.protocol import ON_META, TORCH_MODULE, is_derived
from arrayinit.models.seeds import seeds

if TYPE_CHECKING:
    from arrayinit.values.types import Rng


def create(
    path: str | os.PathLike[str],
    structs: Any,
    rules: Iterable[Any],
    *,
    rng: Rng = None,
    rename: Rename = None,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: bool | Progress | None = None,
) -> Path:
    """Initialize a model in a new safetensors file, of any size, without the model in memory.

    The file has the bits of ``initialize(model, rules, rng=rng)`` on the CPU. It is mapped into memory, and filled
    there, tensor by tensor.

    Parameters
    ----------
    path
        The path of the file.
    structs
        What describes the parameters: a torch module on the meta device, an abstract nnx module, a pytree of
        `jax.ShapeDtypeStruct`, or any model that `plan` takes. The model stays as it is.
    rules
        A list of rules, see `Rule`; or a `Plan`, which may load tensors from another checkpoint.
    rng
        As for `initialize`, but no key of JAX.
    rename
        How names are changed before they are folded into the seed; see `plan`. The names in the file are those of the
        model.
    metadata
        Texts by name for the header of the file.
    overwrite
        Whether a file at ``path`` may be replaced.
    progress
        As for `initialize`.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    FileExistsError
        There is a file at ``path``, and ``overwrite`` is False.
    FileNotFoundError
        The folder of ``path`` is not there.
    ImportError
        bfloat16 and float8 need ml_dtypes, apart from those of a torch module.
    OSError
        The disk is full, or another error of the file system.
    TypeError
        safetensors has no such dtype, as complex128; ``rng`` is a key of JAX; what `plan` raises.
    ValueError
        What `plan` refuses; `keep` for parameters without values.

    Notes
    -----
    The file appears at ``path`` when it is complete: it is written under another name in the same folder, and renamed.

    A tensor with two names stands in the file once, under the name of its owner, as
    ``safetensors.torch.save_model`` does; the metadata has the other names. Buffers that hold values are copied, apart
    from those that a torch module does not save in its state dict.

    Examples
    --------
    >>> import arrayinit as ai, numpy as np, tempfile
    >>> from pathlib import Path
    >>> model = {"fc.weight": np.empty((8, 4), np.float32), "fc.bias": np.empty(8, np.float32)}
    >>> rules = [("weight", ai.normal(std=0.02)), ("bias", ai.zeros())]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = ai.checkpoints.create(Path(folder) / "model.safetensors", model, rules, rng=0)
    ...     path.stat().st_size
    328

    References
    ----------
    Hugging Face, "safetensors", "Format", 2022.
    """
    destination, parameters = Path(path), read(structs).parameters
    arrays: dict[str, Array] = {}
    described = [_in_file(p, arrays) for p in parameters]
    steps = steps_for(described, rules, rename, None, "error", gets_memory=True)
    saved = {p.name: p for p in parameters if p.owner is None and not _is_transient(p)}
    _check_fits(saved.values())
    texts = _metadata(parameters, saved, metadata or {})
    by_name, seed_of_name, report = {p.name: p for p in described}, seeds(rng), reporter(progress)
    check_rng(steps, by_name, seed_of_name)
    filled = [step for step in steps if step.fills and step.name in saved]
    with written(destination, [_entry(p, p.shape) for p in saved.values()], texts, overwrite) as given:
        arrays.update(given)
        fill_all(filled, by_name, seed_of_name, report)
        for name in saved.keys() - {step.name for step in filled}:
            copy_(arrays[name], saved[name].array)
        arrays.clear()
    return destination


def _in_file(p: Parameter, arrays: dict[str, Array]) -> Parameter:
    """Return a parameter whose array will be in the file."""
    fault, fresh = "" if p.fault == ON_META else p.fault, partial(arrays.__getitem__, p.name)
    stand_in = _entry(p, (0,)).array(np.empty(0, np.uint8)) if p.dtype in CODES else p.array
    return replace(p, array=stand_in, needs_memory=False, fault=fault, put=None, fresh=fresh)


def _entry(p: Parameter, shape: tuple[int, ...]) -> Entry:
    """Return the tensor of a parameter. That of a torch module has the bits of torch."""
    tensor = getattr(sys.modules.get("torch"), "Tensor", ())
    return Entry(p.name, shape, p.dtype, isinstance(p.array, tensor))


def _is_transient(p: Parameter) -> bool:
    """Whether a torch module leaves a buffer out of its state dict."""
    return p.local in getattr(p.module, "_non_persistent_buffers_set", ())


def _check_fits(saved: Collection[Parameter]) -> None:
    """Raise for what a file cannot hold."""
    if any(p.name == METADATA for p in saved):
        raise ValueError(f"safetensors has no tensor of the name {METADATA!r}")
    wrong = [f"{p.name} {p.dtype}" for p in saved if p.dtype not in CODES]
    if wrong:
        raise TypeError(f"safetensors has no such dtype: {listed(wrong)}")


def _metadata(
    parameters: Iterable[Parameter], saved: Mapping[str, Parameter], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the texts of the header: the format, the names of tied tensors, and those of the user."""
    if not all(isinstance(text, str) for pair in given.items() for text in pair):
        raise TypeError(f"metadata must be a mapping of texts, got {given!r}")
    is_torch = any(is_derived(type(p.module), TORCH_MODULE) for p in saved.values())
    ties = {p.name: p.owner for p in parameters if p.owner is not None and p.owner in saved}
    return {"format": "pt" if is_torch else "np", **ties, **given}
