"""Fused weights of JAX: parts that are cut over devices, drawn by keys and in programs, and kept."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from jax_trees import same

import arrayinit as ai
from arrayinit.kernels.draw import Draw

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    from arrayinit.backends._jax import pieces, sharding

pytestmark = pytest.mark.usefixtures("jax_library")

SIZES = {"q": 7, "k": 2, "v": 7}
FUSED: dict[str, tuple[tuple[int, ...], str, Any]] = {
    "qkv.kernel": ((8, 16), "float32", ai.parts(ai.xavier_uniform(), "O", SIZES)),
    "qkv.bias": ((16,), "float32", ai.parts(ai.zeros(), "O", SIZES, values={"k": ai.ones(), "v": ai.normal()})),
    "experts.x": (
        (4, 4, 6),
        "bfloat16",
        ai.stack(
            ai.parts(ai.xavier_normal(layout="IO"), "O", {"gate": 1, "up": 5}, values={"gate": ai.eye(layout="IO")})
        ),
    ),
    "deep.x": ((8, 3, 4), "float32", ai.stack(ai.normal(), axis=1)),
}
FUSED_RULES: list[Any] = [(name, value) for name, (*_, value) in FUSED.items()]
PLACES: dict[str, dict[str, tuple[Any, ...]]] = {
    "the cut axis": {
        "qkv.kernel": (None, ("a", "b")),
        "qkv.bias": ("a",),
        "experts.x": ("b",),
        "deep.x": (None, None, "a"),
    },
    "another axis": {"qkv.kernel": ("a", None), "qkv.bias": (), "experts.x": ("a", "b"), "deep.x": ("b",)},
    "both": {
        "qkv.kernel": ("b", "a"),
        "qkv.bias": (("a", "b"),),
        "experts.x": (None, "a", "b"),
        "deep.x": ("b", None, "a"),
    },
}


def fused(specs: Any = None) -> dict[str, Any]:
    """Return structs of fused weights."""
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    return {
        name: jax.ShapeDtypeStruct(shape, dtype, sharding=specs and NamedSharding(mesh, PartitionSpec(*specs[name])))
        for name, (shape, dtype, _) in FUSED.items()
    }


@pytest.mark.parametrize("place", PLACES)
def test_sharded_parts_are_those_of_one_device(place: str) -> None:
    structs = fused(PLACES[place])
    expected = ai.initialize(fused(), FUSED_RULES, rng=7)
    filled = ai.initialize(structs, FUSED_RULES, rng=7)
    assert {name: x.sharding for name, x in filled.items()} == {name: x.sharding for name, x in structs.items()}
    same(filled, expected)
    assert ai.plan(structs, FUSED_RULES).audit(filled).ok


def test_each_accelerator_makes_its_own_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPUs run the programs of accelerators just as well."""
    for module in (sharding, pieces):
        monkeypatch.setattr(module, "is_on_host", lambda x: False)
    mesh = jax.make_mesh((2,), ("d",), devices=jax.devices("cpu")[2:4], axis_types=(AxisType.Auto,))
    structs = {
        name: jax.ShapeDtypeStruct(
            x.shape, x.dtype, sharding=NamedSharding(mesh, PartitionSpec(*(None,) * (x.ndim - 1), "d"))
        )
        for name, x in fused().items()
    }
    made = ai.initialize(structs, FUSED_RULES, rng=7)
    assert {name: x.sharding for name, x in made.items()} == {name: x.sharding for name, x in structs.items()}
    monkeypatch.undo()
    same(made, ai.initialize(fused(), FUSED_RULES, rng=7))


def test_parts_on_one_accelerator_are_those_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ai.initialize(fused(), FUSED_RULES, rng=7)
    for module in (sharding, pieces):
        monkeypatch.setattr(module, "is_on_host", lambda x: False)
    with jax.set_mesh(jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)):
        same(ai.initialize(fused(), FUSED_RULES, rng=7), expected)


@pytest.mark.parametrize("place", [None, "the cut axis"])
def test_a_program_makes_the_same_parts(place: str | None) -> None:
    structs = fused(place and PLACES[place])
    made = jax.jit(lambda: ai.initialize(structs, FUSED_RULES, rng=7))()
    same(made, ai.initialize(fused(), FUSED_RULES, rng=7))


def test_a_key_is_folded_with_the_name_of_the_part() -> None:
    key, struct = jax.random.key(3), jax.ShapeDtypeStruct((6, 5), "float32")
    value = ai.parts(ai.normal(), 0, ["a", "b"])
    filled = ai.initialize({"x": struct}, [("x", value)], rng=key)["x"]
    half = jax.ShapeDtypeStruct((3, 5), "float32")
    alone = ai.initialize({"a.x": half, "b.x": half}, [("*.x", ai.normal())], rng=key)
    np.testing.assert_array_equal(filled, np.concatenate([alone["a.x"], alone["b.x"]]))
    program = jax.jit(lambda key: ai.initialize({"x": struct}, [("x", value)], rng=key)["x"])
    np.testing.assert_array_equal(program(key), filled)


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_a_part_that_is_kept_stays_where_it_is(kind: str) -> None:
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(getattr(AxisType, kind),) * 2)
    place = NamedSharding(mesh, PartitionSpec(None, ("a", "b")))
    x = jax.device_put(np.full((8, 16), 3, "float32"), place)
    rules = [("x", ai.parts(ai.keep(), 1, {"old": 7, "new": 9}, values={"new": ai.zeros()}))]
    filled = ai.initialize({"x": x}, rules)["x"]
    assert filled.sharding == place
    assert (np.asarray(filled) == [3] * 7 + [0] * 9).all()
    np.testing.assert_array_equal(jax.jit(lambda x: ai.initialize({"x": x}, rules)["x"])(x), filled)
    # NumPy's arrays in a tree are kept too, and stay as they are.
    given = {"x": np.ones((2, 16), "float32"), "y": x}
    filled = ai.initialize(given, [("x", rules[0][1]), ("y", ai.keep())])["x"]
    assert (filled == [1] * 7 + [0] * 9).all()
    assert (given["x"] == 1).all()


def test_a_shard_is_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No device makes more than its shard of a fused weight."""
    made: list[int] = []
    box = Draw.fill_box

    def counted(self: Draw, array: Any, corner: Any) -> None:
        made.append(array.size)
        box(self, array, corner)

    monkeypatch.setattr(Draw, "fill_box", counted)
    structs = {"qkv.kernel": fused(PLACES["the cut axis"])["qkv.kernel"]}
    ai.initialize(structs, FUSED_RULES[:1], rng=7)
    # Each of 8 devices has 2 columns; that with the columns 6 and 7 has one of q and one of k, and so on.
    assert sum(made) == 8 * 16
    assert max(made) == 16


def test_a_part_of_a_struct_has_no_values_to_keep() -> None:
    structs = {"x": jax.ShapeDtypeStruct((4, 2), "float32")}
    with pytest.raises(ValueError, match=r"keep\(\) would leave parameters without values: x"):
        ai.initialize(structs, [("x", ai.parts(ai.keep(), 0, ["a", "b"], values={"b": ai.zeros()}))])
