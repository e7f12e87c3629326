"""Examples of all that may be handed to a function: right in every argument, or wrong in some."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from cases import FIXED, FUNCTIONS
from hypothesis import strategies as st
from libraries import FORMS, WRONG_FORMS, Library
from weights import FEW_WEIGHTS, WEIGHTS, Weight

import arrayinit

_OTHER_DTYPES = {"numpy": ("object", "longdouble", "clongdouble", "S3", "datetime64[s]", "i4,f4")}


class Made(NamedTuple):
    """An argument that is made anew for each call."""

    text: str
    make: Callable[[Library, tuple[int, ...], str], Any]

    def __repr__(self) -> str:
        return self.text


_ODD = [
    *(
        math.nan,
        math.inf,
        -math.inf,
        5e-324,
        -5e-324,
        1e-310,
        1e-45,
        1e-30,
        6e4,
        7e4,
        65519.9,
        1e38,
        3e38,
        3.5e38,
        1e300,
    ),
    *(-1e300, sys.float_info.max, -sys.float_info.max, -0.0, -1, -0.5, 10**30, 2**63, 2**64 - 1, 10**400, -(10**400)),
    *(Fraction(1, 3), Fraction(10**400), Fraction(1, 10**400), Decimal("0.5"), Decimal("nan")),
    # These have no decimal digits to be shown, here nor in a message.
    *(Made("10**5000", lambda *_: 10**5000), Made("-(10**5000)", lambda *_: -(10**5000))),
    *(True, False, None, "", "1", b"1", "fan_in", 1j, complex("nan"), complex(1e300, 1), [], [1.0], {}, object, ...),
    *(np.float16(0.5), np.float32("nan"), np.float32(2.0**31), np.float64(2.0**63), np.float64(2.0**64), np.int8(-3)),
    *(np.uint64(2**64 - 1), np.bool_(True), np.longdouble("1e4000"), np.complex64(1), np.array(0.5), np.array([1, 2])),
]
SCALARS = st.one_of(st.sampled_from(_ODD), st.floats(), st.integers(-(2**70), 2**70))
_POSITIVE = (1.0, 2, 0.5, 1e-3, 0.3, Fraction(1, 3), np.float32(0.7), np.float64(1.5), np.int8(3), 100.0)
_SIGNED = (0.0, *_POSITIVE, -1.0, -0.3, -2)
_MODES = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg", "FAN_IN", "Fan_Avg")
_GAINS = (1.7009, 2, 0.0, Fraction(1, 3), np.float32(1.5335))
NONLINEARITIES = ("leaky_relu", "relu", "linear", "identity", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "selu")
_RIGHT: dict[str, tuple[Any, ...]] = {
    "a": _SIGNED,
    "distribution": ("truncated_normal", "normal", "uniform"),
    "gain": (*_POSITIVE, 0.0),
    "mean": _SIGNED,
    "mode": _MODES,
    "nonlinearity": (*NONLINEARITIES, *_GAINS),
    "orthogonal_ gain": _SIGNED,
    "param": (None, *_SIGNED),
    "scale": _POSITIVE,
    "source": (
        Made("its own", lambda library, shape, dtype: library.empty(shape, dtype)),
        Made("NumPy's", lambda _, shape, dtype: np.ones(shape, "bool" if dtype == "bfloat16" else dtype)),
        Made("bool", lambda _, shape, dtype: np.ones(shape, "bool")),
        Made(
            "a list",
            lambda _, shape, dtype: np.ones(shape, "bool").tolist() if 0 not in shape else np.ones(shape, "bool"),
        ),
    ),
    "sparsity": (0.5, 0, 1, 0.0, 1.0, 0.3, 0.99, 1e-9, Fraction(1, 3), np.float32(0.25)),
    "std": (*_POSITIVE, 0, 0.0),
    "trunc_normal_ a": (-2.0, -0.3, 0, -math.inf, -100, 0.5),
    "trunc_normal_ b": (2.0, 1, 0.75, math.inf, 40, np.float32(3)),
    "trunc_normal_ std": _POSITIVE,
    "uniform_ a": (-2.0, -0.3, 0, 0.0, np.float32(0.1), -Fraction(1, 3)),
    "uniform_ b": (1.0, 2, 0.7, np.float64(1.5), Fraction(4, 3), 100),
    "val": (0, 1, 7, 2.5, True, 0.1, Fraction(7, 2), np.float32(3.25), np.uint8(9), 1 / 3),
}
_SEEDS = [
    *(0, 1, 10**1000, np.int64(3), np.uint8(200), (1, 2), [3], range(3), (2**200, 0), [np.int32(4), 5]),
    *(np.random.SeedSequence(5), np.random.SeedSequence([1, 2], spawn_key=(3,), pool_size=8)),
    *(np.random.SeedSequence(7).spawn(2)[1], arrayinit.fold_in(0, "a", 3), np.random.SeedSequence()),
]
SEEDS = st.one_of(st.integers(0, 2**70), st.sampled_from(_SEEDS))
_GENERATORS = [
    Made("None", lambda *_: None),
    Made("the library's", lambda library, *_: library.generator(3)),
    Made("NumPy's", lambda *_: np.random.default_rng(3)),
    Made("NumPy's MT19937", lambda *_: np.random.Generator(np.random.MT19937(3))),
]
_RNG = st.one_of(SEEDS, st.sampled_from(_GENERATORS))
_NO_SEEDS = [
    *("0", b"0", (1, -1), range(0), (True,), ["a"], [[1]]),
    Made("RandomState", lambda *_: np.random.RandomState(0)),
    Made("a bit generator", lambda *_: np.random.PCG64(0)),
    Made("a list of generators", lambda *_: [np.random.default_rng(0)] * 2),
]
WRONG_SEEDS = st.one_of(SCALARS, st.sampled_from(_NO_SEEDS))
_ANY_LAYOUT = st.one_of(st.sampled_from(WEIGHTS).map(lambda weight: weight.layout), st.text("OIBkoi.?1 é", max_size=7))
_NO_SOURCES = [
    *([[1], [1, 2]], ["a"], [None], [[]], np.array(["a"]), np.array([None]), np.zeros(3, "i4,f4"), {1: 2}, {1, 2}),
    Made("a row too many", lambda _, shape, dtype: np.ones((2, *shape))),
    Made("complex", lambda _, shape, dtype: np.ones(shape, complex)),
    Made("too large", lambda _, shape, dtype: np.full(shape, 2**63, "uint64")),
    Made("ones", lambda _, shape, dtype: np.ones(shape)),
]
# Where the ranges of the integers end.
_EDGES = [kind(2.0**n) for kind in (float, np.float32, np.float64) for n in (7, 8, 15, 16, 31, 32, 63, 64)]
_WRONG = {
    "distribution": st.one_of(st.sampled_from(("Uniform", "untruncated_normal", "")), SCALARS),
    "groups": st.one_of(st.integers(-3, 7), SCALARS),
    "layout": st.one_of(_ANY_LAYOUT, SCALARS),
    "mode": st.one_of(st.sampled_from(("fan", "fan-in", "", *_MODES)), SCALARS),
    "nonlinearity": st.one_of(st.sampled_from(("gelu", "ReLU", *NONLINEARITIES)), SCALARS),
    "rng": WRONG_SEEDS,
    "source": st.one_of(st.sampled_from(_NO_SOURCES), SCALARS),
    "val": st.one_of(st.sampled_from(_EDGES), SCALARS),
}


_GROUPS = st.sampled_from([(1,), (2, 1), (3, 1), (4, 1), (5, 2, 1)])


# Strategies are made once: that takes longer than to draw from them.
@cache
def argument(name: str, parameter: str, is_wrong: bool) -> st.SearchStrategy[Any]:
    """What to call a function with; not for right groups and layouts, which depend on the shape."""
    if is_wrong:
        return _WRONG.get(parameter, SCALARS)
    if parameter == "rng":
        return _RNG
    return st.sampled_from(_RIGHT.get(f"{name.removeprefix('delta_')} {parameter}") or _RIGHT[parameter])


@cache
def _parameters(name: str) -> tuple[str, ...]:
    return tuple(inspect.signature(getattr(arrayinit, name)).parameters)


@cache
def _fault(name: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Which arguments may be wrong: in three calls of four none."""
    faults = [*((parameter,) for parameter in _parameters(name)), _parameters(name)]
    return st.sampled_from([()] * (3 * len(faults)) + faults)


