"""The fixtures of the tests that compare with the frameworks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peers import peer


@pytest.fixture
def single_precision() -> Iterator[None]:
    """Layers of Flax and Equinox have 64 bits where JAX has them."""
    with peer("jax").enable_x64(False):
        yield
