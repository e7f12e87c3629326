"""The frameworks that the tests compare with."""

from __future__ import annotations

import importlib
import os
import warnings
from importlib.util import find_spec
from typing import Any

import pytest

# Keras chooses its arrays when it is imported, and would take TensorFlow's.
os.environ.setdefault("KERAS_BACKEND", "numpy")

# What a backend is called here and its module is not.
_MODULES = {"strict": "array_api_strict", "nnx": "flax", "ref": "jax"}
# The backends asked for are peers too, so that the session of a backend compares with that and with no other.
_ASKED = [
    _MODULES.get(name, name.partition(":")[0])
    for variable in ("ARRAYINIT_TEST_PEERS", "ARRAYINIT_TEST_BACKENDS")
    for name in os.environ.get(variable, "").split(",")
    if name
]


def wanted(framework: str) -> bool:
    """Whether a framework is among those asked for; where none are, whether it is installed."""
    return framework in _ASKED if _ASKED else find_spec(framework) is not None


def peer(module: str) -> Any:
    """Import a module of a framework; skip the test where it is not installed, or not among those asked for."""
    framework = module.partition(".")[0]
    if _ASKED and framework not in _ASKED:
        pytest.skip(f"{framework} is not among the frameworks asked for, {','.join(_ASKED)}")
    if not _ASKED and find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    with warnings.catch_warnings():
        # Paddle looks for the cache of a compiler when it is imported.
        warnings.filterwarnings("ignore", "No ccache found", UserWarning)
        return importlib.import_module(module)
