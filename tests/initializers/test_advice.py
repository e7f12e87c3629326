"""What an error advises, when it is done, is no error: each test does what the message says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from cases import FUNCTIONS, KERNEL, KERNELS, MATRIX
from libraries import Library
from peers import peer

import arrayinit as ai


def advised(call: Any, pattern: str, error: type[Exception] = ValueError) -> str:
    """Return what the error of a call advises, as the group of the pattern."""
    with pytest.raises(error) as caught:
        call()
    found = re.search(pattern, str(caught.value))
    assert found, str(caught.value)
    return found[1]


def follow(advice: str, x: Any, name: str) -> Any:
    """Do what the advice says, in code, and call the function again."""
    if " = " in advice:
        exec(advice, {"x": x})
        return FUNCTIONS[name].fill(x, None)
    return FUNCTIONS[name].fill(eval(advice, {"x": x, "np": np}), None)


def shape_of(name: str) -> tuple[int, ...]:
    return KERNEL if name in KERNELS else MATRIX


def views(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Arrays that cannot be written as they are."""
    whole = np.zeros(shape)
    whole.flags.writeable = False
    view = np.zeros((2, *shape))[0]
    view.flags.writeable = False
    base = np.zeros(shape)
    base.flags.writeable = False
    return {
        "broadcast": np.broadcast_to(np.zeros(shape[1:]), shape),
        "broadcast number": np.broadcast_to(0.0, shape),
        "made so, and writable": np.lib.stride_tricks.as_strided(np.zeros(shape[1:]), shape, (0,) * len(shape)),
        "read-only": whole,
        "read-only view": view,
        "view of read-only": base[...],
        "bytes": np.frombuffer(np.zeros(shape).tobytes()).reshape(shape),
        "windows": np.lib.stride_tricks.sliding_window_view(np.zeros(shape[0] + shape[1] - 1), shape[1])
        if len(shape) == 2
        else whole,
    }


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", views(MATRIX))
def test_arrays_that_cannot_be_written(name: str, kind: str, numpy_library: Library) -> None:
    x = views(shape_of(name))[kind]
    copy = advised(lambda: FUNCTIONS[name].fill(x, None), r"pass (x\.copy\(\))")
    assert follow(copy, x, name).shape == x.shape
    assert (x == 0).all()
    with pytest.raises(ValueError, match=re.escape(copy)) as caught:
        FUNCTIONS[name].fill(x, None)
    flag = re.search(r"or make it writable with (.*)$", str(caught.value))
    assert (flag is not None) == (kind in {"read-only", "read-only view"} or (kind == "windows" and len(x.shape) != 2))
    if flag:
        assert follow(flag[1], x, name) is x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_expanded_tensors(name: str, torch_library: Library) -> None:
    x = peer("torch").zeros(1).expand(shape_of(name))
    advice = advised(lambda: FUNCTIONS[name].fill(x, None), r"pass (x\.clone\(\))$", RuntimeError)
    assert follow(advice, x, name).shape == x.shape


@pytest.mark.parametrize("layout", ["oi", "io", "Oi", "oI"])
def test_small_letters_of_a_layout(layout: str, library: Library) -> None:
    x = library.empty(MATRIX, "float32")
    meant = advised(lambda: ai.kaiming_uniform_(x, layout=layout), "did you mean '(.*)'")
    assert meant == layout.upper()
    ai.kaiming_uniform_(x, layout=meant)


@pytest.mark.parametrize("layout", ["o...i", "...io", "oihw", "hwio", "bOI...", "OIb"])
def test_small_letters_of_a_layout_among_others(layout: str, numpy_library: Library) -> None:
    shape = (2, 3, 4) if "b" in layout or "..." in layout else (2, 3, 4, 5)
    meant = advised(lambda: ai.calculate_fan_in_and_fan_out(shape, layout=layout), "did you mean '(.*)'")
    assert meant.lower() == layout.lower()
    ai.calculate_fan_in_and_fan_out(shape, layout=meant)


