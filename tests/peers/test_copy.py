"""copy_: every library into every other, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from copy_sources import INTEGERS, MAKERS, array, blank, has, same, storage
from libraries import Library, no_such_case
from never_run import NOT_INSTALLED
from peers import peer

import arrayinit
from arrayinit.backends import registry
from arrayinit.backends.container import array_in
from arrayinit.backends.lazy import Lazy
from arrayinit.core.dtypes import FORMATS

pytestmark = pytest.mark.pairs


@pytest.mark.parametrize("origin", [name for name in MAKERS if name not in NOT_INSTALLED])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 4, 5)])
def test_any_library_gives_to_any_other(origin: str, shape: tuple[int, ...], library: Library) -> None:
    check_a_copy(origin, shape, library)


@pytest.mark.large
@pytest.mark.parametrize("origin", NOT_INSTALLED)
def test_a_large_library_gives_to_any_other(origin: str, library: Library) -> None:
    for shape in ((), (0, 3), (3, 4, 5)):
        check_a_copy(origin, shape, library)


def check_a_copy(origin: str, shape: tuple[int, ...], library: Library) -> None:
    for dtype in (name for name in (*INTEGERS, *library.dtypes, "bool") if has(origin, name) and library.has(name)):
        values = np.random.default_rng(0).integers(0, 2, shape).astype(storage(dtype))
        x = blank(library, shape, dtype)
        y = arrayinit.copy_(x, array(origin, values, dtype))
        assert (y is x) == library.in_place
        assert (y.dtype, library.device(y)) == (x.dtype, library.device(x))
        same(y, values, library, dtype)


@pytest.mark.parametrize("origin", ["numpy", "torch", "strict"])
def test_the_copy_shares_no_memory_with_the_source(origin: str, library: Library) -> None:
    values = np.arange(4096, dtype="float32")
    source = array(origin, values.copy(), "float32")
    y = arrayinit.copy_(library.empty(values.shape, "float32"), source)
    source[:] = 0.0 if origin != "strict" else peer("array_api_strict").zeros_like(source)
    np.testing.assert_array_equal(library.to_numpy(y), values)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(12.0).reshape(3, 4)[::-1, ::-1],
        np.arange(12.0).reshape(4, 3).T,
        np.arange(48.0).reshape(6, 8)[::2, ::2],
        np.arange(12.0).reshape(3, 4).astype(">f8"),
        np.broadcast_to(np.arange(4.0), (3, 4)),
        np.arange(12).reshape(3, 4).astype(">i8")[::-1],
    ],
    ids=["backwards", "transposed", "strided", "big-endian", "read-only", "big-endian integers"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_any_layout_of_memory_is_read(values: np.ndarray, dtype: str, library: Library) -> None:
    x = blank(library, (3, 4), dtype)
    np.testing.assert_array_equal(library.to_numpy(arrayinit.copy_(x, values)), values)


def test_large_arrays_are_copied_whole(library: Library) -> None:
    values = np.random.default_rng(0).standard_normal((700, 500))
    for dtype in library.dtypes[:3]:
        y = library.to_numpy(arrayinit.copy_(library.empty(values.shape, dtype), values))
        np.testing.assert_allclose(y, values, rtol=2.0 ** -FORMATS[dtype].precision, atol=1e-7)


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        (2.5, ()),
        (True, ()),
        (np.float32(3), ()),
        ([1, 2.5, 3], (3,)),
        (((1, 2), (3, 4)), (2, 2)),
        ([np.arange(3), np.arange(3)], (2, 3)),
        (range(4), (4,)),
        ([], (0,)),
        (memoryview(b"abc"), (3,)),
    ],
)
def test_numbers_and_nested_sequences_are_taken(source: Any, shape: tuple[int, ...], library: Library) -> None:
    y = arrayinit.copy_(library.empty(shape, "float32"), source)
    np.testing.assert_array_equal(library.to_numpy(y), np.asarray(source))


class Readable:
    """An array of an unknown library."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values


class ByDLPack(Readable):
    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.values.__dlpack_device__()


class ByArray(Readable):
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values


@pytest.mark.parametrize("cls", [ByDLPack, ByArray])
def test_what_numpy_can_read_is_taken(cls: type, library: Library) -> None:
    values = np.arange(6.0).reshape(2, 3)[:, ::-1]
    y = arrayinit.copy_(library.empty((2, 3), "float32"), cls(values))
    np.testing.assert_array_equal(library.to_numpy(y), values)


