"""Draws, and the logical arrays that they fill, for the tests of all kernels."""

import numpy as np
from float8 import FLOAT8

STORED = {"bfloat16": "uint16", **dict.fromkeys(FLOAT8, "uint8")}


def whole(draw):
    """Fill a logical array at once."""
    x = np.empty(draw.shape, STORED.get(draw.dtype.name, draw.dtype.name))
    draw.fill_box(x, (0,) * x.ndim)
    return x
