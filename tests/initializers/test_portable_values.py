"""A seed gives the same bits on every library, in every dtype, whatever memory they are written to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import golden
import numpy as np
import pytest
from cases import DRAWS, FUNCTIONS, Case
from libraries import Library, no_such_case
from libraries.forms import transposed
from portable_calls import TOLERANCE, reference, rounded, same_bits
from scipy import special

import arrayinit as ai
from arrayinit.backends.registry import backend_of

SEEDS = {
    "0": 0,
    "2**31": 2**31,
    "2**64 + 1": 2**64 + 1,
    "[1, 2, 3]": [1, 2, 3],
    "spawned": np.random.SeedSequence(9).spawn(3)[2],
}
SHAPES = ((0,), (1,), (7,), (8,), (9,), (), (3, 0, 2), (2, 3, 1, 5, 7), (257, 33))


def destinations(library: Library, shape: tuple[int, ...], dtype: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield arrays of this shape that lie in memory in every way, each with the array whose part it is."""
    x = library.full(shape, dtype, 7.0)
    yield "contiguous", x, x
    if not (library.in_place and library.has_views) or not shape:
        return
    turned = library.full(shape[::-1], dtype, 7.0)
    yield "transposed", transposed(turned), turned
    doubled = library.full(tuple(2 * n + 1 for n in shape), dtype, 7.0)
    yield "strided", doubled[tuple(slice(1, None, 2) for _ in shape)], doubled
    if library.module != "torch":
        yield "reversed", doubled[tuple(slice(2 * n - 1, None, -2) if n else slice(0, 0) for n in shape)], doubled
    padded = library.full((*shape[:-1], shape[-1] + 3), dtype, 7.0)
    yield "rows with gaps", padded[..., 3:], padded


def check_destinations(library: Library, draw: Case, expected: np.ndarray, dtype: str, seed: Any) -> None:
    for kind, x, whole in destinations(library, draw.shape, dtype):
        filled = draw.fill(x, seed)
        assert (filled is x) == library.in_place
        assert backend_of(filled).dtype(filled) == dtype
        assert library.device(filled) == library.device(x)
        same_bits(library.to_numpy(filled), expected, dtype)
        if whole is not x:
            outside = (library.to_numpy(whole) == 7).sum()
            assert outside == math.prod(whole.shape) - expected.size, f"written outside of {kind} memory"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_uniform_numbers_are_those_of_numpy_s_philox(wide, seed, library):
    for shape in (*SHAPES, (1_000_003,)):
        expected = np.random.Generator(np.random.Philox(SEEDS[seed])).random(shape, wide)
        check_destinations(library, DRAWS["uniform_()"].at(shape), np.asarray(expected), wide, SEEDS[seed])


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_has_the_bits_of_numpy(name, library, dtype):
    if dtype not in DRAWS[name].dtypes:
        no_such_case("complex numbers have no interval")
    check_destinations(library, DRAWS[name], reference(DRAWS[name], dtype), dtype, 5)


def words(seed: Any, count: int, stream: int = 0) -> np.ndarray:
    """Return the words of a stream of the key of a seed, as NumPy counts them."""
    key = np.random.Philox(seed).state["state"]["key"]
    return np.random.Philox(key=key, counter=[0, 0, 0, stream]).random_raw(count)


def halves(drawn: np.ndarray) -> np.ndarray:
    """Return the low and the high half of each word."""
    return drawn.astype("<u8").view("<u4").astype(np.float64)


def normals(k: np.ndarray, size: int) -> np.ndarray:
    """Return the quantiles of k + 1/2 of 2^size, from the side where they are precise."""
    below, above = (k + 0.5) * 2.0**-size, (2.0**size - 1 - k + 0.5) * 2.0**-size
    return np.where(below < above, special.ndtri(below), -special.ndtri(above))


