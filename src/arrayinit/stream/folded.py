"""The seed that `fold_in` returns: a NumPy SeedSequence that is mixed when someone asks for its numbers."""

from __future__ import annotations

from functools import cached_property
from operator import attrgetter
from typing import Any

from numpy.random import SeedSequence

from arrayinit.stream.seed import Seed


class FoldedSeed(SeedSequence):
    """A `numpy.random.SeedSequence` that knows its `Seed`.

    NumPy mixes the words of a new SeedSequence at once, which takes longer than to fill a small array.
    """

    # The constructor of SeedSequence, which mixes, is not called: everything below asks `mixed`.
    def __init__(self, seed: Seed) -> None:
        self.seed = seed

    @cached_property
    def mixed(self) -> SeedSequence:
        """The seed as NumPy makes it."""
        entropy, spawn_key, pool_size = self.seed
        return SeedSequence(entropy, spawn_key=spawn_key, pool_size=pool_size)

    def __repr__(self) -> str:
        return repr(self.mixed)

    def __reduce__(self) -> tuple[Any, ...]:
        return FoldedSeed, (self.seed,)


def _asked(name: str) -> property:
    """Return the attribute of this name of the mixed seed."""
    return property(attrgetter(f"mixed.{name}"))


for _name in dir(SeedSequence):
    if not _name.startswith("_"):
        setattr(FoldedSeed, _name, _asked(_name))
