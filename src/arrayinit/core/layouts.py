"""Layouts: what each axis of a weight is, and the fans that follow."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from operator import index
from typing import Any, NamedTuple

from arrayinit.core.numbers import concrete, counted, shown

DEFAULT = "OI..."


class Axes(NamedTuple):
    """The axes of an array by role; the axes of a role are in the order of the array."""

    batch: tuple[int, ...]
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    kernel: tuple[int, ...]
    canonical: tuple[int, ...]
    """The permutation to the order batch, outputs, inputs, kernel."""

    def sizes(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """Return the numbers of output features, of input features and of kernel elements."""
        outputs = inputs = kernel = 1
        for i in self.outputs:
            outputs *= shape[i]
        for i in self.inputs:
            inputs *= shape[i]
        for i in self.kernel:
            kernel *= shape[i]
        return outputs, inputs, kernel


def inverse(permutation: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation that undoes another."""
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


# Few layouts and ranks occur. torch.compile can trace a dict, but no lru_cache.
_PARSED: dict[tuple[str, int], Axes] = {}


def parse(layout: str, shape: Sequence[int]) -> Axes:
    """Return the axes of ``shape`` by role; raise ValueError unless the layout fits."""
    # A layout that is no string may not be hashable.
    axes = _PARSED.get((layout, len(shape))) if isinstance(layout, str) else None
    if axes is None:
        axes = _PARSED[layout, len(shape)] = _parse(layout, tuple(shape))
    return axes


def _parse(layout: str, shape: tuple[int, ...]) -> Axes:
    letters = _letters(layout)
    ndim = len(shape)
    named = len(letters) - ("..." in letters)
    if ndim < named or (ndim > named and "..." not in letters):
        least = "at least " if "..." in letters else ""
        raise ValueError(
            f"x of shape {shape} has {counted(ndim, 'axis', 'axes')}, but layout {layout!r} needs {least}{named}; "
            + ("pass the layout of your array" if ndim > 1 else _BIAS_HINT)
        )
    roles: list[str] = []
    for letter in letters:
        roles += ["kernel"] * (ndim - named) if letter == "..." else [letter]
    batch, outputs, inputs = (tuple(i for i, role in enumerate(roles) if role == name) for name in "BOI")
    kernel = tuple(i for i, role in enumerate(roles) if role not in ("B", "O", "I"))
    return Axes(batch, outputs, inputs, kernel, batch + outputs + inputs + kernel)


_BIAS_HINT = (
    "for a bias, pass layout='O', or call uniform_(x, -bound, bound) with bound = 1 / sqrt(fan_in) of its weight"
)

_MEANING = (
    "'O' output features, 'I' input features, 'B' a batch of independent weights, any other letter a kernel axis, "
    "and at most one '...' for any number of kernel axes, e.g. 'OI...' or '...IO'"
)


_UPPER = str.maketrans("oib", "OIB")


def _letters(layout: str) -> list[str]:
    if not isinstance(layout, str):
        raise ValueError(f"layout must be a string of letters, got {shown(layout)}; {_MEANING}")
    head, dots, tail = layout.partition("...")
    for letter in head + tail:
        if letter in "oib":
            raise ValueError(
                f"layout {layout!r} has a small letter {letter!r}: 'O', 'I' and 'B' are upper case; "
                f"did you mean {layout.translate(_UPPER)!r}?"
            )
        if not (letter.isascii() and letter.isalpha()):
            raise ValueError(f"layout {layout!r} has an unknown letter {letter!r}; the letters are {_MEANING}")
    if "O" not in layout and "I" not in layout:
        raise ValueError(f"layout {layout!r} names neither output nor input features; the letters are {_MEANING}")
    return [*head, *([dots] if dots else []), *tail]


def fans(shape: Sequence[int], layout: str = DEFAULT, groups: int = 1) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight of this shape."""
    outputs, inputs, kernel = parse(layout, shape).sizes(shape)
    if type(groups) is not int or groups != 1:
        outputs = per_group(outputs, groups)
    return inputs * kernel, outputs * kernel


def as_shape(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return ``sizes`` as a tuple; raise unless they are integers of at least 0."""
    try:
        shape = tuple(index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"a shape must be of integers, got {shown(sizes)}") from None
    if min(shape, default=0) < 0:
        raise ValueError(f"a shape must be of integers of at least 0, got {shown(sizes)}")
    return shape


def per_group(outputs: int, groups: int) -> int:
    """Return the number of output features of each group; raise unless ``groups`` divides ``outputs``."""
    count: Any = groups if isinstance(groups, Integral) else concrete("groups", groups)
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise ValueError(f"groups must be an integer of at least 1, got {shown(groups)}")
    if outputs % int(count):
        features = counted(outputs, "output feature", "output features")
        raise ValueError(f"groups={shown(groups)} must divide the {features} of x")
    return outputs // int(count)
