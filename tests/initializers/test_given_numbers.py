"""Numbers may be arrays without axes, of any library, where these have a value."""

from __future__ import annotations

import inspect
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from libraries import no_such_case

import arrayinit as ai

with suppress(ImportError):
    import jax
with suppress(ImportError):
    import torch

# function, shape, argument, its value, the others
NUMBERS: list[tuple[str, tuple[int, ...], str, float, dict[str, Any]]] = [
    ("uniform_", (5,), "a", -0.75, {"rng": 3}),
    ("uniform_", (5,), "b", 1.25, {"rng": 3}),
    ("normal_", (5,), "mean", 0.25, {"rng": 3}),
    ("normal_", (5,), "std", 0.5, {"rng": 3}),
    *(("trunc_normal_", (5,), name, value, {"rng": 3}) for name, value in (("mean", 0.25), ("std", 0.5))),
    *(("trunc_normal_", (5,), name, value, {"rng": 3}) for name, value in (("a", -0.5), ("b", 1.5))),
    ("constant_", (5,), "val", 0.75, {}),
    ("eye_", (3, 4), "gain", 0.75, {}),
    ("dirac_", (4, 2, 3), "gain", 0.75, {}),
    ("dirac_", (4, 2, 3), "groups", 2, {}),
    ("xavier_uniform_", (3, 4), "gain", 0.75, {"rng": 3}),
    ("xavier_normal_", (3, 4), "gain", 0.75, {"rng": 3}),
    ("xavier_normal_", (4, 3), "groups", 2, {"rng": 3}),
    ("kaiming_uniform_", (3, 4), "a", 0.75, {"rng": 3}),
    ("kaiming_normal_", (3, 4), "nonlinearity", 0.75, {"rng": 3}),
    ("orthogonal_", (3, 4), "gain", 0.75, {"rng": 3}),
    ("delta_orthogonal_", (4, 2, 3), "gain", 0.75, {"rng": 3}),
    ("sparse_", (4, 3), "sparsity", 0.75, {"rng": 3}),
    ("sparse_", (4, 3), "std", 0.75, {"sparsity": 0.5, "rng": 3}),
    ("variance_scaling_", (3, 4), "scale", 0.75, {"rng": 3}),
]
each = pytest.mark.parametrize(
    ("name", "shape", "argument", "value", "others"), NUMBERS, ids=lambda case: case if isinstance(case, str) else ""
)


def test_every_number_is_here():
    numbers = {
        (name, parameter.name)
        for name in ai.__all__
        if name.endswith("_")
        for parameter in inspect.signature(getattr(ai, name)).parameters.values()
        if "float" in str(parameter.annotation) or "complex" in str(parameter.annotation)
    }
    pairs = {(name, argument) for name, _, argument, _, _ in NUMBERS}
    assert numbers - pairs == {("kaiming_uniform_", "nonlinearity"), ("kaiming_normal_", "a")}


def same(library: Any, name: str, shape: tuple[int, ...], given: dict[str, Any], expected: dict[str, Any]) -> None:
    made, right = (
        library.to_numpy(getattr(ai, name)(library.empty(shape, "float32"), **arguments))
        for arguments in (given, expected)
    )
    np.testing.assert_array_equal(made, right)


@each
def test_an_array_without_axes_is_the_number_that_it_holds(name, shape, argument, value, others, library):
    for dtype in ("int32",) if argument == "groups" else ("float32", "float64"):
        number = library.full((), dtype, value)
        same(library, name, shape, {argument: number, **others}, {argument: value, **others})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits_will_do(dtype, library):
    if dtype not in library.dtypes:
        no_such_case(f"{library.name} has no {dtype}")
    number = library.full((), dtype, 0.1)
    same(library, "normal_", (5,), {"std": number, "rng": 3}, {"std": float(library.to_numpy(number)), "rng": 3})


@each
def test_an_array_of_integers_is_the_number_too(name, shape, argument, value, others, library):
    whole = {"sparsity": 1, "a": -1 if "form" in name or "trunc" in name else 1}.get(argument, 2)
    same(library, name, shape, {argument: library.full((), "int32", whole), **others}, {argument: whole, **others})


@pytest.mark.usefixtures("numpy_library")
@each
def test_numpy_takes_the_numbers_of_its_own(name, shape, argument, value, others):
    given = [np.array(value), np.float32(value), Fraction(value)] if argument != "groups" else [np.array(2), np.int8(2)]
    expected = getattr(ai, name)(np.zeros(shape), **{argument: value, **others})
    for number in given:
        np.testing.assert_array_equal(getattr(ai, name)(np.zeros(shape), **{argument: number, **others}), expected)


