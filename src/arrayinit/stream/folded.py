"""The seed that `fold_in` returns: a NumPy SeedSequence that is mixed when someone asks for its numbers."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from numpy.random import SeedSequence

from arrayinit.stream.seed import Seed


class FoldedSeed(SeedSequence):
    """A `numpy.random.SeedSequence` that knows its `Seed`.

    NumPy mixes the words of a new SeedSequence at once, which takes longer than to fill a small array.
    """

    # A dict for its attributes would take as long to make as the rest of it.
    __slots__ = ("_mixed", "seed")
    _mixed: SeedSequence
    seed: Seed

    # The constructor of SeedSequence, which mixes, is not called: everything below asks `mixed`.
    def __init__(self, seed: Seed) -> None:
        self.seed = seed

    @property
    def mixed(self) -> SeedSequence:
        """The seed as NumPy makes it; always the same one, since it counts the seeds that it spawned."""
        try:
            return self._mixed
        except AttributeError:
            self._mixed = self.seed.sequence()
            return self._mixed

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
