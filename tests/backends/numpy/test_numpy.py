"""NumPy: the generator's own numbers, written where the array lies."""

from __future__ import annotations

import random
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from peers import peer

import arrayinit
import arrayinit.backends._numpy as backend

pytestmark = pytest.mark.parametrize("library", ["numpy"], indirect=True)


@pytest.fixture(autouse=True)
def _numpy(library: object) -> None:
    """Skip these tests where NumPy is not among the libraries asked for."""


# Each makes a writable array of some memory layout.
MEMORY: dict[str, Callable[[str], np.ndarray]] = {
    "contiguous": lambda dtype: np.empty((37, 53), dtype),
    "transposed": lambda dtype: np.empty((37, 53), dtype).T,
    "Fortran": lambda dtype: np.empty((5, 6, 7), dtype, order="F"),
    "permuted": lambda dtype: np.empty((5, 6, 7), dtype).transpose(1, 2, 0),
    "strided": lambda dtype: np.empty((20, 30), dtype)[::3, 1::2],
    "negative strides": lambda dtype: np.empty((20, 30), dtype)[::-1, ::-2],
    "unaligned": lambda dtype: np.empty((20, 1 + np.dtype(dtype).itemsize), np.uint8)[:, 1:].view(dtype),
    "0-d": lambda dtype: np.empty((), dtype),
    "one element": lambda dtype: np.empty((1, 1), dtype),
    "5-D": lambda dtype: np.empty((2, 3, 4, 5, 6), dtype),
    "zero-size": lambda dtype: np.empty((3, 0, 2), dtype),
    "big-endian": lambda dtype: np.empty((9, 11), np.dtype(dtype).newbyteorder(">")),
    "big-endian strided": lambda dtype: np.empty((9, 12), np.dtype(dtype).newbyteorder(">"))[:, ::2],
    "more than a chunk": lambda dtype: np.empty(3 * backend._CHUNK + 5, dtype),
    "more than a chunk, strided": lambda dtype: np.empty((2, backend._CHUNK + 5), dtype).T,
}


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_is_the_draw_of_the_generator(memory: str, dtype: str) -> None:
    x, rng, own = MEMORY[memory](dtype), np.random.default_rng(0), np.random.default_rng(0)
    given = x.dtype
    expected = own.random(x.shape, dtype=dtype) * 3.5 - 1.25
    assert arrayinit.uniform_(x, -1.25, 2.25, rng=rng) is x
    assert x.dtype == given
    np.testing.assert_array_equal(x, expected)
    assert rng.bit_generator.state == own.bit_generator.state


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_is_the_draw_of_the_generator(memory: str, dtype: str) -> None:
    x, rng, own = MEMORY[memory](dtype), np.random.default_rng(0), np.random.default_rng(0)
    expected = own.standard_normal(x.shape, dtype=dtype) * 0.3 + 1.7
    assert arrayinit.normal_(x, 1.7, 0.3, rng=rng) is x
    np.testing.assert_array_equal(x, expected)
    assert rng.bit_generator.state == own.bit_generator.state


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_bit_generator_serves(bits: Any) -> None:
    x = arrayinit.uniform_(np.empty((4, 5)), rng=np.random.Generator(bits(3)))
    np.testing.assert_array_equal(x, np.random.Generator(bits(3)).random((4, 5)))


DRAWS: dict[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "uniform": lambda x, rng: arrayinit.uniform_(x, -1, 3, rng=rng),
    "normal": lambda x, rng: arrayinit.normal_(x, 1, 3, rng=rng),
    "truncated": lambda x, rng: arrayinit.trunc_normal_(x, 0, 1, -1, 2, rng=rng),
    "truncated in the tail": lambda x, rng: arrayinit.trunc_normal_(x, 0, 1, 4, 9, rng=rng),
    "kaiming": lambda x, rng: arrayinit.kaiming_uniform_(x, rng=rng),
}


