"""Within a tf.function: the bits of a seed, a new draw at each call, variables that are assigned, errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import DRAWN, FUNCTIONS
from hard_numbers import expected, hard
from libraries import FLOAT8, Library
from portable_calls import same_bits

import arrayinit as ai
from arrayinit.testing.reference import assert_same, reference

# Without TensorFlow, the fixture skips the tests, or fails them where TensorFlow was asked for.
with suppress(ImportError):
    import tensorflow as tf

pytestmark = [pytest.mark.usefixtures("library"), pytest.mark.parametrize("library", ["tensorflow"], indirect=True)]

with_xla = pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])


@with_xla
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_seed_gives_the_bits_of_numpy(name: str, jit_compile: bool, library: Library) -> None:
    case = FUNCTIONS[name]
    dtypes = [dtype for dtype in ("bfloat16", "float32", "float8_e5m2", "complex128") if dtype in case.dtypes]

    @tf.function(jit_compile=jit_compile)
    def filled(*arrays: Any) -> list[Any]:
        return [case.fill(x) for x in arrays]

    for dtype, y in zip(dtypes, filled(*(library.empty(case.shape, dtype) for dtype in dtypes)), strict=True):
        assert_same(library.to_numpy(y), reference(case, dtype), exact=case.is_exact)


@with_xla
def test_a_variable_is_assigned(jit_compile: bool, library: Library) -> None:
    variables = [tf.Variable(tf.zeros((3, 4), dtype)) for dtype in ("float32", "bfloat16", "complex64")]
    fills: list[Callable[[Any], Any]] = [
        lambda v: ai.normal_(v, rng=1),
        lambda v: ai.copy_(v, np.ones((3, 4))),
        ai.ones_,
    ]

    @tf.function(jit_compile=jit_compile)
    def fill(number: int) -> None:
        for v in variables:
            assert fills[number](v) is v

    for number, by in enumerate(fills):
        fill(number)
        for v in variables:
            by_hand = library.to_numpy(by(tf.Variable(tf.zeros((3, 4), v.dtype))))
            np.testing.assert_array_equal(library.to_numpy(v), by_hand)


@with_xla
@pytest.mark.parametrize("name", DRAWN)
def test_each_call_draws_anew(name: str, jit_compile: bool, library: Library) -> None:
    case = DRAWN[name]
    # XLA has its own way to draw for the global seed only.
    generator = None if jit_compile else tf.random.Generator.from_seed(3)

    @tf.function(jit_compile=jit_compile)
    def draw() -> list[Any]:
        # XLA takes long to compile each of them.
        dtypes = ("float32",) if jit_compile else ("float32", "bfloat16", "complex64")
        specs = [tf.TensorSpec(case.shape, dtype) for dtype in dtypes if dtype in case.dtypes]
        return [case.fill(x, rng) for rng in {None, generator} for x in specs]

    for first, second in zip(draw(), draw(), strict=True):
        a, b = library.to_numpy(first), library.to_numpy(second)
        assert (a != b).any()
        assert np.isfinite(a).all()


def test_the_global_seed_holds(library: Library) -> None:
    def twice(draw: Callable[[], Any]) -> list[np.ndarray]:
        tf.random.set_seed(7)
        return [library.to_numpy(draw()) for _ in range(2)]

    def eager() -> Any:
        return ai.kaiming_normal_(tf.zeros((30, 40)))

    for make in (lambda: eager, lambda: tf.function(lambda: ai.kaiming_normal_(tf.zeros((30, 40))))):
        first, again = twice(make()), twice(make())
        np.testing.assert_array_equal(first, again)
        assert (first[0] != first[1]).any()


def test_a_generator_is_reproduced(library: Library) -> None:
    first, again = tf.random.Generator.from_seed(5), tf.random.Generator.from_seed(5)
    draw = tf.function(lambda generator: ai.trunc_normal_(tf.zeros((30, 40)), rng=generator))
    for _ in range(2):
        np.testing.assert_array_equal(draw(first), ai.trunc_normal_(tf.zeros((30, 40)), rng=again))


def test_values_lie_beside_the_graph(tmp_path: Path) -> None:
    """A graph of constants would have 2 GiB at most, and be copied with them."""

    class Module(tf.Module):
        @tf.function(input_signature=[])
        def __call__(self) -> Any:
            return ai.normal_(tf.zeros((300, 400)), rng=0), ai.normal_(tf.zeros((3, 4), "bfloat16"), rng=0)

    module = Module()
    function = module.__call__.get_concrete_function()
    assert function.graph.as_graph_def().ByteSize() < 10_000
    assert [tuple(tensor.shape) for tensor in function.captured_inputs] == [(300, 400), (3, 4)]
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))()
    for saved, made in zip(loaded, module(), strict=True):
        same_bits(np.asarray(saved), np.asarray(made), made.dtype.name)


def test_graphs_of_loops_and_branches_are_filled() -> None:
    @tf.function
    def filled(n: Any) -> Any:
        total = tf.zeros((3, 4))
        for _ in tf.range(n):
            total += ai.normal_(total, rng=1)
        return total if n > 2 else ai.uniform_(total, rng=2)

    once = ai.normal_(np.empty((3, 4), "float32"), rng=1)
    np.testing.assert_array_equal(filled(3), once + once + once)
    np.testing.assert_array_equal(filled(1), ai.uniform_(np.empty((3, 4), "float32"), rng=2))


def test_a_graph_of_version_1_is_filled() -> None:
    with tf.Graph().as_default():
        made = ai.normal_(tf.zeros((3, 4)), rng=1)
        with tf.compat.v1.Session() as session:
            np.testing.assert_array_equal(session.run(made), ai.normal_(np.empty((3, 4), "float32"), rng=1))


def test_autograph_leaves_the_functions_as_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    value = ai.lecun_normal(layout="IO")

    @tf.function
    def filled() -> list[Any]:
        seed = ai.fold_in(0, "weight")
        assert ai.calculate_gain("relu") > 1
        model = {"weight": tf.zeros((3, 4))}
        made = [ai.normal_(tf.zeros((3, 4)), rng=seed), value(tf.zeros((3, 4))), ai.normal(std=0.1)(tf.zeros(3), rng=1)]
        return [*made, ai.initialize(model, [("weight", value)], rng=0)["weight"]]

    filled()
    names = [ai.normal_, ai.copy_, ai.fold_in, ai.plan, ai.initialize, ai.calculate_gain, value, ai.normal]
    assert all(hasattr(entity, "autograph_info__") for entity in names)
    assert tf.autograph.experimental.do_not_convert(lambda: None).autograph_info__ is None
    assert "AutoGraph" not in capfd.readouterr().err


@with_xla
@pytest.mark.parametrize("into", ["float16", "bfloat16", "float32", *FLOAT8[:2]])
@pytest.mark.parametrize("given", ["float32", "float64", "int64", "uint64", "int32"])
def test_a_symbolic_source_is_rounded_once(given: str, into: str, jit_compile: bool, library: Library) -> None:
    values = hard(given, into)
    right = expected(given, into)
    copy = tf.function(lambda source: ai.copy_(tf.TensorSpec(source.shape, into), source), jit_compile=jit_compile)
    copied = library.to_numpy(copy(tf.constant(values)))
    if right.dtype.kind == "f":
        # TensorFlow and XLA treat subnormal numbers of float32 and bfloat16 as zero.
        tiny = 2.0**-126
        copied, right = (np.where(abs(x) < tiny, 0, x) for x in (copied, right))
    np.testing.assert_array_equal(copied, right)


def test_a_symbolic_tensor_has_no_values() -> None:
    @tf.function
    def into_numpy(source: Any) -> None:
        ai.copy_(np.zeros((2, 3)), source)

    with pytest.raises(TypeError, match=r"a SymbolicTensor has no values, as under the trace of a tf\.function"):
        into_numpy(tf.zeros((2, 3)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: ai.normal_(x, std=x[0, 0]), TypeError, "std must be a concrete number, got a SymbolicTensor"),
        (lambda x: ai.normal_(x, rng=tf.cast(x[0, 0], tf.int32)), TypeError, "a seed must be a concrete number"),
        (lambda x: ai.constant_(x, x[0, 0]), TypeError, "val must be a concrete number"),
        (lambda x: ai.normal_(x, rng=np.random.default_rng(0)), ValueError, "would draw only once in a tf.function"),
        (lambda x: ai.copy_(tf.cast(x, tf.int8), tf.cast(x, tf.int32)), TypeError, "its values are not known here"),
    ],
)
def test_errors_say_what_to_do(call: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        tf.function(call)(tf.zeros((2, 3)))


def test_an_axis_of_unknown_size_is_given_one() -> None:
    def fill(x: Any) -> Any:
        return ai.kaiming_normal_(x, rng=0)

    with pytest.raises(ValueError, match=r"x of shape \(None, 3\) has axes of unknown size; give them sizes, as by "):
        tf.function(fill, input_signature=[tf.TensorSpec((None, 3))]).get_concrete_function()
    sized = tf.function(lambda x: fill(tf.ensure_shape(x, (2, 3))), input_signature=[tf.TensorSpec((None, 3))])
    np.testing.assert_array_equal(sized(tf.zeros((2, 3))), fill(np.empty((2, 3), "float32")))
