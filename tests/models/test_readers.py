"""Readers of third parties: registered, or found by an entry point once their library is loaded."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from libraries import Library

import arrayinit as ai
from arrayinit.models import Parameter, Reader, Reading, register_reader
from arrayinit.models.readers import reader_of, registry

RULES = [("weight", ai.kaiming_normal()), ("bias", ai.zeros())]


class Net:
    """A model of a library that arrayinit does not know. It is no mapping, and not iterable."""

    def __init__(self) -> None:
        self.tensors = {"fc/weight": np.empty((4, 3), np.float32), "fc/bias": np.full(4, 7.0, np.float32)}


class Nets(Reader):
    """The reader that the library brings along."""

    def __init__(self, cls: type = Net) -> None:
        self.cls, self.asked = cls, []

    def accepts(self, cls: type) -> bool:
        self.asked.append(cls)
        return issubclass(cls, self.cls)

    def read(self, model: Any) -> Reading:
        found = [
            Parameter(name.replace("/", "."), x.shape, x.dtype.name, x, model, "OI" if x.ndim > 1 else None)
            for name, x in model.tensors.items()
        ]
        return Reading(found, lambda: model)


@pytest.fixture(autouse=True)
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A registry as after the import, and the entry points of the packages installed, by group."""
    groups: dict[str, list[Any]] = {}
    monkeypatch.setattr(registry, "_registered", [])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: groups.get(group, []))
    return groups


def test_a_model_without_a_reader_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(TypeError, match=r"a model must be a torch module, .*; got .*test_readers\.Net$"):
        ai.plan(Net(), RULES)


def test_a_registered_reader_serves_plan_initialize_and_audit() -> None:
    register_reader(Nets())
    model = Net()
    plan = ai.plan(model, RULES)
    assert [(step.name, step.layout, step.source) for step in plan] == [
        ("fc.weight", "OI", "rule 0 'weight'"),
        ("fc.bias", None, "rule 1 'bias'"),
    ]
    assert ai.initialize(model, plan, rng=0) is model
    by_hand = ai.kaiming_normal_(np.empty((4, 3), np.float32), rng=ai.fold_in(0, "fc.weight"))
    np.testing.assert_array_equal(model.tensors["fc/weight"], by_hand)
    assert not model.tensors["fc/bias"].any()
    assert plan.audit(model).ok


def test_a_class_of_layers_selects_what_the_reader_names_as_the_layer() -> None:
    register_reader(Nets())
    plan = ai.plan(Net(), [(Net, {"weight": ai.ones(), "bias": ai.zeros()})])
    assert [repr(step.action) for step in plan] == ["ones()", "zeros()"]


def test_a_reader_that_gives_no_memory_refuses_a_device() -> None:
    register_reader(Nets())
    model = Net()
    with pytest.raises(TypeError, match=r"device= gives memory to torch parameters .* Net has none: leave it out"):
        ai.initialize(model, RULES, rng=0, device="cpu")
    assert (model.tensors["fc/bias"] == 7.0).all()


class Settings(dict[str, Any]):
    """A mapping of a library that knows the layouts of its arrays."""

    tensors = property(dict)


def test_a_registered_reader_is_asked_before_the_reader_of_mappings() -> None:
    register_reader(Nets(Settings))
    model = Settings({"weight": np.empty((4, 3), np.float32)})
    assert ai.plan(model, RULES[:1])[0].layout == "OI"
    with pytest.raises(ValueError, match="needs the layout"):
        ai.plan(dict(model), RULES[:1])


def test_the_first_registered_reader_that_accepts_is_taken() -> None:
    first, second = Nets(), Nets()
    register_reader(first)
    register_reader(second)
    assert reader_of(Net()) is first
    assert (first.asked, second.asked) == ([Net], [])


def test_an_entry_point_is_asked_if_its_library_is_loaded(entry_points: dict[str, list[Any]]) -> None:
    entry_points["arrayinit.readers"] = [
        SimpleNamespace(name="a_library_that_is_not_loaded", load=lambda: pytest.fail("its library is not loaded")),
        SimpleNamespace(name="numpy", load=lambda: Nets),
    ]
    entry_points["arrayinit.backends"] = [
        SimpleNamespace(name="numpy", load=lambda: pytest.fail("it belongs to another group"))
    ]
    assert isinstance(reader_of(Net()), Nets)
    assert ai.initialize(model := Net(), RULES, rng=0) is model


def test_an_entry_point_is_not_loaded_where_a_registered_reader_accepts(entry_points: dict[str, list[Any]]) -> None:
    entry_points["arrayinit.readers"] = [
        SimpleNamespace(name="numpy", load=lambda: pytest.fail("a registered reader accepts"))
    ]
    register_reader(registered := Nets())
    assert reader_of(Net()) is registered


@pytest.mark.parametrize("given", [SimpleNamespace(accepts=None), Nets, None])
def test_what_is_no_reader_is_refused_with_what_to_derive_from(given: Any) -> None:
    with pytest.raises(TypeError, match=r"a reader must derive from arrayinit\.models\.Reader, got"):
        register_reader(given)
    assert registry._registered == []


@pytest.mark.parametrize("name", ["accepts", "read"])
def test_an_incomplete_reader_is_refused_with_what_it_lacks(name: str) -> None:
    methods = {method: vars(Nets)[method] for method in ("accepts", "read") if method != name}
    with pytest.raises(TypeError, match=name):
        type("Incomplete", (Reader,), methods)()


def test_two_parameters_of_one_name_are_refused() -> None:
    """Otherwise the first is filled in place of both."""
    model = {"fc": {"weight": np.zeros((4, 3))}, "fc.weight": np.zeros((4, 3))}
    with pytest.raises(ValueError, match=r"two parameters of the name 'fc\.weight': give one layer another name"):
        ai.initialize(model, [("weight", ai.ones())])
    assert not model["fc.weight"].any()


class Embedding:
    """A layer that holds an array of any library."""

    def __init__(self, weight: Any) -> None:
        self.weight = weight


class Embeddings(Reader):
    """Tells of two rows that stay zero under random values."""

    def accepts(self, cls: type) -> bool:
        return issubclass(cls, Embedding)

    def read(self, model: Any) -> Reading:
        x = model.weight
        put = lambda filled: setattr(model, "weight", filled)  # noqa: E731
        p = Parameter("weight", tuple(x.shape), "float32", x, model, "OI", zero_rows=(1, 4), put=put)
        return Reading([p], lambda: model)


def test_rows_stay_zero_on_each_library(library: Library) -> None:
    register_reader(Embeddings())
    model = ai.initialize(Embedding(library.full((6, 4), "float32", 7)), [("weight", ai.normal())], rng=0)
    expected = ai.normal_(library.full((6, 4), "float32", 7), rng=ai.fold_in(0, "weight"))
    filled, drawn = (library.to_numpy(x) for x in (model.weight, expected))
    drawn = drawn * np.isin(np.arange(6), (1, 4), invert=True)[:, None]
    np.testing.assert_array_equal(filled, drawn)
    # A value that is not random is for all rows, also for those of a part.
    halves = ai.parts(ai.normal(), 0, ["first", "second"], values={"second": ai.ones()})
    filled = library.to_numpy(ai.initialize(model, [("weight", halves)], rng=0).weight)
    assert (filled[1] == 0).all()
    assert filled[:1].all()
    assert filled[2].all()
    assert (filled[3:] == 1).all()
