"""Seeds in the forms in which users have them, and what of other libraries' generators can be given."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

with suppress(ImportError):
    import jax
with suppress(ImportError):
    import torch


def drawn(library: Any, rng: Any) -> np.ndarray:
    return library.to_numpy(ai.normal_(library.empty((3, 2), "float32"), rng=rng))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_an_integer_of_any_library_is_a_seed(dtype, library):
    seed = library.full((), dtype, 7)
    expected = drawn(library, 7)
    np.testing.assert_array_equal(drawn(library, seed), expected)
    np.testing.assert_array_equal(ai.normal_(np.empty((3, 2), np.float32), rng=seed), expected)
    np.testing.assert_array_equal(drawn(library, [seed, 2]), drawn(library, [7, 2]))
    np.testing.assert_array_equal(drawn(library, ai.fold_in(seed, "a", seed)), drawn(library, ai.fold_in(7, "a", 7)))


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "int64", "object"])
def test_an_array_of_numpy_is_a_sequence_of_integers(dtype, library):
    np.testing.assert_array_equal(drawn(library, np.array([1, 2], dtype)), drawn(library, [1, 2]))
    np.testing.assert_array_equal(drawn(library, np.array([3], dtype)), drawn(library, np.random.SeedSequence([3])))
    folded = ai.fold_in(np.array([1, 2], dtype), "a")
    np.testing.assert_array_equal(drawn(library, folded), drawn(library, ai.fold_in([1, 2], "a")))


@pytest.mark.parametrize(
    ("rng", "error", "text"),
    [
        (np.zeros(0, int), ValueError, "a sequence of seeds must not be empty"),
        (np.array([1, -1]), ValueError, "a seed must be at least 0, got -1"),
        (np.array(-1), ValueError, "a seed must be at least 0, got -1"),
        (np.array([1.0]), TypeError, "a sequence of seeds must hold integers, got 1.0 of type float"),
        (np.array([True]), TypeError, "a sequence of seeds must hold integers, got True of type bool"),
        (np.zeros((2, 2), int), TypeError, r"got numpy.ndarray of shape \(2, 2\) and dtype int64"),
        (np.array(1.0), TypeError, r"got numpy.ndarray of shape \(\) and dtype float64"),
        (np.array(True), TypeError, r"got numpy.ndarray of shape \(\) and dtype bool"),
    ],
    ids=repr,
)
def test_other_arrays_are_no_seeds(rng, error, text, library):
    x = library.full((3, 2), "float32", 7.0)
    with pytest.raises(error, match=text):
        ai.normal_(x, rng=rng)
    assert (library.to_numpy(x) == 7).all()


@pytest.mark.parametrize("kind", ["PCG64", "Philox", "MT19937"])
def test_a_bit_generator_is_its_generator(kind, library):
    bits = getattr(np.random, kind)(5)
    generator = np.random.Generator(getattr(np.random, kind)(5))
    # Twice, as it moves on.
    for _ in range(2):
        np.testing.assert_array_equal(drawn(library, bits), drawn(library, generator))


@pytest.mark.parametrize(
    "fill",
    [
        lambda x, rng: ai.orthogonal_(x, rng=rng),
        lambda x, rng: ai.sparse_(x, 0.5, rng=rng),
        lambda x, rng: ai.kaiming_uniform_(x, rng=rng),
    ],
)
def test_a_bit_generator_serves_every_kind_of_function(fill, library):
    x, y = (
        library.to_numpy(fill(library.empty((4, 3), "float32"), rng))
        for rng in (np.random.PCG64(5), np.random.default_rng(5))
    )
    np.testing.assert_array_equal(x, y)


@pytest.mark.pairs
def test_an_old_key_of_jax_is_a_key_and_no_seed(library):
    pytest.importorskip("jax", reason="jax is not installed")
    key = jax.random.PRNGKey(5)
    assert (key.shape, key.dtype) == ((2,), "uint32")
    if library.of_arrays == "jax":
        np.testing.assert_array_equal(drawn(library, key), drawn(library, jax.random.key(5)))
    else:
        with pytest.raises(TypeError, match=r"got jaxlib.*ArrayImpl of shape \(2,\) and dtype uint32: a JAX key"):
            drawn(library, key)


@pytest.mark.usefixtures("jax_library")
def test_a_traced_seed_asks_for_a_key():
    x = jax.ShapeDtypeStruct((3, 2), "float32")
    text = "a seed must be a concrete number, got .*Tracer of dtype int32 without a value.* a JAX key may be traced"
    for rng in (lambda seed: seed, lambda seed: [1, seed], lambda seed: ai.fold_in(seed, "a")):
        with pytest.raises(TypeError, match=text):
            jax.jit(lambda seed, rng=rng: ai.normal_(x, rng=rng(seed)))(np.int32(3))
    with pytest.raises(TypeError, match=r"an integer to fold in must be a concrete number, .*jax\.random\.fold_in"):
        jax.jit(lambda step: ai.normal_(x, rng=ai.fold_in(0, step)))(np.int32(3))
    key = jax.random.key(0)
    traced = jax.jit(lambda step: ai.normal_(x, rng=jax.random.fold_in(key, step)))(3)
    np.testing.assert_array_equal(np.asarray(traced), np.asarray(ai.normal_(x, rng=jax.random.fold_in(key, 3))))


@pytest.mark.usefixtures("jax_library")
def test_a_device_folds_its_index_into_a_key():
    mesh, spec = jax.make_mesh((4,), ("device",)), jax.sharding.PartitionSpec("device")

    def local(rng: Callable[[Any], Any]) -> Any:
        def fill() -> Any:
            x = jax.ShapeDtypeStruct((2, 3), "float32")
            return ai.normal_(x, rng=rng(jax.lax.axis_index("device")))

        return np.asarray(jax.shard_map(fill, mesh=mesh, in_specs=(), out_specs=spec)())

    made = local(lambda index: jax.random.fold_in(jax.random.key(0), index))
    assert np.unique(made).size == made.size
    with pytest.raises(TypeError, match="an integer to fold in must be a concrete number"):
        local(lambda index: ai.fold_in(0, index))


@pytest.mark.usefixtures("torch_library")
def test_a_fake_seed_of_torch_has_no_value():
    from torch._subclasses.fake_tensor import FakeTensorMode

    for seed in (torch.tensor(3, device="meta"), FakeTensorMode().from_tensor(torch.tensor(3))):
        with pytest.raises(TypeError, match=r"a seed must be a concrete number, got a \w*Tensor of dtype torch\.int"):
            ai.normal_(torch.empty(3), rng=seed)


def _of(module: str, make: Callable[[Any], Any]) -> Callable[[], Any]:
    def made() -> Any:
        return make(pytest.importorskip(module, reason=f"{module} is not installed"))

    return made


# What is given, what the error says of it, and that: the calls are those that it names.
GENERATORS: dict[str, tuple[Callable[[], Any], str, Callable[[Any], Any]]] = {
    "numpy.random.RandomState": (
        lambda: np.random.RandomState(0),
        "rng.randint(2**31) is a seed",
        lambda rng: rng.randint(2**31),
    ),
    "random.Random": (lambda: random.Random(0), "rng.getrandbits(64) is a seed", lambda rng: rng.getrandbits(64)),
    "torch.Generator": (
        _of("torch", lambda torch: torch.Generator()),
        "rng.initial_seed() is a seed",
        lambda rng: rng.initial_seed(),
    ),
    "a JAX key": (
        _of("jax", lambda jax: jax.random.key(0)),
        "jax.random.bits(rng) is a seed",
        lambda rng: jax.random.bits(rng),
    ),
    "dask.array.random.Generator": (
        _of("dask.array", lambda da: da.random.default_rng(0)),
        "rng.integers(2**31) is a seed",
        lambda rng: rng.integers(2**31),
    ),
    "dask.array.random.RandomState": (
        _of("dask.array", lambda da: da.random.RandomState(0)),
        "rng.randint(2**31) is a seed",
        lambda rng: rng.randint(2**31),
    ),
    "nnx.Rngs": (
        _of("flax.nnx", lambda nnx: nnx.Rngs(0)),
        "rng.params() is a JAX key, and jax.random.bits(rng.params()) a seed",
        lambda rng: jax.random.bits(rng.params()),
    ),
    "nnx.RngStream": (
        _of("flax.nnx", lambda nnx: nnx.Rngs(params=0).params),
        "rng() is a JAX key, and jax.random.bits(rng()) a seed",
        lambda rng: jax.random.bits(rng()),
    ),
    "hk.PRNGSequence": (
        _of("haiku", lambda hk: hk.PRNGSequence(0)),
        "next(rng) is a JAX key, and jax.random.bits(next(rng)) a seed",
        lambda rng: jax.random.bits(next(rng)),
    ),
    "keras.random.SeedGenerator": (
        _of("keras", lambda keras: keras.random.SeedGenerator(0)),
        "keras.ops.convert_to_numpy(rng.next()) is a seed",
        lambda rng: sys.modules["keras"].ops.convert_to_numpy(rng.next()),
    ),
}


@pytest.mark.pairs
@pytest.mark.parametrize("name", GENERATORS)
def test_the_error_for_a_generator_names_what_of_it_is_a_seed(name, library):
    make, text, call = GENERATORS[name]
    rng = make()
    x = library.full((3, 2), "float32", 7.0)
    if (library.of_arrays, name) in (("torch", "torch.Generator"), ("jax", "a JAX key")):
        assert np.isfinite(drawn(library, rng)).all()
        return
    with pytest.raises(TypeError) as error:
        ai.normal_(x, rng=rng)
    assert text in str(error.value)
    assert (library.to_numpy(x) == 7).all()
    assert np.isfinite(drawn(library, call(rng))).all()


@pytest.mark.pairs
@pytest.mark.usefixtures("jax_library")
def test_what_the_error_calls_a_key_is_one():
    x = jax.ShapeDtypeStruct((3, 2), "float32")
    nnx = pytest.importorskip("flax.nnx", reason="flax is not installed")
    assert ai.normal_(x, rng=nnx.Rngs(0).params()).shape == (3, 2)
    assert ai.normal_(x, rng=nnx.Rngs(params=0).params()).shape == (3, 2)
    haiku = pytest.importorskip("haiku", reason="haiku is not installed")
    assert ai.normal_(x, rng=next(haiku.PRNGSequence(0))).shape == (3, 2)
