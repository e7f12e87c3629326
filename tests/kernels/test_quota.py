"""The quota of a container's CPUs, read from trees of files as Linux shows them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from libraries import Library

from arrayinit.kernels import threads
from arrayinit.kernels.quota import quota

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 25 0:29 {top} /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
OTHERS = (
    "24 29 0:22 / /proc rw,nosuid - proc proc rw\n"
    "36 25 0:34 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "not a line that the kernel writes\n"
)
OWN_V1 = "5:cpuset:/\n4:cpu,cpuacct:{path}\n1:name=systemd:/else\n0::/elsewhere\n"


def tree(root: Path, own: str, mounts: str, files: Mapping[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": own, "proc/self/mountinfo": OTHERS + mounts, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def v1(directory: str, time: int, period: int = 100_000) -> dict[str, str]:
    at = f"sys/fs/cgroup/cpu,cpuacct{directory}/cpu.cfs_"
    return {f"{at}quota_us": f"{time}\n", f"{at}period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("path", "limits", "cpus"),
    [
        ("/", {"": "200000 100000\n"}, 2),
        ("/", {"": "max 100000\n"}, None),
        ("/", {"": "50000 100000\n"}, 1),
        ("/", {"": "150000 100000\n"}, 2),
        ("/", {"": "400001 200000\n"}, 3),
        ("/", {}, None),
        ("/a/b", {"/a/b": "300000 100000", "/a": "max 100000"}, 3),
        ("/a/b", {"/a/b": "max 100000", "/a": "300000 100000"}, 3),
        ("/a/b", {"/a/b": "500000 100000", "/a": "300000 100000", "": "400000 100000"}, 3),
        ("/a/b", {"/a/b": "200000 100000", "/a": "300000 100000"}, 2),
        ("/a", {"/a/b": "100000 100000", "/c": "100000 100000"}, None),
        # A path that the container does not see: its own group is at the top.
        ("/kubepods/pod1", {"": "200000 100000"}, 2),
        ("/../other", {"": "200000 100000"}, 2),
        ("/", {"": "gibberish"}, None),
        ("/", {"": "100000 0"}, None),
        ("/", {"": ""}, None),
    ],
)
def test_version_2(path: str, limits: dict[str, str], cpus: int | None, tmp_path: Path, numpy_library: Library) -> None:
    files = {f"sys/fs/cgroup{directory}/cpu.max": text for directory, text in limits.items()}
    assert quota(tree(tmp_path, f"0::{path}\n", V2, files)) == cpus


@pytest.mark.parametrize(
    ("path", "top", "files", "cpus"),
    [
        ("/", "/", v1("", 200_000), 2),
        ("/", "/", v1("", -1), None),
        ("/", "/", v1("", 250_000), 3),
        ("/", "/", v1("", 25_000, 50_000), 1),
        ("/a/b", "/", {**v1("", -1), **v1("/a", 300_000), **v1("/a/b", 400_000)}, 3),
        ("/a/b", "/", {**v1("", -1), **v1("/a", 300_000), **v1("/a/b", 200_000)}, 2),
        # A container without a namespace of groups: its group is mounted as the top.
        ("/docker/1", "/docker/1", v1("", 200_000), 2),
        ("/docker/1/a", "/docker/1", {**v1("", 300_000), **v1("/a", 200_000)}, 2),
        ("/docker/2", "/docker/1", v1("", 200_000), 2),
        ("/", "/", {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000"}, None),
    ],
)
def test_version_1(
    path: str, top: str, files: dict[str, str], cpus: int | None, tmp_path: Path, numpy_library: Library
) -> None:
    assert quota(tree(tmp_path, OWN_V1.format(path=path), V1.format(top=top), files)) == cpus


def test_both_versions_side_by_side(tmp_path: Path, numpy_library: Library) -> None:
    unified = "40 25 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    files = {**v1("/a", 300_000), "sys/fs/cgroup/unified/elsewhere/cpu.max": "max 100000"}
    assert quota(tree(tmp_path, OWN_V1.format(path="/a"), V1.format(top="/") + unified, files)) == 3


def test_groups_at_another_place(tmp_path: Path, numpy_library: Library) -> None:
    mounts = V2.replace("/sys/fs/cgroup", "/run/groups")
    assert quota(tree(tmp_path, "0::/a\n", mounts, {"run/groups/a/cpu.max": "100000 100000"})) == 1


def test_where_there_are_no_groups_there_is_no_quota(tmp_path: Path, numpy_library: Library) -> None:
    assert quota(tmp_path) is None


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container that sees eight CPUs, and may use two and a half."""
    root = tree(tmp_path, "0::/\n", V2, {"sys/fs/cgroup/cpu.max": "250000 100000"})
    monkeypatch.setattr(threads, "quota", lambda: quota(root))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.delenv(threads.VARIABLE, raising=False)


def test_the_number_of_threads_heeds_the_quota(limited: None, numpy_library: Library) -> None:
    assert threads.count() == 3


def test_fewer_cpus_than_the_quota_are_fewer_threads(
    limited: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5})
    assert threads.count() == 1


def test_without_affinity_the_quota_still_holds(
    limited: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert threads.count() == 2
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert threads.count() == 3


def test_the_variable_goes_before_the_quota(
    limited: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library
) -> None:
    monkeypatch.setenv(threads.VARIABLE, "7")
    assert threads.count() == 7


def test_the_files_are_read_once(limited: None, monkeypatch: pytest.MonkeyPatch, numpy_library: Library) -> None:
    threads.count()
    monkeypatch.setattr(Path, "read_text", lambda *args, **kwargs: pytest.fail("the files are read again"))
    assert threads.count() == 3
