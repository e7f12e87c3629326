"""Tensors of TensorFlow that consist of pieces along an axis."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from arrayinit.backends.protocol import Array
from arrayinit.kernels.fill import Fill
from arrayinit.kernels.pieces import Pieces


def joined(x: Array, fill: Pieces, fill_whole: Callable[[Array, Fill], Array]) -> Array:
    """Return the pieces together, each by its own fill; a piece without a fill is the piece of ``x``."""
    parts: list[Array] = []
    for number, (place, piece) in enumerate(zip(fill.cut.places(), fill.fills, strict=True)):
        if piece is None:
            parts.append(x[place])
        else:
            spec = tf.TensorSpec(fill.cut.shape(number, tuple(x.shape)), x.dtype)
            parts.append(fill_whole(x[place] if piece.keeps else spec, piece))
    return tf.stack(parts, fill.cut.axis) if fill.cut.is_stacked else tf.concat(parts, fill.cut.axis)