@pytest.mark.parametrize("chunk", [1, 3, 64, 1000])
@pytest.mark.parametrize(
    ("draw", "dtype"),
    [(draw, dtype) for draw in DRAWS for dtype in ("float16", "float32", "float64")]
    + [("uniform", "complex64"), ("normal", "complex128"), ("kaiming", "complex64")],
)
def test_the_values_do_not_depend_on_the_chunk(
    draw: str, dtype: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = [np.empty((23, 29), dtype), np.empty((23, 29), dtype).T, np.empty((23, 58), dtype)[:, ::-2]]
    whole = [DRAWS[draw](x, np.random.default_rng(5)).copy() for x in shapes]
    monkeypatch.setattr(backend, "_CHUNK", chunk)
    for x, expected in zip(shapes, whole, strict=True):
        DRAWS[draw](x, np.random.default_rng(5))
        np.testing.assert_array_equal(x, expected)


_LARGE = 1 << 24
_MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    ("dtype", "draw"),
    [("float32", "uniform"), ("float32", "normal"), ("float32", "truncated"), ("float16", "uniform")],
)
@pytest.mark.parametrize("order", ["contiguous", "strided", "transposed"])
def test_no_temporary_grows_with_the_array(dtype: str, draw: str, order: str) -> None:
    if order == "contiguous":
        x = np.empty((4096, _LARGE // 4096), dtype)
    elif order == "strided":
        x = np.empty((4096, _LARGE // 2048), dtype)[:, ::2]
    else:
        x = np.empty((4096, _LARGE // 4096), dtype).T
    rng = np.random.default_rng(0)
    tracemalloc.start()
    try:
        DRAWS[draw](x, rng)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * _MEBIBYTE


@pytest.mark.parametrize("draw", DRAWS)
def test_a_read_only_array_is_refused_and_left_as_it_was(draw: str) -> None:
    x = np.full((4, 4), 7.0)
    x.flags.writeable = False
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"read-only.*x\.copy\(\)"):
        DRAWS[draw](x, rng)
    assert (x == 7.0).all()
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


@pytest.mark.parametrize("name", ["ones_", "zeros_", "eye_", "orthogonal_"])
def test_a_read_only_array_is_refused_by_what_does_not_draw_elements(name: str) -> None:
    x = np.full((4, 4), 7.0)
    x.flags.writeable = False
    with pytest.raises(ValueError, match=r"read-only.*x\.copy\(\)"):
        getattr(arrayinit, name)(x)
    assert (x == 7.0).all()


class Tagged(np.ndarray):
    """A subclass that does nothing."""


@pytest.mark.parametrize("name", ["uniform_", "kaiming_normal_", "orthogonal_", "eye_", "zeros_"])
def test_a_subclass_is_filled_and_kept(name: str) -> None:
    x = np.full((4, 6), 7.0).view(Tagged)
    filled = getattr(arrayinit, name)(x)
    assert filled is x
    assert type(filled) is Tagged
    assert not (x == 7.0).any()


def test_a_memory_map_is_written_to_its_file(tmp_path: Any) -> None:
    path = tmp_path / "weights"
    x = np.memmap(path, np.float32, "w+", shape=(8, 8))
    assert arrayinit.xavier_uniform_(x, rng=np.random.default_rng(0)) is x
    x.flush()
    expected = arrayinit.xavier_uniform_(np.empty((8, 8), np.float32), rng=np.random.default_rng(0))
    np.testing.assert_array_equal(np.fromfile(path, np.float32).reshape(8, 8), expected)


@pytest.mark.parametrize(
    "dtype", ["int8", "int32", "int64", "uint8", "bool", "object", "datetime64[s]", "S4", [("weight", "f4")]]
)
@pytest.mark.parametrize("draw", DRAWS)
def test_what_is_not_floating_point_is_refused_by_name(draw: str, dtype: Any) -> None:
    x = np.zeros((3, 4), dtype)
    before = x.copy()
    shown = str(x.dtype) if x.dtype.names else x.dtype.name
    with pytest.raises(TypeError, match=re.escape(f"x has dtype {shown}")):
        DRAWS[draw](x, None)
    assert (x == before).all()


@pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="longdouble is float64 on this platform")
@pytest.mark.parametrize("dtype", ["longdouble", "clongdouble"])
def test_a_long_double_is_refused(dtype: str) -> None:
    with pytest.raises(TypeError, match=f"dtype {np.dtype(dtype).name}"):
        arrayinit.uniform_(np.empty((3, 4), dtype))


@pytest.mark.parametrize("draw", DRAWS)
def test_without_a_generator_every_call_differs(draw: str) -> None:
    first, second = (DRAWS[draw](np.empty((4, 4)), None) for _ in range(2))
    assert (first != second).all()


@pytest.mark.parametrize(
    "rng", [np.random.RandomState(0), np.random, random.Random(0), True, np.True_, 1.5, "0", b"0", object()]
)
@pytest.mark.parametrize("name", ["uniform_", "kaiming_normal_", "orthogonal_", "trunc_normal_"])
def test_another_kind_of_generator_is_refused_with_what_to_pass(name: str, rng: Any) -> None:
    x = np.full((3, 4), 7.0)
    with pytest.raises(TypeError, match=r"rng .*numpy\.random\.Generator.*got"):
        getattr(arrayinit, name)(x, rng=rng)
    assert (x == 7.0).all()


def test_bfloat16_of_ml_dtypes_is_filled_in_place_and_gets_all_its_values() -> None:
    bfloat16 = peer("ml_dtypes").bfloat16
    x = np.empty((1000, 1000), bfloat16)
    assert arrayinit.normal_(x, rng=np.random.default_rng(0)) is x
    assert x.dtype == bfloat16
    # Drawn in float32 and rounded to nearest even.
    own = np.random.default_rng(0).standard_normal(x.shape, dtype=np.float32)
    np.testing.assert_array_equal(x, own.astype(bfloat16))
    assert len(np.unique(x.view(np.uint16))) > 3000


@pytest.mark.parametrize("name", ["trunc_normal_", "constant_", "eye_", "orthogonal_", "sparse_"])
def test_bfloat16_of_ml_dtypes_works_in_the_other_initializers(name: str) -> None:
    bfloat16 = peer("ml_dtypes").bfloat16
    x = np.full((6, 6), np.nan, bfloat16)
    arguments = {"constant_": (0.5,), "sparse_": (0.5,)}.get(name, ())
    assert getattr(arrayinit, name)(x, *arguments) is x
    assert np.isfinite(x.astype(np.float32)).all()


BFLOAT16: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "a seed": lambda x: arrayinit.normal_(x, rng=5),
    "a generator": lambda x: arrayinit.normal_(x, rng=np.random.default_rng(5)),
    "a constant": lambda x: arrayinit.constant_(x, 0.1),
    "an identity": lambda x: arrayinit.eye_(x) if x.ndim == 2 else arrayinit.ones_(x),
    "a copy": lambda x: arrayinit.copy_(x, np.linspace(0.1, 0.2, x.size).reshape(x.shape)),
}


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("by", BFLOAT16)
def test_bfloat16_of_ml_dtypes_is_right_in_any_memory(by: str, memory: str) -> None:
    bfloat16 = peer("ml_dtypes").bfloat16
    x = MEMORY[memory]("bfloat16")
    expected = BFLOAT16[by](np.empty(x.shape, bfloat16)).astype("float32")
    if expected.size:
        assert 0 < abs(expected).max() < 6
    assert BFLOAT16[by](x) is x
    np.testing.assert_array_equal(x.astype("float32"), expected)
