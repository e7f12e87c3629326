"""The weight of a transposed convolution with groups, of which neither axis alone tells the fans.

torch's is (in, out / groups, ...): each group is a weight of its own, (in / groups, out / groups, ...).
"""

from __future__ import annotations

from typing import NamedTuple

from arrayinit.values.value import Initializer


class Weight(NamedTuple):
    """The shape, the layout and the groups of a weight."""

    shape: tuple[int, ...]
    layout: str | None
    groups: int


def by_group(shape: tuple[int, ...], layout: str | None, groups: int) -> Weight:
    """Return a transposed convolution as a batch of weights, one for each group; any other weight as it is."""
    if groups == 1 or layout != "IO...":
        return Weight(shape, layout, groups)
    inputs, *rest = shape
    return Weight((groups, inputs // groups, *rest), "BIO...", 1)


def seen_by(value: Initializer, shape: tuple[int, ...], layout: str | None, groups: int) -> Weight:
    """Return the weight as an initializer takes it: by group if it has fans, and no layout or groups of its own."""
    own = value.arguments.get("layout"), value.arguments.get("groups")
    return by_group(shape, layout, groups) if value.has_fans and own == (None, None) else Weight(shape, layout, groups)
