"""A value is its function with its arguments: equal, hashable, printable, and kept by JSON, pickle and copies."""

from __future__ import annotations

import copy
import inspect
import json
import math
import pickle
import re
from functools import partial

import numpy as np
import pytest
from cases import FILLING, Case, value_of

import arrayinit as ai
from arrayinit import Initializer

NAMES = [name.removesuffix("_") for name in ai.__all__ if name.endswith("_") and name != "copy_"]
SHOWN = pytest.mark.parametrize("case", FILLING, ids=str)


def test_each_function_that_fills_has_a_value() -> None:
    assert {case.name.removesuffix("_") for case in FILLING} == set(NAMES)
    for name in NAMES:
        assert name in ai.__all__


@SHOWN
def test_a_value_is_its_call(case: Case) -> None:
    value = value_of(case)
    assert value.function is case.function
    assert value.draws == case.is_drawn
    assert value == Initializer(case.function, **case.arguments)
    assert hash(value) == hash(value_of(case))
    assert eval(repr(value), {**vars(ai), "inf": math.inf}) == value
    assert repr(value).startswith(f"{case.name.removesuffix('_')}(")


@SHOWN
def test_a_value_is_kept(case: Case) -> None:
    value = value_of(case)
    for same in (
        pickle.loads(pickle.dumps(value)),
        copy.copy(value),
        copy.deepcopy(value),
        Initializer.from_json(value.to_json()),
        Initializer.from_config(value.get_config()),
        Initializer.from_config(json.loads(json.dumps(value.get_config(), allow_nan=False))),
        value.replace(),
    ):
        assert same == value
        assert repr(same) == repr(value)


def test_numbers_that_json_lacks_are_kept() -> None:
    for value in (
        ai.constant(1 - 2j),
        ai.constant(math.inf),
        ai.constant(math.nan),
        ai.trunc_normal(a=-math.inf, b=math.inf),
    ):
        assert Initializer.from_config(json.loads(json.dumps(value.get_config(), allow_nan=False))) == value


