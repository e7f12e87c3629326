"""Fans and standard deviations are those of JAX, Keras and torch, for random shapes, layouts and axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fan_cases import CASES, KERAS_CASES, TORCH_CASES, Case
from peers import peer

import arrayinit
from arrayinit.core.layouts import Axes

pytestmark = pytest.mark.peers

MODES = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg")


def same(ours: Any, theirs: Any) -> None:
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def ratio(values: Any, unit: Any) -> float:
    """Return the standard deviation that made ``values`` out of the draws of ``unit``, whose variance is one."""
    return float(np.linalg.norm(np.asarray(values, float)) / np.linalg.norm(np.asarray(unit, float)))


def close(ours: Any, theirs: Any, dtype: str) -> None:
    """Raise AssertionError unless numbers are equal but for the roundings of a scale and of the draws by it."""
    np.testing.assert_allclose(ours, theirs, rtol=16 * float(np.finfo(dtype).eps))


class OfJax:
    """JAX's variance_scaling, on the axes of the case; each dtype and distribution in its turn."""

    def __init__(self, case: Case) -> None:
        self.jax = peer("jax")
        self.case = case
        self.dtype = ("float32", "float64")[case.number % 2]
        self.distribution = ("uniform", "normal", "truncated_normal")[case.number % 3]
        # Draws by this kind of key take a third of the time to compile.
        self.key = self.jax.random.key(case.number, impl="rbg")

    def draw(self, scale: float, mode: str, *axes: tuple[int, ...]) -> Any:
        init = self.jax.nn.initializers.variance_scaling(scale, mode, self.distribution, *axes)
        return init(self.key, self.case.shape, self.jax.numpy.dtype(self.dtype))

    def weights(self, scale: float, mode: str) -> Any:
        return self.draw(scale, mode, *map(self.case.axes, "IOB"))

    def unit(self) -> Any:
        """A batch of scalars, whose fans are one."""
        return self.draw(1.0, "fan_in", (), (), tuple(range(len(self.case.shape))))

    def ours(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        x = self.jax.ShapeDtypeStruct(self.case.shape, self.jax.numpy.dtype(self.dtype))
        return getattr(arrayinit, name)(x, *arguments, layout=self.case.layout, rng=self.key, **keywords)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fans_are_those_of_jax(case: Case) -> None:
    with peer("jax").enable_x64(True):
        theirs = OfJax(case)
        unit = theirs.unit()
        found = [ratio(theirs.weights(1.0, mode), unit) ** -2 for mode in ("fan_in", "fan_out")]
        close(case.fans(), found, theirs.dtype)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_stds_are_those_of_jax_in_every_bit(case: Case) -> None:
    with peer("jax").enable_x64(True):
        theirs = OfJax(case)
        for mode in MODES:
            same(theirs.ours("variance_scaling_", 0.7, mode, theirs.distribution), theirs.weights(0.7, mode))
        if theirs.distribution == "truncated_normal":
            same(theirs.ours("lecun_normal_"), theirs.weights(1.0, "fan_in"))
        else:
            same(theirs.ours(f"xavier_{theirs.distribution}_"), theirs.weights(1.0, "fan_avg"))
            he = theirs.ours(f"kaiming_{theirs.distribution}_", mode="fan_out", nonlinearity="relu")
            same(he, theirs.weights(2.0, "fan_out"))


def keras_weights(case: Case, distribution: str, mode: str, **axes: Any) -> np.ndarray:
    keras = peer("keras")
    init = keras.initializers.VarianceScaling(0.7, mode, distribution, seed=5, **axes)
    return keras.ops.convert_to_numpy(init(case.shape, "float64"))


def keras_stds(case: Case, distribution: str, **axes: Any) -> list[float]:
    """Return the standard deviation for each mode but fan_geo_avg, which Keras has not."""
    unit = keras_weights(case, distribution, "fan_in", input_axes=[], output_axes=[]) / math.sqrt(0.7)
    return [ratio(keras_weights(case, distribution, mode, **axes), unit) for mode in MODES[:3]]


def keras_axes(case: Case) -> dict[str, tuple[int, ...]]:
    """Return the axes by which Keras multiplies; it knows of kernel axes only where it is told of none."""
    return {} if case.layout == "...IO" else {"input_axes": case.axes("Ik"), "output_axes": case.axes("Ok")}


@pytest.mark.parametrize("case", [*CASES, *KERAS_CASES], ids=str)
def test_fans_are_those_of_keras(case: Case) -> None:
    stds = keras_stds(case, "untruncated_normal", **keras_axes(case))
    close(case.fans(), [0.7 / std**2 for std in stds[:2]], "float64")


@pytest.mark.parametrize("case", [*CASES, *KERAS_CASES], ids=str)
def test_stds_are_those_of_keras(case: Case) -> None:
    # A batch of scalars, whose fans are one.
    scalars = ((*case.shape, 1), "B" * len(case.shape) + "O")

    def draw(shape: tuple[int, ...], layout: str, scale: float, mode: Any, distribution: Any) -> Any:
        x = np.empty(shape)
        return arrayinit.variance_scaling_(x, scale, mode, distribution, layout=layout, rng=case.number)

    for ours, theirs in (("uniform",) * 2, ("normal", "untruncated_normal"), ("truncated_normal",) * 2):
        unit = draw(*scalars, 1.0, "fan_in", ours)
        found = [ratio(draw(case.shape, case.layout, 0.7, mode, ours), unit) for mode in MODES[:3]]
        close(found, keras_stds(case, theirs, **keras_axes(case)), "float64")


@pytest.mark.large
@pytest.mark.parametrize("case", TORCH_CASES, ids=str)
def test_fans_are_those_of_paddle(case: Case) -> None:
    paddle = peer("paddle")
    theirs = paddle.nn.initializer.Initializer()._compute_fans(paddle.zeros(torch_shape(case)))
    # A matrix is (in, out).
    assert case.fans() == (theirs[::-1] if len(case.shape) == 2 else theirs)


def torch_shape(case: Case) -> tuple[int, ...]:
    return tuple(case.shape[i] for role in "OIk" for i in case.axes(role))


@pytest.mark.parametrize("case", TORCH_CASES, ids=str)
def test_fans_are_those_of_torch(case: Case) -> None:
    torch = peer("torch")
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(torch_shape(case)))
    assert case.fans() == theirs
    assert arrayinit.calculate_fan_in_and_fan_out(torch.empty(case.shape), layout=case.layout) == theirs


