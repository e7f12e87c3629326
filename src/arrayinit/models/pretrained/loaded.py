"""The action that loads a parameter from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from arrayinit.backends.protocol import Sharded
from arrayinit.backends.registry import backend_of
from arrayinit.core.layouts import inverse
from arrayinit.initializers.copy import copy_
from arrayinit.models.pretrained.axes import Pairs, alike, box
from arrayinit.models.pretrained.tensors import Array, Tensor
from arrayinit.stream.box import Index, whole_index


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Load the values of a tensor of a checkpoint."""

    name: str
    """The name of the tensor."""
    shape: tuple[int, ...]
    dtype: str
    pairs: Pairs
    tensor: Tensor | None = None
    """The tensor; None if the plan came from JSON."""

    @classmethod
    def of(cls, tensor: Tensor, pairs: Pairs) -> Loaded:
        """Return the action for a tensor."""
        return cls(tensor.name, tensor.shape, tensor.dtype, pairs, tensor)

    def __repr__(self) -> str:
        if self.pairs == alike(len(self.shape)):
            return "loaded"
        order = inverse(tuple(chain(*(theirs for _, theirs in self.pairs))))
        given = tuple(chain(*(ours for ours, _ in self.pairs)))
        if len(given) == len(order) and all(len(ours) == 1 for ours, _ in self.pairs):
            return f"loaded with axes {tuple(given[k] for k in order)}"
        return f"loaded from {'x'.join(map(str, self.shape))}"

    def bound(self, tensors: Mapping[str, Tensor]) -> Loaded:
        """Return the action with the tensor of this name in a checkpoint; raise ValueError unless it is the same."""
        tensor = tensors.get(self.name)
        if tensor is None:
            raise ValueError(f"the plan loads {self.name!r}, which the checkpoint lacks")
        if (tensor.shape, tensor.dtype) != (self.shape, self.dtype):
            found = f"{tensor.shape} {tensor.dtype} in the checkpoint"
            raise ValueError(f"{self.name!r} is {found}, but the plan has {self.shape} {self.dtype}")
        return replace(self, tensor=tensor)

    def check_open(self) -> None:
        """Raise the error of its library if the checkpoint has been closed."""
        if self.tensor is not None and self.tensor.check is not None:
            self.tensor.check()

    def values(self, shape: tuple[int, ...], index: Index) -> Array:
        """Return the box of a parameter of this shape at an index."""
        assert self.tensor is not None
        return box(self.tensor.read, self.shape, self.pairs, shape, index)

    def whole(self, shape: tuple[int, ...]) -> Array:
        """Return all values for a parameter of this shape."""
        return self.values(shape, whole_index(shape))

    def load(self, x: Array) -> Array:
        """Fill ``x``, and return it or a new array. A process reads no more than its shards."""
        assert self.tensor is not None
        shape = tuple(x.shape)
        backend = backend_of(x)
        if self.tensor.array is None and isinstance(backend, Sharded):
            return backend.by_shard(x, lambda part, index: copy_(part, self.values(shape, index)))
        return copy_(x, self.whole(shape))

    def config(self) -> dict[str, Any]:
        """Return the action as plain data for JSON. It holds no array."""
        return {"pretrained": {"name": self.name, "shape": self.shape, "dtype": self.dtype, "axes": self.pairs}}

    @classmethod
    def from_config(cls, kept: Mapping[str, Any]) -> Loaded:
        """Return the action of plain data."""
        pairs = tuple((tuple(ours), tuple(theirs)) for ours, theirs in kept["axes"])
        return cls(kept["name"], tuple(kept["shape"]), kept["dtype"], pairs)
