"""Where Haiku takes its keys."""

from __future__ import annotations

from typing import Any

import haiku as hk


def is_in_transform() -> bool:
    """Whether a function under `hk.transform` runs."""
    try:
        hk.running_init()
    except ValueError:
        return False
    return True


def next_key() -> Any:
    """Return the next key of the transform."""
    return hk.next_rng_key()