@each
def test_what_is_no_number_is_refused(name, shape, argument, value, others, library):
    x = library.full(shape, "float32", 7.0)
    named = "the negative slope" if (name, argument) == ("kaiming_uniform_", "a") else argument
    # As torch, of what is no number.
    for wrong in (library.full((1,), "float32", value), library.full((), "bool", 1)):
        # constant_ takes a bool.
        if argument == "val" and tuple(wrong.shape) == ():
            continue
        with pytest.raises((TypeError, ValueError), match=f"{named} must be|{argument} must be"):
            getattr(ai, name)(x, **{argument: wrong, **others})
    assert (library.to_numpy(x) == 7).all()


def test_constants_keep_their_kind(library):
    whole = library.full((), "int64", 2**53 + 1)
    assert int(library.to_numpy(ai.constant_(library.full((2,), "int64", 1), whole))[0]) == 2**53 + 1
    truth = library.full((), "bool", 1)
    assert library.to_numpy(ai.constant_(library.full((2,), "bool", 0), truth)).all()
    if "complex64" in library.dtypes:
        value = library.full((), "complex64", 1 + 2j)
        assert library.to_numpy(ai.constant_(library.empty((2,), "complex64"), value))[0] == 1 + 2j
        with pytest.raises(TypeError, match="is complex, but x has dtype float32"):
            ai.constant_(library.full((2,), "float32", 1), value)
        with pytest.raises(
            TypeError, match=r"std must be a real number, got an array of shape \(\) and dtype .*complex64"
        ):
            ai.normal_(library.full((2,), "float32", 1), std=value)


def test_the_slope_of_a_gain(library):
    assert ai.calculate_gain("leaky_relu", library.full((), "float32", 0.5)) == ai.calculate_gain("leaky_relu", 0.5)


@each
@pytest.mark.usefixtures("jax_library")
def test_what_jax_traces_has_no_value(name, shape, argument, value, others):
    kind = "int32" if argument == "groups" else "float32"

    def fill(number: Any) -> Any:
        return getattr(ai, name)(jax.numpy.zeros(shape), **{argument: number, **others})

    with pytest.raises(TypeError, match=r" must be a concrete number, got a \w*Tracer of dtype \w+ without a value"):
        jax.jit(fill)(np.asarray(value, kind))
    with pytest.raises(TypeError, match="must be a concrete number, got a ShapeDtypeStruct"):
        fill(jax.ShapeDtypeStruct((), kind))


@each
@pytest.mark.usefixtures("torch_library")
def test_what_torch_traces_has_no_value(name, shape, argument, value, others):
    from torch._subclasses.fake_tensor import FakeTensorMode

    dtype = torch.int32 if argument == "groups" else torch.float32
    meta = torch.tensor(value, dtype=dtype, device="meta")
    fake = FakeTensorMode().from_tensor(torch.tensor(value, dtype=dtype))

    def fill(number: Any) -> Any:
        return getattr(ai, name)(torch.zeros(shape), **{argument: number, **others})

    for number in (meta, fake):
        with pytest.raises(TypeError, match=r" must be a concrete number, got a \w*Tensor of dtype torch\.\w+ without"):
            fill(number)
    with pytest.raises(TypeError, match=" must be a concrete number"):
        torch.vmap(fill)(torch.full((2,), value, dtype=dtype))


# All go one way; each takes torch seconds to compile.
@pytest.mark.parametrize(("name", "shape", "argument", "value", "others"), NUMBERS[3::10])
@pytest.mark.usefixtures("torch_library")
def test_what_torch_compiles_has_no_value_but_has_one_where_the_graph_may_break(name, shape, argument, value, others):
    def fill(x: Any, number: Any) -> Any:
        return getattr(ai, name)(x, **{argument: number, **others})

    kind = "int32" if argument == "groups" else "float32"
    for number in (torch.tensor(value, dtype=getattr(torch, kind)), np.asarray(value, kind)):
        torch.compiler.reset()
        with pytest.raises(Exception, match=r"must be a concrete number, got an array under torch\.compile"):
            torch.compile(fill, fullgraph=True, backend="eager")(torch.zeros(shape), number)
        torch.compiler.reset()
        made = torch.compile(fill, backend="eager")(torch.zeros(shape), number)
        assert torch.equal(made, fill(torch.zeros(shape), value))


@pytest.mark.usefixtures("torch_library")
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True:UserWarning")
def test_a_parameter_is_a_number_as_it_is_now():
    std = torch.nn.Parameter(torch.tensor(0.5))
    assert torch.equal(ai.normal_(torch.empty(5), std=std, rng=3), ai.normal_(torch.empty(5), std=0.5, rng=3))
