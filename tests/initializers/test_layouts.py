"""Any layout gives the weight of the default layout, permuted, for every function that cares about axes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from cases import FIXED, FUNCTIONS, PLAIN, SCALED
from libraries import COMPLEX, REAL, Library
from portable_calls import same_bits

import arrayinit as ai

Fill = Callable[..., Any]

ORTHOGONAL = ("orthogonal_", "delta_orthogonal_")


def fill(name: str) -> Fill:
    """Return what fills with the seed 3; the identities as they are without groups."""
    case = FUNCTIONS[name]
    return case.function if name in FIXED else lambda x, **layout: case.fill(x, 3, **layout)


_SIZES = {"B": (2, 3), "O": (4, 3), "I": (2, 3), "k": (1, 2, 3)}


class Case(NamedTuple):
    """A layout that puts the axes of a weight in some order, and what brings them back into the default one."""

    layout: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    default: str

    @classmethod
    def of(cls, name: str, number: int) -> Case:
        """Return a case that depends on its name and number only, and that the function takes."""
        r = random.Random(f"{name} {number}")
        kernels = {"eye_": (0, 0), "delta_orthogonal_": (1, 3)}.get(name, (0, 3))
        roles = ["O", "I", *r.sample(["B", "O", "I"], r.randint(0, 2)), *"k" * r.randint(*kernels)]
        if name == "delta_orthogonal_":
            # Outputs are to be as many as inputs.
            roles = [role for role in roles if role != "I"] + ["I"]
        if name == "dirac_" and len(roles) < 3:
            roles.append("k")
        r.shuffle(roles)
        shape = tuple(r.choice(_SIZES[role]) for role in roles)
        order = tuple(sorted(range(len(roles)), key=lambda i: ("BOIk".index(roles[i]), i)))
        return cls("".join(roles), shape, order, "".join(roles[i] for i in order))

    def check(self, fill: Fill, library: Any, dtype: str) -> None:
        x = library.to_numpy(fill(library.empty(self.shape, dtype), layout=self.layout))
        default = library.empty(tuple(self.shape[i] for i in self.order), dtype)
        same_bits(x.transpose(self.order), library.to_numpy(fill(default, layout=self.default)), dtype)


def numbers(count: int, library: Library, dtype: str, dtypes: tuple[str, ...]) -> range:
    """Return the cases of a dtype: all of them, or where each call is slow, those that no other dtype has."""
    if not library.is_slow:
        return range(count)
    # No adapter looks at the dtype and the layout together.
    dtypes = tuple(name for name in dtypes if name in library.dtypes)
    return range(dtypes.index(dtype), count, len(dtypes))


@pytest.mark.parametrize("name", SCALED)
def test_independent_draws_are_permuted(name, library, dtype):
    for number in numbers(40, library, dtype, (*REAL, *COMPLEX)):
        Case.of(name, number).check(fill(name), library, dtype)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_draws_are_permuted(name, library, real):
    for number in numbers(20, library, real, REAL):
        Case.of(name, number).check(fill(name), library, real)


@pytest.mark.parametrize("name", PLAIN)
def test_the_default_layout_is_the_order_of_the_array(name, library):
    for layout, shape in ((None, (5, 3, 2)), ("OI...", (5, 3, 2)), ("BOI", (5, 3, 2)), (None, ()), ("O", (7,))):
        drawn = fill(name)(library.empty(shape, "float32"), layout=layout)
        expected = fill(name)(library.empty(shape, "float32"))
        same_bits(library.to_numpy(drawn), library.to_numpy(expected), "float32")


@pytest.mark.parametrize("rng", ["the library's", "NumPy's"])
@pytest.mark.parametrize("name", PLAIN)
def test_a_layout_does_not_change_what_a_generator_draws(name, rng, library):
    function, make = getattr(ai, name), library.generator if rng == "the library's" else np.random.default_rng
    x, expected = (
        library.to_numpy(function(library.empty((4, 3, 2), "float32"), rng=make(5), layout=layout))
        for layout in ("...IO", None)
    )
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("rng", [0, None])
@pytest.mark.parametrize("shape", [(4, 6), (0, 6), (4, 0)])
def test_a_layout_is_checked_where_it_changes_nothing_too(name, rng, shape, library):
    function = getattr(ai, name)
    for layout, text in (("BIO", "has 2 axes, but layout 'BIO' needs 3"), ("oi", "layout 'oi' has a small letter 'o'")):
        with pytest.raises(ValueError, match=text):
            function(library.empty(shape, "float32"), rng=rng, layout=layout)
    if 0 in shape:
        assert tuple(function(library.empty(shape, "float32"), rng=rng, layout="IO").shape) == shape


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.usefixtures("jax_library")
def test_plain_draws_are_permuted_under_jit(name):
    import jax

    x = jax.ShapeDtypeStruct((3, 4, 5), "float32")
    made = jax.jit(lambda: fill(name)(x, layout="kIO"))()
    same_bits(np.asarray(made), fill(name)(np.empty((3, 4, 5), np.float32), layout="kIO"), "float32")


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.usefixtures("torch_library")
def test_plain_draws_are_permuted_under_compile(name):
    import torch

    torch.compiler.reset()
    compiled = torch.compile(lambda x: fill(name)(x, layout="kIO"), fullgraph=True, backend="aot_eager")
    made = compiled(torch.empty(3, 4, 5))
    same_bits(made.numpy(), fill(name)(np.empty((3, 4, 5), np.float32), layout="kIO"), "float32")


# In one dtype, as JAX compiles the decomposition for each shape.
@pytest.mark.parametrize("name", ORTHOGONAL)
def test_orthogonal_matrices_are_permuted(name, library):
    for number in range(8):
        Case.of(name, number).check(fill(name), library, "float32")


@pytest.mark.parametrize("name", ["dirac_", "eye_"])
def test_fixed_weights_are_permuted(name, library):
    for number in range(12):
        Case.of(name, number).check(fill(name), library, "float32")


def test_the_cases_have_every_role_in_every_place():
    cases = [Case.of(name, number) for name in SCALED for number in range(40)]
    assert {(role, case.layout[0]) for case in cases for role in case.layout} == {
        (a, b) for a in "BOIk" for b in "BOIk"
    }
    assert any(case.order != tuple(range(len(case.order))) for case in cases)


def test_a_wrong_permutation_is_noticed():
    case = Case("kOI", (3, 4, 4), (0, 2, 1), "kOI")
    with pytest.raises(AssertionError):
        case.check(fill("xavier_uniform_"), _Numpy, "float32")


class _Numpy:
    empty = staticmethod(np.zeros)
    to_numpy = staticmethod(np.asarray)