WRONG = [
    (
        np.zeros((4, 3)),
        "float32",
        ValueError,
        r"source has shape \(4, 3\), but x has shape \(3, 4\).*nothing is broadc",
    ),
    (np.zeros(4), "float32", ValueError, r"source has shape \(4,\)"),
    (1.0, "float32", ValueError, r"source has shape \(\)"),
    ([[1, 2], [3]], "float32", ValueError, "source must be an array, or a nested sequence of numbers without gaps"),
    ([["1"] * 4] * 3, "float32", TypeError, "source must be an array of float16.*list of dtype str"),
    (None, "float32", TypeError, "source must be an array of float16.*NoneType of dtype object"),
    ([[None] * 4] * 3, "float32", TypeError, "source must be .*list of dtype object"),
    (np.zeros((3, 4), "longdouble"), "float32", TypeError, "source must be .*ndarray of dtype "),
    (np.zeros((3, 4), "M8[s]"), "float32", TypeError, "source must be .*of dtype datetime64"),
    (
        np.zeros((3, 4), complex),
        "float32",
        TypeError,
        r"source has a complex dtype, complex128, .*float32; pass .*\.real",
    ),
    (np.zeros((3, 4)), "int32", TypeError, "source has a real dtype, float64, .*int32; round and cast"),
    (np.zeros((3, 4), "int8"), "bool", TypeError, "source has an integer dtype, int8, .*bool; compare it, .*!= 0"),
    (np.full((3, 4), 128), "int8", ValueError, "source has values from 128 to 128, .*int8, which holds -128 to 127"),
    (np.full((3, 4), -1), "uint64", ValueError, "source has values from -1 to -1, .*uint64"),
    (np.full((3, 4), 2**63, "uint64"), "int64", ValueError, "source has values from 9223372036854775808 "),
]


@pytest.mark.parametrize(("source", "dtype", "error", "text"), WRONG, ids=range(len(WRONG)))
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    source: Any, dtype: str, error: type, text: str, library: Library
) -> None:
    x = blank(library, (3, 4), dtype)
    with pytest.raises(error, match=text):
        arrayinit.copy_(x, source)
    np.testing.assert_array_equal(library.to_numpy(x), 1)


@pytest.mark.parametrize("source", [None, "weights", {}, object(), {1.0}])
def test_what_has_no_numbers_is_refused(source: Any, library: Library) -> None:
    with pytest.raises(TypeError, match=f"source must be an array of .*, got {type(source).__name__} of dtype "):
        arrayinit.copy_(library.empty((), "float32"), source)


def test_integers_that_fit_are_taken_by_a_smaller_dtype(library: Library) -> None:
    for origin in {"numpy", library.name.partition(":")[0]}:
        integers = [name for name in INTEGERS if library.has(name)]
        for given in INTEGERS if origin == "numpy" else integers:
            values = np.array([0, 7, 127], given)
            for dtype in integers:
                y = arrayinit.copy_(library.full((3,), dtype, 1), array(origin, values, given))
                np.testing.assert_array_equal(library.to_numpy(y), values)


@pytest.mark.parametrize("origin", ["torch", "jax"])
def test_dlpack_is_the_way_and_the_host_is_not(origin: str, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    source, x = array(origin, np.arange(6, dtype="float32"), "float32"), library.empty((6,), "float32")
    if isinstance(registry.backend_of(x), Lazy):
        no_such_case("lazy arrays are made of NumPy's, on the host")
    if not hasattr(registry.backend_of(x).namespace(x), "from_dlpack"):
        no_such_case(f"{library.name} takes arrays of other libraries through the host")
    given = registry.backend_of(source)
    forms = []

    def first_form_only(self: Any, x: Any) -> Any:
        forms.append(next(iter(read(x))))
        yield forms[-1]
        pytest.fail("the host was asked")

    read = given.read
    monkeypatch.setattr(type(given), "read", first_form_only)
    y = arrayinit.copy_(x, source)
    assert len(forms) == (registry.backend_of(array_in(x)) is not given)
    monkeypatch.undo()
    np.testing.assert_array_equal(library.to_numpy(y), np.arange(6))


@pytest.mark.parametrize("origin", ["torch", "jax"])
@pytest.mark.parametrize("refusal", [BufferError, RuntimeError, TypeError, ValueError, AttributeError])
def test_the_host_is_the_way_where_dlpack_is_refused(
    origin: str, refusal: type, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, x = array(origin, np.arange(6, dtype="float32"), "float32"), library.empty((6,), "float32")
    asked = []

    def refuse(form: Any) -> Any:
        asked.append(form)
        raise refusal("no")

    backend = registry.backend_of(array_in(x))
    names = type("Namespace", (), {"__getattr__": lambda self, name: getattr(namespace, name)})()
    namespace, names.from_dlpack = backend.namespace(x), refuse
    monkeypatch.setattr(type(backend), "namespace", lambda self, x: names)
    y = arrayinit.copy_(x, source)
    assert len(asked) == (registry.backend_of(source) is not backend)
    monkeypatch.undo()
    np.testing.assert_array_equal(library.to_numpy(y), np.arange(6))
