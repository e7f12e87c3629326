"""Find the reader of a model by the names of its classes, without importing a library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from arrayinit.models.readers._equinox import EQUINOX
from arrayinit.models.readers._flax import NNX, are_variables
from arrayinit.models.readers._keras import KERAS
from arrayinit.models.readers._mapping import MAPPING, PAIRS, are_pairs
from arrayinit.models.readers._mlx import MLX_MODULES
from arrayinit.models.readers._paddle import PADDLE
from arrayinit.models.readers._tensorflow import TENSORFLOW
from arrayinit.models.readers._tinygrad import TINYGRAD, has_tensors
from arrayinit.models.readers._torch import TORCH
from arrayinit.models.readers._tree import TREE, has_jax_arrays
from arrayinit.models.readers.protocol import Reader, Reading

ENTRY_POINTS = "arrayinit.readers"

# A layer of Keras on torch is a module of torch too.
_BUILT_IN = (KERAS, NNX, EQUINOX, PADDLE, TORCH, TENSORFLOW, MLX_MODULES)

_registered: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """Register your own reader, for models that no built-in reader accepts.

    A package can do the same without being imported, through the entry-point group ``arrayinit.readers``. The name of
    an entry point is the import name of its library; arrayinit loads it only if this library is loaded. The entry point
    refers to a function without arguments, or a class, that returns the reader.

    Parameters
    ----------
    reader
        An instance of a class that derives from `Reader`.

    Raises
    ------
    TypeError
        ``reader`` is of another kind.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> from arrayinit.models import Parameter, Reader, Reading, register_reader
    >>> class MyBlock:
    ...     def __init__(self, weight):
    ...         self.weight = weight
    >>> class Layers(Reader):
    ...     def accepts(self, cls):
    ...         return cls.__name__ == "MyBlock"
    ...     def read(self, model):
    ...         x = model.weight
    ...         return Reading([Parameter("weight", x.shape, str(x.dtype), x, model, layout="OI")], lambda: model)
    >>> register_reader(Layers())
    >>> layer = MyBlock(np.empty((8, 4), np.float32))
    >>> arrayinit.initialize(layer, [("weight", arrayinit.zeros())]) is layer
    True
    """
    if not isinstance(reader, Reader):
        raise TypeError(f"a reader must derive from arrayinit.models.Reader, got {reader!r}")
    _registered.append(reader)


def read(model: Any) -> Reading:
    """Return the parameters of a model."""
    return reader_of(model).read(model)


def reader_of(model: Any) -> Reader:
    """Return the reader of a model."""
    cls = type(model)
    # Python's own containers are of no library.
    for reader in () if cls in (dict, list, tuple) else _readers():
        if reader.accepts(cls):
            return reader
    if are_pairs(model):
        return PAIRS
    if has_jax_arrays(model):
        return NNX if are_variables(model) else TREE
    for reader in (MAPPING, PAIRS):
        if reader.accepts(cls):
            return reader
    if has_tensors(model):
        return TINYGRAD
    raise TypeError(
        "a model must be a torch module, a Flax nnx module, an Equinox module, a Keras model, a tf.Module, an MLX "
        "module, a Paddle layer, an object that holds tensors of tinygrad, a pytree of JAX arrays, a mapping of names "
        f"to arrays, or an iterable of (name, array) pairs; got {cls.__module__}.{cls.__qualname__}"
    )


def _readers() -> Iterator[Reader]:
    yield from _BUILT_IN
    yield from _registered
    # Imported here: it takes longer than a plan, and models of the built-in readers never need it.
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        if point.name in sys.modules:
            made: Reader = point.load()()
            yield made
