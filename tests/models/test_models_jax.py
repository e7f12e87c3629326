"""Trees of JAX: structs with shardings on eight devices, keys, and a program that makes a whole model."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from jax_trees import on_numpy, same

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

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
