"""Whatever is handed to a function, it fills, or it raises a documented error and leaves the array as it was."""

import math
import re
import warnings

import numpy as np
import pytest
from cases import FIXED
from forms import formed, values
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers, lists, none, sampled_from, text
from intervals import interval
from strategies import SCALARS, SEEDS, WRONG_SEEDS, Made, argument, calls
from weights import WEIGHTS

import arrayinit
from arrayinit.core.dtypes import FORMATS

FILLING = [name for name in arrayinit.__all__ if name.endswith("_")]
SCALED = re.compile("xavier|kaiming|variance|lecun")
# What else an error may name: what is computed from an argument, or checked together with it.
ALIASES = {
    "a": "the negative slope|the bounds?|the disk",
    "b": "the bounds?|the disk",
    "gain": "std|the bounds|the disk",
    "layout": "groups",
    "nonlinearity": "std|the bounds|the disk",
    "param": "the negative slope",
    "rng": "seeds?",
    "scale": "std|the bounds|the disk",
    "x": "layout|groups",
}


SHAPES = lists(integers(-1, 5) | integers(0, 10**30) | SCALARS, max_size=6).map(tuple) | SCALARS


def examples(count):
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.mark.fuzz
@pytest.mark.parametrize("name", FILLING)
def test_it_fills_or_raises_a_documented_error(name, library):
    outcomes = []

    # Of NumPy all arguments are tried. What reads them is the same for every library, and slower to call there.
    @examples(library.tries)
    @given(calls(name, library))
    def check(call):
        outcomes.append(outcome(call, library))

    with warnings.catch_warnings():
        if SCALED.match(name):
            warnings.filterwarnings("ignore", "Initializing zero-element tensors is a no-op")
        check()
    # Of what raises, or has no elements, little is learned.
    assert outcomes.count("filled") > len(outcomes) / 4


def outcome(call, library):
    """Call the function, check what it did, and say what that was."""
    x, neighbours = formed(library, call.weight.shape, call.dtype, call.form)
    before, beside = bits(x, library), bits(neighbours, library)
    function, arguments = getattr(arrayinit, call.name), call.made(library)
    try:
        y = function(x, **arguments)
    except (ValueError, TypeError, RuntimeError) as error:
        assert bits(x, library) == before, "x was changed"
        assert bits(neighbours, library) == beside
        check_error(error, call, library)
        return "refused"
    assert bits(neighbours, library) == beside, "the memory beside x was changed"
    assert (tuple(y.shape), y.dtype) == (call.weight.shape, x.dtype)
    if library.in_place:
        assert y is x
    elif call.form == "plain":
        assert library.device(y) == library.device(x)
    filled = values(y, library)
    if filled is None or not filled.size:
        return "empty"
    check_values(filled, call, library)
    if not isinstance(call.arguments.get("rng", None), (Made, type(None))):
        again = function(formed(library, call.weight.shape, call.dtype, call.form)[0], **arguments)
        assert bits(again, library) == filled.tobytes(), "a seed gave other values the second time"
    return "filled"


def bits(x, library):
    held = values(x, library)
    return None if held is None else held.tobytes()


def check_error(error, call, library):
    """Raise AssertionError unless an error is a documented one, that names what is wrong."""
    shares_memory = library.module == "torch" and call.form == "expanded"
    assert type(error) in ((RuntimeError, ValueError, TypeError) if shares_memory else (ValueError, TypeError))
    assert call.wrong, "what is right was refused"
    text = str(error)
    named = [rf"{wrong}|{ALIASES.get(wrong, wrong)}" for wrong in call.wrong]
    assert re.search(rf"\b({'|'.join(named)})\b", text), f"the message names none of {call.wrong}: {text}"


