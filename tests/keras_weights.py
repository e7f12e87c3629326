"""What Keras makes on each of its backends: as a script, run with KERAS_BACKEND set, that writes it to a file."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from peers import peer

SHAPE = (64, 48)


@cache
def keras_weights(backend: str) -> dict[str, Any]:
    """Return the arrays that this script makes; Keras has one backend in a process."""
    if peer("keras").backend.backend() == backend:
        return _made()
    with TemporaryDirectory() as folder:
        file = Path(folder, "weights.npz")
        environment = {**os.environ, "KERAS_BACKEND": backend}
        subprocess.run([sys.executable, __file__, str(file)], env=environment, check=True, timeout=120)
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


if __name__ == "__main__":
    np.savez(sys.argv[1], **_made())
