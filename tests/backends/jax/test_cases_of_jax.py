"""What JAX asks of its own initializers in its tests, asked of values; docs/frameworks/cases.md has the table."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest

import arrayinit as ai
from arrayinit import Initializer

with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")

SHAPES = ((), (2,), (2, 2), (2, 3), (3, 2), (2, 3, 4), (4, 3, 2), (2, 3, 4, 5))
REAL = ("float32", "float64")
BOTH = (*REAL, "complex64", "complex128")

# The value, the numbers of axes of its shapes, and the dtypes.
ROWS: dict[str, tuple[Initializer, tuple[int, ...], tuple[str, ...]]] = {
    "uniform": (ai.uniform(0.0, 0.01), (1, 2, 3, 4), REAL),
    "normal": (ai.normal(std=0.01), (1, 2, 3, 4), BOTH),
    "he_normal": (ai.variance_scaling(2.0), (2, 3, 4), BOTH),
    "he_uniform": (ai.kaiming_uniform(), (2, 3, 4), BOTH),
    "glorot_normal": (ai.variance_scaling(1.0, "fan_avg"), (2, 3, 4), BOTH),
    "glorot_uniform": (ai.xavier_uniform(), (2, 3, 4), BOTH),
    "lecun_normal": (ai.lecun_normal(), (2, 3, 4), BOTH),
    "lecun_uniform": (ai.lecun_uniform(), (2, 3, 4), BOTH),
    "orthogonal": (ai.orthogonal(), (2,), REAL),
    "truncated_normal": (ai.trunc_normal(std=0.01, a=-0.02, b=0.02), (1, 2, 3, 4), REAL),
    "delta_orthogonal": (ai.delta_orthogonal(), (4,), REAL),
    "variance_scaling_fan_geo_avg": (ai.variance_scaling(1.0, "fan_geo_avg", "normal"), (2, 3, 4), REAL),
    "in_axis=[0], out_axis=[]": (ai.variance_scaling(1.0, "fan_in", "normal", layout="I..."), (1, 2, 3, 4), REAL),
    "in_axis=[], out_axis=[0]": (ai.variance_scaling(1.0, "fan_in", "normal", layout="O..."), (1, 2, 3, 4), REAL),
    "in_axis=[], out_axis=[]": (ai.normal(std=0.5), (0, 1, 2, 3, 4), REAL),
}
CALLS = [
    pytest.param(value, shape, dtype, id=f"{name}-{shape}-{dtype}")
    for name, (value, axes, dtypes) in ROWS.items()
    for shape in SHAPES
    for dtype in dtypes
    if len(shape) in axes
]


def key() -> Any:
    return jax.random.PRNGKey(0)


@pytest.mark.parametrize(("value", "shape", "dtype"), CALLS)
def test_initializer(value: Initializer, shape: tuple[int, ...], dtype: str) -> None:
    # Traced, since to compile each of them takes minutes; test_values_jax.py compares the numbers.
    for call in (lambda k: value(k, shape, dtype), lambda k: partial(value, dtype=dtype)(k, shape)):
        x = jax.eval_shape(call, key())
        assert (x.shape, x.dtype) == (shape, jnp.dtype(dtype))


@pytest.mark.parametrize("shape", [(n, m) for n in range(4) for m in range(4)])
def test_initializer_orthogonal_zero_size(shape: tuple[int, int]) -> None:
    assert jax.eval_shape(lambda k: ai.orthogonal()(k, shape, "float64"), key()).dtype == "float64"
    w = np.asarray(ai.orthogonal()(key(), shape, "float32"))
    assert (w.shape, w.dtype) == (shape, "float32")
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize(
    ("layout", "axes"),
    [
        ("IIOO", {"in_axis": (0, 1), "out_axis": (-2, -1)}),
        ("IBOO", {"in_axis": 0, "out_axis": (2, 3), "batch_axis": 1}),
    ],
)
def test_variance_scaling_multi_and_batch_axis(layout: str, axes: dict[str, Any]) -> None:
    value = ai.variance_scaling(1.0, "fan_avg", "truncated_normal", layout=layout)
    x = value(key(), (2, 3, 4, 5))
    expected = jax.nn.initializers.variance_scaling(1.0, "fan_avg", "truncated_normal", **axes)
    np.testing.assert_array_equal(x, expected(key(), (2, 3, 4, 5)))


def test_variance_scaling_error() -> None:
    with pytest.raises(ValueError, match=r"x of shape \(5,\) has 1 axis"):
        ai.variance_scaling(1.0, "fan_avg")(key(), (5,))


@pytest.mark.parametrize(
    "make", [ai.uniform, ai.normal, ai.trunc_normal], ids=["uniform", "normal", "truncated_normal"]
)
def test_accidental_upcasting(make: Any) -> None:
    name = "b" if make is ai.uniform else "std"
    value = make(**{name: jnp.float32(1.5)})
    assert type(value.arguments[name]) is float
    assert partial(value, dtype=jnp.bfloat16)(key(), (10, 10)).dtype == jnp.bfloat16
