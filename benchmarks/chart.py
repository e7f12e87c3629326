"""The chart: one bar for each target, with its worst result, grouped by library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import figure
from benchmarks.targets import TARGETS, Target
from benchmarks.timing import Result

COLOURS = {"met": "#2a8a4a", "short": "#d1495b", "": "#9aa5b1"}


def draw(results: Sequence[Result], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    bars = [(goal, worst) for goal in TARGETS if (worst := goal.worst(results)) is not None]
    places = spaced([goal.group for goal, _ in bars])
    page, axes = plt.subplots(figsize=(9, 0.24 * max(places) + 1.4), layout="constrained")
    for (goal, result), y in zip(bars, places, strict=True):
        length, mark = lengths(goal, result.value)
        axes.barh(y, length - 1.0, left=1.0, height=0.7, color=COLOURS[goal.verdict(result.value)])
        if mark is not None:
            axes.plot([mark, mark], [y - 0.4, y + 0.4], color="black", linewidth=2)
        note = f"{figure(result.value)} (at most {goal.bound:g})" if goal.at_most else figure(result.value)
        axes.text(max(length, mark or 1.0, 1.0) * 1.06, y, note, va="center", fontsize=8)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    ends = [end for goal, result in bars for end in lengths(goal, result.value) if end is not None]
    left, right = min(0.5, *ends) * 0.9, max(ends) * 1.8
    axes.set_xlim(left, right)
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if left <= tick <= right]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(places, [goal.label for goal, _ in bars], fontsize=8)
    axes.set_ylim(max(places) + 0.8, -1.6)
    verdicts = [goal.verdict(result.value) for goal, result in bars if goal.bound is not None]
    title = f"How many times as fast as the peer: {verdicts.count('met')} of {len(verdicts)} targets met"
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel("peer's time / arrayinit's time; for limits, the limit / what is measured")
    for group in dict.fromkeys(goal.group for goal, _ in bars):
        top = min(y for (goal, _), y in zip(bars, places, strict=True) if goal.group == group)
        axes.text(left * 1.02, top - 0.95, group, va="center", fontweight="bold", fontsize=9)
    handles = [
        plt.Rectangle((0, 0), 1, 1, color=COLOURS["met"], label="target met"),
        plt.Rectangle((0, 0), 1, 1, color=COLOURS["short"], label="short of it"),
        plt.Rectangle((0, 0), 1, 1, color=COLOURS[""], label="no target"),
        plt.Line2D([], [], color="black", linewidth=2, label="target"),
    ]
    axes.legend(handles=handles, loc="lower right", fontsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    page.savefig(path, dpi=130)
    plt.close(page)


def lengths(goal: Target, value: float) -> tuple[float, float | None]:
    """Return the end of a bar and the place of its target; a limit is drawn as 1."""
    if goal.bound is None or not goal.at_most:
        return value, goal.bound
    return goal.bound / max(value, goal.bound / 100.0), 1.0


def spaced(groups: Sequence[str]) -> list[float]:
    """Return the height of each bar, with room for a heading above each group."""
    places, y = [], 0.0
    for i, group in enumerate(groups):
        y += 1.0 if i and group == groups[i - 1] else 2.2 if i else 0.0
        places.append(y)
    return places
