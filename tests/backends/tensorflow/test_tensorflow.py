"""What only TensorFlow has: specs, tapes, devices, dtypes that no other library has, and memory that it takes over."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from cases import FUNCTIONS
from hard_numbers import expected, hard
from libraries import FLOAT8, Library

import arrayinit as ai
from arrayinit.backends._numpy import BACKEND as HOST
from arrayinit.backends.aligned import aligned

# Without TensorFlow, the fixture skips the tests, or fails them where TensorFlow was asked for.
with suppress(ImportError):
    import tensorflow as tf

pytestmark = [pytest.mark.usefixtures("library"), pytest.mark.parametrize("library", ["tensorflow"], indirect=True)]


@pytest.mark.parametrize("device", ["CPU:0", "CPU:1"])
@pytest.mark.parametrize("rng", [0, None, "numpy", "tensorflow"])
def test_a_tensor_stays_on_its_device(device: str, rng: Any) -> None:
    made: dict[Any, Any] = {"numpy": np.random.default_rng(0), "tensorflow": tf.random.Generator.from_seed(0)}
    for case in FUNCTIONS.values():
        with tf.device(device):
            x = tf.zeros(case.shape)
        filled = case.fill(x, made.get(rng, rng))
        assert filled.device == x.device, case
        assert x.device.endswith(device)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float8_e4m3fn", "complex64", "bool", "int8"])
def test_a_spec_is_filled_as_a_tensor_is(dtype: str, library: Library) -> None:
    spec = tf.TensorSpec((3, 4), dtype)
    fill = ai.normal_ if dtype not in ("bool", "int8") else ai.eye_
    rng = {"rng": 3} if fill is ai.normal_ else {}
    with tf.device("CPU:1"):
        filled = fill(spec, **rng)
    assert filled.dtype.name == dtype
    np.testing.assert_array_equal(library.to_numpy(filled), library.to_numpy(fill(library.empty((3, 4), dtype), **rng)))
    with pytest.raises(TypeError, match=r"TensorSpec.*has no values"):
        ai.copy_(np.zeros((3, 4)), spec)


def test_no_memory_is_copied_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(
        "arrayinit.backends._tensorflow.memory.aligned", lambda *args: made.append(aligned(*args)) or made[-1]
    )
    for dtype in ("float16", "bfloat16", "float32", "float64", "complex64"):
        filled = ai.normal_(tf.TensorSpec((64, 64), dtype), rng=0)
        assert np.shares_memory(np.asarray(filled).view(np.uint8), made.pop().view(np.uint8)), dtype


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (7,)])
def test_memory_is_aligned_and_outlives_its_array(shape: tuple[int, ...]) -> None:
    tensors = [ai.normal_(tf.TensorSpec(shape), rng=seed) for seed in range(50)]
    for seed, tensor in enumerate(tensors):
        values = ai.normal_(np.empty(shape, "float32"), rng=seed)
        # TensorFlow would abort at memory of less alignment.
        np.testing.assert_array_equal((tensor + tensor).numpy(), values + values)


@pytest.mark.parametrize("case", FUNCTIONS.values(), ids=str)
def test_the_size_of_each_axis_must_be_known(case: Any) -> None:
    for shape in (None, (None, *case.shape[1:])):
        with pytest.raises(ValueError, match=r"x of shape .* has axes of unknown size; give them sizes"):
            case.fill(tf.TensorSpec(shape))


def test_fans_of_a_tensor() -> None:
    assert ai.calculate_fan_in_and_fan_out(tf.zeros((3, 4, 5))) == (20, 15)
    assert ai.calculate_fan_in_and_fan_out(tf.TensorSpec((3, 4))) == (4, 3)
    with pytest.raises(ValueError, match=r"x of shape \(None, 3\) has axes of unknown size"):
        ai.calculate_fan_in_and_fan_out(tf.TensorSpec((None, 3)))


@pytest.mark.parametrize("dtype", ["string", "resource", "variant", "qint8", "quint16", "int4", "float8_e4m3b11fnuz"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    x = tf.TensorSpec((2, 2), tf.as_dtype(dtype))
    with pytest.raises(TypeError, match=f"x has dtype {dtype}, which is not supported"):
        ai.normal_(x, rng=0)
    with pytest.raises(TypeError, match=f"x has dtype {dtype}, which is not supported"):
        ai.zeros_(x)


def test_a_string_is_no_source() -> None:
    with pytest.raises(TypeError, match=r"source must be an array of .* got EagerTensor of dtype string"):
        ai.copy_(np.empty(1), tf.constant(["one"]))


def test_numbers_and_seeds_may_be_tensors(library: Library) -> None:
    x = tf.zeros((3, 4))
    np.testing.assert_array_equal(ai.normal_(x, std=tf.constant(0.5), rng=tf.constant(7)), ai.normal_(x, 0, 0.5, 7))
    np.testing.assert_array_equal(ai.constant_(x, tf.constant(2, tf.int8)), np.full((3, 4), 2.0))


def test_generators_of_others_are_refused_with_what_is_right() -> None:
    x = tf.zeros(3)
    with pytest.raises(
        TypeError, match=r"rng for a TensorFlow tensor must be None \(TensorFlow's global seed\), a seed"
    ):
        ai.normal_(x, rng=np.random.RandomState(0))
    generator = tf.random.Generator.from_seed(3)
    with pytest.raises(TypeError, match=r"int\(rng\.uniform_full_int\(\(\)\)\) is a seed$"):
        ai.normal_(np.empty(3), rng=generator)
    ai.normal_(np.empty(3), rng=int(generator.uniform_full_int(())))


def test_no_tape_records() -> None:
    x, v = tf.constant([[1.0, 2.0]]), tf.Variable([[1.0, 2.0]])
    generator = tf.random.Generator.from_seed(3)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        filled = [ai.normal_(x, rng=rng) for rng in (0, None, generator)] + [ai.copy_(x, x), ai.copy_(x, v)]
        for rng in (0, None, generator):
            ai.normal_(v, rng=rng)
        ai.copy_(v, x)
        ai.zeros_(v)
    assert not tape.watched_variables()
    assert all(tape.gradient(y, x) is None for y in filled)


def test_a_copy_shares_no_memory(library: Library) -> None:
    values = np.arange(4096, dtype="float32")
    for source in (values, tf.experimental.dlpack.from_dlpack(values.__dlpack__())):
        copied = ai.copy_(tf.zeros(4096), source)
        assert not np.shares_memory(np.asarray(copied), values)
    v = tf.Variable(tf.zeros(4096))
    copied, w = ai.copy_(tf.zeros(4096), v), ai.copy_(tf.Variable(tf.ones(4096)), v)
    v.scatter_nd_update([[3]], [7.0])
    w.assign_add(tf.ones(4096))
    assert not np.asarray(copied).any()
    assert np.asarray(v).sum() == 7
    assert (np.asarray(w) == 1).all()


@pytest.mark.parametrize("into", ["float16", "bfloat16", *FLOAT8])
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_hard_numbers_are_rounded_once(given: str, into: str, library: Library) -> None:
    values = hard(given, into)
    copied = ai.copy_(tf.TensorSpec(values.shape, into), tf.constant(values))
    np.testing.assert_array_equal(library.to_numpy(copied), expected(given, into))


def test_the_host_reads_what_dlpack_has_not(library: Library) -> None:
    for dtype in ("bfloat16", *FLOAT8):
        source = ai.normal_(library.empty((30, 40), dtype), rng=0)
        copied = ai.copy_(np.empty((30, 40), "float64"), source)
        np.testing.assert_array_equal(copied, library.to_numpy(source))
        back = ai.copy_(library.empty((30, 40), dtype), copied)
        np.testing.assert_array_equal(library.to_numpy(back), copied)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", *FLOAT8])
def test_a_tensor_without_axes_is_read(dtype: str) -> None:
    source = tf.constant(np.asarray(1.5, tf.as_dtype(dtype).as_numpy_dtype))
    assert ai.copy_(np.empty(()), source) == 1.5
    assert ai.copy_(tf.TensorSpec((), "float64"), source) == 1.5


def test_the_adapter_takes_any_index_of_ours() -> None:
    from arrayinit.backends._tensorflow.backend import BACKEND

    x = np.arange(60.0).reshape(3, 4, 5)
    rows = np.array([[2, 0, 1, 1], [0, 1, 2, 0]])
    for index, of in (
        ((slice(None), 2, slice(1, 4)), x),
        ((np.array([2, 0]), slice(1, 3)), x[0]),
        ((rows, np.arange(4)), x[:, :, 0]),
    ):
        for value in (7.0, of[index] * -1):
            target = of.copy()
            HOST.set_at(target, index, value)
            np.testing.assert_array_equal(BACKEND.set_at(tf.constant(of), index, value), target)
