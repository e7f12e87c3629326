"""The protocol of a reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from arrayinit.models.parameter import Parameter

Entry = TypeVar("Entry")

TORCH_MODULE = frozenset({"torch.nn.modules.module.Module"})
"""The names of the base class of torch's modules."""

ON_META = "it is on the meta device, and only a module can get memory: initialize the module"
"""The fault of a tensor without memory in a mapping."""


class Reading(NamedTuple):
    """The parameters of a model, and the model after they are filled.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.models import Parameter, Reading
    >>> bias = np.empty(4)
    >>> reading = Reading([Parameter("bias", bias.shape, "float64", bias)], lambda: {"bias": bias})
    >>> reading.parameters[0].name, list(reading.result())
    ('bias', ['bias'])
    """

    parameters: list[Parameter]
    result: Callable[[], Any]
    """Returns the model itself if its arrays can be written or assigned, else a new model with the new arrays."""


class Reader(ABC):
    """Reads the models of one library.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> from arrayinit.models import Parameter, Reader, Reading, register_reader
    >>> class MyLayer:
    ...     def __init__(self, weight):
    ...         self.weight = weight
    >>> class Layers(Reader):
    ...     def accepts(self, cls):
    ...         return cls.__name__ == "MyLayer"
    ...     def read(self, model):
    ...         x = model.weight
    ...         return Reading([Parameter("weight", x.shape, str(x.dtype), x, model, layout="OI")], lambda: model)
    >>> register_reader(Layers())
    >>> layer = MyLayer(np.empty((8, 4), np.float32))
    >>> arrayinit.initialize(layer, [("weight", arrayinit.zeros())]) is layer
    True
    """

    @abstractmethod
    def accepts(self, cls: type) -> bool:
        """Whether models of this type belong to this reader. It imports no library."""

    @abstractmethod
    def read(self, model: Any) -> Reading:
        """Return the parameters of a model, in its own order, under dotted names."""

    def give_memory(self, model: Any, device: Any) -> None:
        """Give memory on a device to all parameters that have none."""
        raise TypeError(
            f"device= gives memory to torch parameters on the meta device, and {type(model).__qualname__} has none: "
            "leave it out"
        )


def is_derived(cls: type, names: frozenset[str]) -> bool:
    """Whether a class, or a base of it, has one of these names, with its module."""
    key: Any = cls
    return not names.isdisjoint(_bases(key))


def known_base(cls: type, names: Container[str]) -> str | None:
    """Return the first name of a class and of its bases that is among these, or None."""
    key: Any = cls
    return next((name for name in _bases(key) if name in names), None)


def entry_for(cls: type, table: Mapping[str, Entry], default: Entry) -> Entry:
    """Return the entry of the first name of a class and of its bases that a table has, or the default."""
    known = known_base(cls, table)
    return default if known is None else table[known]


@lru_cache(1024)
def _bases(cls: type) -> tuple[str, ...]:
    """Return the names of a class and of its bases, with their modules, in the order in which Python asks them."""
    return tuple(f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__)
