"""A parameter of a model, as its reader finds it and as rules see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from arrayinit.core.layouts import fans
from arrayinit.models.grouping import by_group

Captures = Mapping[str, int | str]
"""What the braces of a pattern, or the groups of a regular expression, stand for in a name."""

NOTHING: Captures = {}


@dataclass(slots=True)
class Parameter:
    """A parameter or a buffer of a model.

    A rule may have a function of the parameter in place of an initializer. Such a function reads these attributes:
    ``name``, ``shape``, ``dtype``, ``fan_in``, ``fan_out``, ``layout``, ``groups``, ``module``, ``holders``.
    ``p["layer"]`` is the number that ``{layer}`` stands for in the name, and ``p.size("layer")`` says how many such
    numbers there are.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> model = {"blocks.0.weight": np.empty((4, 16)), "blocks.1.weight": np.empty((4, 16))}
    >>> rule = ("blocks.{layer}.weight", lambda p: arrayinit.normal(std=p.shape[1]**-0.5 / p.size("layer")))
    >>> [step.action for step in arrayinit.plan(model, [rule])]
    [normal(std=0.125), normal(std=0.125)]
    """

    name: str
    """The dotted name."""
    shape: tuple[int, ...]
    dtype: str
    array: Any = field(repr=False)
    """The array to fill, or a description of it."""
    module: Any = field(default=None, repr=False)
    """The layer that holds the parameter, or None."""
    layout: str | None = None
    """The meaning of each axis; None if it is not known."""
    groups: int = 1
    """The number of groups of a convolution."""
    of_layer: tuple[str | None, int] | None = None
    """The layout and the groups that one layer has, if the array is that of stacked layers; None if it is not known."""
    is_buffer: bool = False
    owner: str | None = None
    """The name under which the same array was found first, or None."""
    has_values: bool = True
    needs_memory: bool = False
    """Whether the array is on torch's meta device."""
    is_loaded: bool = False
    """Whether the array holds pretrained values, which are kept."""
    zero_rows: tuple[int, ...] = ()
    """The rows that stay zero under random values."""
    must_name: str = ""
    """A word that the selector of a rule must contain, if it is to fill this parameter."""
    fault: str = ""
    """Why this parameter cannot be filled."""
    put: Callable[[Any], None] | None = field(default=None, repr=False)
    """Takes the filled array, where it is another object than ``array``."""
    fresh: Callable[[], Any] | None = field(default=None, repr=False)
    """Makes the array to fill, where ``array`` must stay as it is."""
    holders: tuple[Any, ...] = field(default=(), repr=False)
    """The modules, or the nodes of a tree, from the model down to the one that holds the parameter."""
    captures: Captures = field(default_factory=dict, repr=False)
    sizes: Callable[[str, str], int] | None = field(default=None, repr=False)

    @property
    def fan_in(self) -> int:
        """How many inputs reach each output. ValueError if the layout is not known."""
        return self._fans()[0]

    @property
    def fan_out(self) -> int:
        """How many outputs each input reaches. ValueError if the layout is not known."""
        return self._fans()[1]

    def _fans(self) -> tuple[int, int]:
        if self.layout is None:
            raise ValueError(f"{self.name!r} of shape {self.shape} has no known layout, and therefore no fans")
        shape, layout, groups = by_group(self.shape, self.layout, self.groups)
        assert layout is not None
        return fans(shape, layout, groups)

    @property
    def local(self) -> str:
        """The last segment of the name."""
        return self.name.rpartition(".")[2]

    @property
    def target(self) -> Any:
        """The array to fill."""
        return self.array if self.fresh is None else self.fresh()

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        count = itemsize(self.dtype)
        for size in self.shape:
            count *= size
        return count

    def __getitem__(self, capture: str) -> int | str:
        """Return what a capture stands for in this name: a number, or the text of a regular expression's group."""
        if capture not in self.captures:
            known = ", ".join(self.captures) or "none"
            raise KeyError(f"the rule of {self.name!r} has no capture {capture!r}; its captures: {known}")
        return self.captures[capture]

    def size(self, capture: str) -> int:
        """Return how many numbers stand at this place, among the names that begin with the same text."""
        self[capture]
        assert self.sizes is not None
        return self.sizes(self.name, capture)

    def part(self, name: str, shape: tuple[int, ...], captures: Captures, count: int) -> Parameter:
        """Return a part as a parameter; ``captures`` tell which of ``count`` parts this is."""

        def sizes(_: str, capture: str) -> int:
            return count if capture in captures else self.size(capture)

        return replace(self, name=name, shape=shape, captures={**self.captures, **captures}, sizes=sizes)

    def matched(self, captures: Captures, sizes: Callable[[str, str], int]) -> Parameter:
        """Return the parameter with the captures of a rule."""
        return replace(self, captures=captures, sizes=sizes)


def itemsize(dtype: str) -> int:
    """Return the size of an element in bytes, from the name of its dtype."""
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits.group()) // 8) if bits else 1
