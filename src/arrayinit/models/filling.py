"""Fill one parameter as its step says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arrayinit.backends.native import NativeBackend
from arrayinit.backends.registry import backend_of
from arrayinit.initializers.copy import copy_
from arrayinit.initializers.fill import write
from arrayinit.kernels.fill import Constant
from arrayinit.kernels.pieces import Cut, Pieces
from arrayinit.models.actions import Copied
from arrayinit.models.described import described
from arrayinit.models.fused import Fused
from arrayinit.models.grouping import seen_by
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.resolve import Step
from arrayinit.values.value import Initializer


def fill(step: Step, p: Parameter, seed_of_name: Callable[[str], Any]) -> Any:
    """Fill one parameter as the step says, and return the array."""
    target = p.target
    if isinstance(step.action, Loaded):
        return step.action.load(target)
    if isinstance(step.action, Copied):
        return copy_(target, step.action.source)
    if isinstance(step.action, Fused):
        return _cleared(_filled_in_parts(step, target, seed_of_name), step, (0, 0))
    assert isinstance(step.action, Initializer), step
    rng = seed_of_name(step.seed_name) if step.action.draws else None
    shape, layout, groups = seen_by(step.action, step.shape, step.layout, step.groups)
    if shape != step.shape:
        # A view is written, as only torch has such weights, or a file that is mapped into memory.
        view = target.detach().view(shape) if hasattr(target, "detach") else target.reshape(shape)
        step.action.fill(view, rng, layout=layout, groups=groups)
        return target
    return _cleared(step.action.fill(target, rng, layout=layout, groups=groups), step, (0, 0))


def _filled_in_parts(step: Step, x: Any, seed_of_name: Callable[[str], Any]) -> Any:
    """Fill the parts of an array, and return the array."""
    made = described(step, backend_of(x).dtype(x), x, seed_of_name)
    assert made is not None
    return write(x, made)


def _zeros(shape: tuple[int, ...], rows: list[int], columns: slice) -> Pieces:
    """Return the fill that sets these columns of some rows to zero, and leaves the rest as it is."""
    beside = (columns.start, columns.stop - columns.start, shape[1] - columns.stop)
    row = Pieces(Cut(1, beside), (None, Constant(0), None))
    fills = tuple(row if number in rows else None for number in range(shape[0]))
    return Pieces(Cut(0, (1,) * shape[0]), fills)


def _cleared(x: Any, step: Step, corner: tuple[int, int]) -> Any:
    """Set the rows of an embedding to zero that are to be so under random values; the step begins at ``corner``."""
    if isinstance(step.action, Fused) and step.zero_rows:
        places = zip(step.action.cut.places(), step.action.steps, strict=True)
        for (outer, *inner), part in ((place[:-1], part) for place, part in places):
            first = inner[0].start if inner else 0
            x = _cleared(x, part, (corner[0] + (outer.start or 0), corner[1] + (first or 0)))
    elif step.zero_rows and isinstance(step.action, Initializer) and step.action.draws:
        backend: Any = backend_of(x)
        rows, columns = [corner[0] + row for row in step.zero_rows], slice(corner[1], corner[1] + step.shape[1])
        if isinstance(backend, NativeBackend):
            return backend.set_at(x, (backend.namespace(x).asarray(rows), columns), 0.0)
        return write(x, _zeros(tuple(x.shape), rows, columns))
    return x
