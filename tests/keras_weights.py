"""What Keras makes on each of its backends, of which Keras has one in a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from peers import peer
from processes import run

SHAPE = (64, 48)


@cache
def keras_weights(backend: str) -> dict[str, Any]:
    """Return the arrays that Keras makes on a backend."""
    if peer("keras").backend.backend() == backend:
        return _made()
    with TemporaryDirectory() as folder:
        file = Path(folder, "weights.npz")
        run("import sys, keras_weights; keras_weights.main(sys.argv[1])", str(file), timeout=120, KERAS_BACKEND=backend)
        with np.load(file) as arrays:
            return dict(arrays)


def _made() -> dict[str, Any]:
    keras = peer("keras")
    init, seeded = keras.initializers, keras.random.SeedGenerator

    def numpy(weights: Any) -> np.ndarray:
        return np.asarray(keras.ops.convert_to_numpy(weights))

    def pair(initializer: Any) -> np.ndarray:
        return np.stack([numpy(initializer(SHAPE)) for _ in range(2)])

    return {
        "normal": numpy(init.RandomNormal(stddev=1.0, seed=0)(SHAPE)),
        "truncated": numpy(init.TruncatedNormal(stddev=1.0, seed=0)((2048, 2048))),
        "float16": numpy(init.RandomUniform(0.0, 0.3, seed=0)((1000, 100), dtype="float16")),
        "unseeded": pair(init.RandomNormal()),
        "seed 42": pair(init.RandomNormal(seed=seeded(42))),
        "seed 43": pair(init.RandomNormal(seed=seeded(43))),
    }


def main(file: str) -> None:
    """Write what was made."""
    np.savez(file, **_made())
