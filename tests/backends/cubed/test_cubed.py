"""cubed: lazy arrays of chunks, computed within a given memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import arrayinit as ai

SHAPE = (10, 7)
pytestmark = pytest.mark.usefixtures("cubed_library")


@pytest.fixture
def spec(tmp_path: Path) -> Any:
    import cubed

    return cubed.Spec(str(tmp_path), allowed_mem="20MB", reserved_mem="1MB")


def array(spec: Any, shape: tuple[int, ...] = SHAPE, chunks: tuple[int, ...] = (4, 3), dtype: str = "float32") -> Any:
    import cubed.array_api as xp

    return xp.zeros(shape, dtype=np.dtype(dtype), chunks=chunks, spec=spec)


@pytest.mark.parametrize("function", [ai.normal_, ai.orthogonal_, ai.zeros_, ai.eye_])
def test_the_result_has_the_chunks_and_the_spec(spec: Any, function: Any) -> None:
    import cubed

    x = array(spec)
    arguments = {} if function in (ai.zeros_, ai.eye_) else {"rng": 0}
    with cubed.raise_if_computes():
        filled = function(x, **arguments)
    assert filled is not x
    assert (filled.chunks, filled.spec, filled.dtype) == (x.chunks, spec, x.dtype)
    np.testing.assert_allclose(filled.compute(), function(np.empty(SHAPE, np.float32), **arguments), atol=1e-5)


def test_a_seed_needs_the_memory_of_a_chunk() -> None:
    import cubed

    # 1 GB, of which one chunk is computed, by a task that may take 20 MB.
    x = array(cubed.Spec(allowed_mem="20MB", reserved_mem="1MB"), (1 << 14, 1 << 14), (1 << 10, 1 << 10))
    corner = ai.normal_(x, rng=0)[1024:1026, 2048:2050].compute()
    rows = np.empty((1026, 1 << 14), np.float32)
    np.testing.assert_array_equal(corner, ai.normal_(rows, rng=0)[1024:, 2048:2050])
    # One task would compute the whole matrix, and cubed knows before that it cannot.
    with pytest.raises(ValueError, match="exceeds max_mem"):
        ai.orthogonal_(x, rng=0)


def test_a_chunk_that_is_computed_again_has_the_same_values(spec: Any) -> None:
    filled = ai.normal_(array(spec))
    first, second = filled.compute(), filled.compute()
    np.testing.assert_array_equal(first, second)
    assert (first != ai.normal_(array(spec)).compute()).any()


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_copies(spec: Any, dtype: str) -> None:
    import cubed

    values = np.arange(70).reshape(SHAPE)
    source = ai.copy_(array(spec, chunks=(5, 7), dtype="int64"), values)
    with cubed.raise_if_computes():
        # NumPy's values are copied now, and those of cubed later; int8 has to see them.
        copied = ai.copy_(array(spec, dtype=dtype), source if dtype != "int8" else values)
    assert copied.chunks == array(spec).chunks
    values_before = values.copy()
    values[...] = 0
    np.testing.assert_array_equal(copied.compute(), values_before.astype(dtype))
    np.testing.assert_array_equal(ai.copy_(np.empty(SHAPE), copied), values_before)


def test_models_of_fused_weights(spec: Any) -> None:
    model = {"w": array(spec, (12, 4), (5, 4))}
    for value in (ai.normal(layout="OI"), ai.orthogonal(layout="OI")):
        rules = [("w", ai.parts(value, "O", ["q", "k", "v"]))]
        filled = ai.initialize(model, rules, rng=0)["w"]
        right = ai.initialize({"w": np.empty((12, 4), np.float32)}, rules, rng=0)["w"]
        assert filled.chunks == model["w"].chunks
        np.testing.assert_allclose(filled.compute(), right, atol=1e-5)
