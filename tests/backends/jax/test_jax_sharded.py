"""Sharded JAX arrays: each device holds its part of the array that NumPy gives, whatever the mesh."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from cases import DRAWN, DRAWS, KERNELS
from jax_calls import struct
from jax_meshes import FILLS, SHAPE, every_spec, parts, placed, same_shards
from libraries import COMPLEX, REAL
from portable_calls import TOLERANCE, reference

import arrayinit as ai
from arrayinit.kernels.draw import Draw

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

pytestmark = pytest.mark.usefixtures("jax_library")


@every_spec
@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
@pytest.mark.parametrize("name", FILLS)
def test_each_device_holds_its_part_of_the_array_of_numpy(name, kind, mesh, spec, jax_library):
    draw, sharding = DRAWS[name].at(SHAPE), placed(mesh, spec, kind)
    x = jax.device_put(np.zeros(SHAPE, "float32"), sharding)
    for given in (x, struct(*SHAPE, sharding=sharding)):
        filled = draw.fill(given)
        assert filled.sharding == sharding
        same_shards(filled, reference(draw, "float32"), jax_library)


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX])
def test_of_every_dtype(dtype, jax_library):
    draw = DRAWS["normal_"].at((8, 5, 3, 4))
    for spec in (("a", None, None, "b"), (None, None, None, "b")):
        filled = draw.fill(struct(*draw.shape, dtype=dtype, sharding=placed((2, 4), spec)))
        same_shards(filled, reference(draw, dtype), jax_library)


@pytest.mark.parametrize("spec", [("a",), (None, "a"), (None, None, "a"), (None, None, None, "a")], ids=str)
def test_a_layout_permutes_the_array_and_not_the_parts(spec, jax_library):
    expected = ai.xavier_normal_(np.empty((8, 16, 24, 32), np.float32), layout="...IO", rng=3)
    filled = ai.xavier_normal_(struct(*expected.shape, sharding=placed((8,), spec)), layout="...IO", rng=3)
    same_shards(filled, expected, jax_library)


@every_spec
def test_no_more_is_made_than_the_parts_and_none_twice(mesh, spec, monkeypatch):
    made = []

    def fill_host(draw, array, corner=None):
        made.append((array.shape, tuple(corner or ())))
        return whole(draw, array, corner)

    whole = Draw.fill_host
    monkeypatch.setattr(Draw, "fill_host", fill_host)
    sharding = placed(mesh, spec)
    ai.normal_(struct(*SHAPE, sharding=sharding), rng=0)
    assert {shape for shape, _ in made} == {sharding.shard_shape(SHAPE)}
    assert len(made) == len(set(made)) == parts(sharding)


def test_an_array_cannot_be_cut_unevenly():
    with pytest.raises(ValueError, match="evenly divide"):
        ai.normal_(struct(13, 21, sharding=placed((8,), ("a",))), rng=0)


def test_the_shards_of_no_seed_are_all_different():
    filled = ai.uniform_(struct(*SHAPE, sharding=placed((8,), ("a",))))
    assert len(np.unique(np.asarray(filled))) > 0.99 * filled.size


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
@pytest.mark.parametrize(("mesh", "spec"), [((8,), ("a",)), ((2, 4), ("b", "a")), ((4, 2), (None, "b"))], ids=str)
def test_what_no_seed_draws_is_the_same_too(kind, mesh, spec, jax_library):
    sharding = placed(mesh, spec, kind)
    x, values = struct(*SHAPE, sharding=sharding), np.random.default_rng(0).standard_normal(SHAPE, "float32")
    key = jax.random.key(3)
    for call in (
        lambda x: ai.constant_(x, 2.5),
        ai.eye_,
        lambda x: ai.copy_(x, values),
        lambda x: ai.uniform_(x, rng=key),
        lambda x: ai.sparse_(x, 0.4, rng=key),
        lambda x: ai.normal_(x, rng=np.random.default_rng(1)),
    ):
        filled = call(x)
        assert filled.sharding == sharding
        same_shards(filled, np.asarray(call(struct(*SHAPE))), jax_library)


@pytest.mark.parametrize("name", ["orthogonal_", "delta_orthogonal_", "dirac_"])
@pytest.mark.parametrize("spec", [("a",), ("b", "a"), (None, None, "b"), ()], ids=str)
def test_matrices_are_made_whole_and_cut(name, spec):
    shape, sharding = (8, 4, 4), placed((2, 4), spec)
    rng = {} if name == "dirac_" else {"rng": 5}
    filled = getattr(ai, name)(struct(*shape, sharding=sharding), **rng)
    assert filled.sharding == sharding
    expected = getattr(ai, name)(np.empty(shape, "float32"), **rng)
    np.testing.assert_allclose(np.asarray(filled), expected, rtol=0, atol=TOLERANCE["float32"])


def test_the_kind_of_memory_is_kept(jax_library):
    sharding = placed((8,), ("a",), memory_kind="unpinned_host")
    filled = ai.normal_(struct(*SHAPE, sharding=sharding), rng=5)
    assert filled.sharding == sharding
    same_shards(filled, reference(DRAWS["normal_()"].at(SHAPE), "float32"), jax_library)


def test_the_mesh_at_hand_stands_for_one_without_devices(jax_library):
    sharding = placed((2, 4), ("b", "a"), "Explicit")
    x = jax.device_put(np.zeros(SHAPE, "float32"), sharding)
    with jax.set_mesh(sharding.mesh):
        given = jax.eval_shape(lambda x: 2 * x, x)
        assert isinstance(given.sharding.mesh, jax.sharding.AbstractMesh)
        filled = ai.normal_(given, rng=5)
    assert filled.sharding == sharding
    same_shards(filled, reference(DRAWS["normal_()"].at(SHAPE), "float32"), jax_library)
    with pytest.raises(ValueError, match=r"x is sharded over .*no devices: call within jax\.set_mesh of a mesh of"):
        ai.normal_(given, rng=5)


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_a_mesh_of_the_same_axes_will_do(kind, jax_library):
    sharding = placed((2, 4), ("a",), kind)
    abstract = jax.sharding.AbstractMesh((2, 4), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    with jax.set_mesh(sharding.mesh):
        filled = ai.normal_(struct(*SHAPE, sharding=NamedSharding(abstract, PartitionSpec("a"))), rng=5)
    assert filled.sharding == sharding
    same_shards(filled, reference(DRAWS["normal_()"].at(SHAPE), "float32"), jax_library)


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "jit"])
def test_what_is_yet_to_be_summed_is_refused(traced):
    sharding = placed((2, 4), (), "Explicit")
    spec = PartitionSpec("a", unreduced={"b"})
    x = struct(*SHAPE, sharding=NamedSharding(sharding.mesh, spec))
    for fill in (ai.ones_, ai.eye_, lambda x: ai.normal_(x, rng=5), lambda x: ai.normal_(x, rng=jax.random.key(0))):
        with (
            jax.set_mesh(sharding.mesh),
            pytest.raises(ValueError, match=r"x is sharded as .*unreduced.*, and is not summed yet: fill x before"),
        ):
            jax.jit(lambda fill=fill: fill(x))() if traced else fill(x)


@pytest.mark.parametrize("name", ["sparse_", "delta_orthogonal_", "uniform_"])
def test_a_key_may_lie_on_the_same_devices_in_another_order(name, jax_library):
    sharding = placed((8,), ("a",))
    turned = Mesh(sharding.mesh.devices[::-1], ("a",), axis_types=(AxisType.Auto,))
    shape = (8, 4, 4) if name == "delta_orthogonal_" else (8, 6)
    arguments = (0.8,) if name == "sparse_" else ()
    key = jax.device_put(jax.random.key(3), NamedSharding(turned, PartitionSpec()))
    filled = getattr(ai, name)(struct(*shape, sharding=sharding), *arguments, rng=key)
    assert filled.sharding == sharding
    same_shards(filled, np.asarray(getattr(ai, name)(struct(*shape), *arguments, rng=jax.random.key(3))), jax_library)


@pytest.mark.parametrize("name", [name for name in DRAWN if name not in KERNELS])
def test_arrays_without_elements_and_with_one(name):
    for shape in ((0, 8), (1, 8)):
        sharding = placed((8,), (None, "a"))
        if 0 in shape and name not in ("uniform_", "normal_", "trunc_normal_", "sparse_"):
            continue
        filled = DRAWN[name].fill(struct(*shape, sharding=sharding))
        assert filled.sharding == sharding
