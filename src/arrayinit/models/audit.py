"""The audit of a model: whether its values are those that were planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from arrayinit.kernels.fill import Fill, Host
from arrayinit.models.actions import Copied, Digest, Keep
from arrayinit.models.agree import differences
from arrayinit.models.described import described
from arrayinit.models.expected import Expected, deviations
from arrayinit.models.fused import Fused
from arrayinit.models.grouping import Weight, seen_by
from arrayinit.models.held import Box, by_piece, held, joined, rows_of, without_rows
from arrayinit.models.measured import Measured, measured
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.resolve import Step
from arrayinit.values.value import Initializer


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter: what was measured, and what is wrong."""

    name: str
    measured: Measured
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of `Plan.audit`.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> model = {"bias": np.ones(4)}
    >>> audit = arrayinit.plan(model, [("bias", arrayinit.zeros())]).audit(model)
    >>> audit.ok, len(audit.faults)
    (False, 1)
    """

    rows: tuple[Row, ...]

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong, each with the name of its parameter."""
        return [f"{row.name}: {fault}" for row in self.rows for fault in row.faults]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def __str__(self) -> str:
        head = ("name", "mean", "std", "least", "greatest", "sha256")
        rows = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        found = self.faults or ["no faults"]
        return "\n".join([*lines, "", *found])


def _cells(row: Row) -> tuple[str, ...]:
    m = row.measured
    return (row.name, *(f"{number:.4g}" for number in (abs(m.mean), m.std, m.least, m.greatest)), m.sha256[:12])


def audit(steps: Sequence[Step], parameters: Sequence[Parameter], communicate: bool) -> Audit:
    """Compare the values of parameters with a plan."""
    problems = differences(steps, parameters)
    if problems:
        raise ValueError("\n".join(problems))
    arrays = {p.name: p.array for p in parameters}
    owners = (step for step in steps if step.owner is None)
    rows = (pair for step in owners for pair in _rows(step, held(arrays[step.name], communicate), step.name))
    return Audit(tuple(_with_equals(rows)))


def _rows(step: Step, boxes: list[Box], name: str) -> Iterator[tuple[Row, Step]]:
    """Yield the row of a parameter and its step, or those of its parts."""
    if not isinstance(step.action, Fused):
        yield _row(step, boxes, name), step
        return
    pieces = by_piece(boxes, step.action.cut)
    for number, (part, inside) in enumerate(zip(step.action.steps, pieces, strict=True)):
        yield from _rows(part, inside, f"{name}, {step.action.named(number)}")


def _row(step: Step, boxes: list[Box], name: str) -> Row:
    """Return the row of one parameter, or of one part."""
    host, is_whole = joined(boxes, step.shape)
    padding = () if isinstance(step.action, (Copied, Loaded)) else step.zero_rows
    found = measured(host, joined(without_rows(boxes, padding), ())[0] if padding else None)
    faults = list(found.defects())
    if _is_random(step):
        faults += (f"row {n} is the padding, and is not zero" for n, row in rows_of(boxes, padding) if row.any())
    if isinstance(step.action, Digest) and is_whole and step.dtype == step.action.dtype:
        faults += [f"the values are not those of the {step.action!r}"] if found.sha256 != step.action.sha256 else []
    fill = None if 0 in step.shape and isinstance(step.action, Initializer) else described(step, step.dtype)
    if fill is not None and not faults:
        if isinstance(step.action, Initializer) and step.action.draws:
            expected = Expected.of(fill, step.dtype)
            faults += (f"{fault} of {step.action!r}" for fault in deviations(found, expected))
        elif is_whole and not _equals(host, fill, step):
            given = "the checkpoint" if isinstance(step.action, Loaded) else repr(step.action)
            faults.append(f"the values are not those of {given}")
    return Row(name, found, tuple(faults))


def _is_random(step: Step) -> bool:
    """Whether the values are random, or may be."""
    return isinstance(step.action, Keep) or (isinstance(step.action, Initializer) and step.action.draws)


def _equals(host: Host, fill: Fill, step: Step) -> bool:
    planned = fill.whole(_seen(step).shape, step.dtype).reshape(step.shape)
    return bool(((host == planned) | ((host != host) & (planned != planned))).all())  # noqa: PLR0124


def _seen(step: Step) -> Weight:
    """Return the weight as the action takes it."""
    known = Weight(step.shape, step.layout, step.groups)
    return seen_by(step.action, *known) if isinstance(step.action, Initializer) else known


def _with_equals(rows: Iterable[tuple[Row, Step]]) -> Iterator[Row]:
    """Yield the rows; those that hold the same random values get a fault."""
    first: dict[str, str] = {}
    for row, step in rows:
        is_varied = row.measured.count > 0 and not row.measured.is_constant
        is_compared = _is_random(step) and not step.is_buffer and is_varied
        other = first.setdefault(row.measured.sha256, row.name) if is_compared else row.name
        fault = f"its values are equal to those of {other}, and the two are not tied"
        yield row if other == row.name else Row(row.name, row.measured, (*row.faults, fault))
