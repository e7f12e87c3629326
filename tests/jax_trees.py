"""How the tests compare trees of JAX: name by name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

with suppress(ImportError):
    import jax


def on_numpy(filled: Any) -> dict[str, np.ndarray]:
    flat = jax.tree_util.tree_flatten_with_path(filled)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in flat}


def same(ours: Any, theirs: Any) -> None:
    for (name, x), (other, y) in zip(on_numpy(ours).items(), on_numpy(theirs).items(), strict=True):
        assert name == other
        np.testing.assert_array_equal(x, y, err_msg=name, strict=True)
