"""How rules cut a parameter into the parts of a fused weight, or into layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from arrayinit.core.layouts import parse
from arrayinit.kernels.pieces import Cut
from arrayinit.models.parameter import Parameter
from arrayinit.models.part_names import PartNames
from arrayinit.values.value import Initializer

OF_PARTS = "{parent}.{part}.{name}"
OF_LAYERS = "{parent}.{i}.{name}"


class Part(NamedTuple):
    """A part as a parameter, and its value in the rule."""

    label: str
    parameter: Parameter
    value: Any


@dataclass(frozen=True, slots=True)
class Parts:
    """The value of a rule that cuts a parameter into named parts; see `parts`."""

    value: Any
    axis: int | str
    sizes: tuple[tuple[str, int | None], ...]
    """The name and the size of each part; None for equal parts."""
    values: tuple[tuple[str, Any], ...]
    names: PartNames

    def __repr__(self) -> str:
        is_equal = all(size is None for _, size in self.sizes)
        sizes = [name for name, _ in self.sizes] if is_equal else dict(self.sizes)
        values = f", values={dict(self.values)!r}" if self.values else ""
        names = "" if self.names == PartNames(OF_PARTS) else f", names={self.names.as_given()!r}"
        return f"parts({self.value!r}, {self.axis!r}, {sizes!r}{values}{names})"

    def split(self, p: Parameter) -> tuple[Cut, list[Part]]:
        """Return how the rule cuts a parameter, and the parts."""
        axis = self._axis(p)
        cut = Cut(axis, self._sizes_of(p, axis))
        values = dict(self.values)
        made: list[Part] = []
        start = 0
        for (name, _), size in zip(self.sizes, cut.sizes, strict=True):
            part = p.part(
                self.names(p, part=name), (*p.shape[:axis], size, *p.shape[axis + 1 :]), {"part": name}, len(self.sizes)
            )
            part.layout, part.groups = p.layout, _groups(p, axis, size)
            if axis == 0:
                part.zero_rows = tuple(row - start for row in p.zero_rows if start <= row < start + size)
            start += size
            made.append(Part(name, part, values.get(name, self.value)))
        return cut, made

    def _axis(self, p: Parameter) -> int:
        """Return the axis of a parameter along which the parts lie."""
        if isinstance(self.axis, int):
            return _numbered(self.axis, p.shape)
        if len(p.shape) == 1:
            if self.axis == "O":
                return 0
            raise ValueError(f"a bias, of shape {p.shape}, has outputs only: the axis of its parts is 'O' or 0")
        own = self.value.arguments.get("layout") if isinstance(self.value, Initializer) else None
        layout = own or p.layout
        if layout is None:
            raise ValueError(
                f"parts along {self.axis!r} need the layout of an array of shape {p.shape}, which is not known: pass "
                "the number of the axis"
            )
        axes = parse(layout, p.shape)
        found = axes.outputs if self.axis == "O" else axes.inputs
        if not found:
            raise ValueError(f"layout {layout!r} has no axis {self.axis!r}: pass the number of the axis")
        return found[0]

    def _sizes_of(self, p: Parameter, axis: int) -> tuple[int, ...]:
        """Return the size of each part of a parameter."""
        size, names = p.shape[axis], ", ".join(name for name, _ in self.sizes)
        given = [count for _, count in self.sizes if count is not None]
        if not given:
            if size % len(self.sizes):
                raise ValueError(
                    f"axis {axis} of shape {p.shape} has a size of {size}, which {len(self.sizes)} equal parts do not "
                    f"divide ({names}): pass the size of each part in a dict"
                )
            return (size // len(self.sizes),) * len(self.sizes)
        if sum(given) != size:
            texts = " + ".join(f"{name} {count}" for name, count in self.sizes)
            raise ValueError(f"the parts {texts} = {sum(given)} differ from axis {axis} of shape {p.shape}, of {size}")
        return tuple(given)


@dataclass(frozen=True, slots=True)
class Stack:
    """The value of a rule that takes a parameter as one of each layer; see `stack`."""

    value: Any
    axis: int
    names: PartNames

    def __repr__(self) -> str:
        axis = f", axis={self.axis}" if self.axis else ""
        names = "" if self.names == PartNames(OF_LAYERS) else f", names={self.names.as_given()!r}"
        return f"stack({self.value!r}{axis}{names})"

    def split(self, p: Parameter) -> tuple[Cut, list[Part]]:
        """Return how the rule cuts a parameter, and the layers."""
        axis = _numbered(self.axis, p.shape)
        _check_groups(p)
        if p.zero_rows:
            raise ValueError(f"it is an embedding of shape {p.shape} with padding, and no stack of layers")
        count, shape = p.shape[axis], (*p.shape[:axis], *p.shape[axis + 1 :])
        layout, groups = (_without(p.layout, p.shape, axis), p.groups) if p.of_layer is None else p.of_layer
        made: list[Part] = []
        for i in range(count):
            layer = p.part(self.names(p, i=i), shape, {"i": i}, count)
            layer.layout, layer.groups, layer.of_layer = layout, groups, None
            made.append(Part(str(i), layer, self.value))
        return Cut(axis, (1,) * count, is_stacked=True), made


def _numbered(axis: int, shape: tuple[int, ...]) -> int:
    """Return an axis counted from the front; raise ValueError if the shape lacks it."""
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"an array of shape {shape} has no axis {axis}")
    return axis % len(shape)


def _groups(p: Parameter, axis: int, size: int) -> int:
    """Return the number of groups of a part of a convolution: a part of the outputs has a part of the groups."""
    if p.groups == 1 or p.layout is None:
        return p.groups
    _check_groups(p)
    axes = parse(p.layout, p.shape)
    if axis not in axes.outputs:
        return p.groups
    outputs = axes.sizes(p.shape)[0]
    part, each = outputs // p.shape[axis] * size if outputs else 0, outputs // p.groups
    if not each or part % each or not part:
        raise ValueError(
            f"a part of {size} along axis {axis} of shape {p.shape} does not consist of whole groups: the convolution "
            f"has {p.groups} groups of {each} outputs"
        )
    return part // each


def _check_groups(p: Parameter) -> None:
    """Raise ValueError for a transposed convolution with groups, of which no axis tells the parts."""
    if p.groups != 1 and p.layout == "IO...":
        raise ValueError(
            f"it is a transposed convolution with {p.groups} groups, of shape {p.shape}, and no axis of it tells the "
            "parts: fill each part as a parameter of its own"
        )


def _without(layout: str | None, shape: tuple[int, ...], axis: int) -> str | None:
    """Return the layout of an array without one of its axes; that of a vector is not known."""
    if layout is None or len(shape) < 3:
        return None
    head, dots, tail = layout.partition("...")
    if axis < len(head):
        head = head[:axis] + head[axis + 1 :]
    elif axis >= len(shape) - len(tail):
        at = axis - (len(shape) - len(tail))
        tail = tail[:at] + tail[at + 1 :]
    without = f"{head}{dots}{tail}"
    return without if set("OI") & set(without) else None
