"""The rng of each parameter, from the rng of the model and the name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from arrayinit.stream.seed import name_words, seed_of


def seeds(rng: Any) -> Callable[[str], Any]:
    """Return the function from the name of a parameter to its rng.

    A seed and a key of JAX or MLX are folded with the name. All parameters share a generator, and None.
    """
    parent = None if rng is None else seed_of(rng)
    if parent is not None:
        return parent.child
    jax = sys.modules.get("jax")
    # While a library is being imported, it has no arrays yet.
    if isinstance(rng, getattr(jax, "Array", ())):
        from arrayinit.backends._jax.backend import BACKEND

        key = BACKEND.generator(None, rng)
        return lambda name: _folded(jax, key, name)
    mx: Any = sys.modules.get("mlx.core")
    if isinstance(rng, getattr(mx, "array", ())):
        from arrayinit.backends._mlx import BACKEND as MLX

        # A key is itself for each array but those of two dtypes.
        key = MLX.generator(rng, rng)
        return lambda name: _folded_by_mlx(mx, key, name)
    return lambda _: rng


def _folded(jax: Any, key: Any, name: str) -> Any:
    """Fold the hash of a name into a JAX key, word by word."""
    for word in name_words(name):
        key = jax.random.fold_in(key, word)
    return key


def _folded_by_mlx(mx: Any, key: Any, name: str) -> Any:
    """Fold the hash of a name into an MLX key, two words at a time."""
    first, second, *rest = name_words(name)
    for words in ([first, second], rest):
        (key,) = mx.random.split(key ^ mx.array(words, mx.uint32), 1)
    return key
