"""Fused weights and stacked layers have the bits of the parameters that they stand for, on every library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from libraries import Library, no_such_case

import arrayinit as ai

VALUES: dict[str, Any] = {
    "normal": ai.normal(std=0.02),
    "fans": ai.xavier_uniform(layout="OI"),
    "turned": ai.kaiming_normal(layout="IO"),
    "truncated": ai.trunc_normal(std=0.02),
    "sparse": ai.sparse(0.4),
    "orthogonal": ai.orthogonal(layout="OI"),
    "eye": ai.eye(layout="OI"),
    "constant": ai.constant(0.25),
}
RNGS: dict[str, Callable[[Library], Any]] = {
    "its own": lambda library: library.generator(7),
    "NumPy's": lambda library: np.random.default_rng(7),
}
SIZES = {"k": 6, "q": 2, "v": 3}


def fused(library: Library, axis: int, value: Any, rng: Any, dtype: str = "float32") -> np.ndarray:
    """Return a matrix of three parts along an axis."""
    shape = (11, 5) if axis == 0 else (5, 11)
    x = library.full(shape, dtype, 7)
    return library.to_numpy(
        ai.initialize({"a.qkv.x": x}, [("qkv.x", ai.parts(value, axis, SIZES))], rng=rng)["a.qkv.x"]
    )


def unfused(library: Library, axis: int, value: Any, rng: Any, dtype: str = "float32") -> np.ndarray:
    """Return the three matrices, joined."""
    shapes = {f"a.qkv.{name}.x": (size, 5) if axis == 0 else (5, size) for name, size in SIZES.items()}
    arrays = {name: library.full(shape, dtype, 7) for name, shape in shapes.items()}
    filled = ai.initialize(arrays, [("*.x", value)], rng=rng)
    return np.concatenate([library.to_numpy(filled[name]) for name in shapes], axis)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", VALUES)
def test_a_fused_weight_has_the_bits_of_its_parts(name: str, axis: int, library: Library) -> None:
    ours, theirs = (make(library, axis, VALUES[name], 7) for make in (fused, unfused))
    assert ours.any()
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("rng", RNGS)
@pytest.mark.parametrize("name", ["normal", "orthogonal"])
def test_a_generator_draws_the_parts_in_their_order(name: str, rng: str, library: Library) -> None:
    # Of parts along the last axis, torch's own generators would draw others in place.
    ours, theirs = (make(library, 1, VALUES[name], RNGS[rng](library)) for make in (fused, unfused))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("name", VALUES)
def test_stacked_layers_have_the_bits_of_each_layer(name: str, axis: int, library: Library) -> None:
    at = axis % 3
    shape = (*(6, 5)[:at], 3, *(6, 5)[at:])
    rules = [("layers.x", ai.stack(VALUES[name], axis=axis))]
    ours = ai.initialize({"layers.x": library.full(shape, "float32", 7)}, rules, rng=7)["layers.x"]
    arrays = {f"layers.{i}.x": library.full((6, 5), "float32", 7) for i in range(3)}
    theirs = ai.initialize(arrays, [("*.x", VALUES[name])], rng=7)
    expected = np.stack([library.to_numpy(x) for x in theirs.values()], at)
    assert expected.any()
    np.testing.assert_array_equal(library.to_numpy(ours), expected)


def test_experts_have_fused_parts(library: Library) -> None:
    rules = [("w13", ai.stack(ai.parts(ai.xavier_uniform(layout="IO"), "O", ["gate", "up"])))]
    ours = ai.initialize({"experts.w13": library.full((4, 5, 6), "float32", 7)}, rules, rng=3)["experts.w13"]
    for i in range(4):
        for k, part in enumerate(("gate", "up")):
            x = library.full((5, 3), "float32", 7)
            alone = ai.xavier_uniform_(x, layout="IO", rng=ai.fold_in(3, f"experts.{i}.{part}.w13"))
            np.testing.assert_array_equal(
                library.to_numpy(ours)[i, :, 3 * k : 3 * k + 3], library.to_numpy(alone), err_msg=f"{i} {part}"
            )


def test_parts_may_be_stacks_and_parts(library: Library) -> None:
    inner = ai.stack(ai.uniform(), axis=1)
    rules = [("x", ai.parts(inner, 0, ["a", "b"], values={"b": ai.parts(ai.normal(), 1, ["c", "d"])}))]
    ours = library.to_numpy(ai.initialize({"x": library.full((6, 4), "float32", 7)}, rules, rng=3)["x"])
    for i in range(4):
        column = ai.uniform_(library.full((3,), "float32", 7), rng=ai.fold_in(3, f"a.{i}.x"))
        np.testing.assert_array_equal(ours[:3, i], library.to_numpy(column))
    for k, name in enumerate("cd"):
        part = ai.normal_(library.full((3, 2), "float32", 7), rng=ai.fold_in(3, f"b.{name}.x"))
        np.testing.assert_array_equal(ours[3:, 2 * k : 2 * k + 2], library.to_numpy(part))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "complex64", "int32", "float8_e5m2"])
def test_every_dtype_has_parts(dtype: str, library: Library) -> None:
    if not library.has(dtype):
        no_such_case(f"{library.name} has no {dtype}")
    for name in ("ones",) if dtype == "int32" else ("normal", "eye"):
        value = VALUES.get(name, ai.ones())
        ours, theirs = (make(library, 1, value, 5, dtype) for make in (fused, unfused))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
    rule = ai.parts(
        ai.parts(ai.keep(), 1, ["a", "b"], values={"b": ai.zeros()}), 0, ["a", "b"], values={"a": ai.zeros()}
    )
    kept = library.to_numpy(ai.initialize({"x": library.full((2, 2), dtype, 1)}, [("x", rule)])["x"])
    assert (kept == [[0, 0], [1, 0]]).all()


def test_a_vector_has_parts_and_layers(library: Library) -> None:
    """Its layers are numbers."""
    rules = [
        ("bias", ai.parts(ai.zeros(), "O", ["i", "f", "g", "o"], values={"f": ai.ones(), "o": ai.normal()})),
        ("scale", ai.stack(lambda p: ai.constant(float(p["i"] + p.size("i"))))),
    ]
    arrays = {"bias": library.full((8,), "float32", 7), "scale": library.full((3,), "float32", 7)}
    filled = ai.initialize(arrays, rules, rng=0)
    last = ai.normal_(library.full((2,), "float32", 7), rng=ai.fold_in(0, "o.bias"))
    assert library.to_numpy(filled["bias"]).tolist() == [0, 0, 1, 1, 0, 0, *library.to_numpy(last).tolist()]
    assert library.to_numpy(filled["scale"]).tolist() == [3, 4, 5]


def test_parts_are_kept_and_copied(library: Library) -> None:
    """As where rows for new tokens are added to an embedding."""
    x = library.full((5, 3), "float32", 7)
    source = np.arange(6, dtype=np.float32).reshape(2, 3)
    value = ai.parts(ai.keep(), 0, {"old": 2, "given": 2, "new": 1}, values={"given": source, "new": ai.normal()})
    filled = library.to_numpy(ai.initialize({"x": x}, [("x", value)], rng=0)["x"])
    assert (filled[:2] == 7).all()
    np.testing.assert_array_equal(filled[2:4], source)
    new = ai.normal_(library.full((1, 3), "float32", 7), rng=ai.fold_in(0, "new.x"))
    np.testing.assert_array_equal(filled[4:], library.to_numpy(new))
    nested = ai.stack(ai.parts(ai.keep(), 1, ["a", "b"], values={"b": ai.zeros()}), axis=1)
    filled = ai.initialize({"x": library.full((2, 3, 4), "float32", 7)}, [("x", nested)])["x"]
    assert (library.to_numpy(filled) == [7, 7, 0, 0]).all()


def test_arrays_without_elements_have_parts(library: Library) -> None:
    arrays = {"a": library.full((0, 4), "float32", 7), "b": library.full((6, 0), "float32", 7)}
    rules = [("a", ai.parts(ai.zeros(), 0, ["p", "q"])), ("b", ai.parts(ai.ones(), 0, {"p": 0, "q": 6}))]
    filled = ai.initialize(arrays, rules, rng=0)
    assert [library.to_numpy(x).shape for x in filled.values()] == [(0, 4), (6, 0)]
    layers = ai.initialize({"a": library.full((0, 4), "float32", 7)}, [("a", ai.stack(ai.normal()))], rng=0)
    assert library.to_numpy(layers["a"]).shape == (0, 4)


def test_a_part_of_no_size_changes_nothing(library: Library) -> None:
    x = library.full((4, 3), "float32", 7)
    filled = ai.initialize({"x": x}, [("x", ai.parts(ai.ones(), 0, {"a": 0, "b": 4, "c": 0}))], rng=0)["x"]
    assert (library.to_numpy(filled) == 1).all()


def test_without_rng_the_parts_are_random(library: Library) -> None:
    x = library.full((6, 4), "float32", 7)
    first, second = np.split(
        library.to_numpy(ai.initialize({"x": x}, [("x", ai.parts(ai.normal(), 0, ["a", "b"]))])["x"]), 2
    )
    assert np.unique(first).size == 12
    assert (first != second).all()
