"""Fixtures for torch's CUDA kernels without a GPU; what they need is imported where they are taken."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from libraries import no_such_case

from arrayinit.core.distributions import Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda import source
from arrayinit.kernels.cuda_steps import cuda_steps
from arrayinit.stream.program import KEYS_PROGRAM

KINDS = [(Normal(0.0, 0.5), name) for name in ("float32", "bfloat16", "float64", "complex64", "float8_e5m2")]
KINDS += [(Normal(0.5, 0.5), name) for name in ("float32", "complex64", "float64")]
KINDS += [(Uniform(-1.0, 1.0), "float32"), (TruncatedNormal(0.0, 1.0, 2.0, 3.0), "float32")]


@pytest.fixture
def driver() -> Any:
    """The stub of the driver, which runs kernels of these kinds."""
    return _driver()


@cache
def _driver() -> Any:
    if sys.platform != "linux":
        no_such_case("the driver is built for Linux")
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU, with its own driver: tests/gpu.py uses it")
    try:
        import cuda.bindings  # noqa: F401
    except ImportError:
        # What torch's own wheels for CUDA require.
        if "torch" in os.environ.get("ARRAYINIT_TEST_BACKENDS", "").split(","):
            raise
        pytest.skip("cuda.bindings is not installed")
    from fake_cuda import Driver

    made = Driver()
    made.runs(
        [*(source(cuda_steps(d, FORMATS[name]).program, name) for d, name in KINDS), source(KEYS_PROGRAM, "uint32")]
    )
    return made


@pytest.fixture
def gpu(driver: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from torch_on_cuda import stand_in

    yield stand_in(monkeypatch, driver)
    # The next test is to ask anew.
    stand_in(monkeypatch, driver)
