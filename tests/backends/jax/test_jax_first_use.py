"""The check of XLA's programs at their first use, with CPUs in the place of GPUs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np
import pytest
from jax_calls import struct
from jax_meshes import placed
from libraries import Library
from portable_calls import same_bits

import arrayinit as ai
from arrayinit.backends import first_use
from arrayinit.core.distributions import Normal
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.pieces import Cut, Pieces
from arrayinit.stream.seed import Seed

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax

    from arrayinit.backends._jax import at_once, checked
    from arrayinit.backends._jax import pieces as jax_pieces
    from arrayinit.backends._jax import sharding as jax_shards
    from arrayinit.backends._jax.backend import BACKEND
    from arrayinit.kernels import xla_boxes, xla_programs


@pytest.fixture(autouse=True)
def computed(monkeypatch: pytest.MonkeyPatch, jax_library: Library) -> list[int]:
    """An item for each box that programs compute, on CPUs that stand in for GPUs."""
    assert jax_library.module == "jax"
    counted: list[int] = []
    on_devices = checked.on_devices

    def count(*given: Any) -> Any:
        counted.append(0)
        return on_devices(*given)

    for module in (at_once, jax_shards):
        monkeypatch.setattr(module, "is_on_host", lambda _: False)
    monkeypatch.setattr(checked, "on_devices", count)
    monkeypatch.setattr(xla_boxes, "SIZES", (16, 1024))
    monkeypatch.setattr(first_use, "_answers", {})
    monkeypatch.setattr(first_use, "_compared", {})
    return counted


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a program change a bit of each number."""
    numbers = xla_programs.numbers

    def wrong(*given: Any, **options: Any) -> Any:
        return numbers(*given, **options).view("uint32").__xor__(1).view("float32")

    monkeypatch.setattr(xla_programs, "numbers", wrong)


DRAWS: dict[str, Callable[[Any], Any]] = {
    "normal_": lambda x: ai.normal_(x, rng=1),
    "sparse_": lambda x: ai.sparse_(x, 0.5, rng=1),
    "layout": lambda x: ai.xavier_normal_(x, layout="IO", rng=1),
}
SHAPE = (80, 64)


