"""What arguments, shape and dtype decide is kept for the next array that is alike. No result and no error shows it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, KERNEL, Case
from forms import formed, values
from libraries import FORMS, WRONG_FORMS, Library

import arrayinit as ai
from arrayinit.initializers import fill
from arrayinit.stream import extension

# Those that draw each element on its own.
ROWS = [case for case in DRAWN.values() if case.is_exact and case.name != "sparse_"]
DTYPES = ("float32", "bfloat16", "complex64")


def outcome(case: Case, x: Any, library: Library, **given: Any) -> tuple[Any, ...]:
    """Return what a call does: its values, whether it returns x, and its warnings; or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        version = getattr(x, "_version", None) if not getattr(x, "is_inference", bool)() else None
        try:
            made = case.fill(x, **given)
        except (TypeError, ValueError, RuntimeError) as error:
            return type(error), str(error)
        made_of = values(made, library)
        bytes_of = None if made_of is None else np.ascontiguousarray(made_of).tobytes()
        moved = None if version is None else x._version - version
        return bytes_of, made is x, moved, [str(warning.message) for warning in caught], getattr(made, "sharding", None)


@pytest.mark.parametrize("rng", [7, (1, 2)], ids=str)
@pytest.mark.parametrize("case", ROWS, ids=str)
def test_an_array_of_any_form_is_filled_as_if_it_were_the_first(case, rng, library, monkeypatch):
    for dtype in set(DTYPES) & set(library.dtypes) & set(case.dtypes):
        for form in FORMS[library.module] | WRONG_FORMS[library.module]:
            alone, beside = (formed(library, KERNEL, dtype, form)[0] for _ in range(2))
            with monkeypatch.context() as patched:
                patched.setattr(fill, "_prepared", {})
                patched.setattr(extension, "core", lambda: None)
                expected = outcome(case, alone, library, rng=rng)
            # As after an array of the same shape and dtype, in its own plain memory.
            case.fill(library.empty(KERNEL, dtype), rng=3)
            assert outcome(case, beside, library, rng=rng) == expected, (dtype, form)


@pytest.mark.parametrize("layout", ["OIhw", "hwIO", "IhOw"])
def test_a_layout_permutes_what_the_first_array_got(layout, library):
    order = [layout.index(axis) for axis in "OIhw"]
    shape = tuple(np.take((6, 4, 3, 5), np.argsort(order)).tolist())
    for _ in range(2):
        whole = library.to_numpy(ai.kaiming_normal_(library.empty((6, 4, 3, 5), "float32"), rng=1, layout="OIhw"))
        given = library.to_numpy(ai.kaiming_normal_(library.empty(shape, "float32"), rng=1, layout=layout))
        np.testing.assert_array_equal(given.transpose(order), whole)


# Pairs of arguments that Python finds equal.
EQUAL: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (ai.kaiming_uniform_, {"a": 1}, {"a": True}),
    (ai.kaiming_uniform_, {"groups": 1}, {"groups": True}),
    (ai.kaiming_uniform_, {"groups": 1}, {"groups": 1.0}),
    (ai.kaiming_normal_, {"nonlinearity": 1}, {"nonlinearity": True}),
    (ai.xavier_uniform_, {"gain": 1.0}, {"gain": True}),
    (ai.normal_, {"std": 1}, {"std": True}),
    (ai.normal_, {"mean": 0.0, "std": 0.0}, {"mean": -0.0, "std": 0.0}),
    (ai.uniform_, {"a": 0.0, "b": 0.0}, {"a": -0.0, "b": -0.0}),
    (ai.trunc_normal_, {"a": 0.0, "b": 0.0}, {"a": -0.0, "b": -0.0}),
    (ai.variance_scaling_, {"scale": 2}, {"scale": np.float64(2.0)}),
    (ai.uniform_, {"b": 2}, {"b": np.array(2)}),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("function", "one", "other"), EQUAL)
def test_equal_arguments_are_not_taken_for_each_other(function, one, other, turned, library, monkeypatch):
    def called(arguments: dict[str, Any]) -> tuple[Any, ...]:
        return outcome(Case(function.__name__, (4, 6), arguments), library.empty((4, 6), "float32"), library)

    for before, then in ((other, one), (one, other))[turned:]:
        monkeypatch.setattr(fill, "_prepared", {})
        expected = called(then)
        monkeypatch.setattr(fill, "_prepared", {})
        called(before)
        assert called(then) == expected


def test_an_argument_that_changes_is_read_again(library):
    bound = np.array(1.0)
    for value in (1.0, 3.0):
        bound[...] = value
        expected = library.to_numpy(ai.uniform_(library.empty((4, 6), "float32"), b=value, rng=0))
        given = library.to_numpy(ai.uniform_(library.empty((4, 6), "float32"), b=bound, rng=0))
        np.testing.assert_array_equal(given, expected)


def test_no_more_than_a_thousand_calls_are_kept(library, monkeypatch):
    monkeypatch.setattr(fill, "_prepared", {})
    x = library.empty((2, 3), "float32")
    for k in range(1, 1100):
        ai.xavier_uniform_(x, gain=math.sqrt(k), rng=0)
    assert len(fill._prepared) <= 1000
