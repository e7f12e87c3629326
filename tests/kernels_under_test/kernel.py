"""What the tests know of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from programs import CASES

from arrayinit.core.distributions import Distribution
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw

Corner = tuple[int, ...]


@dataclass(frozen=True)
class Kernel:
    """How the tests let a kernel fill a box in the memory of a NumPy array, and what the kernel can fill."""

    library: str
    """The library whose session runs the kernel."""
    fill: Callable[[Draw, np.ndarray, list[int]], object]
    """Fills the box that begins at a corner; both are in the order of the array to be filled.

    Formats that NumPy lacks go as bits.
    """
    fills: Literal["whole arrays", "boxes", "far boxes"]
    examples: int
    variables: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The values that are tried for variables of modules, or of the environment if the name has no dot."""
    dtypes: tuple[str, ...] = tuple(dict.fromkeys(dtype for *_, dtype in CASES))
    names: tuple[str, ...] = tuple(dict.fromkeys(name for name, *_ in CASES))
    """The distributions in random boxes, if a kernel takes long to compile for each distribution."""
    narrow_names: tuple[str, ...] = names
    """The same in formats of 16 and 8 bits, whose draws are those of float32, rounded."""
    has_every_distribution: bool = True
    """Whether the kernel is to fill a whole array by each distribution."""
    has_subnormals: bool = True
    """Whether numbers below the least normal one are kept."""
    has_zeros: bool = True
    has_negative_strides: bool = False
    takes_empty: bool = True
    """Whether a box may have no elements."""
    near: Callable[[Corner, Corner, Corner], tuple[Corner, Corner]] = lambda _, corner, size: (corner, size)
    """From the shape of the logical array, a corner and a size to those of a box that the kernel can fill."""
    skip: str = ""
    """The reason why this session cannot run the kernel."""

    @property
    def distributions(self) -> list[tuple[str, Distribution, str]]:
        """The distributions and dtypes of random boxes."""
        return [case for case in self.all_distributions if case[0] in self.names]

    @property
    def all_distributions(self) -> list[tuple[str, Distribution, str]]:
        """The distributions and dtypes that the kernel can draw."""
        return [
            (name, distribution, dtype)
            for name, distribution, dtype in CASES
            if dtype in self.dtypes
            and (self.has_subnormals or name != "tiny")
            and (not FORMATS[dtype].is_narrow or name in self.narrow_names)
        ]
