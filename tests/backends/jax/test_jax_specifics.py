"""What only JAX has: shardings and structs, keys; and its 16-bit and complex draws, which are not its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import FIXED, FUNCTIONS, OWN_WAYS
from jax_calls import same, struct
from peers import peer

import arrayinit

# Without JAX, jax_library skips the tests, or fails them where JAX was asked for.
with suppress(ImportError):
    import jax
    import jax.numpy as jnp

pytestmark = pytest.mark.usefixtures("jax_library")


def placed(place: str) -> Any:
    devices = jax.devices("cpu")[:2]
    if place == "device 1":
        return jax.sharding.SingleDeviceSharding(devices[1])
    kind = getattr(jax.sharding.AxisType, place.removesuffix(" mesh").title())
    mesh = jax.sharding.Mesh(np.array(devices), ("d",), axis_types=(kind,))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))


@pytest.mark.parametrize("form", ["array", "struct"])
@pytest.mark.parametrize("place", ["device 1", "auto mesh", "explicit mesh"])
@pytest.mark.parametrize("name", [*OWN_WAYS, *FIXED])
def test_the_result_has_the_sharding_of_the_array_or_struct(name: str, place: str, form: str) -> None:
    case, sharding, key = FUNCTIONS[name], placed(place), jax.random.key(2)
    x = struct(*case.shape, sharding=sharding)
    if form == "array":
        x = jax.device_put(np.zeros(case.shape, "float32"), sharding)
    filled = case.fill(x, key)
    assert isinstance(filled, jax.Array)
    assert filled.sharding == sharding
    # Where the values lie does not change them.
    same(filled, case.fill(jnp.zeros(case.shape, "float32"), key))


def test_the_sharding_of_a_struct_is_kept_under_jit() -> None:
    x = struct(6, 4, sharding=placed("auto mesh"))
    filled = jax.jit(lambda key: arrayinit.uniform_(x, rng=key))(jax.random.key(0))
    assert filled.sharding.is_equivalent_to(x.sharding, 2)


@pytest.mark.parametrize("name", ["uniform_", "trunc_normal_", "orthogonal_", "sparse_"])
def test_a_key_may_lie_on_another_device_than_the_array(name: str, jax_library: Any) -> None:
    case = FUNCTIONS[name]
    x = jax_library.empty(case.shape, "float32")
    key = jax.device_put(jax.random.key(0), jax.devices("cpu")[0])
    assert case.fill(x, key).sharding == x.sharding


# The 16-bit formats: computed in float32 and rounded.
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_normals_get_all_their_values(dtype: str) -> None:
    key, count = jax.random.key(0), 1_000_000
    x = arrayinit.normal_(struct(count, dtype=dtype), std=0.5, rng=key)
    same(x, (jax.random.normal(key, (count,), "float32") * 0.5).astype(dtype))
    values = np.asarray(x, dtype="float64")
    assert len(np.unique(values)) > 3000  # JAX's own bfloat16 normals: 128
    assert abs(values.mean()) < 5 * 0.5 / count**0.5
    assert abs(values).max() > 4 * 0.5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_nothing_lies_outside_the_bounds_and_the_mean_is_unbiased(dtype: str) -> None:
    count, low, high = 1_000_000, -1.0, 1.0
    values = np.asarray(arrayinit.uniform_(struct(count, dtype=dtype), low, high, rng=jax.random.key(1)), "float64")
    assert low <= values.min()
    assert values.max() < high if dtype == "float32" else values.max() == high
    assert abs(values.mean()) < 5 / (3 * count) ** 0.5
    low, high = 0.7003, 0.9001  # neither is a number of the format
    values = np.asarray(
        arrayinit.trunc_normal_(struct(count, dtype=dtype), 0, 1, low, high, rng=jax.random.key(1)), "float64"
    )
    assert low <= values.min() < values.max() <= high


def test_complex_draws_are_circular() -> None:
    count, variance = 100_000, 2.0 / 50
    w = np.asarray(arrayinit.kaiming_normal_(struct(count // 50, 50, dtype="complex64"), rng=jax.random.key(4)))
    assert w.dtype == np.complex64
    real, imaginary = w.real.ravel().astype("float64"), w.imag.ravel().astype("float64")
    for part in (real, imaginary):
        assert abs(part.mean()) < 5 * (variance / 2 / count) ** 0.5
        assert abs(part.var() / (variance / 2) - 1) < 5 * (2 / count) ** 0.5
    assert abs((real * imaginary).mean()) < 5 * variance / 2 / count**0.5


WRONG: dict[str, Callable[[], Any]] = {
    "a batch of old-style keys": lambda: jax.random.split(jax.random.PRNGKey(0), 3),
    "an array": lambda: jnp.zeros((3,)),
    "three words": lambda: jnp.zeros((3,), jnp.uint32),
    "a torch.Generator": lambda: peer("torch").Generator(),
    "a RandomState": lambda: np.random.RandomState(0),
    "True": lambda: True,
    "1.5": lambda: 1.5,
    "'0'": lambda: "0",
}


# torch is there in no session but that of pairs.
@pytest.mark.parametrize(
    "wrong", [pytest.param(name, marks=pytest.mark.pairs if "torch" in name else ()) for name in WRONG]
)
@pytest.mark.parametrize("traced", [False, True], ids=["eager", "jit"])
def test_another_kind_of_generator_is_refused_with_what_to_pass(wrong: str, traced: bool) -> None:
    rng = WRONG[wrong]()

    def fill(x: Any) -> Any:
        return arrayinit.uniform_(x, rng=rng)

    with pytest.raises(TypeError, match=r"rng .*jax\.random\.key.*numpy\.random\.Generator.*got"):
        (jax.jit(fill) if traced else fill)(jnp.zeros((3, 4)))


def test_the_array_handed_in_is_unchanged_and_a_new_one_is_returned() -> None:
    x = jnp.full((3, 4), 7.0, "float32")
    filled = arrayinit.zeros_(x)
    assert filled is not x
    assert (filled.shape, filled.dtype) == (x.shape, x.dtype)
    assert (np.asarray(x) == 7.0).all()


def test_a_batch_of_keys_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"one JAX key, got keys of shape \(3,\): index them, or use jax\.vmap"):
        arrayinit.uniform_(jnp.zeros(3), rng=jax.random.split(jax.random.key(0), 3))
