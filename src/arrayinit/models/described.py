"""The fill that a step describes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arrayinit.initializers.copy import copy_
from arrayinit.kernels.fill import Constant, Fill
from arrayinit.kernels.pieces import Pieces
from arrayinit.models.actions import Copied
from arrayinit.models.fused import Fused
from arrayinit.models.grouping import seen_by
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.resolve import Step
from arrayinit.values.abstract import Abstract
from arrayinit.values.value import Initializer


def described(
    step: Step,
    dtype: str,
    like: Any = None,
    seed_of_name: Callable[[str], Any] = lambda _: None,
) -> Fill | None:
    """Return the fill of a step, or None if it leaves the values as they are, or if the plan does not hold them.

    Draws of a generator are those for the array ``like``.
    """
    if isinstance(step.action, Initializer):
        shape, layout, groups = seen_by(step.action, step.shape, step.layout, step.groups)
        rng = seed_of_name(step.seed_name) if step.action.draws else None
        made: Fill = step.action.fill(Abstract(shape, dtype, like), rng, layout=layout, groups=groups)
        return made
    x: Any = Abstract(step.shape, dtype)
    if isinstance(step.action, Copied):
        copied: Fill = copy_(x, step.action.source)
        return copied
    if isinstance(step.action, Loaded) and step.action.tensor is not None:
        loaded: Fill = copy_(x, step.action.whole(step.shape))
        return loaded
    if isinstance(step.action, Fused):
        fills = [described(part, dtype, like, seed_of_name) for part in step.action.steps]
        # A stack without layers has no elements.
        return Pieces(step.action.cut, tuple(fills)) if fills else Constant(0)
    return None
