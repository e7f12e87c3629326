"""Each error: its type, its text, and an array that is as it was."""

import math
import re
import warnings
from decimal import Decimal

import cases
import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS, KERNELS, SCALED
from error_cases import CASES, KERNEL, MATRIX
from libraries import no_such_case

import arrayinit as ai

VALUE = 7.0


def named(case):
    function, shape, arguments, error, _ = case
    # Without addresses, so that all processes that share the tests name them alike.
    return re.sub(r" at 0x\w+", "", f"{function.__name__}-{shape}-{arguments}-{error.__name__}")


@pytest.mark.parametrize("case", CASES, ids=named)
def test_wrong_arguments(case, library):
    function, shape, arguments, error, text = case
    if library.name == "cupy" and isinstance(arguments.get("rng"), np.random.RandomState):
        text = "cupy.random.Generator"
    x = library.full(shape, "float32", VALUE)
    before = library.to_numpy(x).copy()
    with pytest.raises(error, match=re.escape(text)):
        function(x, **arguments)
    np.testing.assert_array_equal(library.to_numpy(x), before)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_integers_cannot_be_drawn(name, dtype, library):
    case = DRAWN[name]
    x = library.full(case.shape, dtype, 1)
    before = library.to_numpy(x).copy()
    with pytest.raises(TypeError, match=f"x has dtype {dtype}, but random initializers fill float16, bfloat16"):
        case.fill(x, None)
    np.testing.assert_array_equal(library.to_numpy(x), before)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [None, 1.0, "x", [[1.0, 2.0]], object()])
def test_what_is_no_array_is_refused(name, x):
    with pytest.raises(TypeError, match=r"x must be an array of NumPy, torch, JAX .* got builtins\."):
        FUNCTIONS[name].fill(x, None)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_read_only_array_is_never_written_nor_copied(name):
    case = FUNCTIONS[name]
    x = np.full(case.shape, VALUE)
    x.flags.writeable = False
    with pytest.raises(
        ValueError, match=rf"x of shape {re.escape(str(case.shape))} is a read-only array.*pass x.copy\(\)"
    ):
        case.fill(x, None)
    assert (x == VALUE).all()


def test_a_complex_array_cannot_be_truncated(library):
    if "complex64" not in library.dtypes:
        no_such_case(f"{library.name} has no complex64")
    with pytest.raises(TypeError, match="trunc_normal_ truncates to an interval, which complex numbers do not have"):
        ai.trunc_normal_(library.empty(MATRIX, "complex64"))


@pytest.mark.parametrize(
    ("dtype", "val", "error", "text"),
    [
        ("int8", 128, ValueError, "val=128 does not fit dtype int8, which holds -128 to 127"),
        ("uint8", -1, ValueError, "val=-1 does not fit dtype uint8, which holds 0 to 255"),
        ("int32", math.nan, ValueError, "val=nan does not fit dtype int32"),
        ("int64", math.inf, ValueError, "val=inf does not fit dtype int64"),
        ("float32", 10**400, ValueError, "val must fit a double"),
        ("float32", 1e300, ValueError, "val=1e+300 does not fit dtype float32: it must be infinite or within 3.4028"),
        ("float32", Decimal("0.5"), TypeError, "val must be a number, got Decimal('0.5') of type Decimal"),
        ("bool", None, TypeError, "val must be a number, got None of type NoneType"),
    ],
)
def test_constants_that_do_not_fit(dtype, val, error, text, library):
    with pytest.raises(error, match=re.escape(text)):
        ai.constant_(library.full((3,), dtype, 1), val)


