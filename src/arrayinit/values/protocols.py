"""How a value is called: on an array, by JAX with a key and a shape, or by Keras, Haiku and Sonnet with a shape."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from arrayinit.core.layouts import as_shape
from arrayinit.values.value import Initializer

LAYOUT = "...IO"
"""The layout of the kernels of JAX's and Keras's layers."""

_FORMS = (
    "a value is called on an array (value(x, rng=seed)), as JAX does (value(key, shape, dtype)), "
    "or as Keras and Haiku do (value(shape, dtype))"
)


def called(value: Initializer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a value in the way that the number and the kind of the arguments show."""
    if (args and _is_shape(args[0])) or (not args and "shape" in kwargs and "key" not in kwargs):
        return of_shape(value, **_named(("shape", "dtype"), args, kwargs))
    if len(args) == 2 and _is_block(args[1]):
        from arrayinit.values._paddle import PaddleInitializer

        return PaddleInitializer(value)(*args, **kwargs)
    if len(args) > 1 or "key" in kwargs or "shape" in kwargs:
        return of_key(value, **_named(("key", "shape", "dtype", "out_sharding"), args, kwargs))
    return of_array(value, **_named(("x", "rng"), args, kwargs))


def _is_block(argument: Any) -> bool:
    """Whether this is a block of a program of Paddle, in which the operations of a static graph are."""
    return type(argument).__name__ == "Block" and type(argument).__module__.partition(".")[0] == "paddle"


def _is_shape(argument: Any) -> bool:
    return isinstance(argument, (tuple, list))


def _named(names: tuple[str, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by name."""
    positional = dict(zip(names, args, strict=False))
    if len(args) > len(names) or positional.keys() & kwargs.keys():
        raise TypeError(f"a value got too many arguments: {_FORMS}")
    unknown = [name for name in kwargs if name not in names]
    if unknown:
        raise TypeError(f"a value got an unexpected keyword argument {unknown[0]!r}: {_FORMS}")
    return {**positional, **kwargs}


def of_array(value: Initializer, x: Any = None, rng: Any = None) -> Any:
    """Fill an array and return it."""
    if x is None:
        raise TypeError(f"a value got no arguments: {_FORMS}")
    cls = type(x)
    # A layer or a model of torch, Flax, Equinox or Keras.
    if any(base.__name__ in ("Module", "Layer", "Model") for base in cls.__mro__):
        raise TypeError(
            f"{value!r} fills arrays, and got a whole {cls.__name__}: call it on a parameter, as on layer.weight, "
            "or fill all parameters by arrayinit.initialize(model, rules)"
        )
    return value.fill(x, rng)


def of_key(value: Initializer, key: Any = None, shape: Any = None, dtype: Any = None, out_sharding: Any = None) -> Any:
    """Return a JAX array, from the bits that `jax.nn.initializers` takes from this key."""
    if not hasattr(shape, "__len__"):
        raise TypeError(f"{value!r} needs a shape after the key, got {shape!r}: {_FORMS}")
    from arrayinit.values._jax import as_key, struct

    return fill_kernel(value, struct(shape, dtype, out_sharding), as_key(key))


def of_shape(value: Initializer, shape: Any, dtype: Any = None) -> Any:
    """Return a JAX array within Haiku's transforms, a tensor for a dtype of TensorFlow, or an array of Keras's backend.

    If Keras is not loaded, return a NumPy array.
    """
    if "haiku" in sys.modules:
        from arrayinit.values._haiku import is_in_transform, next_key

        if is_in_transform():
            return of_key(value, next_key() if value.draws else None, shape, dtype)
    if type(dtype).__module__.startswith("tensorflow."):
        from arrayinit.values._tensorflow import spec

        return fill_kernel(value, spec(shape, dtype))
    if "keras" in sys.modules:
        from arrayinit.values._keras import array

        return array(value, shape, dtype)
    return fill_kernel(value, np.empty(as_shape(shape), np.float32 if dtype is None else dtype))


def fill_kernel(value: Initializer, x: Any, rng: Any = None, layout: str = LAYOUT) -> Any:
    """Fill the kernel of a layer, or its bias: a distribution without fans needs no layout."""
    return value.fill(x, rng, layout=layout if value.has_fans else None)
