"""The checks that the adapter of a library must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import arrayinit
from arrayinit.backends.protocol import InPlace, Replaced
from arrayinit.backends.registry import backend_of
from arrayinit.testing.cases import CASES, INTEGER, KERNEL, LAYOUTS, MATRIX, Case
from arrayinit.testing.library import Library
from arrayinit.testing.reference import assert_same, reference


@dataclass(frozen=True)
class Check:
    """One promise. A call raises AssertionError if the promise is broken, or passes on an error of the library.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.testing import Library, checks
    >>> check = checks(Library("numpy", np.empty, np.asarray))[0]
    >>> check()
    """

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Run the check."""
        self.run()

    def __str__(self) -> str:
        """Return the name of the check."""
        return self.name


def checks(library: Library) -> list[Check]:
    """Return every check for a library, to parametrize a test.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.testing import Library, checks
    >>> numpy = Library("numpy", np.empty, np.asarray)
    >>> for check in checks(numpy)[:20]:
    ...     check()
    """
    return [Check(name, run) for name, run in _checks(library)]


def check_library(library: Library) -> None:
    """Run every check for a library, and raise the failures in one ExceptionGroup.

    Raises
    ------
    ExceptionGroup
        Some checks failed; the notes of each exception name its check.

    Examples
    --------
    >>> import numpy as np
    >>> from arrayinit.testing import Library, check_library
    >>> check_library(Library("numpy", np.empty, np.asarray, ("float32",)))
    """
    failures = []
    for check in checks(library):
        try:
            check()
        except Exception as failure:  # noqa: BLE001
            failure.add_note(f"in the check {check}")
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(checks(library))} checks of {library.name} failed", failures)


def _checks(library: Library) -> Iterator[tuple[str, Callable[[], None]]]:
    for case in CASES:
        yield from _checks_of(library, case)
    for shape in ((), (1,), (0, 3), (401, 389), (2, 3, 1, 2, 2)):
        for name in ("normal_", "zeros_"):
            yield f"{name} of shape {shape}", partial(_fills_any_shape, library, _case(name), shape)
    for name, arguments in _WRONG:
        yield f"{name} refuses {arguments}", partial(_refuses, library, _case(name), ValueError, arguments)
    for dtype in (name for name in library.dtypes if name not in INTEGER):
        yield f"copy_ into {dtype}", partial(_copies, library, dtype)
        yield f"copy_ from {dtype}", partial(_is_copied, library, dtype)
    yield "a view", partial(_fills_a_view, library)
    yield "a part that is kept", partial(_keeps_a_part, library)


def _checks_of(library: Library, case: Case) -> Iterator[tuple[str, Callable[[], None]]]:
    for dtype in (name for name in case.dtypes if name in library.dtypes):
        yield f"{case} in {dtype}", partial(_fills, library, case, dtype)
    for layout in LAYOUTS if case.has_layout and len(case.shape) == len(KERNEL) else ():
        yield f"{case} in layout {layout}", partial(_permutes, library, case, layout)
    if not case.is_drawn:
        return
    yield f"{case} by a NumPy generator", partial(_draws_on_the_host, library, case)
    yield f"{case} without rng", partial(_differs, library, case)
    for rng in (True, 1.5, "0"):
        yield f"{case} refuses rng={rng!r}", partial(_refuses, library, case, TypeError, rng=rng)
    for dtype in (name for name in INTEGER if name in library.dtypes):
        yield f"{case} refuses {dtype}", partial(_refuses, library, case, TypeError, dtype=dtype)


_WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("uniform_", {"a": 1.0, "b": 0.0}),
    ("normal_", {"std": -1.0}),
    ("trunc_normal_", {"a": 3.0, "b": 2.0}),
    ("kaiming_normal_", {"mode": "fan"}),
    ("kaiming_uniform_", {"layout": "OI"}),
    ("xavier_normal_", {"groups": 5}),
    ("sparse_", {"sparsity": 1.5}),
    ("dirac_", {"groups": 0}),
)


