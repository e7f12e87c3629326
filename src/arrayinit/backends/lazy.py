"""Libraries whose arrays are computed later, chunk by chunk, and perhaps more than once."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np

from arrayinit.backends.arguments import numpy_generator
from arrayinit.backends.protocol import Array, Replaced
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.threads import count
from arrayinit.stream.seed import Seed


class Lazy(Replaced):
    """Arrays of chunks, each of which a task of a graph computes: Dask, cubed."""

    arrays: ClassVar[str]
    """What an error calls an array, such as "a Dask array"."""

    def generator(self, x: Array, rng: Any) -> np.random.Generator | Seed:
        """``rng=None`` draws a fresh seed: a chunk may be computed more than once, each time with the same values."""
        if rng is None:
            return Seed((int.from_bytes(os.urandom(16), "little"),))
        return numpy_generator(rng, self.arrays)

    def check_draws(self, fill: Fill) -> None:
        """Raise now the errors that each task would raise later."""
        if isinstance(fill, Pieces):
            for _, piece in fill.placed():
                self.check_draws(piece)
        elif isinstance(fill, Draw):
            fill.distribution.limits(fill.dtype)
            count()
