"""The mathematics of the core, against numbers worked out by hand and by other means."""

import ast
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from peers import peer
from scipy import stats

import arrayinit
from arrayinit.backends._numpy import BACKEND
from arrayinit.core.distributions import Disk, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.core.layouts import fans, parse
from arrayinit.core.scales import fan_for_mode, kaiming, xavier
from arrayinit.core.truncation import Central, Extreme, Narrow, Tail, truncation

CORE = Path(arrayinit.__file__).parent / "core"


def imported(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, and 'arrayinit.x' for its own."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name if name.startswith("arrayinit.") else name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_core_imports_nothing_but_the_standard_library_and_itself(path):
    own = {name for name in imported(path) if name.startswith("arrayinit.core")}
    assert imported(path) - own <= sys.stdlib_module_names


def test_that_check_sees_a_forbidden_import(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("from numpy.linalg import qr\nimport arrayinit.backends._numpy\n")
    assert not imported(path) <= sys.stdlib_module_names
    assert "arrayinit.backends._numpy" in imported(path)


FLOORS = {
    "__main__": 10,
    "cli": 9,
    "testing": 9,
    "recipes": 9,
    "checkpoints": 9,
    "__init__": 9,
    "models": 8,
    "initializers": 7,
    "values": 6,
    "backends": 5,
    "kernels": 4,
    "stream": 3,
    "core": 1,
}


def test_no_module_imports_one_that_stands_above_it():
    root = CORE.parent
    for path in root.rglob("*.py"):
        place = path.relative_to(root).parts[0].removesuffix(".py")
        for name in imported(path):
            if name.startswith("arrayinit."):
                assert FLOORS[name.split(".")[1]] <= FLOORS[place], f"{path.name} imports {name}"


@pytest.mark.parametrize(
    ("shape", "layout", "groups", "expected"),
    [
        ((64, 32), "OI...", 1, (32, 64)),
        ((64, 32, 3, 3), "OI...", 1, (288, 576)),
        ((64, 8, 3, 3), "OI...", 4, (72, 144)),
        ((64, 1, 3), "OI...", 64, (3, 3)),
        ((32, 64, 3), "IO...", 1, (96, 192)),
        ((3, 3, 32, 64), "...IO", 1, (288, 576)),
        ((3, 3, 32, 64), "HWIO", 1, (288, 576)),
        ((64, 3, 3, 32), "O...I", 1, (288, 576)),
        ((768, 12, 64), "IOO", 1, (768, 768)),
        ((12, 64, 768), "IIO", 1, (768, 768)),
        ((8, 32, 64), "BIO", 1, (32, 64)),
        ((7,), "O", 1, (1, 7)),
        ((7,), "I", 1, (7, 1)),
        ((2, 3, 5), "k...I", 1, (30, 6)),
    ],
)
def test_fans(shape, layout, groups, expected):
    assert fans(shape, layout, groups) == expected
    assert arrayinit.calculate_fan_in_and_fan_out(shape, layout=layout, groups=groups) == expected
    assert arrayinit.calculate_fan_in_and_fan_out(np.empty(shape), layout=layout, groups=groups) == expected


def test_the_canonical_order_is_batch_outputs_inputs_kernel():
    assert parse("H...BIO", (1, 2, 3, 4, 5)).canonical == (2, 4, 3, 0, 1)


@pytest.mark.parametrize(("mode", "expected"), [("fan_in", 4), ("FAN_OUT", 9), ("fan_avg", 6.5), ("fan_geo_avg", 6.0)])
def test_modes(mode, expected):
    assert fan_for_mode(4, 9, mode) == expected


def test_scales():
    assert kaiming(50, 100, 0, "fan_in", "relu").std == pytest.approx(math.sqrt(2 / 50))
    assert kaiming(50, 100, 0.2, "fan_out", "leaky_relu").std == pytest.approx(math.sqrt(2 / 1.04 / 100))
    assert xavier(50, 100, 2.0).std == pytest.approx(2 * math.sqrt(2 / 150))
    for scale in (kaiming(48, 7, 0, "fan_in", "selu"), xavier(48, 7, 1.7)):
        assert scale.variance == pytest.approx(scale.std**2)
    assert Uniform.scaled(*xavier(3, 3, 1.0))[:2] == pytest.approx((-1, 1))


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [0.1, -0.1, 1.0, 1e-7, 65504.0, -3.3e4, 6e-8, 1e-45, 0.0])
def test_rounding_down_and_up_agrees_with_numpy(name, value):
    form, kind = FORMATS[name], np.dtype(name).type
    below, above = form.floor(value), form.ceil(value)
    assert float(kind(below)) == below <= value <= above == float(kind(above))
    assert above == below or float(np.nextafter(kind(below), kind(np.inf))) == above
    assert form.nearest(value) == float(kind(value))
    assert form.max == float(np.finfo(kind).max)
    assert form.below(value) == (float(np.nextafter(kind(value), kind(-np.inf))) if below == value else below)


def test_bfloat16_rounds_like_ml_dtypes():
    ml_dtypes = peer("ml_dtypes")
    form = FORMATS["bfloat16"]
    values = np.random.default_rng(0).standard_normal(1000)
    assert [form.nearest(v) for v in values] == [float(ml_dtypes.bfloat16(v)) for v in values]
    assert form.max == float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)