def test_numpy_s_draws_are_those_that_the_words_stand_for():
    count = 20_000
    first, second = ((words(5, count, stream) >> np.uint64(11)).astype(np.float64) for stream in range(2))
    u, z = first * 2.0**-53, normals(first, 53)
    np.testing.assert_array_equal(ai.uniform_(np.empty(count), -0.3, 0.3, rng=5), (u - 0.5) * 0.6)
    np.testing.assert_array_equal(ai.uniform_(np.empty(count), -0.3, 0.7, rng=5), u * (0.7 - -0.3) - 0.3)
    np.testing.assert_allclose(ai.normal_(np.empty(count), rng=5), z, rtol=1e-14, atol=1e-15)
    w = ai.normal_(np.empty(count, complex), 0.5, math.sqrt(2.0), rng=5)
    np.testing.assert_allclose(w, z + 0.5 + 1j * normals(second, 53), rtol=1e-13, atol=1e-14)
    x = ai.normal_(np.empty(2 * count, np.float32), rng=5)
    np.testing.assert_allclose(x, normals(halves(words(5, count)), 32), rtol=3e-7, atol=3e-7)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_complex_number_has_its_radius_of_one_stream_and_its_angle_of_another(dtype):
    count = 20_000
    radius, angle = (words(5, count, stream) for stream in range(2))
    if dtype == "complex64":
        radius, angle = (
            w.astype("<u8").view("<u4")[:count].astype(np.uint64) << np.uint64(32) for w in (radius, angle)
        )
    z = ai.uniform_(np.empty(count, dtype), 1.0, 4.0, rng=5)
    expected = 2.5 + 1.5 * np.sqrt(radius * 2.0**-64) * np.exp(2j * math.pi * (angle * 2.0**-64 - 0.125))
    np.testing.assert_allclose(z, expected, rtol=2e-6 if dtype == "complex64" else 1e-14)