def same(x: Any, draw: Callable[[Any], Any]) -> None:
    same_bits(np.asarray(x), draw(np.empty(SHAPE, np.float32)), "float32")


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", DRAWS)
def test_programs_are_checked_once(name: str, sharded: bool, computed: list[int]) -> None:
    sharding = placed((8,), ("a",)) if sharded else None
    sizes = []
    for _ in range(9):
        same(DRAWS[name](struct(*SHAPE, sharding=sharding)), DRAWS[name])
        sizes.append(sum(first_use._compared.values()))
    assert len(computed) == 9
    assert list(first_use._answers.values()) == [True]
    # A shard holds 640 elements. Of an array 64 rows are compared, or 52 columns.
    once = 80 * 52 if name == "sparse_" else 4096
    assert sizes == ([640 * k for k in (1, 2, 3, 4, 5, 6, 7, 7, 7)] if sharded else [once] * 9)


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", DRAWS)
def test_the_host_fills_where_programs_are_wrong(name: str, sharded: bool, computed: list[int]) -> None:
    sharding = placed((8,), ("a",)) if sharded else None
    x = struct(*SHAPE, sharding=sharding)
    with pytest.warns(UserWarning, match="XLA on cpu:0 computes other values than the host for Normal"):
        filled = DRAWS[name](x)
    same(filled, DRAWS[name])
    again = DRAWS[name](x)
    same(again, DRAWS[name])
    assert len(computed) == 1
    if sharded:
        assert filled.sharding == again.sharding == sharding


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize(("choice", "count"), [("device", 1), ("host", 0)])
def test_the_variable_forces_the_device_or_the_host(
    choice: str, count: int, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(first_use.VARIABLE, choice)
    filled = DRAWS["normal_"](struct(*SHAPE))
    assert (len(computed), first_use._answers) == (count, {})
    if choice == "host":
        same(filled, DRAWS["normal_"])
    else:
        assert (np.asarray(filled) != DRAWS["normal_"](np.empty(SHAPE, np.float32))).all()


def test_each_fill_reads_the_variable(computed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for choice in ("check", "host", "device", "check", "host"):
        monkeypatch.setenv(first_use.VARIABLE, choice)
        same(DRAWS["normal_"](struct(*SHAPE)), DRAWS["normal_"])
        counts.append(len(computed))
    assert counts == [1, 1, 2, 3, 3]


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("shape", [(), (3,), (3, 0)])
def test_small_arrays_are_compared_as_a_whole(shape: tuple[int, ...]) -> None:
    expected = ai.normal_(np.empty(shape, np.float32), rng=1)
    if expected.size:
        with pytest.warns(UserWarning, match="computes other values"):
            filled = ai.normal_(struct(*shape), rng=1)
    else:
        filled = ai.normal_(struct(*shape), rng=1)
    same_bits(np.asarray(filled), np.asarray(expected), "float32")


@pytest.mark.usefixtures("faulty")
def test_arrays_of_a_trace_are_left_as_they_are(computed: list[int]) -> None:
    same(jax.jit(lambda: DRAWS["normal_"](struct(*SHAPE)))(), DRAWS["normal_"])
    assert (computed, first_use._answers) == ([], {})


def test_a_current_mesh_changes_nothing() -> None:
    with jax.set_mesh(placed((2, 4), (), "Explicit").mesh):
        same(DRAWS["normal_"](struct(*SHAPE)), DRAWS["normal_"])
    assert list(first_use._answers.values()) == [True]


def test_a_constant_tells_nothing() -> None:
    for _ in range(2):
        ai.normal_(struct(*SHAPE), 0.5, 0.0, rng=1)
    assert first_use._answers == {}


# Of small arrays all is copied; of large ones, what a program draws.
@pytest.mark.parametrize("copied", [2**25, 0])
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", DRAWS)
def test_the_check_compiles_nothing(
    name: str,
    sharded: bool,
    copied: int,
    computed: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    x = struct(*SHAPE, sharding=placed((8,), ("a",)) if sharded else None)
    monkeypatch.setattr(xla_boxes, "_COPIED", copied)
    monkeypatch.setenv(first_use.VARIABLE, "device")
    same(DRAWS[name](x), DRAWS[name])
    monkeypatch.setenv(first_use.VARIABLE, "check")
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        same(DRAWS[name](x), DRAWS[name])
    assert (len(computed), len(first_use._compared)) == (2, 1)
    assert not [record.getMessage() for record in caplog.records if "Compiling" in record.getMessage()]


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", DRAWS)
def test_large_arrays_are_checked_too(name: str, sharded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xla_boxes, "_COPIED", 0)
    sharding = placed((8,), ("a",)) if sharded else None
    filled = DRAWS[name](struct(*SHAPE, sharding=sharding))
    same(filled, DRAWS[name])
    # Of a shard, the first row of neighbours is compared, or a matrix with zeros as a whole.
    (seen,) = first_use._compared.values()
    assert seen == {"normal_": 640, "sparse_": 640, "layout": 10}[name] if sharded else seen >= 4096


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("name", DRAWS)
def test_wrong_programs_are_noticed_for_large_arrays(
    name: str, sharded: bool, monkeypatch: pytest.MonkeyPatch, computed: list[int]
) -> None:
    monkeypatch.setattr(xla_boxes, "_COPIED", 0)
    x = struct(*SHAPE, sharding=placed((8,), ("a",)) if sharded else None)
    with pytest.warns(UserWarning, match="XLA on cpu:0 computes other values than the host for Normal"):
        same(DRAWS[name](x), DRAWS[name])
    same(DRAWS[name](x), DRAWS[name])
    assert len(computed) == 1


@pytest.mark.parametrize(("choice", "sharded"), [("check", False), ("host", True)])
def test_pieces_are_checked_and_forced_too(
    choice: str, sharded: bool, faulty: None, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax_pieces, "is_on_host", lambda _: False)
    monkeypatch.setenv(first_use.VARIABLE, choice)
    draw = Draw(Normal(0.0, 1.0), Seed((1,)), FORMATS["float32"], (40, 64), (0, 1))
    pieces = Pieces(Cut(0, (40, 40)), (draw, draw))
    x = struct(*SHAPE, sharding=placed((8,), ("a",)) if sharded else None)
    with pytest.warns(UserWarning, match="computes other values") if choice == "check" else nullcontext():
        filled = BACKEND.write(x, pieces)
    expected = np.empty(SHAPE, np.float32)
    pieces.fill_host(expected)
    same_bits(np.asarray(filled), expected, "float32")
    assert len(computed) == (choice == "check")


def test_bytes_are_compared_in_other_dtypes() -> None:
    for dtype in ("bfloat16", "float64"):
        ai.normal_(struct(*SHAPE, dtype=dtype), rng=1)
    assert list(first_use._answers.values()) == [True, True]


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("sorted_at_once", [1 << 23, 80])
def test_wrong_zeros_are_noticed_for_large_arrays(
    sorted_at_once: int, sharded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xla_boxes, "_COPIED", 0)
    monkeypatch.setattr(xla_boxes, "_SORTED", sorted_at_once)
    draw, keys = DRAWS["sparse_"], xla_programs.keys
    monkeypatch.setattr(xla_programs, "keys", lambda *given, **options: ~keys(*given, **options))
    with pytest.warns(UserWarning, match="XLA on cpu:0 computes other values than the host for Normal"):
        same(draw(struct(*SHAPE, sharding=placed((8,), ("a",)) if sharded else None)), draw)
