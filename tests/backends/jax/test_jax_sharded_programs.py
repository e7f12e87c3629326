"""Programs of XLA that divide the portable stream over devices, as they divide what they make of it."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pytest
from cases import DRAWS
from jax_calls import same, struct
from jax_meshes import FILLS, SHAPE, parts, placed, same_shards
from portable_calls import reference

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

pytestmark = pytest.mark.usefixtures("jax_library")

# So that every part is one of whole blocks of the stream.
BLOCKS = (64, 128)


def program(names: list[str], shape: tuple[int, ...], sharding: Any) -> Any:
    """Return the compiled program of the fills, which is told only by its output where they are to be."""
    fills, x = [DRAWS[name].at(shape).fill for name in names], struct(*shape)
    return jax.jit(lambda: [fill(x) for fill in fills], out_shardings=sharding).lower().compile()


def is_silent(compiled: Any) -> bool:
    text = compiled.as_text()
    return not any(name in text for name in ("all-gather", "all-reduce", "all-to-all", "collective"))


@cache
def work(*names: str) -> float:
    """Return the number of operations that the whole array takes on one device."""
    sharding = jax.sharding.SingleDeviceSharding(jax.devices("cpu")[0])
    return program(list(names), BLOCKS, sharding).cost_analysis()["flops"]


@pytest.mark.parametrize(
    ("mesh", "spec"),
    [
        ((8,), ("a",)),
        ((8,), (None, "a")),
        ((8,), ()),
        ((2, 4), ("a",)),
        ((2, 4), (None, "b")),
        ((2, 4), ("a", "b")),
        ((2, 4), (None, ("a", "b"))),
        ((2, 4), ()),
        ((4, 2), ("b", "a")),
    ],
    ids=str,
)
def test_a_program_divides_the_work_as_it_is_told_to_and_never_communicates(mesh, spec, jax_library):
    sharding = placed(mesh, spec)
    # XLA divides the branches of a normal draw as it divides all else.
    names = FILLS[:2] if spec == ("a", "b") else FILLS[:1]
    compiled = program(names, BLOCKS, sharding)
    for filled, name in zip(compiled(), names, strict=True):
        assert filled.sharding == sharding
        same_shards(filled, reference(DRAWS[name].at(BLOCKS), "float32"), jax_library)
    assert is_silent(compiled)
    assert compiled.cost_analysis()["flops"] * parts(sharding, BLOCKS) < 1.05 * work(*names)


@pytest.mark.parametrize("spec", [("a", "b"), (None, ("a", "b"))], ids=str)
@pytest.mark.parametrize("shape", [(40, 48), (8, 24, 3, 3), (26, 1000)], ids=str)
def test_a_program_of_parts_that_are_no_whole_blocks_has_the_same_bits(shape, spec, jax_library):
    name = "normal_" if shape == (40, 48) else "uniform_"
    (filled,) = program([name], shape, placed((2, 4), spec))()
    same_shards(filled, reference(DRAWS[name].at(shape), "float32"), jax_library)


@pytest.mark.parametrize("spec", [("a", "b"), (None, ("a", "b"))], ids=str)
def test_the_zeros_of_a_program_are_the_same(spec, jax_library):
    compiled = program(["sparse_"], SHAPE, placed((4, 2), spec))
    same_shards(*compiled(), reference(DRAWS["sparse_"].at(SHAPE), "float32"), jax_library)
    # Whole columns are chosen from, and those that are cut have to be brought together.
    assert is_silent(compiled) == (spec[0] is None)


@pytest.mark.parametrize("spec", [("a",), (None, "a"), ("b", "a")], ids=str)
def test_a_program_may_cut_unevenly(spec):
    shape, sharding = (13, 21), placed((2, 4), spec)
    draw = DRAWS["normal_"].at(shape)

    def fill() -> Any:
        return jax.lax.with_sharding_constraint(draw.fill(struct(*shape)), sharding) + 0

    same(jax.jit(fill)(), reference(draw, "float32"))


@pytest.mark.parametrize("fill", [*FILLS, "constant_", "eye_", "a key", "a traced key", "copy_"])
def test_programs_keep_what_types_say_of_shardings(fill, jax_library):
    sharding, key = placed((2, 4), ("a", "b"), "Explicit"), jax.random.key(0)
    values = np.arange(np.prod(SHAPE), dtype="float32").reshape(SHAPE)
    call, arguments = {
        "constant_": (lambda x: ai.constant_(x, 3), ()),
        "eye_": (ai.eye_, ()),
        "a key": (lambda x: ai.uniform_(x, rng=key), ()),
        "a traced key": (lambda x, key: ai.uniform_(x, rng=key), (key,)),
        "copy_": (lambda x, y: ai.copy_(x, y), (values,)),
    }.get(fill) or (DRAWS[fill].at(SHAPE).fill, ())
    x = jax.device_put(np.zeros(SHAPE, "float32"), sharding)
    whole = np.asarray(call(np.zeros(SHAPE, "float32") if "key" not in fill else struct(*SHAPE), *arguments))
    with jax.set_mesh(sharding.mesh):
        of_array = jax.jit(call)(x, *arguments)
        of_struct = jax.jit(lambda *rest: call(struct(*SHAPE, sharding=sharding), *rest))(*arguments)
    for filled in (of_array, of_struct):
        assert filled.sharding == sharding
        same_shards(filled, whole, jax_library)


def test_programs_of_explicit_meshes_divide_the_work():
    sharding = placed((2, 4), ("a", "b"), "Explicit")
    fills = [DRAWS[name].at(BLOCKS).fill for name in FILLS[:2]]
    x = struct(*BLOCKS, sharding=sharding)
    with jax.set_mesh(sharding.mesh):
        compiled = jax.jit(lambda: [fill(x) for fill in fills]).lower().compile()
    assert compiled.cost_analysis()["flops"] * 8 < 1.05 * work(*FILLS[:2])


@pytest.mark.parametrize("fill", [ai.eye_, DRAWS["normal_"].at(SHAPE).fill], ids=["eye_", "normal_"])
def test_meshes_of_both_kinds_of_axes(fill, jax_library):
    devices = np.array(jax.devices("cpu")).reshape(2, 4)
    mesh = Mesh(devices, ("a", "b"), axis_types=(AxisType.Explicit, AxisType.Auto))
    x = struct(*SHAPE, sharding=NamedSharding(mesh, PartitionSpec("a", "b")))
    whole = fill(np.zeros(SHAPE, "float32"))
    with jax.set_mesh(mesh):
        for filled in (
            fill(x),
            fill(jax.device_put(np.zeros(SHAPE, "float32"), x.sharding)),
            jax.jit(lambda: fill(x))(),
        ):
            assert filled.sharding == x.sharding
            same_shards(filled, whole, jax_library)


def test_inside_a_map_over_some_axes_each_part_is_an_array_of_its_own(jax_library):
    sharding = placed((2, 4), ("a", "b"), "Explicit")
    with jax.set_mesh(sharding.mesh):
        filled = jax.jit(
            jax.shard_map(
                DRAWS["normal_"].at(SHAPE).fill,
                in_specs=PartitionSpec("a"),
                out_specs=PartitionSpec("a"),
                axis_names={"a"},
            )
        )(jax.device_put(np.zeros((2 * SHAPE[0], SHAPE[1]), "float32"), sharding))
    part = reference(DRAWS["normal_"].at(SHAPE), "float32")
    same_shards(filled, np.concatenate([part, part]), jax_library)


def test_programs_that_let_no_ranks_be_promoted():
    draw = DRAWS["normal_"].at(SHAPE)
    with jax.numpy_rank_promotion("raise"):
        same(jax.jit(lambda: draw.fill(struct(*SHAPE)))(), reference(draw, "float32"))
