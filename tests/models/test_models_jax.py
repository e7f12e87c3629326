"""Trees of JAX: structs with shardings on eight devices, keys, and a program that makes a whole model."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import arrayinit as ai
from arrayinit.kernels.draw import Draw

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    from arrayinit.backends._jax import pieces, sharding

pytestmark = pytest.mark.usefixtures("jax_library")

SHAPES: dict[str, tuple[tuple[int, ...], str, tuple[Any, ...]]] = {
    "embedding": ((40, 16), "bfloat16", ("a", "b")),
    "attention.kernel": ((16, 8, 4), "float32", (None, "a", None)),
    "up.kernel": ((16, 64), "float32", ("b", "a")),
    "up.bias": ((64,), "float32", ("a",)),
    "norm.scale": ((16,), "float32", ()),
}
RULES: list[Any] = [
    ("embedding", ai.normal(std=0.02)),
    ("attention.kernel", ai.xavier_uniform(layout="IOO")),
    ("kernel", ai.lecun_normal()),
    ("bias", ai.uniform(-0.1, 0.1)),
    ("scale", ai.ones()),
]
MESHES = {"8": (8, 1), "2 x 4": (2, 4), "4 x 2": (4, 2)}


def tree(place: Any = lambda spec: None) -> Any:
    """Return structs under nested names, as Flax has them."""
    made: dict[str, Any] = {}
    for name, (shape, dtype, spec) in SHAPES.items():
        *path, last = name.split(".")
        node = made
        for part in path:
            node = node.setdefault(part, {})
        node[last] = jax.ShapeDtypeStruct(shape, dtype, sharding=place(spec))
    return {"params": made}


def on_numpy(filled: Any) -> dict[str, np.ndarray]:
    flat = jax.tree_util.tree_flatten_with_path(filled)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in flat}


def same(ours: Any, theirs: Any) -> None:
    for (name, x), (other, y) in zip(on_numpy(ours).items(), on_numpy(theirs).items(), strict=True):
        assert name == other
        np.testing.assert_array_equal(x, y, err_msg=name, strict=True)


def test_each_parameter_has_the_numbers_of_its_name() -> None:
    filled = ai.initialize(tree(), RULES, rng=7)["params"]
    for name, (shape, dtype, _) in SHAPES.items():
        value = next(value for pattern, value in RULES if name.endswith(pattern))
        layout = {"kernel": "...IO", "embedding": "OI"}.get(name.rpartition(".")[2])
        x = value.fill(jax.ShapeDtypeStruct(shape, dtype), ai.fold_in(7, name), layout=layout)
        leaf = filled
        for part in name.split("."):
            leaf = leaf[part]
        np.testing.assert_array_equal(np.asarray(leaf), np.asarray(x), err_msg=name, strict=True)


@pytest.mark.parametrize("mesh", MESHES)
def test_a_sharded_tree_is_the_tree_of_one_device(mesh: str) -> None:
    axes = jax.make_mesh(MESHES[mesh], ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    structs = tree(lambda spec: NamedSharding(axes, PartitionSpec(*spec)))
    filled = ai.initialize(structs, RULES, rng=7)
    for struct, leaf in zip(jax.tree.leaves(structs), jax.tree.leaves(filled), strict=True):
        assert leaf.sharding == struct.sharding
    same(filled, ai.initialize(tree(), RULES, rng=7))
    assert ai.plan(structs, RULES).audit(filled).ok


def test_a_program_makes_the_same_model() -> None:
    program = jax.jit(lambda: ai.initialize(tree(), RULES, rng=7))
    same(program(), ai.initialize(tree(), RULES, rng=7))


def test_arrays_keep_their_values_and_a_new_tree_is_returned() -> None:
    given = ai.initialize(tree(), RULES, rng=1)
    before = on_numpy(given)
    made = ai.initialize(given, RULES, rng=2)
    same(made, ai.initialize(tree(), RULES, rng=2))
    for name, x in on_numpy(given).items():
        np.testing.assert_array_equal(x, before[name])


def test_one_array_under_two_names_is_two_parameters() -> None:
    """JAX's arrays are values: equal ones may be one object by chance."""
    zeros = jax.numpy.zeros(3)
    filled = ai.initialize({"a": zeros, "b": zeros}, [("*", ai.normal())], rng=0)
    assert (filled["a"] != filled["b"]).all()