def test_a_name_alone_is_a_config() -> None:
    assert Initializer.from_config("zeros") == ai.zeros()
    assert ai.zeros().get_config() == {"zeros": {}}
    assert ai.normal(0.0, 0.02).get_config() == {"normal": {"std": 0.02}}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("norml", "no initializer is called 'norml'; did you mean 'normal'?"),
        ("xyz", "the names are constant, delta_orthogonal, dirac"),
        ({}, "an initializer is written {'normal': {'std': 0.02}}, or 'zeros'; got {}"),
        ({"normal": 1}, "got {'normal': 1}"),
        ({"normal": {}, "zeros": {}}, "got {'normal': {}, 'zeros': {}}"),
        (3, "got 3"),
    ],
)
def test_a_wrong_config_is_refused(config: object, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        Initializer.from_config(config)


def test_equal_arguments_are_equal_values() -> None:
    assert ai.normal() == ai.normal(0.0, 1.0) == ai.normal(std=np.float32(1))
    assert len({ai.normal(), ai.normal(std=1), ai.normal(std=0.5), ai.uniform()}) == 3
    assert ai.normal() != ai.normal_
    # A named layout holds in the protocols of frameworks, too; the default does not.
    assert ai.kaiming_normal() != ai.kaiming_normal(layout="OI...")


def test_numbers_of_libraries_are_kept_as_pythons_own() -> None:
    value = ai.normal(np.float64(0.5), np.array(0.25))
    assert {type(argument) for argument in value.arguments.values()} == {float, type(None)}
    assert type(ai.kaiming_normal(groups=np.int64(2)).arguments["groups"]) is int


def test_a_value_cannot_be_changed() -> None:
    value = ai.normal()
    for name in ("std", "_arguments", "anything"):
        with pytest.raises(AttributeError, match="an initializer cannot be changed"):
            setattr(value, name, 1)
    with pytest.raises(AttributeError, match="cannot be changed"):
        del value._arguments
    value.arguments["std"] = 2.0
    assert value == ai.normal()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: ai.normal(std=-1), ValueError, "std must be at least 0, got -1.0"),
        (lambda: ai.normal(mean="0"), TypeError, "mean must be a real number, got '0' of type str"),
        (lambda: ai.normal(layout="O?"), ValueError, "layout 'O?' has an unknown letter '?'"),
        (lambda: ai.uniform(1.0, 0.0), ValueError, "a must be at most b"),
        (lambda: ai.constant("1"), TypeError, "val must be a number"),
        (lambda: ai.eye(gain=math.nan), ValueError, "gain must not be NaN"),
        (lambda: ai.eye(layout="OIk"), ValueError, "eye_ needs a matrix"),
        (lambda: ai.dirac(0), ValueError, "groups must be an integer of at least 1"),
        (lambda: ai.kaiming_normal(mode="fan"), ValueError, "mode must be one of fan_in"),
        (lambda: ai.kaiming_normal(nonlinearity="gelu"), ValueError, "no table agrees on its gain"),
        (lambda: ai.xavier_normal(groups=1.5), ValueError, "groups must be an integer of at least 1, got 1.5"),
        (lambda: ai.variance_scaling(0.0), ValueError, "scale must be above 0"),
        (lambda: ai.variance_scaling(distribution="x"), ValueError, "distribution must be one of"),
        (lambda: ai.sparse(1.5), ValueError, "sparsity must be within [0, 1]"),
        (lambda: ai.sparse(), TypeError, "sparse(): missing a required argument: 'sparsity'"),
        (lambda: ai.normal(1, 2, 3), TypeError, "normal(): too many positional arguments"),
        (lambda: ai.normal(stdev=1), TypeError, "'stdev'; it takes mean, std, layout"),
        (lambda: ai.ones(1), TypeError, "ones(): too many positional arguments"),
        (lambda: ai.normal(rng=0), TypeError, "a value holds no seed: pass rng where the value is called"),
        (lambda: ai.normal(np.empty((2, 2))), TypeError, "takes no array: normal_(x) fills x now"),
        (lambda: ai.kaiming_normal(np.empty(3)), TypeError, "kaiming_normal_(x) fills x now"),
        (lambda: ai.normal((2, 3), dtype="float32"), TypeError, "pass normal(), with the brackets"),
        (lambda: ai.normal((2, 3)), TypeError, "pass normal(), with the brackets"),
        (lambda: Initializer(print), TypeError, "an Initializer takes a function of arrayinit that fills"),
        (lambda: Initializer(ai.copy_, [1.0]), TypeError, "an Initializer takes a function of arrayinit that fills"),
    ],
)
def test_arguments_are_checked_at_once(make: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        make()


def test_partial_and_subclasses_work() -> None:
    class Named(Initializer):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            self.__dict__["note"] = "kept"

    value = Named(ai.normal_, std=0.5)
    assert value != ai.normal(std=0.5)
    for same in (copy.deepcopy(value), value * 2 / 2, value.replace(), Named.from_config(value.get_config())):
        assert type(same) is Named
        assert same == value
        assert same.note == "kept"
    assert type(Named(ai.lecun_normal_) * 2) is Named
    assert partial(ai.normal, std=0.5)() == ai.normal(std=0.5)
    x = partial(ai.normal(std=0.5), rng=3)(np.empty(4))
    np.testing.assert_array_equal(x, ai.normal_(np.empty(4), std=0.5, rng=3))


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_is_that_of_the_function(name: str) -> None:
    make, function = getattr(ai, name), getattr(ai, f"{name}_")
    text, of_function = inspect.getdoc(make), inspect.getdoc(function)
    parameters = inspect.signature(make).parameters
    assert set(parameters) == set(inspect.signature(function).parameters) - {"x", "rng"}
    assert make.__name__ == name
    assert text.startswith("Return a value that fills ")
    assert re.search(r"^rng$|^x$", text, re.MULTILINE) is None
    assert text.partition("References")[2] == of_function.partition("References")[2]
    assert f"arrayinit.{name}(" in text
    assert f"arrayinit.{name}_(" not in text


def test_completion_shows_the_public_names() -> None:
    assert set(dir(ai)) == {*ai.__all__, "__version__"}
    assert not {"backends", "core", "kernels"} & set(dir(ai))