def test_limits_hold_the_interval_and_no_more():
    assert Uniform(0.0, 1.0).limits(FORMATS["float32"]) == (0.0, 1.0 - 2.0**-24)
    assert Uniform(0.0, 1.0).limits(FORMATS["bfloat16"]) == (0.0, 1.0)
    low, high = Uniform(-0.1, 0.1).limits(FORMATS["bfloat16"])
    assert -0.1 <= low < -0.0995
    assert 0.0995 < high <= 0.1
    assert Uniform(0.1, 0.1).limits(FORMATS["float16"]) == (float(np.float16(0.1)),) * 2
    assert TruncatedNormal(0.0, 1.0, -math.inf, 2.0).limits(FORMATS["float32"]) == (-math.inf, 2.0)
    assert Normal(0.0, 1.0).limits(FORMATS["float32"]) is None


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float16", "float32", "complex64", "bool"])
@pytest.mark.parametrize("val", [0, 1, True, 2.75, np.float32(2.5), np.int64(3), np.float64("nan"), 1 + 2j])
def test_constants_are_converted_as_numpy_converts_them(dtype, val):
    x = np.zeros(3, dtype)
    if isinstance(val, complex) and dtype not in ("complex64", "bool"):
        with pytest.raises(TypeError, match="is complex"):
            arrayinit.constant_(x, val)
    elif np.isnan(val) and dtype in ("int8", "uint16"):
        with pytest.raises(ValueError, match="does not fit"):
            arrayinit.constant_(x, val)
    else:
        np.testing.assert_array_equal(arrayinit.constant_(x, val), np.full(3, val).astype(dtype))


@pytest.mark.parametrize("dtype", ["longdouble", "object", "datetime64[s]", "S3", "i4,f4"])
def test_dtypes_outside_the_array_api_are_refused(dtype):
    x = np.zeros(3, dtype)
    for fill in (arrayinit.zeros_, arrayinit.uniform_):
        with pytest.raises(TypeError, match="x has dtype"):
            fill(x)


def test_complex_counterparts():
    assert Uniform(-1.0, 3.0).circular() == Disk(1.0, 2.0)
    assert Uniform.scaled(0.5, 0.25).circular() == Disk(0.0, math.sqrt(0.5))
    assert Normal(1.0, 2.0).circular() == Normal(1.0, 2.0)
    with pytest.raises(TypeError, match="x must be real"):
        TruncatedNormal(0.0, 1.0, -2.0, 2.0).circular()


@pytest.mark.parametrize(
    ("bounds", "region"),
    [
        ((-2.0, 2.0), Central),
        ((2.0, 3.0), Tail),
        ((-math.inf, -2.5), Tail),
        ((-40.0, -39.0), Extreme),
        ((0.0, math.inf), Central),
        ((0.5, 0.5001), Narrow),
    ],
)
def test_the_bounds_choose_the_region(bounds, region):
    assert isinstance(truncation(TruncatedNormal(0.0, 1.0, *bounds)), region)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_of_the_uniform_stay_finite(dtype):
    last = np.nextafter(dtype(1), dtype(0))
    for bounds in ((-math.inf, math.inf), (-math.inf, 1.9), (-10.0, 10.0), (3.0, math.inf), (50.0, math.inf)):
        plan = truncation(TruncatedNormal(0.0, 1.0, *bounds))
        u = np.array([0, np.finfo(dtype).tiny, 0.5, last], dtype)
        assert np.isfinite(BACKEND.from_uniform(u, plan)).all(), bounds


def test_moments_of_the_truncated_normal_in_the_extreme():
    u = (np.arange(100_000) + 0.5) / 100_000
    z = BACKEND.from_uniform(u, truncation(TruncatedNormal(0.0, 1.0, -42.0, -38.0)))
    distribution = stats.truncnorm(-42, -38)
    np.testing.assert_allclose(z[[1000, 50_000, 99_000]], distribution.ppf([0.010005, 0.500005, 0.990005]), rtol=1e-7)
