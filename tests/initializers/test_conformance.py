"""Each library under test passes the public conformance kit."""

from __future__ import annotations

from contextlib import suppress

import pytest
from libraries import Library

import arrayinit
from arrayinit import testing
from arrayinit.backends.registry import backend_of
from arrayinit.testing.cases import CASES

# Loaded before the first test, so that it has the 64-bit dtypes that conftest.py switches on.
with suppress(ImportError):
    import jax  # noqa: F401


def kit(library: Library) -> testing.Library:
    return testing.Library(library.name, library.empty, library.to_numpy, (*library.dtypes, *library.integers))


def test_the_library_passes_every_check(library: Library) -> None:
    testing.check_library(kit(library))


def test_a_check_is_a_test_of_its_own(library: Library) -> None:
    names = [str(check) for check in testing.checks(kit(library))]
    assert len(set(names)) == len(names) > 200
    assert {case.name for case in CASES} == {name for name in arrayinit.__all__ if name.endswith("_")}


def test_the_kit_fails_where_a_backend_is_wrong(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = backend_of(library.empty((2, 2), "float32"))
    write = type(backend).write

    def unwritten(self: object, x: object, fill: object) -> object:
        return x if type(fill).__name__ == "Draw" else write(self, x, fill)

    monkeypatch.setattr(type(backend), "write", unwritten)
    monkeypatch.setattr(type(backend), "fill_at_once", lambda *_: None)
    with pytest.raises(ExceptionGroup, match=f"checks of {library.name} failed") as raised:
        testing.check_library(kit(library))
    failed = [note for failure in raised.value.exceptions for note in failure.__notes__]
    assert any("normal_" in note for note in failed)
    assert not any("zeros_" in note or "eye_" in note for note in failed)