@cache
def _weights(name: str, is_wrong: bool, is_compiled: bool) -> list[Weight]:
    return [weight for weight in (FEW_WEIGHTS if is_compiled else WEIGHTS) if is_wrong or weight.fits(name)]


@cache
def _weight(name: str, is_wrong: bool, is_compiled: bool) -> st.SearchStrategy[Weight]:
    return st.sampled_from(_weights(name, is_wrong, is_compiled))


@cache
def _compiled_dtypes(name: str, is_wrong: bool, library: Library, weight: Weight) -> tuple[str, ...]:
    """Return float32, and this weight's share of the other dtypes: each pair of a shape and a dtype is compiled."""
    weights = _weights(name, is_wrong, is_compiled=True)
    others = [dtype for dtype in library.dtypes if dtype != "float32"]
    return ("float32", *others[weights.index(weight) :: len(weights)])


@cache
def _array(name: str, is_wrong: bool, library: Library, dtypes: tuple[str, ...]) -> st.SearchStrategy[tuple[str, str]]:
    """A dtype, and a form of the memory."""
    if name in FIXED or is_wrong:
        dtypes += library.integers
    else:
        dtypes = tuple(dtype for dtype in dtypes if dtype in FUNCTIONS[name].dtypes)
    forms = WRONG_FORMS[library.module] if is_wrong else FORMS[library.module]
    if is_wrong:
        dtypes += _OTHER_DTYPES.get(library.name, ())
    # Half of them as they are made.
    return st.sampled_from([(dtype, form) for dtype in dtypes for form in (*forms, *["plain"] * (len(forms) - 2))])


