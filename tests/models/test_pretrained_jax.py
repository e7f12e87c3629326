"""Trees of JAX from a checkpoint: of which each shard on eight devices reads its own box, and nothing twice."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors_files import save

import arrayinit as ai

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

pytestmark = pytest.mark.usefixtures("jax_library")

SHAPES = {"a.kernel": (8, 4), "a.bias": (4,), "b.kernel": (4, 8), "s.scale": ()}
SPECS = {"a.kernel": ("x", "y"), "a.bias": (), "b.kernel": (None, "x"), "s.scale": ()}
RULES: list[Any] = [("kernel", ai.normal(std=0.02)), ("*", ai.uniform(-0.1, 0.1))]


def structs(dtype: Any = "float32") -> Any:
    """Return a tree that is sharded over eight devices."""
    mesh = jax.make_mesh((4, 2), ("x", "y"))
    tree: dict[str, dict[str, Any]] = {}
    for name, shape in SHAPES.items():
        layer, last = name.split(".")
        sharding = NamedSharding(mesh, PartitionSpec(*SPECS[name]))
        tree.setdefault(layer, {})[last] = jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)
    return tree


def values() -> dict[str, np.ndarray]:
    """Return the values of a checkpoint."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}


def flat(tree: Any) -> dict[str, Any]:
    return {f"{layer}.{last}": x for layer, leaves in tree.items() for last, x in leaves.items()}


class Handle:
    """An open file that counts the elements which are read."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays, self.keys, self.read = arrays, arrays.keys, dict.fromkeys(arrays, 0)

    def get_tensor(self, name: str) -> Any:
        self.read[name] += self.arrays[name].size
        return self.arrays[name]

    def get_slice(self, name: str) -> Any:
        handle, array = self, self.arrays[name]

        class Slice:
            def get_shape(self) -> list[int]:
                return list(array.shape)

            def get_dtype(self) -> str:
                return "F32"

            def __getitem__(self, index: Any) -> Any:
                handle.read[name] += array[index].size
                return array[index]

        return Slice()


def test_a_sharded_tree_takes_its_values_and_keeps_its_shardings(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    tree, given = structs(), values()
    made = ai.initialize(tree, [], pretrained=save(tmp_path / "m.safetensors", given))
    for name, x in flat(made).items():
        assert x.sharding == flat(tree)[name].sharding
        np.testing.assert_array_equal(np.asarray(x), given[name], strict=True)


def test_each_shard_is_read_once() -> None:
    handle = Handle(values())
    plan = ai.plan(structs(), [], pretrained=handle)
    handle.read = dict.fromkeys(handle.read, 0)
    ai.initialize(structs(), plan)
    # All shards are those of this process: together they are each array once, though some have copies.
    assert handle.read == {name: math.prod(shape) for name, shape in SHAPES.items()}


def test_the_shards_of_a_permuted_weight_are_read_once() -> None:
    given = values()
    ours = {f"{layer}.weight": given[f"{layer}.kernel"].T.copy() for layer in "ab"}
    handle = Handle({**ours, "a.bias": given["a.bias"], "s.weight": given["s.scale"]})
    plan = ai.plan(structs(), [], pretrained=handle, rename="torch")
    handle.read = dict.fromkeys(handle.read, 0)
    for name, x in flat(ai.initialize(structs(), plan)).items():
        np.testing.assert_array_equal(np.asarray(x), given[name], strict=True)
    assert handle.read == {name: array.size for name, array in handle.arrays.items()}


def test_half_of_a_checkpoint_leaves_the_rest_as_from_scratch() -> None:
    given = {name: array for name, array in values().items() if name.startswith("a")}
    made, scratch = (ai.initialize(structs(), RULES, rng=3, pretrained=half) for half in (given, None))
    for name, x in flat(made).items():
        np.testing.assert_array_equal(np.asarray(x), given.get(name, np.asarray(flat(scratch)[name])), strict=True)


def test_bfloat16_is_rounded_once() -> None:
    given = values()
    made = ai.initialize(structs(jax.numpy.bfloat16), [], pretrained=given)
    for name, x in flat(made).items():
        np.testing.assert_array_equal(np.asarray(x), given[name].astype(x.dtype), strict=True)


def test_a_tree_of_jax_is_a_checkpoint_itself() -> None:
    tree = ai.initialize(structs(), RULES, rng=1)
    mixed = {"params": {**tree, "a": {"kernel": np.asarray(tree["a"]["kernel"]), "bias": tree["a"]["bias"]}}}
    made = ai.initialize(structs(), [], pretrained=mixed)
    for name, x in flat(made).items():
        np.testing.assert_array_equal(np.asarray(x), np.asarray(flat(tree)[name]), strict=True)
    assert ai.plan(mixed, RULES).audit(mixed).ok


def test_structs_have_no_values() -> None:
    with pytest.raises(ValueError, match=r"pretrained: these have no values: a\.bias, a\.kernel"):
        ai.plan(structs(), RULES, pretrained=structs())