@pytest.mark.parametrize(("dtype", "bound"), [("float16", 7e4), ("float32", 1e39), ("float32", 3e38)])
def test_bounds_that_do_not_fit_the_dtype(dtype, bound, library):
    if dtype not in library.dtypes:
        no_such_case(f"{library.name} has no {dtype}")
    with pytest.raises(ValueError, match=rf"the bounds {re.escape(repr(-bound))} and .* do not fit dtype {dtype}"):
        ai.uniform_(library.full((3,), dtype, VALUE), -bound, bound)


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda x: ai.normal_(x, 0, 1e39), "mean=0.0 and std=1e+39 do not fit dtype float32"),
        (lambda x: ai.normal_(x, -1e39, 1), "mean=-1e+39 and std=1.0 do not fit dtype float32"),
        (lambda x: ai.trunc_normal_(x, 0, 1e308), "mean=0.0 and std=1e+308 do not fit dtype float32"),
        (lambda x: ai.trunc_normal_(x, 0, 1, 1e200, math.inf), "the bound 1e+200 does not fit dtype float32"),
        (lambda x: ai.trunc_normal_(x, 0, 1, 0.3, 0.30000001), "no float32 lies between the bounds 0.3 and 0.30000001"),
        (lambda x: ai.xavier_normal_(x, 1e200), "do not fit dtype float32"),
        (lambda x: ai.xavier_uniform_(x, 1e200), "do not fit dtype float32"),
        (lambda x: ai.orthogonal_(x, 1e300), "gain=1e+300 does not fit dtype float32"),
        (lambda x: ai.sparse_(x, 0.5, 1e39), "std=1e+39 do not fit dtype float32"),
    ],
)
def test_what_would_overflow_is_refused(draw, text, library):
    x = library.full(MATRIX, "float32", VALUE)
    with pytest.raises(ValueError, match=re.escape(text)):
        draw(x)
    assert (library.to_numpy(x) == VALUE).all()


@pytest.mark.parametrize("name", ["eye_", "dirac_"])
@pytest.mark.parametrize("dtype", ["object", "S3", "datetime64[s]", "longdouble", "i4,f4"])
def test_patterns_of_other_dtypes_are_refused(name, dtype):
    x = np.zeros(KERNEL if name == "dirac_" else MATRIX, dtype)
    with pytest.raises(TypeError, match=r"x has dtype .*, which is not supported: only arrays of float16"):
        getattr(ai, name)(x)


@pytest.mark.parametrize("strides", [(0, 8), (8, 8), (24, 8), (8, 3), (0, 0)])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in KERNELS])
def test_shared_memory_is_refused(name, strides):
    memory = np.full(120, VALUE)
    x = np.lib.stride_tricks.as_strided(memory, cases.MATRIX, strides)
    with pytest.raises(ValueError, match=r"share a single memory location: pass x\.copy"):
        FUNCTIONS[name].fill(x, None)
    assert (memory == VALUE).all()


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("shape", [(0,), (0, 4), (4, 0), (2, 0, 3)])
def test_fan_based_functions_warn_of_an_empty_array_as_torch_does(name, shape, library):
    x = library.empty(shape, "float32")
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op") as record:
        y = getattr(ai, name)(x)
    assert record[0].filename == __file__
    assert tuple(y.shape) == shape
    with pytest.warns(UserWarning, match="zero-element"), pytest.raises(TypeError):
        getattr(ai, name)(x, rng="0")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "copy_"])
def test_an_empty_array_is_a_no_op(name, library):
    for shape in ((0, 4, 3), (4, 0, 3), (4, 2, 0)) if name in KERNELS else ((0, 4), (4, 0)):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element")
            assert tuple(FUNCTIONS[name].fill(library.empty(shape, "float32"), None).shape) == shape


@pytest.mark.parametrize("nonlinearity", ["gelu", None, 3, ["relu"]])
def test_unknown_nonlinearities_of_calculate_gain(nonlinearity):
    with pytest.raises(ValueError, match="nonlinearity must be one of linear, identity, conv1d"):
        ai.calculate_gain(nonlinearity)


@pytest.mark.parametrize(("shape", "error"), [((2.5, 3), TypeError), (("a", "b"), TypeError), ((-1, 2), ValueError)])
def test_fans_of_what_is_no_shape(shape, error):
    with pytest.raises(error, match="a shape must be of integers"):
        ai.calculate_fan_in_and_fan_out(shape)


@pytest.mark.parametrize("x", [3, None, "ab"])
def test_fans_of_what_has_no_shape(x):
    with pytest.raises(TypeError, match="x must be an array"):
        ai.calculate_fan_in_and_fan_out(x)