def test_examples_of_layouts(numpy_library: Library) -> None:
    with pytest.raises(ValueError, match=r"e\.g\.") as caught:
        ai.calculate_fan_in_and_fan_out((2, 3), layout="O?")
    for layout in re.search("e.g. (.*)$", str(caught.value))[1].split(" or "):
        ai.calculate_fan_in_and_fan_out((2, 3), layout=layout.strip("'"))


def test_a_bias(library: Library) -> None:
    x = library.empty((6,), "float32")
    layout = advised(lambda: ai.kaiming_uniform_(x), "for a bias, pass layout='(O)'")
    ai.kaiming_uniform_(x, layout=layout)
    bound = 4**-0.5
    assert advised(lambda: ai.kaiming_uniform_(x), r"or call (uniform_\(x, -bound, bound\))")
    ai.uniform_(x, -bound, bound)


def test_a_matrix_for_delta_orthogonal(library: Library) -> None:
    x = library.empty(MATRIX, "float32")
    name = advised(lambda: ai.delta_orthogonal_(x), "without any it is (orthogonal_)")
    getattr(ai, name)(x)


@pytest.mark.parametrize(
    ("dtype", "source", "pattern"),
    [
        ("bool", np.array([0, 2]), r"compare it, as by (source != 0)"),
        ("float32", np.array([1j, 2]), r"pass (source\.real)"),
    ],
)
def test_sources_of_a_higher_kind(dtype: str, source: Any, pattern: str, library: Library) -> None:
    x = library.full(source.shape, dtype, 1)
    advice = advised(lambda: ai.copy_(x, source), pattern, TypeError)
    expected = eval(advice, {"source": source})
    np.testing.assert_array_equal(library.to_numpy(ai.copy_(x, expected)), expected)


def test_integers_and_booleans_for_what_draws_nothing(library: Library) -> None:
    x = library.full((3, 3), "int32", 7)
    names = advised(lambda: ai.normal_(x), "integers and booleans are for (.*)$", TypeError)
    for name in re.findall(r"\w+_\b", names):
        shape, value = ((3, 3, 3) if name == "dirac_" else (3, 3)), ((1,) if name == "constant_" else ())
        for dtype in ("int32", "bool"):
            getattr(ai, name)(library.full(shape, dtype, 1), *value)


@pytest.mark.parametrize("library", ["dask"], indirect=True)
def test_dask_arrays_of_unknown_sizes(library: Library) -> None:
    da = peer("dask.array")
    x = da.arange(6.0, chunks=2)
    x = x[x > 1]
    advised(lambda: ai.normal_(x), r"call (x\.compute_chunk_sizes\(\)) first")
    x.compute_chunk_sizes()
    assert ai.normal_(x).compute().shape == (4,)
    source = x[x > 3]
    advised(lambda: ai.copy_(da.empty(2), source), r"^source of .* call (source\.compute_chunk_sizes\(\)) first")
    source.compute_chunk_sizes()
    np.testing.assert_array_equal(ai.copy_(da.empty(2), source).compute(), [4, 5])


def test_rng_under_a_trace_of_jax(jax_library: Library) -> None:
    jax = peer("jax")
    x = jax.numpy.empty(MATRIX)
    for rng in (None, np.random.default_rng(0)):
        advised(lambda: jax.jit(lambda x: ai.normal_(x, rng=rng))(x), "pass a (JAX key), or an integer seed")  # noqa: B023
    for rng in (jax.random.key(0), 0):
        jax.jit(lambda x: ai.normal_(x, rng=rng))(x)  # noqa: B023


def test_many_keys_of_jax(jax_library: Library) -> None:
    jax = peer("jax")
    keys, x = jax.random.split(jax.random.key(0), 2), jax.numpy.empty((2, 3))
    advised(lambda: ai.normal_(x, rng=keys), r"(index them, or use jax\.vmap)", TypeError)
    ai.normal_(x, rng=keys[1])
    jax.vmap(lambda x, key: ai.normal_(x, rng=key))(x, keys)
