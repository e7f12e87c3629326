"""Mappings of names to the arrays of each library, nested or flat, and pairs of names and arrays."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from libraries import Library, no_such_case

import arrayinit as ai

RULES: list[Any] = [("weight", ai.normal(std=0.02)), ("**", ai.uniform(-0.1, 0.1))]
SHAPES = {
    "layers.0.weight": (4, 3),
    "layers.0.bias": (4,),
    "layers.1.weight": (2, 4),
    "head.first": (2, 2),
    "head.second": (3,),
}


class Head(NamedTuple):
    first: Any
    second: Any


def nested(make: Any) -> dict[str, Any]:
    """Return a mapping with a list and a named tuple in it."""
    layers = [{"weight": make((4, 3)), "bias": make((4,))}, {"weight": make((2, 4))}]
    return {"layers": layers, "head": Head(make((2, 2)), make((3,)))}


def flat(model: dict[str, Any]) -> dict[str, Any]:
    first, second = model["layers"]
    return dict(zip(SHAPES, [first["weight"], first["bias"], second["weight"], *model["head"]], strict=True))


def assert_filled(arrays: dict[str, Any], library: Library) -> None:
    for name, shape in SHAPES.items():
        value = RULES[0][1] if name.endswith("weight") else RULES[1][1]
        expected = value(np.empty(shape, np.float32), rng=ai.fold_in(4, name))
        np.testing.assert_array_equal(library.to_numpy(arrays[name]), expected, err_msg=name)


def test_a_nested_mapping_is_filled_or_replaced(library: Library) -> None:
    given = nested(lambda shape: library.full(shape, "float32", 7.0))
    made = ai.initialize(given, RULES, rng=4)
    assert_filled(flat(made), library)
    assert type(made["head"]) is Head
    if library.in_place:
        assert made is given
    else:
        for x in flat(given).values():
            assert (library.to_numpy(x) == 7.0).all()


def test_a_flat_mapping_and_pairs(library: Library) -> None:
    arrays = {name: library.full(shape, "float32", 7.0) for name, shape in SHAPES.items()}
    for pairs in (iter(arrays.items()), arrays.items(), list(arrays.items()), tuple(arrays.items())):
        filled = ai.initialize(pairs, RULES, rng=4)
        assert [name for name, _ in filled] == list(SHAPES)
        assert_filled(dict(filled), library)
    assert_filled(ai.initialize(arrays, RULES, rng=4), library)


def test_a_mapping_that_cannot_be_written_is_filled_in_its_arrays(numpy_library: Library) -> None:
    given = MappingProxyType({name: numpy_library.empty(shape, "float32") for name, shape in SHAPES.items()})
    assert ai.initialize(given, RULES, rng=4) is given
    assert_filled(dict(given), numpy_library)


def test_one_array_under_two_names_is_filled_once(library: Library) -> None:
    if not library.in_place:
        no_such_case("what is replaced is a value, which has no memory to share")
    x = library.full((4, 3), "float32", 7.0)
    model = ai.initialize({"a": x, "b": x}, [("a", ai.normal())], rng=4)
    assert model["b"] is x
    expected = ai.normal_(np.empty((4, 3), np.float32), rng=ai.fold_in(4, "a"))
    np.testing.assert_array_equal(library.to_numpy(x), expected)


@pytest.mark.parametrize("value", [3, None, "text", object()])
def test_what_is_no_array_is_named(value: Any, numpy_library: Library) -> None:
    with pytest.raises(TypeError, match=r"'b\.1' in the model is no array"):
        ai.plan({"a": numpy_library.empty((2,), "float32"), "b": [np.zeros(2), value]}, RULES)


def test_views_of_numpy_are_one_array_or_refused(numpy_library: Library) -> None:
    x = numpy_library.empty((4, 4), "float32")
    plan = ai.plan({"a": x, "b": x[:], "c": x.copy()}, [("*", ai.ones())])
    assert [step.owner for step in plan] == [None, "a", None]
    with pytest.raises(ValueError, match=r"on 'a' and 1 more: 'b' and 'a' share memory, but are not the same array"):
        ai.initialize({"a": x, "b": x[1:3]}, [("*", ai.ones())])
    with pytest.raises(ValueError, match="share memory, but are not the same array"):
        ai.initialize([("a", x), ("b", x[1:3])], [("*", ai.ones())])
    halves = ai.initialize({"a": x[:2], "b": x[2:]}, [("a", ai.ones()), ("b", ai.zeros())])
    assert halves["a"].all()
    assert not halves["b"].any()