@pytest.mark.parametrize("case", TORCH_CASES, ids=str)
def test_stds_are_those_of_torch_in_every_bit(case: Case) -> None:
    torch = peer("torch")
    dtype = (torch.float32, torch.float64, torch.bfloat16)[case.number % 3]
    calls = [(f"xavier_{distribution}_", {"gain": 1.5}) for distribution in ("uniform", "normal")]
    calls += [
        (f"kaiming_{distribution}_", {"a": 0.3, "mode": mode})
        for distribution in ("uniform", "normal")
        for mode in MODES[:2]
    ]
    for name, arguments in calls:
        ours, theirs = torch.empty(case.shape, dtype=dtype), torch.empty(torch_shape(case), dtype=dtype)
        getattr(torch.nn.init, name)(theirs, generator=torch.Generator().manual_seed(5), **arguments)
        rng = torch.Generator().manual_seed(5)
        getattr(arrayinit, name)(ours, layout=case.layout, rng=rng, **arguments)
        # Both are contiguous, and drawn in the order of the memory.
        assert torch.equal(ours.flatten(), theirs.flatten())


@pytest.mark.parametrize("case", TORCH_CASES, ids=str)
def test_weights_of_new_layers_are_those_of_torch(case: Case) -> None:
    torch = peer("torch")
    outputs, inputs, *kernel = torch_shape(case)[:5]
    convolution = {"kernel_size": tuple(kernel), "groups": 3} if kernel else {}
    for name in (f"Conv{len(kernel)}d", f"ConvTranspose{len(kernel)}d") if kernel else ("Linear",):
        torch.manual_seed(5)
        layer = getattr(torch.nn, name)(3 * inputs, 3 * outputs, bias=False, **convolution)
        torch.manual_seed(5)
        ours = arrayinit.kaiming_uniform_(torch.empty_like(layer.weight), math.sqrt(5))
        assert torch.equal(ours, layer.weight)


_sizes = Axes.sizes


def swapped(axes: Axes, shape: tuple[int, ...]) -> tuple[int, int, int]:
    outputs, inputs, kernel = _sizes(axes, shape)
    return inputs, outputs, kernel


def kernel_forgotten(axes: Axes, shape: tuple[int, ...]) -> tuple[int, int, int]:
    return (*_sizes(axes, shape)[:2], 1)


def batch_taken_for_kernel(axes: Axes, shape: tuple[int, ...]) -> tuple[int, int, int]:
    return _sizes(axes._replace(batch=(), kernel=axes.kernel + axes.batch), shape)


BATCHED = [
    (test_fans_are_those_of_jax, CASES),
    (test_stds_are_those_of_jax_in_every_bit, CASES),
    (test_fans_are_those_of_keras, CASES),
    (test_stds_are_those_of_keras, CASES),
]
PLAIN = [
    (test_fans_are_those_of_keras, KERAS_CASES),
    (test_stds_are_those_of_keras, KERAS_CASES),
    (test_fans_are_those_of_torch, TORCH_CASES),
    (test_stds_are_those_of_torch_in_every_bit, TORCH_CASES),
    (test_weights_of_new_layers_are_those_of_torch, TORCH_CASES),
]


@pytest.mark.parametrize(
    ("mutant", "test", "cases"),
    [(mutant, *given) for mutant in (swapped, kernel_forgotten) for given in (*BATCHED, *PLAIN)]
    + [(batch_taken_for_kernel, *given) for given in BATCHED],
)
def test_mutants_of_the_fans_fail(mutant: Any, test: Any, cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Axes, "sizes", mutant)
    # What sound functions have decided is kept.
    monkeypatch.setattr("arrayinit.initializers.fill._prepared", {})
    with pytest.raises(AssertionError):
        list(map(test, cases))
