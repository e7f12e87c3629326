"""MLX's own numbers: its keys, its global state, and the bits of mlx.nn.init."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import DRAWN
from libraries import Library

import arrayinit as ai

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")
init = pytest.importorskip("mlx.nn", reason="MLX is not installed").init

LAYOUT = {"layout": "O...I"}
SAME: dict[str, tuple[Any, Any]] = {
    "normal": (init.normal(0.5, 2.0), ai.normal(0.5, 2.0)),
    "uniform": (init.uniform(-0.3, 0.7), ai.uniform(-0.3, 0.7)),
    "glorot_normal": (lambda x: init.glorot_normal()(x, 1.7), ai.xavier_normal(1.7, **LAYOUT)),
    "glorot_uniform": (lambda x: init.glorot_uniform()(x, 1.7), ai.xavier_uniform(1.7, **LAYOUT)),
    "he_normal": (init.he_normal(), ai.kaiming_normal(nonlinearity="linear", **LAYOUT)),
    "he_uniform": (init.he_uniform(), ai.kaiming_uniform(nonlinearity="linear", **LAYOUT)),
    "he_normal, fan_out": (
        lambda x: init.he_normal()(x, "fan_out", 3),
        ai.variance_scaling(9, "fan_out", "normal", **LAYOUT),
    ),
    "he_uniform, fan_out": (
        lambda x: init.he_uniform()(x, "fan_out", 2**0.5),
        ai.kaiming_uniform(mode="fan_out", nonlinearity="relu", **LAYOUT),
    ),
}


@pytest.fixture(autouse=True)
def mlx(mlx_library: Library) -> Library:
    """Let these tests run where MLX is asked for."""
    return mlx_library


def drawn(rng: Any, dtype: str = "float32", name: str = "normal_") -> np.ndarray:
    case = DRAWN[name]
    x = case.fill(mx.zeros(case.shape, getattr(mx, dtype), stream=mx.cpu), rng)
    return np.array(x if dtype in ("float64", "complex64") else x.astype(mx.float32))


@pytest.mark.parametrize("shape", [(300, 700), (64, 3, 3, 128)])
@pytest.mark.parametrize("name", SAME)
def test_the_global_state_gives_the_bits_of_mlx(name: str, shape: tuple[int, ...]) -> None:
    theirs, ours = SAME[name]
    mx.random.seed(7)
    expected = theirs(mx.zeros(shape))
    mx.random.seed(7)
    np.testing.assert_array_equal(np.array(ours(mx.zeros(shape))), np.array(expected))


def test_a_square_orthogonal_matrix_has_the_bits_of_mlx() -> None:
    mx.random.seed(7)
    expected = init.orthogonal(2.0)(mx.zeros((50, 50)))
    mx.random.seed(7)
    np.testing.assert_array_equal(np.array(ai.orthogonal_(mx.zeros((50, 50)), 2.0)), np.array(expected))


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64", "complex64"])
def test_keys_and_seeds_of_mlx_repeat(name: str, dtype: str) -> None:
    if dtype not in DRAWN[name].dtypes:
        return
    one, again, other = (drawn(mx.random.key(seed), dtype, name) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    mx.random.seed(3)
    first, second = (drawn(None, dtype, name) for _ in range(2))
    mx.random.seed(3)
    np.testing.assert_array_equal(drawn(None, dtype, name), first)
    assert (first != second).any()


def test_the_numbers_and_the_zeros_of_a_sparse_matrix_have_keys_of_their_own() -> None:
    x = np.array(ai.sparse_(mx.zeros((400, 300)), 0.3, std=1.0, rng=mx.random.key(0)))
    assert ((x == 0).sum(axis=0) == 120).all()
    # With one key, the zeros would be where the numbers are small.
    assert abs(np.median(x[x != 0])) < 0.02


def test_a_key_is_folded_with_the_names_of_a_model() -> None:
    rules = [("**", ai.normal())]
    key = mx.random.key(0)
    first, second = ({"a": mx.zeros((50, 40)), "b": mx.zeros((50, 40))} for _ in range(2))
    ai.initialize(first, rules, rng=key)
    ai.initialize({"b": second["b"]}, rules, rng=key)
    one, two = np.array(first["a"]), np.array(first["b"])
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(np.array(second["b"]), two)
    assert abs(np.corrcoef(np.array(ai.normal_(mx.zeros((50, 40)), rng=key)).ravel(), one.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("rng", [1, mx.random.key(0)], ids=["seed", "key"])
def test_parts_are_drawn_and_others_are_kept(rng: Any) -> None:
    model = {"w": mx.full((6, 4), 7.0)}
    value = ai.parts(ai.normal(), 0, ["a", "b", "c"], values={"b": ai.keep()})
    assert ai.initialize(model, [("w", value)], rng=rng)["w"] is model["w"]
    x = np.array(model["w"])
    assert (x[2:4] == 7).all()
    assert (x[:2] != x[4:]).all()
    if isinstance(rng, int):
        np.testing.assert_array_equal(x[:2], ai.normal_(np.empty((2, 4), np.float32), rng=ai.fold_in(1, "a.w")))


@pytest.mark.parametrize(
    "rng",
    [mx.array([1, 2, 3]), mx.array([1, 2]), mx.zeros((2, 2), mx.uint32), mx.random.split(mx.random.key(0), 3), "key"],
)
def test_what_is_no_key_is_refused(rng: Any) -> None:
    x = mx.zeros((2,))
    with pytest.raises(TypeError, match=r"rng for an MLX array must be None \(MLX's global state\), .*an MLX key"):
        ai.normal_(x, rng=rng)
    assert x.tolist() == [0, 0]


def test_an_mlx_key_is_no_seed_of_other_libraries() -> None:
    key = mx.random.key(5)
    with pytest.raises(
        TypeError, match=r"got mlx\.core\.array of shape \(2,\) and dtype mlx\.core\.uint32: an MLX key"
    ):
        ai.normal_(np.empty(3), rng=key)
    seed = np.asarray(key)
    np.testing.assert_array_equal(ai.normal_(np.empty(3), rng=seed), ai.normal_(np.empty(3), rng=[0, 5]))
    np.testing.assert_array_equal(
        np.array(ai.normal_(mx.zeros((3,)), rng=mx.array(5))), ai.normal_(np.empty(3, "float32"), rng=5)
    )
