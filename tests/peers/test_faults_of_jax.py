"""The faults of jax.nn.initializers: each test fails there, and passes here."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faults import failing
from peers import peer

import arrayinit

pytestmark = pytest.mark.peers

SHAPE = (2048, 2048)


@pytest.fixture
def jax() -> Any:
    return peer("jax")


@pytest.fixture
def init(by: str, jax: Any) -> Any:
    """The calls of each that do the same, of a shape and a dtype, from one key."""
    key, theirs = jax.random.key(0), jax.nn.initializers

    def he(layout: str) -> dict[str, Any]:
        return {"nonlinearity": "relu", "layout": layout, "rng": key}

    def struct(shape: tuple[int, ...], dtype: str) -> Any:
        return jax.ShapeDtypeStruct(shape, jax.numpy.dtype(dtype))

    return {
        "arrayinit": SimpleNamespace(
            normal=lambda shape, dtype, std: arrayinit.normal_(struct(shape, dtype), std=std, rng=key),
            he=lambda shape: arrayinit.kaiming_uniform_(struct(shape, "float32"), **he("...IO")),
            he_of_two_axes=lambda shape: arrayinit.kaiming_uniform_(struct(shape, "float32"), **he("IO")),
            orthogonal=lambda shape, dtype: arrayinit.orthogonal_(struct(shape, dtype), layout="IO", rng=key),
            lecun=lambda shape, dtype: arrayinit.lecun_normal_(struct(shape, dtype), layout="IO", rng=key),
        ),
        "jax": SimpleNamespace(
            normal=lambda shape, dtype, std: theirs.normal(std)(key, shape, dtype),
            he=lambda shape: theirs.he_uniform()(key, shape, "float32"),
            he_of_two_axes=lambda shape: theirs.he_uniform(in_axis=0, out_axis=1)(key, shape, "float32"),
            orthogonal=lambda shape, dtype: theirs.orthogonal()(key, shape, dtype),
            lecun=lambda shape, dtype: theirs.lecun_normal()(key, shape, dtype),
        ),
    }[by]


def bfloat16_normals(init: Any, std: float) -> np.ndarray:
    return np.asarray(init.normal(SHAPE, "bfloat16", std)).astype(np.float64)


@failing("jax", "128 values: they come from 7 random bits")
def test_bfloat16_normals_have_all_their_values(init):
    assert np.unique(bfloat16_normals(init, 1.0)).size > 4000


@failing("jax", "mean off by 0.01 sigma")
def test_the_mean_of_bfloat16_normals_is_zero(init):
    assert abs(bfloat16_normals(init, 1.0).mean()) < 5 / math.sqrt(math.prod(SHAPE))


@failing("jax", "nothing past 2.9 sigma")
def test_bfloat16_normals_have_tails(init):
    # Of 4 M some 260 lie past 4 sigma.
    assert abs(bfloat16_normals(init, 0.02)).max() > 4 * 0.02


@failing("jax", "divides the number of elements by the fans", ZeroDivisionError)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors is a no-op:UserWarning")
def test_he_on_an_empty_weight_is_a_no_op(init):
    assert init.he((0, 4)).shape == (0, 4)


@failing("jax", "a ValueError that speaks of axes only")
def test_he_on_a_bias_says_how_to_initialize_one(init):
    with pytest.raises(ValueError, match=r"1 axis|1-dimensional") as error:
        init.he((4,))
    assert "bias" in str(error.value)


@failing("jax", "a bare 'tuple index out of range'", IndexError)
def test_he_with_more_axes_than_a_bias_has_names_its_shape(init):
    with pytest.raises(ValueError, match=r"\(4,\)"):
        init.he_of_two_axes((4,))


def test_a_bias_is_initialized_as_the_errors_say(jax):
    struct = jax.ShapeDtypeStruct((4,), jax.numpy.float32)
    with pytest.raises(ValueError, match=r"layout='O', or .* uniform_\(x, -bound, bound\) with bound = 1 / sqrt"):
        arrayinit.kaiming_uniform_(struct)
    assert arrayinit.kaiming_uniform_(struct, layout="O", rng=jax.random.key(0)).shape == (4,)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@failing("jax", "its QR decomposition has no 16-bit types", NotImplementedError)
def test_orthogonal_takes_16_bit_types(init, jax, dtype):
    q = np.asarray(init.orthogonal((10, 6), dtype)).astype(np.float64)
    epsilon = float(jax.numpy.finfo(dtype).eps)
    assert abs(q.T @ q - np.eye(6)).max() <= 2 * epsilon * math.sqrt(10)


@failing("jax", "its correction, sqrt(1 - 5 exp(-4)), lacks the share of what is left, 1 - exp(-4)")
def test_complex_truncated_normals_have_the_stated_variance(init):
    squares = abs(np.asarray(init.lecun(SHAPE, "complex64")).astype(complex)) ** 2 * SHAPE[0]
    assert abs(squares.mean() - 1) < 5 * squares.std() / math.sqrt(squares.size)
