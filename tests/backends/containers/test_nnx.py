"""Variables of Flax nnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from libraries import Library

import arrayinit as ai

SHAPE = (8, 6)
pytestmark = pytest.mark.usefixtures("nnx_library")


def expected(function: Any = ai.normal_, rng: Any = 0, **arguments: Any) -> np.ndarray:
    return function(np.empty(SHAPE, np.float32), rng=rng, **arguments)


def param(**metadata: Any) -> Any:
    import jax.numpy as jnp
    from flax import nnx

    return nnx.Param(jnp.ones(SHAPE, jnp.float32), **metadata)


def same(x: Any, values: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(x.get_value()), values)


def test_a_variable_of_any_class_is_filled_and_keeps_its_metadata() -> None:
    import jax.numpy as jnp
    from flax import nnx

    class Memory(nnx.Variable):
        """A class of the user's."""

    for cls in (nnx.Param, nnx.BatchStat, nnx.Variable, Memory):
        x = cls(jnp.ones(SHAPE, jnp.float32), note="kept")
        assert ai.normal_(x, rng=0) is x
        same(x, expected())
        assert x.get_metadata("note") == "kept"


def test_a_reference_in_a_variable_is_written() -> None:
    x = param(ref=True)
    reference = x.get_raw_value()
    assert ai.normal_(x, rng=0) is x
    assert x.get_raw_value() is reference
    same(x, expected())


def test_an_array_of_numpy_in_a_variable_is_written_in_place() -> None:
    from flax import nnx

    values = np.ones(SHAPE, np.float32)
    x = nnx.Param(values)
    ai.normal_(x, rng=0)
    assert x.get_value() is values
    same(x, expected())


def test_an_abstract_variable_gets_an_array() -> None:
    import jax
    from flax import nnx

    kernel = nnx.eval_shape(lambda: nnx.Linear(*SHAPE, rngs=nnx.Rngs(0))).kernel
    with pytest.raises(TypeError, match=r"a jax\.ShapeDtypeStruct has no values"):
        ai.copy_(np.empty(SHAPE), kernel)
    assert ai.kaiming_uniform_(kernel, rng=0, layout="...IO") is kernel
    assert isinstance(kernel.get_value(), jax.Array)
    same(kernel, expected(ai.kaiming_uniform_, layout="...IO"))


def test_a_sharded_variable_stays_sharded() -> None:
    import jax
    from flax import nnx
    from jax.sharding import NamedSharding, PartitionSpec

    sharding = NamedSharding(jax.make_mesh((8,), ("rows",)), PartitionSpec("rows"))
    x = nnx.Param(jax.device_put(np.ones(SHAPE, np.float32), sharding))
    ai.normal_(x, rng=0)
    assert x.get_value().sharding == sharding
    same(x, expected())


def test_variables_are_filled_in_a_program() -> None:
    from flax import nnx

    @nnx.jit
    def fill(first: Any, second: Any) -> None:
        assert ai.normal_(first, rng=0) is first
        ai.copy_(second, first)

    first, second = param(), param(ref=True)
    fill(first, second)
    same(first, expected())
    same(second, expected())

    @nnx.jit
    def fresh(x: Any) -> None:
        ai.normal_(x)

    with pytest.raises(ValueError, match="rng=None under a JAX trace"):
        fresh(first)


@pytest.mark.parametrize("of_numpy", [False, True])
def test_a_variable_of_another_trace_is_left_as_it_is(of_numpy: bool) -> None:
    import jax
    from flax import errors, nnx

    x = nnx.Param(np.ones(SHAPE, np.float32)) if of_numpy else param()

    @jax.jit
    def fill() -> None:
        ai.normal_(x, rng=0)

    with pytest.raises(errors.TraceContextError, match="Cannot mutate Param from a different trace level"):
        fill()
    same(x, np.ones(SHAPE, np.float32))


def test_a_jax_key_gives_the_bits_of_jax() -> None:
    import jax

    key = jax.random.key(1)
    same(
        ai.lecun_normal_(param(), key, layout="IO"),
        np.asarray(jax.nn.initializers.lecun_normal()(key, SHAPE, "float32")),
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e5m2fnuz"])
def test_narrow_values_are_copied_from_one_variable_to_another(nnx_library: Library, dtype: str) -> None:
    source = ai.normal_(nnx_library.empty(SHAPE, dtype), rng=0)
    for x in (nnx_library.empty(SHAPE, dtype), nnx_library.empty(SHAPE, "float32")):
        assert ai.copy_(x, source) is x
        np.testing.assert_array_equal(nnx_library.to_numpy(x), nnx_library.to_numpy(source))
    ai.copy_(source, source)
    with_list = ai.copy_(np.empty((2, *SHAPE)), [x, x])
    np.testing.assert_array_equal(with_list[1], nnx_library.to_numpy(source))


def test_fans_values_and_models_take_variables() -> None:
    from flax import nnx

    assert ai.calculate_fan_in_and_fan_out(param(), layout="IO") == SHAPE
    x = param()
    assert ai.normal()(x, rng=0) is x
    same(x, expected())
    model = {"layer": {"kernel": param(), "bias": nnx.Param(np.ones(6, np.float32))}}
    kernel = model["layer"]["kernel"]
    rules = [("layer.kernel", ai.lecun_normal()), ("*bias", ai.zeros())]
    assert ai.initialize(model, rules, rng=0) is model
    same(kernel, expected(ai.lecun_normal_, ai.fold_in(0, "layer.kernel"), layout="IO"))
    same(model["layer"]["bias"], np.zeros(6, np.float32))


def test_a_variable_of_several_arrays_and_one_of_the_experimental_kind() -> None:
    import jax
    import jax.numpy as jnp
    from flax import nnx

    with pytest.raises(TypeError, match=r"got builtins\.dict: pass one of its arrays"):
        ai.zeros_(nnx.Param({"a": jnp.zeros(3)}))
    x = param(hijax=True)
    assert ai.normal_(x, rng=0) is x
    same(x, expected())
    with pytest.raises(TypeError, match=r"x is no array under its trace, but a Param"):
        jax.jit(lambda x: ai.normal_(x, rng=0))(x)
