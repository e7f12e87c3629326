"""The parts of a fused weight, or the stacked layers, in a plan. Each of them has a step of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arrayinit.kernels.pieces import Cut

if TYPE_CHECKING:
    from arrayinit.models.resolve import Step


@dataclass(frozen=True, slots=True)
class Fused:
    """Fill each part as its own step says."""

    cut: Cut
    axis: int | str
    """The axis, or its role, as in the rule."""
    labels: tuple[str, ...]
    """What each part is called."""
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        if self.cut.is_stacked:
            return self._stacked()
        actions = [step.action for step in self.steps]
        counts = Counter(map(repr, actions))
        usual = max(counts, key=counts.__getitem__)
        is_equal = len(set(self.cut.sizes)) == 1
        sizes = list(self.labels) if is_equal else dict(zip(self.labels, self.cut.sizes, strict=True))
        others = (
            f"{label!r}: {given!r}" for label, given in zip(self.labels, actions, strict=True) if repr(given) != usual
        )
        values = f", values={{{', '.join(others)}}}" if len(counts) > 1 else ""
        return f"parts({usual}, {self.axis!r}, {sizes}{values})"

    def _stacked(self) -> str:
        actions = list(dict.fromkeys(repr(step.action) for step in self.steps))
        values = " ... ".join([actions[0], *actions[1:][-1:]]) if actions else ""
        return f"stack({values}{f', axis={self.axis}' if self.axis else ''})"

    def named(self, number: int) -> str:
        """Return what an error calls a part."""
        return f"layer {self.labels[number]}" if self.cut.is_stacked else f"part {self.labels[number]!r}"

    def config(self, plain: Callable[[Step], dict[str, Any]]) -> dict[str, Any]:
        """Return plain data for JSON; ``plain`` returns that of a step."""
        cut = {"axis": self.cut.axis, "sizes": list(self.cut.sizes), "is_stacked": self.cut.is_stacked}
        return {"fused": {**cut, "as": self.axis, "labels": list(self.labels), "steps": list(map(plain, self.steps))}}

    @classmethod
    def from_config(cls, given: Mapping[str, Any], step: Callable[[Any], Step]) -> Fused:
        """Return it from plain data; ``step`` returns the step of plain data."""
        kept = given["fused"]
        cut = Cut(kept["axis"], tuple(kept["sizes"]), kept["is_stacked"])
        steps = tuple(step(entry) for entry in kept["steps"])
        if not len(cut.sizes) == len(kept["labels"]) == len(steps):
            raise ValueError("the numbers of sizes, labels and steps differ")
        return cls(cut, kept["as"], tuple(kept["labels"]), steps)


def leaves(step: Step) -> Iterator[Step]:
    """Yield the steps that a step consists of: itself, or those of its parts."""
    if isinstance(step.action, Fused):
        for part in step.action.steps:
            yield from leaves(part)
    else:
        yield step