def check_values(filled, call, library):
    """Raise AssertionError unless numbers are what the arguments promise."""
    given = call.arguments
    if call.name in FIXED:
        if call.name in ("ones_", "zeros_"):
            assert (filled == (call.name == "ones_")).all()
        elif call.name in ("eye_", "dirac_"):
            check_gain(filled, call)
        return
    form = FORMATS[call.dtype]
    low, high = interval(call.name, call.weight.shape, given)
    if ("normal" in call.name or call.name == "sparse_") and max(abs(low), abs(high)) > form.max:
        # What overflows is infinite.
        assert not np.isnan(filled).any()
        return
    slack = math.ldexp(1.0, form.emin - form.precision + 2) + max(abs(low), abs(high)) * math.ldexp(
        1.0, 3 - form.precision
    )
    if form.is_complex:
        distance = np.abs(filled.astype(complex) - (low / 2 + high / 2))
        assert (distance <= high / 2 - low / 2 + slack).all()
        return
    wide = filled.astype(float)
    # What torch and JAX draw themselves lies within rounded bounds.
    is_native = isinstance(given["rng"], Made) and library.module in ("torch", "jax")
    is_exact = call.name == "trunc_normal_" or (call.name == "uniform_" and not is_native)
    if not is_exact or low == high:
        low, high = low - slack, high + slack
    assert ((wide >= low) & (wide <= high)).all(), f"{wide.min()} to {wide.max()}"
    if call.name == "uniform_" and not form.is_narrow and is_exact and low < high:
        assert (wide < high).all()


def check_gain(filled, call):
    """Raise AssertionError unless an identity has its gain, rounded to 8 bits or better, where it is not zero."""
    gain = call.arguments["gain"]
    if call.dtype == "bool":
        assert filled.any() == bool(gain)
        return
    held = filled[filled != 0]
    expected = float(gain if call.dtype in FORMATS else int(gain))
    # What is too small for float16 is subnormal.
    np.testing.assert_allclose(held.astype(complex), expected, rtol=2.0**-8, atol=2.0**-24)
    assert held.size or abs(expected) < 2.0**-24 or not filled.size


def made(value):
    return value.make(None, (), "") if isinstance(value, Made) else value


def attempt(function, *arguments, **options):
    """Return what a function of no array returns, and the error that it raises, if it is of a documented type."""
    try:
        return function(*map(made, arguments), **{key: made(value) for key, value in options.items()}), None
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):
            raise
        return None, error


@pytest.mark.fuzz
@pytest.mark.usefixtures("numpy_library")
@examples(1000)
@given(*(argument("", name, False) | argument("", name, True) for name in ("nonlinearity", "param")))
def test_a_gain_is_between_0_and_that_of_tanh(nonlinearity, param):
    gain, error = attempt(arrayinit.calculate_gain, nonlinearity, param)
    if error:
        assert re.search("nonlinearity must be|the negative slope must", str(error))
        assert isinstance(error, ValueError)
    else:
        assert 0 <= gain <= 5 / 3


# NumPy 2.0 warns of its booleans as sizes, where later ones refuse them.
@pytest.mark.usefixtures("numpy_library")
@pytest.mark.filterwarnings("ignore:In future, it will be an error for 'np.bool' scalars:DeprecationWarning")
@examples(1000)
@given(sampled_from(WEIGHTS), none() | SHAPES, *(none() | argument("", name, True) for name in ("layout", "groups")))
def test_fans_are_products_of_sizes(weight, shape, layout, groups):
    is_right = shape is layout is groups is None and bool(set(weight.roles) & {"O", "I"})
    fans, error = attempt(
        arrayinit.calculate_fan_in_and_fan_out,
        weight.shape if shape is None else shape,
        layout=weight.layout if layout is None else layout,
        groups=1 if groups is None else groups,
    )
    if error:
        assert re.search(r"\b(x|layout|groups|shape)\b", str(error))
        assert not is_right
        return
    assert [type(fan) for fan in fans] == [int, int]
    assert min(fans) >= 0
    if is_right:
        kernel = math.prod(n for n, role in zip(weight.shape, weight.roles, strict=True) if role not in "OIB")
        assert fans == (weight.product("I") * kernel, weight.product("O") * kernel)


@pytest.mark.fuzz
@pytest.mark.usefixtures("numpy_library")
@examples(1000)
@given(SEEDS | WRONG_SEEDS, lists(text() | integers(0, 2**200) | SCALARS, max_size=3))
def test_fold_in_gives_a_seed(seed, path):
    folded, error = attempt(arrayinit.fold_in, seed, *path)
    if error:
        assert re.search(r"\b(fold|fold_in|seed|seeds)\b", str(error))
        return
    again, _ = attempt(arrayinit.fold_in, seed, *path)
    assert isinstance(folded, np.random.SeedSequence)
    assert (folded.generate_state(4) == again.generate_state(4)).all()
