"""By how much the inputs and the outputs of parameters have grown since a base model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

from arrayinit.core.layouts import parse
from arrayinit.models.parameter import Parameter
from arrayinit.models.plan import Plan
from arrayinit.models.resolve import resolved
from arrayinit.recipes import names
from arrayinit.values.value import Initializer


class Width(NamedTuple):
    """By how much the inputs and the outputs of a parameter have grown; None for what has a fixed size."""

    inputs: float | None
    outputs: float | None
    is_known: bool = True
    """Whether the layout tells which of both has grown, if only one has."""


class Widths:
    """The shapes of a base model, and the axes that grow."""

    def __init__(self, base: Any, delta: Any) -> None:
        self._base = _parameters(base)
        self._delta = None if delta is None else _parameters(delta)

    def at_base(self, p: Parameter) -> Parameter:
        """Return the parameter of the base model, with the captures of this one. Fixed axes have this one's sizes."""
        base = self._base.get(p.name)
        wider = p if self._delta is None else self._delta.get(p.name)
        if base is None or wider is None:
            raise ValueError(f"{'base' if base is None else 'delta'} has no parameter of this name")
        if not len(base.shape) == len(wider.shape) == len(p.shape):
            raise ValueError(f"it has the shape {p.shape}, but {base.shape} in base: the numbers of axes differ")
        sizes = zip(p.shape, base.shape, wider.shape, strict=True)
        return replace(
            base,
            shape=tuple(size if least == more else least for size, least, more in sizes),
            layout=base.layout or p.layout,
            captures=p.captures,
            sizes=p.sizes,
        )

    def of(self, p: Parameter, layout: str | None) -> Width:
        """Return how a parameter of this layout has grown."""
        base = self.at_base(p)
        more = p.shape if self._delta is None else self._delta[p.name].shape
        grown = [a / b if b != c else None for a, b, c in zip(p.shape, base.shape, more, strict=True)]
        if len(p.shape) == 1 or names.BIAS(p):
            # The biases of attention have two axes.
            infinite = [ratio for ratio in grown if ratio is not None]
            return Width(None, prod(infinite) if infinite else None)
        return _width(grown, layout or p.layout, p)

    def each(self, model: Any, rules: Iterable[Any]) -> Iterator[tuple[Parameter, Width]]:
        """Yield the parameters that rules decide about, and how each has grown."""
        from arrayinit.models.readers import read

        found = {p.name: p for p in read(model).parameters}
        for step in resolved(list(found.values()), rules, None):
            yield found[step.name], self.of(found[step.name], own_layout(step.action))

    def multipliers(self, model: Any, rules: Iterable[Any]) -> dict[str, float]:
        """Return by what the inputs of each output layer are multiplied."""
        return {
            p.name: 1.0 / width.inputs for p, width in self.each(model, rules) if is_output(p, width) and width.inputs
        }


def is_output(p: Parameter, width: Width) -> bool:
    """Whether only the inputs of a weight grow. ValueError if its layout is not known."""
    # The layout of an embedding calls its features inputs.
    if p.is_buffer or names.EMBEDDING(p):
        return False
    if not width.is_known:
        raise ValueError(
            f"{p.name!r} may be an output, as its layout is not known: pass layout= in the value of its rule"
        )
    return width.inputs is not None and width.outputs is None


def own_layout(value: Any) -> str | None:
    """Return the layout that a value names."""
    layout: str | None = value.arguments.get("layout") if isinstance(value, Initializer) else None
    return layout


def _width(grown: list[float | None], layout: str | None, p: Parameter) -> Width:
    infinite = [ratio for ratio in grown if ratio is not None]
    if not infinite:
        return Width(None, None)
    if layout is not None:
        axes = parse(layout, p.shape)
        inputs = [ratio for i in axes.inputs + axes.kernel if (ratio := grown[i]) is not None]
        outputs = [ratio for i in axes.outputs if (ratio := grown[i]) is not None]
        return Width(prod(inputs) if inputs else None, prod(outputs) if outputs else None)
    if len(infinite) == 1:
        return Width(None, infinite[0], is_known=False)
    if len(infinite) == 2 and infinite[0] == infinite[1]:
        return Width(infinite[0], infinite[1])
    raise ValueError(f"{p.name!r} has grown along several axes, and its layout is not known: pass layout= in its value")


def _parameters(given: Any) -> dict[str, Parameter]:
    """Return the parameters of a model, of a plan, or of a mapping of names to shapes."""
    if isinstance(given, Plan):
        return {s.name: Parameter(s.name, s.shape, s.dtype, None, layout=s.layout, groups=s.groups) for s in given}
    if isinstance(given, Mapping) and all(_is_shape(value) for value in given.values()):
        return {name: Parameter(name, tuple(shape), "float32", None) for name, shape in given.items()}
    from arrayinit.models.readers import read

    return {p.name: p for p in read(given).parameters}


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(size, int) for size in value)