@pytest.mark.parametrize("kind", ["typed", "old"])
def test_a_key_is_folded_with_the_name(kind: str) -> None:
    key = jax.random.key(3) if kind == "typed" else jax.random.PRNGKey(3)
    structs = {name: jax.ShapeDtypeStruct((4, 3), "float32") for name in ("a", "b")}
    filled = ai.initialize(structs, [("*", ai.normal())], rng=key)
    assert (filled["a"] != filled["b"]).any()
    # A new parameter changes no other one.
    alone = ai.initialize({"b": structs["b"]}, [("*", ai.normal())], rng=key)
    np.testing.assert_array_equal(alone["b"], filled["b"])
    folded = key
    for word in ai.fold_in(0, "b").spawn_key:
        folded = jax.random.fold_in(folded, word)
    np.testing.assert_array_equal(filled["b"], ai.normal_(structs["b"], rng=folded))


def test_a_key_may_be_traced() -> None:
    structs = {"a": jax.ShapeDtypeStruct((4, 3), "float32")}
    made = jax.jit(lambda key: ai.initialize(structs, [("a", ai.uniform())], rng=key))(jax.random.key(3))
    np.testing.assert_array_equal(made["a"], ai.initialize(structs, [("a", ai.uniform())], rng=jax.random.key(3))["a"])


def test_structs_have_no_values_to_keep_and_no_memory_to_give() -> None:
    structs = {"a": jax.ShapeDtypeStruct((4, 3), "float32")}
    with pytest.raises(ValueError, match=r"keep\(\) would leave parameters without values: a"):
        ai.initialize(structs, [("a", ai.keep())])
    with pytest.raises(TypeError, match="device= gives memory to torch parameters"):
        ai.initialize(structs, [("a", ai.zeros())], device="cpu")


def test_a_kernel_of_three_axes_in_a_bare_tree_needs_a_layout() -> None:
    structs = {"kernel": jax.ShapeDtypeStruct((3, 4, 5), "float32")}
    with pytest.raises(ValueError, match="needs the layout of an array of shape"):
        ai.plan(structs, [("kernel", ai.xavier_normal())])
    assert ai.plan(structs, [("kernel", ai.normal())])[0].layout is None
    assert ai.plan(structs, [("kernel", ai.xavier_normal(layout="KIO"))])


def test_any_container_is_a_tree() -> None:
    struct = jax.ShapeDtypeStruct((4, 3), "float32")
    given = ({"w": struct}, [struct, (struct, "a text", 3)])
    filled = ai.initialize(given, [("**", ai.normal())], rng=0)
    assert jax.tree.structure(filled) == jax.tree.structure(given)
    names = [step.name for step in ai.plan(given, [("**", ai.normal())])]
    assert names == ["0.w", "1.0", "1.1.0"]
    assert filled[1][1][1:] == ("a text", 3)


def test_numpy_arrays_in_a_tree_stay_as_they_are() -> None:
    given = {"a": jax.numpy.ones(3), "b": np.ones(3, "float32"), "c": np.ones(3, "float32")}
    filled = ai.initialize(given, [("c", ai.keep()), ("*", ai.uniform(2.0, 3.0))], rng=0)
    assert (given["b"] == 1.0).all()
    assert type(filled["b"]) is np.ndarray
    assert (filled["b"] >= 2.0).all()
    assert filled["c"] is given["c"]


def test_a_wrong_rng_is_refused() -> None:
    structs = {"a": jax.ShapeDtypeStruct((4, 3), "float32")}
    for rng in (np.random.RandomState(0), jax.random.split(jax.random.key(0), 3), 1.5):
        with pytest.raises(TypeError, match="rng"):
            ai.initialize(structs, [("a", ai.normal())], rng=rng)
    with pytest.raises(TypeError, match="a JAX key fills arrays of JAX only"):
        ai.initialize({"a": np.zeros((4, 3), "float32")}, [("a", ai.normal())], rng=jax.random.key(0))


def test_an_array_of_another_library_in_a_tree_is_named() -> None:
    class Other:
        shape, dtype = (2,), "float32"

    with pytest.raises(TypeError, match=r"a tree of JAX arrays must hold no other arrays, but 'b.0' is a .*Other"):
        ai.plan({"a": jax.numpy.zeros(2), "b": [Other()]}, [("**", ai.zeros())])


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
