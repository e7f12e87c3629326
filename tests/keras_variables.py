"""What holds for Keras variables on each backend; as a script, in a process that chose one by KERAS_BACKEND."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

Check = Callable[[], None]
SHAPE = (4, 6)


def expected(function: Any = ai.normal_, rng: Any = 0, **arguments: Any) -> np.ndarray:
    return function(np.empty(SHAPE, np.float32), rng=rng, **arguments)


def variable(dtype: str = "float32", **options: Any) -> Any:
    import keras

    return keras.Variable(np.ones(SHAPE, "float32"), dtype=dtype, **options)


def values(x: Any) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))


def same(x: Any, right: np.ndarray) -> None:
    np.testing.assert_array_equal(values(x), right)


def in_place() -> None:
    x = variable(name="kept", trainable=False)
    assert ai.normal_(x, rng=0) is x
    same(x.value, expected())
    assert (x.name, x.trainable, x.dtype) == ("kept", False, "float32")
    ai.kaiming_uniform_(x, rng=0, layout="IO")
    same(x.value, expected(ai.kaiming_uniform_, layout="IO"))
    assert ai.calculate_fan_in_and_fan_out(x, layout="IO") == SHAPE
    for function in (ai.zeros_, ai.eye_):
        function(x)
        same(x.value, function(np.empty(SHAPE, np.float32)))
    ai.orthogonal_(x, rng=0)
    np.testing.assert_allclose(values(x.value), expected(ai.orthogonal_), atol=1e-5)


def integers() -> None:
    for dtype in ("bool", "int8", "uint16", "int32"):
        x = variable(dtype, trainable=False)
        assert ai.zeros_(x) is x
        same(x.value, np.zeros(SHAPE))


def parts() -> None:
    x = variable()
    rule = ai.parts(ai.zeros(), 0, ["old", "new"], values={"old": ai.keep()})
    ai.initialize({"x": x}, [("x", rule)])
    same(x.value, np.repeat([[1.0], [0.0]], 2, axis=0) * np.ones(SHAPE))


def without_a_seed() -> None:
    first, second = (values(ai.normal_(variable()).value) for _ in range(2))
    assert (first != second).any()


def a_generator_of_numpy() -> None:
    same(ai.normal_(variable(), rng=np.random.default_rng(1)).value, expected(rng=np.random.default_rng(1)))


def within_a_stateless_scope() -> None:
    import keras

    x, given = ai.normal_(variable(), rng=0), keras.ops.ones(SHAPE)
    with keras.StatelessScope() as scope:
        ai.zeros_(x)
        same(x.value, np.zeros(SHAPE))
    same(x.value, expected())
    same(scope.get_current_value(x), np.zeros(SHAPE))
    with keras.StatelessScope([(x, given)]) as scope:
        assert (ai.copy_(np.empty(SHAPE), x) == 1).all()
        ai.zeros_(x)
    same(x.value, expected())
    same(given, np.ones(SHAPE))
    same(scope.get_current_value(x), np.zeros(SHAPE))


def before_it_has_a_value() -> None:
    import keras

    with keras.StatelessScope():
        x = keras.Variable("ones", shape=SHAPE, name="late")
        for call in (
            lambda: ai.zeros_(x),
            lambda: ai.kaiming_normal_(x),
            lambda: ai.copy_(np.empty(SHAPE), x),
            lambda: ai.calculate_fan_in_and_fan_out(x),
        ):
            with pytest.raises(ValueError, match="Keras variable without a value, 'late' of shape"):
                call()
    same(x.value, np.ones(SHAPE))
    same(ai.normal_(x, rng=0).value, expected())


def within_a_call_in_mixed_precision() -> None:
    import keras

    class Layer(keras.layers.Layer):
        def build(self, _: Any) -> None:
            self.kernel = self.add_weight(shape=SHAPE, initializer="ones")

        def call(self, x: Any) -> Any:
            if not hasattr(self, "seen"):
                self.seen = ""
                try:
                    ai.normal_(self.kernel, rng=0)
                except RuntimeError as error:
                    self.seen = str(error)
            return x

    layer = Layer(dtype="mixed_bfloat16")
    layer.build(None)
    layer(keras.ops.ones((1, 2)))
    if keras.backend.backend() == "torch":
        assert "of dtype float32 within a call of its layer, which computes in bfloat16" in layer.seen
        same(layer.kernel.value, np.ones(SHAPE))
    else:
        same(layer.kernel.value, expected())


def copies() -> None:
    source = ai.normal_(variable(), rng=0)
    for dtype in ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"):
        x = variable(dtype, trainable=False)
        assert ai.copy_(x, source) is x
        right = ai.copy_(np.empty(SHAPE, dtype), expected())
        same(x.value, right.astype(np.float32))
        np.testing.assert_array_equal(ai.copy_(np.empty(SHAPE, dtype), x), right)
    assert ai.copy_(variable(), source) is not source
    np.testing.assert_array_equal(ai.copy_(np.empty((2, *SHAPE)), [source, source])[1], expected())


def values_and_models() -> None:
    x = variable()
    assert ai.normal()(x, rng=0) is x
    same(x.value, expected())
    assert ai.initialize({"w": x}, [("w", ai.normal())], rng=0)["w"] is x
    same(x.value, expected(rng=ai.fold_in(0, "w")))


def wrong_arguments() -> None:
    x = variable()
    for arguments, error in (({"std": -1.0}, ValueError), ({"rng": "0"}, TypeError)):
        with pytest.raises(error):
            ai.normal_(x, **arguments)
        same(x.value, np.ones(SHAPE))


def its_own_generator() -> None:
    import keras

    x = variable()
    match keras.backend.backend():
        case "jax":
            jax = importlib.import_module("jax")
            same(ai.normal_(x, rng=jax.random.key(0)).value, np.asarray(jax.random.normal(jax.random.key(0), SHAPE)))
        case "torch":
            torch = importlib.import_module("torch")
            right = torch.nn.init.normal_(torch.empty(SHAPE), generator=torch.Generator().manual_seed(0))
            same(ai.normal_(x, rng=torch.Generator().manual_seed(0)).value, right.numpy())
            assert x.value.is_leaf
            assert x.value.requires_grad


CHECKS: tuple[Check, ...] = (
    in_place,
    integers,
    parts,
    without_a_seed,
    a_generator_of_numpy,
    within_a_stateless_scope,
    before_it_has_a_value,
    within_a_call_in_mixed_precision,
    copies,
    values_and_models,
    wrong_arguments,
    its_own_generator,
)


def main() -> None:
    """Print the backend, and the name of each check that passes."""
    importlib.import_module("ml_dtypes")
    keras = importlib.import_module("keras")
    sys.stdout.write(f"{keras.backend.backend()}\n")
    for check in CHECKS:
        check()
        sys.stdout.write(f"{check.__name__}\n")
