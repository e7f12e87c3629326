"""The audit of a model: whether its values are those that were planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrayinit.backends.registry import backend_of
from arrayinit.initializers.copy import copy_
from arrayinit.kernels.fill import Fill, Host
from arrayinit.models.actions import Copied, Digest, Keep
from arrayinit.models.agree import differences
from arrayinit.models.expected import Expected, deviations
from arrayinit.models.grouping import Weight, seen_by
from arrayinit.models.measured import Measured, measured
from arrayinit.models.parameter import Parameter
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.models.resolve import Step
from arrayinit.values.abstract import Abstract
from arrayinit.values.value import Initializer


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter: what was measured, and what is wrong."""

    name: str
    measured: Measured
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of `Plan.audit`."""

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
    rows = [_row(step, arrays[step.name], communicate) for step in steps if step.owner is None]
    return Audit(tuple(_with_equals(rows, {step.name: step for step in steps})))


def _row(step: Step, array: Any, communicate: bool) -> Row:
    """Return the row of one parameter."""
    host, is_whole = on_host(array, communicate)
    padding = _padding(step, host, is_whole)
    found = measured(host, padding)
    faults = list(found.defects())
    if padding and _is_random(step) and host[list(padding)].any():
        faults.append(f"row {padding[0]} is the padding, and is not zero")
    if isinstance(step.action, Digest) and is_whole and step.dtype == step.action.dtype:
        faults += [f"the values are not those of the {step.action!r}"] if found.sha256 != step.action.sha256 else []
    fill = _fill(step)
    if fill is not None and not faults:
        if isinstance(step.action, Initializer) and step.action.draws:
            expected = Expected.of(fill, step.dtype)
            faults += (f"{fault} of {step.action!r}" for fault in deviations(found, expected))
        elif is_whole and not _equals(host, fill, step):
            given = "the checkpoint" if isinstance(step.action, Loaded) else repr(step.action)
            faults.append(f"the values are not those of {given}")
    return Row(step.name, found, tuple(faults))


def _padding(step: Step, host: Host, is_whole: bool) -> tuple[int, ...]:
    """Return the rows that hold the padding of an embedding."""
    if not step.zero_rows or isinstance(step.action, (Copied, Loaded)):
        return ()
    if is_whole:
        return step.zero_rows
    # A shard does not say which rows it holds.
    rows: list[int] = np.flatnonzero(~host.any(axis=1)).tolist()
    return tuple(rows[: len(step.zero_rows)])


def _is_random(step: Step) -> bool:
    """Whether the values are random, or may be."""
    return isinstance(step.action, Keep) or (isinstance(step.action, Initializer) and step.action.draws)


def _seen(step: Step) -> Weight:
    """Return the weight as the action takes it."""
    known = Weight(step.shape, step.layout, step.groups)
    return seen_by(step.action, *known) if isinstance(step.action, Initializer) else known


def _fill(step: Step) -> Fill | None:
    """Return what every element is to be, if it is known."""
    if isinstance(step.action, Initializer) and 0 not in step.shape:
        shape, layout, groups = _seen(step)
        fill: Fill = step.action.fill(Abstract(shape, step.dtype), layout=layout, groups=groups)
        return fill
    x: Any = Abstract(step.shape, step.dtype)
    source: Any = None
    if isinstance(step.action, Copied):
        source = step.action.source
    elif isinstance(step.action, Loaded) and step.action.tensor is not None:
        source = step.action.whole(step.shape)
    return None if source is None else copy_(x, source)


def _equals(host: Host, fill: Fill, step: Step) -> bool:
    planned = fill.whole(_seen(step).shape, step.dtype).reshape(step.shape)
    return bool(((host == planned) | ((host != host) & (planned != planned))).all())  # noqa: PLR0124


def on_host(array: Any, communicate: bool) -> tuple[Host, bool]:
    """Return the values of an array in this process, and whether these are all."""
    if hasattr(array, "full_tensor"):
        part = array.full_tensor() if communicate else array.to_local()
        return on_host(part, communicate)[0], tuple(part.shape) == tuple(array.shape)
    if getattr(array, "is_fully_addressable", True) is False:
        return _of_processes(array, communicate)
    *_, host = backend_of(array).read(array)
    return host, True


def _of_processes(array: Any, communicate: bool) -> tuple[Host, bool]:
    """Return the values of a JAX array of which other processes hold a part: all of them, or one of each shard here."""
    if communicate:
        from jax.experimental.multihost_utils import process_allgather

        return np.asarray(process_allgather(array, tiled=True)), True
    shards = {str(shard.index): np.asarray(shard.data) for shard in array.addressable_shards}
    return np.concatenate([values.reshape(-1) for values in shards.values()]), False


def _with_equals(rows: Sequence[Row], steps: dict[str, Step]) -> Iterator[Row]:
    """Yield the rows; those that hold the same random values get a fault."""
    first: dict[str, str] = {}
    for row in rows:
        step = steps[row.name]
        is_varied = row.measured.count > 0 and not row.measured.is_constant
        is_compared = _is_random(step) and not step.is_buffer and is_varied
        other = first.setdefault(row.measured.sha256, row.name) if is_compared else row.name
        fault = f"its values are equal to those of {other}, and the two are not tied"
        yield row if other == row.name else Row(row.name, row.measured, (*row.faults, fault))