class Call(NamedTuple):
    """A call of one function, of which the arguments named in ``wrong`` may be wrong."""

    name: str
    wrong: tuple[str, ...]
    weight: Weight
    dtype: str
    form: str
    arguments: dict[str, Any]

    def made(self, library: Library) -> dict[str, Any]:
        return {
            key: value.make(library, self.weight.shape, self.dtype) if isinstance(value, Made) else value
            for key, value in self.arguments.items()
        }


@st.composite
def calls(draw: Any, name: str, library: Library) -> Call:
    """A call of the function."""
    wrong = draw(_fault(name))
    arguments: dict[str, Any] = {}
    for parameter in _parameters(name)[1:]:
        if parameter in wrong or parameter not in ("groups", "layout"):
            arguments[parameter] = draw(argument(name, parameter, parameter in wrong))
        else:
            arguments[parameter] = None
    is_seeded = not isinstance(arguments.get("rng", _GENERATORS[0]), Made) and "orthogonal_" not in name
    is_compiled = library.module == "jax" and not is_seeded and name not in FIXED
    weight = draw(_weight(name, "x" in wrong, is_compiled))
    if "layout" in arguments and "layout" not in wrong:
        # Without either of them a layout says nothing, and only plain draws have such weights.
        arguments["layout"] = weight.layout if set(weight.roles) & {"O", "I"} else None
    if "groups" in arguments and "groups" not in wrong:
        arguments["groups"] = next(n for n in draw(_GROUPS) if weight.product("O") % n == 0)
    dtypes = _compiled_dtypes(name, "x" in wrong, library, weight) if is_compiled else library.dtypes
    dtype, form = draw(_array(name, "x" in wrong, library, dtypes))
    return Call(name, wrong, weight, dtype, form, arguments)
