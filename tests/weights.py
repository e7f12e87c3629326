"""Shapes and layouts of weights, from the simplest to those that few would think of."""

from __future__ import annotations

import math
import random
import re
from typing import NamedTuple

_ANY_WEIGHT = ("constant_", "copy_", "normal_", "ones_", "trunc_normal_", "uniform_", "zeros_")


class Weight(NamedTuple):
    """A shape, the role of each axis, and a layout that says so."""

    shape: tuple[int, ...]
    roles: str
    layout: str

    def product(self, role: str) -> int:
        return math.prod(size for size, letter in zip(self.shape, self.roles, strict=True) if letter == role)

    def fits(self, name: str) -> bool:
        """Whether the function takes it."""
        rank, kernel = len(self.shape), sum(role not in "OIB" for role in self.roles)
        if name in _ANY_WEIGHT:
            return True
        if name == "sparse_":
            return rank == 2
        if not set(self.roles) & {"O", "I"}:
            return False
        if name == "delta_orthogonal_":
            return 1 <= kernel <= 3 and (self.product("O") >= self.product("I") or 0 in self.shape)
        if name == "dirac_":
            return rank >= 3 and kernel <= 3
        return rank >= (2 if name in ("eye_", "orthogonal_") else 1) and not (name == "eye_" and kernel)


def _weights(count: int) -> list[Weight]:
    """Return weights at random, the simplest first, so that hypothesis can simplify what it finds."""
    choose = random.Random(0)
    found = set()
    for _ in range(count):
        rank = choose.choice((0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6))
        sizes = (*range(1, 6), 2, 3, 4) * 3 + ((0, 17, 40) if rank < 3 else (0,))
        roles = layout = "".join(choose.choices("OOIIBkh", k=rank))
        kind = choose.choice(("default", "letters", "letters", "dots"))
        if kind == "default" and rank > 1:
            roles, layout = "OI" + "k" * (rank - 2), "OI..."
        elif kind == "dots" and len(re.findall("[kh]+", roles)) < 2:
            layout = re.sub("[kh]+|$", "...", roles, count=1)
        found.add(Weight(tuple(choose.choices(sizes, k=rank)), roles, layout))
    return sorted(found, key=lambda weight: (len(weight.shape), weight.layout != "OI...", weight))


WEIGHTS = _weights(8000)
# For what is compiled for each shape. The first two are the shapes of the tests of JAX, which shares what it compiled.
FEW_WEIGHTS = [
    Weight((6, 4), "OI", "OI..."),
    Weight((6, 4, 3), "OIk", "OI..."),
    Weight((2, 3, 3), "BIO", "BIO"),
    Weight((3, 2, 2, 4), "kkIO", "...IO"),
]
