"""JAX: its own bits, eagerly and under its transformations, with either kind of key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import arrayinit

try:
    import jax
    import jax.numpy as jnp
except ImportError:  # then the fixture skips, or fails where JAX is asked for
    jax = None

pytestmark = pytest.mark.usefixtures("jax_library")

SHAPE = (3, 2, 4, 6)

# Ours, and the same by JAX itself.
TWINS: dict[str, tuple[Callable[..., Any], Callable[[], Callable[..., Any]]]] = {
    "uniform_": (
        lambda x, key: arrayinit.uniform_(x, -0.3, 0.7, rng=key),
        lambda: lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -0.3, 0.7),
    ),
    "normal_": (
        lambda x, key: arrayinit.normal_(x, std=0.02, rng=key),
        lambda: jax.nn.initializers.normal(0.02),
    ),
    "kaiming_uniform_": (
        lambda x, key: arrayinit.kaiming_uniform_(x, nonlinearity="relu", layout="...IO", rng=key),
        lambda: jax.nn.initializers.he_uniform(),
    ),
    "kaiming_normal_": (
        lambda x, key: arrayinit.kaiming_normal_(x, nonlinearity="relu", layout="...IO", rng=key),
        lambda: jax.nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
    ),
    "xavier_uniform_": (
        lambda x, key: arrayinit.xavier_uniform_(x, layout="...IO", rng=key),
        lambda: jax.nn.initializers.glorot_uniform(),
    ),
    "xavier_normal_": (
        lambda x, key: arrayinit.xavier_normal_(x, layout="...IO", rng=key),
        lambda: jax.nn.initializers.variance_scaling(1.0, "fan_avg", "normal"),
    ),
    "lecun_uniform, by kaiming_uniform_": (
        lambda x, key: arrayinit.kaiming_uniform_(x, nonlinearity="linear", layout="...IO", rng=key),
        lambda: jax.nn.initializers.lecun_uniform(),
    ),
    "torch's layout": (
        lambda x, key: arrayinit.kaiming_uniform_(x, rng=key),
        lambda: jax.nn.initializers.he_uniform(in_axis=1, out_axis=0),
    ),
    "fan_out": (
        lambda x, key: arrayinit.kaiming_normal_(x, mode="fan_out", layout="...IO", rng=key),
        lambda: jax.nn.initializers.variance_scaling(2.0, "fan_out", "normal"),
    ),
    "fan_geo_avg": (
        lambda x, key: arrayinit.kaiming_uniform_(x, mode="fan_geo_avg", layout="IO...", rng=key),
        lambda: jax.nn.initializers.variance_scaling(2.0, "fan_geo_avg", "uniform", in_axis=0, out_axis=1),
    ),
    "a batch of weights": (
        lambda x, key: arrayinit.xavier_uniform_(x, layout="BO...I", rng=key),
        lambda: jax.nn.initializers.glorot_uniform(in_axis=-1, out_axis=1, batch_axis=0),
    ),
}
KEYS: dict[str, Callable[[], Any]] = {
    "key": lambda: jax.random.key(3),
    "PRNGKey": lambda: jax.random.PRNGKey(3),
    "rbg key": lambda: jax.random.key(3, impl="rbg"),
}

# Every function that fills, on arguments that leave no choice but rng.
RANDOM: dict[str, tuple[Any, ...]] = {
    "uniform_": (),
    "normal_": (),
    "trunc_normal_": (),
    "xavier_uniform_": (),
    "xavier_normal_": (),
    "kaiming_uniform_": (),
    "kaiming_normal_": (),
    "orthogonal_": (),
    "sparse_": (0.6,),
}
FIXED: dict[str, tuple[Any, ...]] = {"constant_": (2.5,), "ones_": (), "zeros_": (), "eye_": (), "dirac_": (2,)}


def struct(*shape: int, dtype: str = "float32", sharding: Any = None) -> Any:
    return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype), sharding=sharding)


def same(ours: Any, theirs: Any) -> None:
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize(("dtype", "x64"), [("float32", False), ("float32", True), ("float64", True)])
@pytest.mark.parametrize("twin", TWINS)
def test_eager_values_are_those_of_jax(twin: str, dtype: str, x64: bool) -> None:
    ours, theirs = TWINS[twin]
    with jax.enable_x64(x64):
        key = jax.random.key(7)
        same(ours(struct(*SHAPE, dtype=dtype), key), theirs()(key, SHAPE, jnp.dtype(dtype)))


# The others differ from these by a number only, and each is compiled for seconds.
@pytest.mark.parametrize(
    ("twin", "dtype"),
    [("uniform_", "float32"), ("normal_", "float32"), ("kaiming_uniform_", "float32"), ("xavier_normal_", "float64")],
)
def test_values_under_jit_are_those_of_jax_under_jit(twin: str, dtype: str) -> None:
    ours, theirs = TWINS[twin]
    x, key = struct(*SHAPE, dtype=dtype), jax.random.key(7)
    same(jax.jit(lambda key: ours(x, key))(key), jax.jit(lambda key: theirs()(key, SHAPE, x.dtype))(key))


@pytest.mark.parametrize("twin", ["uniform_", "kaiming_uniform_", "kaiming_normal_"])
def test_values_under_vmap_over_keys_are_those_of_jax_under_vmap(twin: str) -> None:
    ours, theirs = TWINS[twin]
    x = struct(5, 7)
    keys = jax.random.split(jax.random.key(1), 3)
    same(jax.vmap(lambda key: ours(x, key))(keys), jax.vmap(lambda key: theirs()(key, x.shape, x.dtype))(keys))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("twin", ["uniform_", "xavier_normal_"])
def test_both_kinds_of_key_and_other_generators_serve(twin: str, kind: str) -> None:
    ours, theirs = TWINS[twin]
    key = KEYS[kind]()
    same(ours(jnp.zeros((5, 7), "float32"), key), theirs()(key, (5, 7), jnp.dtype("float32")))


@pytest.mark.parametrize("name", RANDOM)
def test_random_initializers_work_under_jit_of_the_array_and_the_key(name: str) -> None:
    x, key = jnp.full((6, 4), 7.0, "float32"), jax.random.key(0)
    compiled = jax.jit(lambda x, key: getattr(arrayinit, name)(x, *RANDOM[name], rng=key))(x, key)
    eager = getattr(arrayinit, name)(x, *RANDOM[name], rng=key)
    assert compiled.dtype == eager.dtype == x.dtype
    np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-6)
    assert (np.asarray(x) == 7.0).all()


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_fixed_initializers_work_under_jit_of_the_array(name: str, dtype: str) -> None:
    shape = (4, 2, 3) if name == "dirac_" else (3, 4)
    x = jnp.full(shape, 7, dtype)
    compiled = jax.jit(lambda x: getattr(arrayinit, name)(x, *FIXED[name]))(x)
    same(compiled, getattr(arrayinit, name)(np.full(shape, 7, dtype), *FIXED[name]))
    assert (np.asarray(x) == 7).all()


def test_fans_are_python_numbers_under_jit() -> None:
    fans = []
    jax.jit(lambda x: fans.append(arrayinit.calculate_fan_in_and_fan_out(x)) or x)(jnp.zeros((3, 4)))
    assert fans == [(4, 3)]


def test_gradients_flow_past_an_initialized_value_and_not_into_what_it_replaces() -> None:
    key, x = jax.random.key(0), jnp.ones((3, 4), "float32")
    w = arrayinit.normal_(x, rng=key)
    gradient = jax.grad(lambda scale: (scale * arrayinit.normal_(struct(3, 4), rng=key)).sum())(jnp.float32(2.0))
    np.testing.assert_allclose(gradient, w.sum(), rtol=1e-5)
    gradient = jax.grad(lambda x: (arrayinit.normal_(x, rng=key) ** 2).sum() + x.sum())(x)
    np.testing.assert_array_equal(gradient, np.ones((3, 4)))


def test_shapes_are_found_without_a_draw() -> None:
    found = jax.eval_shape(lambda key: arrayinit.orthogonal_(struct(30, 40), rng=key), jax.random.key(0))
    assert (found.shape, found.dtype) == ((30, 40), jnp.float32)


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)], ids=["None", "NumPy"])
@pytest.mark.parametrize("name", RANDOM)
def test_a_draw_that_would_be_baked_into_the_program_is_refused(name: str, rng: Any) -> None:
    fill = getattr(arrayinit, name)
    x = jnp.zeros((6, 4), "float32")
    for traced in (lambda y: fill(y, *RANDOM[name], rng=rng), lambda y: y + fill(struct(6, 4), *RANDOM[name], rng=rng)):
        with pytest.raises(ValueError, match=r"rng=.* bake.* compiled program.*JAX key"):
            jax.jit(traced)(x)
    for transform in (jax.vmap, lambda f: jax.grad(lambda y: f(y).sum())):
        with pytest.raises(ValueError, match=r"rng=.* bake.* compiled program.*JAX key"):
            transform(lambda y: fill(y, *RANDOM[name], rng=rng))(jnp.zeros((2, 6, 4)) if transform is jax.vmap else x)


def test_without_a_key_every_call_differs() -> None:
    first, second = (np.asarray(arrayinit.uniform_(struct(6, 4))) for _ in range(2))
    assert (first != second).any()


def test_a_numpy_generator_draws_on_the_host_and_keeps_the_device(jax_library: Any) -> None:
    x = jax_library.empty((6, 4), "float32")
    filled = arrayinit.kaiming_normal_(x, rng=np.random.default_rng(5))
    assert filled.sharding == x.sharding
    same(filled, arrayinit.kaiming_normal_(np.empty((6, 4), "float32"), rng=np.random.default_rng(5)))


def placed(place: str) -> Any:
    devices = jax.devices("cpu")
    if place == "device 1":
        return jax.sharding.SingleDeviceSharding(devices[1])
    kind = getattr(jax.sharding.AxisType, place.removesuffix(" mesh").title())
    mesh = jax.sharding.Mesh(np.array(devices), ("d",), axis_types=(kind,))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))


@pytest.mark.parametrize("form", ["array", "struct"])
@pytest.mark.parametrize("place", ["device 1", "auto mesh", "explicit mesh"])
@pytest.mark.parametrize("name", [*RANDOM, "zeros_", "eye_", "dirac_"])
def test_the_result_has_the_sharding_of_the_array_or_struct(name: str, place: str, form: str) -> None:
    shape, sharding = (4, 2, 3) if name == "dirac_" else (6, 4), placed(place)
    x = struct(*shape, sharding=sharding)
    if form == "array":
        x = jax.device_put(np.zeros(shape, "float32"), sharding)
    rng = {"rng": jax.random.key(2)} if name in RANDOM else {}
    filled = getattr(arrayinit, name)(x, *RANDOM.get(name, ()), **rng)
    assert isinstance(filled, jax.Array)
    assert filled.sharding == sharding
    # Where the values lie does not change them.
    same(filled, getattr(arrayinit, name)(jnp.zeros(shape, "float32"), *RANDOM.get(name, ()), **rng))


def test_the_sharding_of_a_struct_is_kept_under_jit() -> None:
    x = struct(6, 4, sharding=placed("auto mesh"))
    filled = jax.jit(lambda key: arrayinit.uniform_(x, rng=key))(jax.random.key(0))
    assert filled.sharding.is_equivalent_to(x.sharding, 2)


@pytest.mark.parametrize("name", ["uniform_", "trunc_normal_", "orthogonal_", "sparse_"])
def test_a_key_may_lie_on_another_device_than_the_array(name: str, jax_library: Any) -> None:
    x = jax_library.empty((6, 4), "float32")
    key = jax.device_put(jax.random.key(0), jax.devices("cpu")[0])
    assert getattr(arrayinit, name)(x, *RANDOM[name], rng=key).sharding == x.sharding


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
    "a batch of keys": lambda: jax.random.split(jax.random.key(0), 3),
    "a batch of old-style keys": lambda: jax.random.split(jax.random.PRNGKey(0), 3),
    "an array": lambda: jnp.zeros((3,)),
    "three words": lambda: jnp.zeros((3,), jnp.uint32),
    "a torch.Generator": lambda: pytest.importorskip("torch", reason="torch is not installed").Generator(),
    "a RandomState": lambda: np.random.RandomState(0),
    "True": lambda: True,
    "1.5": lambda: 1.5,
    "'0'": lambda: "0",
}


@pytest.mark.parametrize("wrong", WRONG)
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
