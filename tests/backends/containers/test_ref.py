"""References of JAX: `jax.new_ref`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from libraries import Library

import arrayinit as ai

SHAPE = (8, 6)
pytestmark = pytest.mark.usefixtures("ref_library")


def expected(function: Any = ai.normal_, rng: Any = 0, **arguments: Any) -> np.ndarray:
    return function(np.empty(SHAPE, np.float32), rng=rng, **arguments)


def ref(dtype: str = "float32") -> Any:
    import jax

    return jax.new_ref(jax.numpy.ones(SHAPE, dtype))


def test_references_are_written_in_a_program() -> None:
    import jax

    @jax.jit
    def fill(x: Any) -> Any:
        assert ai.normal_(x, rng=0) is x
        inner = jax.new_ref(jax.numpy.ones(SHAPE, "bfloat16"))
        assert ai.copy_(inner, x) is inner
        ai.orthogonal_(x, rng=1)
        return inner[...], ai.copy_(jax.numpy.ones(SHAPE), x)

    x = ref()
    narrow, copied = fill(x)
    np.testing.assert_array_equal(np.asarray(narrow), expected().astype(narrow.dtype))
    np.testing.assert_array_equal(np.asarray(copied), np.asarray(x[...]))
    np.testing.assert_allclose(np.asarray(x[...]), expected(ai.orthogonal_, 1), atol=1e-5)


def test_a_program_writes_a_reference_that_it_closes_over_each_time() -> None:
    import jax

    x, key = ref(), jax.random.key(2)
    program = jax.jit(lambda key: (ai.normal_(x, rng=key), None)[1])
    for _ in range(2):
        program(key)
        np.testing.assert_array_equal(np.asarray(x[...]), np.asarray(jax.random.normal(key, SHAPE, "float32")))
        ai.zeros_(x)
    with pytest.raises(ValueError, match="rng=None under a JAX trace"):
        jax.jit(lambda: (ai.normal_(x), None)[1])()
    with pytest.raises(ValueError, match="rng=None under a JAX trace"):
        jax.jit(lambda x: (ai.normal_(x), None)[1])(x)


def test_a_sharded_reference_stays_sharded() -> None:
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    sharding = NamedSharding(jax.make_mesh((8,), ("rows",)), PartitionSpec("rows"))
    x = jax.new_ref(jax.device_put(np.ones(SHAPE, np.float32), sharding))
    ai.normal_(x, rng=0)
    assert x[...].sharding.is_equivalent_to(sharding, 2)
    np.testing.assert_array_equal(np.asarray(x[...]), expected())


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_narrow_values_are_copied_from_one_reference_to_another(ref_library: Library, dtype: str) -> None:
    source = ai.normal_(ref(dtype), rng=0)
    for x in (ref(dtype), ref()):
        assert ai.copy_(x, source) is x
        np.testing.assert_array_equal(ref_library.to_numpy(x), ref_library.to_numpy(source))


def test_fans_values_and_models_take_references() -> None:
    import jax.numpy as jnp

    assert ai.calculate_fan_in_and_fan_out(ref(), layout="IO") == SHAPE
    x = ref()
    assert ai.normal()(x, rng=0) is x
    np.testing.assert_array_equal(np.asarray(x[...]), expected())
    model = {"table": ref(), "scale": jnp.zeros(6)}
    filled = ai.initialize(model, [("table", ai.normal()), ("scale", ai.ones())], rng=0)
    assert filled["table"] is model["table"]
    np.testing.assert_array_equal(np.asarray(model["table"][...]), expected(rng=ai.fold_in(0, "table")))
    assert (filled["scale"] == 1).all()
