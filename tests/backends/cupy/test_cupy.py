"""CuPy without a GPU: what the adapter does, with NumPy in CuPy's place. `test_cupy_calls.py` checks how it calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import CASES, DRAWS, FIXED, Case
from cupy_on_numpy import DEVICE, Generator, RandomState, plain
from cupy_stand_in import BUILT_IN, full, stand_in  # noqa: F401
from distributions import check, truncated_normal, truncated_square
from libraries import no_such_case
from portable_calls import reference, same_bits
from scipy import stats

import arrayinit
from arrayinit.backends import registry
from arrayinit.kernels import fill as fills

pytestmark = pytest.mark.usefixtures("numpy_library")

RNGS = {
    "its Generator": lambda: Generator(1),
    "its RandomState": lambda: RandomState(1),
    "its global state": lambda: None,
}
every_rng = pytest.mark.parametrize("rng", RNGS)
REAL = ["float16", "float32", "float64"]
# test_copy_cupy.py has copy_.
WRITTEN = [name for name in FIXED if name != "copy_"]
# The variance of the unit normal truncated at two standard deviations.
TWO_SIGMA = float(stats.truncnorm(-2, 2).var())


@every_rng
@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize(
    ("fill", "distribution"),
    [
        (lambda x, rng: arrayinit.uniform_(x, -1, 2, rng=rng), stats.uniform(-1, 3)),
        (lambda x, rng: arrayinit.normal_(x, 1, 2, rng=rng), stats.norm(1, 2)),
        (lambda x, rng: arrayinit.kaiming_uniform_(x, layout="IO", rng=rng), stats.uniform(-0.125, 0.25)),
        (lambda x, rng: arrayinit.xavier_normal_(x, rng=rng), stats.norm(0, (2 / 640) ** 0.5)),
        (lambda x, rng: arrayinit.trunc_normal_(x, 0, 1, -1, 2, rng=rng), truncated_normal(0, 1, -1, 2)),
        (lambda x, rng: arrayinit.variance_scaling_(x, 256 * TWO_SIGMA, rng=rng), truncated_normal(0, 1, -2, 2)),
        (lambda x, rng: arrayinit.trunc_normal_(x, 1, 2, 3, 5, rng=rng), truncated_normal(1, 2, 3, 5)),
    ],
    ids=["uniform", "normal", "kaiming uniform", "xavier normal", "truncated", "variance scaling", "in the tail"],
)
def test_draws_follow_their_distribution(fill: Any, distribution: Any, dtype: str, rng: str) -> None:
    x = full((384, 256), dtype)
    assert fill(x, RNGS[rng]()) is x
    check(plain(x), distribution, spacing=float(np.finfo(dtype).eps))


@every_rng
def test_complex_draws_are_circular(rng: str) -> None:
    x = plain(arrayinit.variance_scaling_(full((300, 300), "complex128"), 300.0, rng=RNGS[rng]()))
    distribution = truncated_square(1.0)
    check(np.minimum(abs(x) ** 2, distribution.support()[1]), distribution)
    x = plain(arrayinit.normal_(full((300, 300), "complex64"), 1, 2, rng=RNGS[rng]()))
    check(x.real, stats.norm(1, 2**0.5))
    check(x.imag, stats.norm(0, 2**0.5))
    x = plain(arrayinit.uniform_(full((300, 300), "complex128"), -1, 1, rng=RNGS[rng]()))
    check(abs(x) ** 2, stats.uniform(0, 1))


@every_rng
@pytest.mark.parametrize("dtype", [*REAL, "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (6, 4, 3)])
def test_orthogonal_is_orthogonal(shape: tuple[int, ...], dtype: str, rng: str) -> None:
    x = full(shape, dtype)
    assert arrayinit.orthogonal_(x, 2.0, rng=RNGS[rng]()) is x
    w = plain(x).reshape(shape[0], -1).astype("complex128")
    small = w @ w.conj().T if w.shape[0] <= w.shape[1] else w.conj().T @ w
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=40 * np.finfo(dtype).eps)


@every_rng
@pytest.mark.parametrize("dtype", [*REAL, "complex64"])
@pytest.mark.parametrize("sparsity", [0, 0.1, 0.5, 0.75, 1])
def test_sparse_has_its_zeros_in_every_column(sparsity: float, dtype: str, rng: str) -> None:
    x = full((20, 30), dtype)
    assert arrayinit.sparse_(x, sparsity, std=1.0, rng=RNGS[rng]()) is x
    zero = plain(x) == 0
    assert (zero.sum(axis=0) == np.ceil(sparsity * 20)).all()
    assert not 0 < sparsity < 1 or len({column.tobytes() for column in zero.T}) > 1


@pytest.mark.parametrize("dtype", [*REAL, "complex64", "int8", "bool"])
@pytest.mark.parametrize("name", WRITTEN)
def test_fixed_values_are_those_of_numpy(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = FIXED[name]
    x = full(case.shape, dtype)
    assert case.fill(x) is x
    monkeypatch.undo()
    np.testing.assert_array_equal(plain(x), case.fill(np.full(case.shape, 7, dtype)))


@pytest.mark.parametrize("rng", [5, "NumPy's"])
def test_parts_are_filled_on_the_device(rng: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = arrayinit.stack(arrayinit.normal(), axis=1)
    values = {"b": inner, "c": arrayinit.eye(layout="OI"), "d": arrayinit.orthogonal(layout="OI")}
    value = arrayinit.parts(arrayinit.uniform(), 0, {"a": 2, "b": 1, "c": 3, "d": 2}, values=values)

    def filled(x: Any) -> Any:
        generator = np.random.default_rng(5) if rng == "NumPy's" else rng
        return plain(arrayinit.initialize({"x": x}, [("x", value)], rng=generator)["x"])

    ours = filled(full((8, 6)))
    assert DEVICE.outside == []
    monkeypatch.undo()
    np.testing.assert_array_equal(ours, filled(np.full((8, 6), 7, "float32")))


def test_a_numpy_generator_draws_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    x = arrayinit.kaiming_normal_(full((6, 4)), rng=np.random.default_rng(2))
    monkeypatch.undo()
    expected = arrayinit.kaiming_normal_(np.empty((6, 4), "float32"), rng=np.random.default_rng(2))
    np.testing.assert_array_equal(plain(x), expected)


@pytest.mark.parametrize("wrong", [True, 1.5, "0", np.random.RandomState(0)])
def test_another_kind_of_generator_is_refused_with_what_to_pass(wrong: Any) -> None:
    x = full((3, 4))
    with pytest.raises(TypeError, match=r"rng .*cupy\.random\.Generator.*numpy\.random\.Generator.*got"):
        arrayinit.uniform_(x, rng=wrong)
    assert (plain(x) == 7).all()


@pytest.mark.parametrize("rng", [*RNGS, "NumPy's Generator"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize("case", [case for case in CASES if case.is_drawn], ids=str)
def test_all_drawing_is_done_on_the_device_of_the_array(case: Case, dtype: str, rng: str) -> None:
    if dtype not in case.dtypes:
        no_such_case("complex numbers are not truncated")
    generator = {**RNGS, "NumPy's Generator": lambda: np.random.default_rng(0)}[rng]()
    case.fill(full(case.shape, dtype), generator)
    assert (DEVICE.outside, DEVICE.depth) == ([], 0)


@pytest.mark.parametrize("name", WRITTEN)
def test_all_writing_is_done_on_the_device_of_the_array(name: str) -> None:
    FIXED[name].fill(full(FIXED[name].shape))
    assert (DEVICE.outside, DEVICE.depth) == ([], 0)


def test_that_check_fails_for_work_outside() -> None:
    x = full((3, 4))
    x += np.sqrt(x)
    x[0] = 1
    assert DEVICE.outside == ["sqrt", "add", "__setitem__"]


@pytest.mark.parametrize("dtype", [*REAL, "complex64"])
@pytest.mark.parametrize("name", ["kaiming_uniform_", "sparse_"])
@pytest.mark.parametrize("stand_in", [False, True], ids=["by kernels", "part by part"], indirect=True)
def test_a_seed_fills_the_array_with_the_bits_of_numpy(name, dtype, monkeypatch):
    draw = DRAWS[name]
    with monkeypatch.context() as real:
        real.setattr(registry, "ARRAYS", {"numpy": BUILT_IN["numpy"]})
        real.setattr(registry, "_by_type", {})
        real.setattr(registry, "_supported", set())
        expected = reference(draw, dtype)
    monkeypatch.setattr(fills, "UPLOAD", 10_000)
    x = full(draw.shape, dtype)
    assert draw.fill(x) is x
    same_bits(plain(x), expected, dtype)
    assert DEVICE.outside == []
