"""Paddle, for the tests of Paddle alone."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from libraries import Library


@pytest.fixture(params=["paddle"])
def library(request: pytest.FixtureRequest, library: Library) -> Library:
    """Paddle as a library under test."""
    return library


@pytest.fixture
def paddle(library: Library) -> Any:
    """The module."""
    return sys.modules["paddle"]