def _case(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def _full(library: Library, shape: tuple[int, ...], dtype: str) -> Any:
    """Return an array of ones, so that a test sees which elements were written."""
    return arrayinit.ones_(library.empty(shape, dtype))


def _fills(library: Library, case: Case, dtype: str) -> None:
    x = _full(library, case.shape, dtype)
    filled = case.fill(x)
    assert (filled is x) != isinstance(backend_of(x), Replaced), "an array that can be written is returned itself"
    assert tuple(filled.shape) == case.shape
    assert backend_of(filled).dtype(filled) == dtype
    assert_same(library.to_numpy(filled), reference(case, dtype), exact=case.is_exact)


def _fills_any_shape(library: Library, case: Case, shape: tuple[int, ...]) -> None:
    filled = case.fill(_full(library, shape, "float32"))
    assert_same(library.to_numpy(filled), reference(case, "float32", shape=shape))


def _permutes(library: Library, case: Case, layout: str) -> None:
    axes = LAYOUTS[layout]
    x = _full(library, tuple(case.shape[k] for k in axes), "float32")
    filled = library.to_numpy(case.fill(x, layout=layout))
    assert_same(filled, reference(case, "float32").transpose(axes), exact=case.is_exact)


def _draws_on_the_host(library: Library, case: Case) -> None:
    filled = case.fill(_full(library, case.shape, "float32"), np.random.default_rng(3))
    assert_same(library.to_numpy(filled), reference(case, "float32", np.random.default_rng(3)), exact=case.is_exact)


def _filled(library: Library, case: Case, rng: Any) -> np.ndarray[Any, Any]:
    """Return the values of an array that is filled and returned, or replaced."""
    x = _full(library, case.shape, "float32")
    filled = case.fill(x, rng)
    if not isinstance(backend_of(x), Replaced):
        assert filled is x, "an array that can be written is returned itself"
    return library.to_numpy(filled)


def _differs(library: Library, case: Case) -> None:
    first, second = (_filled(library, case, None) for _ in range(2))
    assert (first != second).any(), "two calls without rng give the same values"


def _refuses(
    library: Library,
    case: Case,
    error: type[Exception],
    arguments: dict[str, Any] | None = None,
    dtype: str = "float32",
    rng: Any = 5,
) -> None:
    x = _full(library, case.shape, dtype)
    options = {**case.arguments, **(arguments or {}), **({"rng": rng} if case.is_drawn else {})}
    try:
        case.function(x, **options)
    except error:
        values = library.to_numpy(x)
        assert (values == np.ones(case.shape, values.dtype)).all(), "an error must leave the array as it was"
        return
    raise AssertionError(f"{error.__name__} was not raised")


def _copies(library: Library, dtype: str) -> None:
    values = np.random.default_rng(0).standard_normal(MATRIX)
    x = _full(library, MATRIX, dtype)
    copy = Case("copy_", MATRIX, {"source": values}, is_drawn=False)
    assert_same(library.to_numpy(copy.fill(x)), reference(copy, dtype))
    listed = library.to_numpy(arrayinit.copy_(_full(library, (2, 2), dtype), [[1, 2], [3, 4]]))
    assert_same(listed, np.array([[1, 2], [3, 4]], listed.dtype))


def _is_copied(library: Library, dtype: str) -> None:
    source = arrayinit.normal_(_full(library, MATRIX, dtype), rng=1)
    expected = library.to_numpy(source)
    if dtype in ("float32", "float64"):
        assert_same(arrayinit.copy_(np.empty(MATRIX, dtype), source), expected)
    again = arrayinit.copy_(_full(library, MATRIX, dtype), source)
    assert again is not source, "a copy must not be its source"
    assert_same(library.to_numpy(again), expected)


def _fills_a_view(library: Library) -> None:
    x = _full(library, (6, 5), "float32")
    if not isinstance(backend_of(x), InPlace):
        return
    arrayinit.normal_(x[1:4, :], rng=1)
    values = np.ones((6, 5), np.float32)
    arrayinit.normal_(values[1:4, :], rng=1)
    assert_same(library.to_numpy(x), values)


def _keeps_a_part(library: Library) -> None:
    x = _full(library, MATRIX, "float32")
    rule = arrayinit.parts(arrayinit.normal(), 1, ["old", "new"], values={"old": arrayinit.keep()})
    filled = arrayinit.initialize({"x": x}, [("x", rule)], rng=5)["x"]
    new = arrayinit.normal_(np.empty((12, 5), np.float32), rng=arrayinit.fold_in(5, "new.x"))
    assert_same(library.to_numpy(filled), np.concatenate([np.ones((12, 5), np.float32), new], axis=1))
