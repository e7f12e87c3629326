"""The protocol of a reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container
from functools import lru_cache
from typing import Any, NamedTuple

from arrayinit.models.parameter import Parameter

TORCH_MODULE = frozenset({"torch.nn.modules.module.Module"})
"""The names of the base class of torch's modules."""

ON_META = "it is on the meta device, and only a module can get memory: initialize the module"
"""The fault of a tensor without memory in a mapping."""


class Reading(NamedTuple):
    """The parameters of a model, and the model after they are filled."""

    parameters: list[Parameter]
    result: Callable[[], Any]
    """Returns the model itself if its arrays can be written or assigned, else a new model with the new arrays."""


class Reader(ABC):
    """Reads the models of one library."""

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


@lru_cache(1024)
def _bases(cls: type) -> tuple[str, ...]:
    """Return the names of a class and of its bases, with their modules, in the order in which Python asks them."""
    return tuple(f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__)