def test_the_zeros_of_a_sparse_matrix_are_where_the_keys_are_smallest():
    rows, columns = 40, 31
    keys = halves(words(5, rows * columns // 2, stream=2)).reshape(columns, rows)
    chosen = np.argsort(keys, axis=-1, kind="stable")[:, :12]
    expected = ai.normal_(np.empty((rows, columns)), std=0.01, rng=5)
    np.put_along_axis(expected.T, chosen, 0.0, axis=-1)
    np.testing.assert_array_equal(ai.sparse_(np.empty((rows, columns)), 0.3, rng=5), expected)


# The layout, a shape, the axes that bring it into the order batch, outputs, inputs, kernel, and the layout of that.
LAYOUTS = {
    "...IO": ((5, 4, 3, 6), (3, 2, 0, 1), "OI..."),
    "IO...": ((3, 6, 5, 4), (1, 0, 2, 3), "OI..."),
    "O...I": ((6, 5, 4, 3), (0, 3, 1, 2), "OI..."),
    "IOO": ((5, 2, 3), (1, 2, 0), "OOI"),
    "BIO": ((4, 5, 3), (0, 2, 1), "BOI"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"])
def test_a_layout_permutes_the_weight_of_the_default_layout(name, layout, library, dtype):
    shape, order, default = LAYOUTS[layout]
    function = getattr(ai, name)
    expected = function(library.empty(tuple(shape[k] for k in order), dtype), layout=default, rng=3)
    for _, x, _ in destinations(library, shape, dtype):
        turned = library.to_numpy(function(x, layout=layout, rng=3)).transpose(order)
        same_bits(turned, library.to_numpy(expected), dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_permutes_an_orthogonal_weight(layout, library):
    shape, order, default = LAYOUTS[layout]
    expected = ai.orthogonal_(np.empty([shape[k] for k in order], np.float32), layout=default, rng=3)
    for _, x, _ in destinations(library, shape, "float32"):
        turned = library.to_numpy(ai.orthogonal_(x, layout=layout, rng=3)).transpose(order)
        np.testing.assert_allclose(turned, expected, rtol=0, atol=TOLERANCE["float32"])


def test_several_axes_of_outputs_are_one_and_each_weight_of_a_batch_has_its_own_numbers(library):
    heads = ai.xavier_normal_(library.empty((2, 3, 5), "float32"), layout="OOI", rng=3)
    matrix = ai.xavier_normal_(library.empty((6, 5), "float32"), rng=3)
    same_bits(library.to_numpy(heads).reshape(6, 5), library.to_numpy(matrix), "float32")
    experts = ai.kaiming_normal_(library.empty((4, 3, 8), "float32"), nonlinearity="relu", layout="BOI", rng=3)
    same_bits(library.to_numpy(experts), ai.normal_(np.empty((4, 3, 8), "float32"), 0.0, 0.5, rng=3), "float32")


@pytest.mark.parametrize("shape", [(40, 12), (12, 8, 5), (25, 25)])
def test_orthogonal_matrices_are_those_of_the_portable_normals(shape, library, dtype):
    form = "float32" if dtype in ("float16", "bfloat16") else dtype
    normal = ai.normal_(np.empty((shape[0], math.prod(shape[1:])), form), rng=3).astype(complex)
    wide = normal.shape[0] < normal.shape[1]
    q, r = np.linalg.qr(normal.T if wide else normal)
    q *= np.diagonal(r) / abs(np.diagonal(r))
    expected = (q.T if wide else q).reshape(shape) * 0.75
    for kind, x, _ in destinations(library, shape, dtype):
        filled = ai.orthogonal_(x, 0.75, rng=3)
        assert (filled is x) == library.in_place
        np.testing.assert_allclose(library.to_numpy(filled), expected, rtol=0, atol=TOLERANCE[dtype], err_msg=kind)


def test_numbers_of_16_bits_are_rounded_to_even():
    # The two nearest of a format, and the middle between them.
    for dtype, step in (("float16", 2.0**-10), ("bfloat16", 2.0**-7)):
        middles = np.array([1 + step / 2, 1 + 1.5 * step, -1 - step / 2, 1 - step / 4, 0.0, -0.0], np.float32)
        expected = np.array([1, 1 + 2 * step, -1, 1, 0.0, -0.0])
        same_bits(rounded(middles, dtype, -math.inf, math.inf).astype(np.float64), expected, "float64")
        assert rounded(middles, dtype, 1 + 1.2 * step, 2).min() == 1 + 2 * step


@pytest.mark.parametrize("kind", ["byteswapped", "unaligned", "subclass"])
@pytest.mark.parametrize("name", ["uniform_", "trunc_normal_(a=2.0, b=3.0)", "sparse_", "orthogonal_"])
def test_numpy_arrays_of_any_kind_are_filled(name, kind):
    draw = DRAWS.get(name) or FUNCTIONS["orthogonal_"]
    x = np.empty(draw.shape, ">f4")
    if kind == "unaligned":
        x = np.frombuffer(bytearray(4 * x.size + 1), np.uint8)[1:].view(np.float32).reshape(draw.shape)
    elif kind == "subclass":
        x = x.astype(np.float32).view(np.recarray)
    assert draw.fill(x) is x
    same_bits(np.asarray(x).astype(np.float32), draw.fill(np.empty(draw.shape, np.float32)), "float32")


def test_each_library_draws_what_is_recorded(library, dtype):
    recorded = golden.read()
    for call in golden.CALLS:
        for name, shape, seed in golden.cases(call):
            if name == dtype and shape in ((17, 31), (17, 31, 2), (5, 3)):
                values = library.to_numpy(call.fill(library.empty(shape, dtype), seed))
                if dtype == "bfloat16":
                    values = (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
                old = recorded[call.name][dtype][golden.label(shape, seed)]
                result = values.reshape(-1).tolist() if isinstance(old, list) else golden.digest(values)
                assert golden.agree(old, result, dtype), f"{call.name} in {dtype}, {shape}, seed {seed}"
