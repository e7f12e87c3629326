"""The CPUs that a container may use: Linux limits the CPU time of a control group, not the CPUs that are visible."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath


@cache
def quota(root: Path = Path("/")) -> int | None:
    """Return the least quota of this process's control group and its ancestors, in CPUs, rounded up.

    Return None if there is no quota, or there are no control groups.
    """
    return min((limit for group in _groups(root) if (limit := _limit(group)) is not None), default=None)


def _groups(root: Path) -> Iterator[Path]:
    """Yield the directories of this process's CPU control groups and their ancestors."""
    own = [line.split(":", 2) for line in _read(root / "proc/self/cgroup").splitlines()]
    for line in _read(root / "proc/self/mountinfo").splitlines():
        # proc(5): the number of fields before the dash varies.
        before, _, after = (part.split() for part in line.partition(" - "))
        if len(before) < 5 or len(after) < 3:
            continue
        (top, point), kind, options = before[3:5], after[0], after[2].split(",")
        if kind != "cgroup2" and not (kind == "cgroup" and "cpu" in options):
            continue
        group = root / point.lstrip("/")
        yield group
        for _, controllers, path in own:
            is_its = not controllers if kind == "cgroup2" else "cpu" in controllers.split(",")
            # A container may not see its position among the host's groups.
            if is_its and PurePosixPath(path).is_relative_to(top):
                for name in PurePosixPath(path).relative_to(top).parts:
                    group /= name
                    yield group


def _limit(group: Path) -> int | None:
    """Return the CPUs that one group may use, rounded up; None if it has no limit of its own."""
    # Version 2 has one file, version 1 has two.
    words = _read(group / "cpu.max").split()
    words = words or [*_read(group / "cpu.cfs_quota_us").split(), *_read(group / "cpu.cfs_period_us").split()]
    if len(words) != 2 or not all(word.isdecimal() for word in words):
        # No limit is written as "max", or as -1.
        return None
    time, period = int(words[0]), int(words[1])
    return max(1, -(-time // period)) if period else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
