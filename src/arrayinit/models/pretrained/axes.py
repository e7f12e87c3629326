"""How the axes of a tensor become those of a parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from arrayinit.backends.registry import backend_of
from arrayinit.core.layouts import Axes, inverse, parse
from arrayinit.stream.box import Index

Shape = tuple[int, ...]

Pairs = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
"""Axes of the tensor, and the axes of the parameter that have the same elements in the same order."""


def alike(ndim: int) -> Pairs:
    """Return the pairs of arrays whose axes are the same."""
    return tuple(((axis,), (axis,)) for axis in range(ndim))


def flat(given: int, wanted: int) -> Pairs:
    """Return the pairs of arrays of which one has a single axis."""
    return ((tuple(range(given)), tuple(range(wanted))),)


def by_role(given: Axes, wanted: Axes) -> Pairs:
    """Return the pairs of axes that have one role in two layouts."""
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for ours, theirs in zip(given[:4], wanted[:4], strict=True):
        if len(ours) == len(theirs):
            pairs += [((one,), (other,)) for one, other in zip(ours, theirs, strict=True)]
        else:
            pairs.append((ours, theirs))
    return tuple(pairs)


def of_torch(shape: Shape, layout: str) -> tuple[Axes, Axes] | None:
    """Return the axes of a weight in torch's order, and those of a parameter; None if torch has no such layer.

    torch's order is outputs, inputs, kernel. Its layers have one axis of outputs and one of inputs. A convolution for
    each channel has no inputs in Keras, and one in torch.
    """
    own = parse(layout, shape)
    if own.batch:
        if own.inputs or not own.kernel:
            return None
        own = own._replace(batch=(), outputs=own.batch + own.outputs)
    kernel = tuple(range(2, 2 + len(own.kernel)))
    return Axes((), (0,), (1,), kernel, (0, 1, *kernel)), own


def fits(pairs: Pairs, given: Shape, wanted: Shape) -> bool:
    """Whether the sizes of the axes agree."""
    if sorted(chain(*(ours for ours, _ in pairs))) != list(range(len(given))):
        return False
    if sorted(chain(*(theirs for _, theirs in pairs))) != list(range(len(wanted))):
        return False
    return all(math.prod(given[k] for k in ours) == math.prod(wanted[k] for k in theirs) for ours, theirs in pairs)


def box(read: Callable[[Index], Any], given: Shape, pairs: Pairs, wanted: Shape, index: Index) -> Any:
    """Return the box of a parameter at an index, of which as little as possible is read from the tensor."""
    asked = [slice(0, size) for size in given]
    # The sizes of what is read, and what is taken of it then.
    sizes, left = list(wanted), list(index)
    for ours, theirs in pairs:
        if len(ours) == 1 and theirs and all(index[k] == slice(0, wanted[k]) for k in theirs[1:]):
            rest, first = math.prod(wanted[k] for k in theirs[1:]), index[theirs[0]]
            asked[ours[0]] = slice(first.start * rest, first.stop * rest)
            sizes[theirs[0]] = first.stop - first.start
            left[theirs[0]] = slice(0, sizes[theirs[0]])
    value = read(tuple(asked))
    if pairs == alike(len(given)):
        return value
    xp, value = _standard(value)
    order = tuple(chain(*(theirs for _, theirs in pairs)))
    value = xp.permute_dims(value, tuple(chain(*(ours for ours, _ in pairs))))
    value = xp.permute_dims(xp.reshape(value, tuple(sizes[k] for k in order)), inverse(order))
    return value if left == [slice(0, size) for size in sizes] else value[tuple(left)]


def permuted(value: Any, pairs: Pairs, ndim: int) -> Any:
    """Return a tensor with the axes of a parameter of another shape, if each axis has a counterpart."""
    if value.ndim != ndim or any(len(ours) != len(theirs) for ours, theirs in pairs):
        return value
    order: Sequence[int] = [ours[0] for ours, _ in sorted(pairs, key=lambda pair: pair[1])]
    xp, value = _standard(value)
    return xp.permute_dims(value, tuple(order))


def _standard(value: Any) -> tuple[Any, Any]:
    """Return an array API namespace and an array of it with these values: of the library, or else of NumPy."""
    backend = backend_of(value)
    xp = backend.namespace(value)
    if hasattr(xp, "permute_dims"):
        return xp, value
    *_, host = backend.read(value)
    return np, host
