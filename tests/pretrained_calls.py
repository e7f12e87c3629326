"""A small model, checkpoints of it, and how the tests compare arrays and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import arrayinit as ai

RULES: list[Any] = [("weight", ai.normal(std=0.02)), ("bias", ai.uniform(-0.1, 0.1))]
Arrays = dict[str, np.ndarray]


def model() -> Arrays:
    """Return a model full of NaN."""
    sizes = {"a.weight": (4, 3), "a.bias": (4,), "b.weight": (5, 4), "b.bias": (5,), "c.weight": (2, 5), "c.bias": (2,)}
    return {name: np.full(shape, np.nan, "float32") for name, shape in sizes.items()}


def checkpoint(*names: str) -> Arrays:
    """Return another model, or a part of it."""
    filled = ai.initialize(model(), RULES, rng=9)
    return {name: filled[name] for name in names or filled}


def refusal(given: Any, rules: Any = RULES, **options: Any) -> str:
    """Return why a checkpoint is refused; the model stays as it was."""
    empty = model()
    with pytest.raises(ValueError, match=r"\w") as refused:
        ai.initialize(empty, rules, rng=0, pretrained=given, **options)
    assert all(np.isnan(array).all() for array in empty.values())
    return str(refused.value)


def same(ours: Arrays, theirs: Arrays) -> None:
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name, strict=True)
