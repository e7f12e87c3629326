"""Initializer: a function that fills, with its arguments, as a value that fills later."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never, Self, overload

from arrayinit.backends.registry import known_backend
from arrayinit.core.autograph import as_written
from arrayinit.core.layouts import as_shape
from arrayinit.core.numbers import finite
from arrayinit.values.abstract import Abstract
from arrayinit.values.arguments import bound, changed, checked, named_arguments, plain
from arrayinit.values.definitions import Definition, Number, definition

if TYPE_CHECKING:
    import jax

    from arrayinit.values.types import A, Rng, SupportsStruct


@as_written
class Initializer:
    """An initializer that fills an array later: a framework calls it when it makes a layer, or you call it.

    ``normal(std=0.02)`` is ``Initializer(normal_, std=0.02)``. Values are immutable and hashable. Two values are equal
    if their functions and their arguments are. A value holds no seed.

    Parameters
    ----------
    function
        A function of arrayinit that fills, such as `normal_`.
    *args, **kwargs
        Its arguments, without the array and ``rng``. They are checked at once, with the errors of the function.

    Raises
    ------
    TypeError, ValueError
        The function refuses an argument; ``function`` is none of arrayinit's.

    Notes
    -----
    There are four ways to call a value. The number and the kind of the arguments decide which way is meant:

    ``value(x, rng=None)``
        Fills an array and returns it, as the function does.
    ``value(key, shape, dtype=None, out_sharding=None)``
        The protocol of JAX and Flax. The bits are those of `jax.nn.initializers` for the same key. ``dtype`` None is
        JAX's default float.
    ``value(shape, dtype=None)``
        The protocol of Keras, Haiku and Sonnet. Within a transform of Haiku, the key comes from ``hk.next_rng_key()``.
        A dtype of TensorFlow gives a tensor, from TensorFlow's global generator. If Keras is loaded, the result is an
        array of Keras's backend. Its seed comes from Python's `random`, which ``keras.utils.set_random_seed`` sets.
        Otherwise it is a NumPy array, from fresh entropy. ``dtype`` None is Keras's or Haiku's default, or float32.
    ``value(param, block)``
        The protocol of Paddle. The layout of a matrix is ``"IO"`` unless the value names another.

    In both protocols with a shape, the layout is ``"...IO"`` unless the value names another.

    ``value * c`` and ``value / c`` scale the distribution: mean, standard deviation, bounds, gain, value.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> value = arrayinit.kaiming_normal(nonlinearity="relu")
    >>> print(value, value(np.empty((2, 3), np.float32), rng=0).shape)
    kaiming_normal(nonlinearity='relu') (2, 3)
    >>> arrayinit.normal(std=0.02) / 2
    normal(std=0.01)

    References
    ----------
    JAX, `jax.nn.initializers.Initializer`. Keras, `keras.initializers.Initializer`.
    """

    __slots__ = ("_arguments", "_definition", "_fill")
    # NumPy leaves a product with its numbers to the value.
    __array_ufunc__ = None

    _definition: Definition
    _arguments: dict[str, Any]
    _fill: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        of = definition(function)
        arguments = bound(of, args, kwargs)
        fill = of.filling(arguments)
        checked(of, fill, arguments)
        for name, value in (("_definition", of), ("_arguments", arguments), ("_fill", fill)):
            object.__setattr__(self, name, value)

    @property
    def function(self) -> Callable[..., Any]:
        """The function that fills."""
        return self._definition.function

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments by name. ``layout`` and ``groups`` of None are those of the layer, or of the function."""
        return dict(self._arguments)

    @overload
    def __call__(self, x: A, /, *, rng: Rng = None) -> A: ...
    @overload
    def __call__(self, x: SupportsStruct, /, *, rng: Rng = None) -> jax.Array: ...
    @overload
    def __call__(self, key: Any, shape: Sequence[int], dtype: Any = None, out_sharding: Any = None) -> jax.Array: ...
    @overload
    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Fill an array, or make one of a shape; see `Initializer`."""
        # The short way: an array of a type that was filled before.
        is_short = not kwargs or (len(kwargs) == 1 and "rng" in kwargs)
        if is_short and len(args) == 1 and known_backend(type(args[0])) is not None:
            return self._fill(*args, **kwargs)
        from arrayinit.values.protocols import called

        return called(self, args, kwargs)

    def fill(self, x: Any, rng: Rng = None, *, layout: str | None = None, groups: int | None = None) -> Any:
        """Fill ``x`` and return it. The layer's ``layout`` and ``groups`` hold unless the value names its own."""
        of_layer = {"layout": layout, "groups": groups}
        given = {k: v for k, v in of_layer.items() if v is not None and self._arguments.get(k, v) is None}
        return self._definition.filling({**self._arguments, **given})(x, rng=rng) if given else self._fill(x, rng=rng)

    @property
    def has_fans(self) -> bool:
        """Whether the distribution depends on the layout, as by the fans."""
        return self._definition.has_fans

    @property
    def draws(self) -> bool:
        """Whether the value is random."""
        return self._definition.draws

    @property
    def keras(self) -> Any:
        """The value for `keras.layers.EinsumDense` and `keras.layers.MultiHeadAttention`.

        They tell the axes of their kernels to instances of `keras.initializers.VarianceScaling` only: this is one.
        """
        from arrayinit.values._keras import KerasInitializer

        return KerasInitializer(self)

    def expected_std(self, shape: Sequence[int], layout: str | None = None, groups: int | None = None) -> float:
        """Return the standard deviation of the elements of an array of this shape, computed without a draw.

        Parameters
        ----------
        shape
            The shape of the array.
        layout, groups
            The meaning of each axis, and the number of groups, unless the value names its own.

        Returns
        -------
        float
            The root of the expected squared distance from the mean, over all elements; NaN for an empty array.

        Raises
        ------
        TypeError, ValueError
            The function refuses an array of this shape.

        Examples
        --------
        >>> import arrayinit
        >>> arrayinit.lecun_normal().expected_std((1024, 16), layout="...IO")
        0.03125
        """
        sizes = as_shape(shape)
        if 0 in sizes:
            return math.nan
        if not self.has_fans:
            layout = None
        fill = self.fill(Abstract.taking(self._arguments, sizes), layout=layout, groups=groups)
        return float(fill.moments()[1])

    def __mul__(self, factor: float) -> Self:
        number = finite("the factor", factor)
        return self._scaled(lambda value: value * number)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Self:
        number = finite("the divisor", divisor)
        if number == 0:
            raise ZeroDivisionError(f"{self!r} cannot be divided by 0")
        return self._scaled(lambda value: value / number)

    def _scaled(self, by: Number) -> Self:
        scaled = self._definition.scaled(self, by, **self._arguments)
        return type(self)(scaled.function, **scaled.arguments)

    def replace(self, **arguments: Any) -> Self:
        """Return the value with other values of these arguments."""
        return type(self)(self.function, **{**self._arguments, **arguments})

    def get_config(self) -> dict[str, dict[str, Any]]:
        """Return the value as plain data for JSON: its name, and the arguments that are not the defaults."""
        if "keras" in sys.modules:
            # Keras asks for the config just before it asks for the registered name.
            from arrayinit.values._keras import register

            register(type(self))
        return {self._definition.name: plain(self._definition, self._arguments)}

    @classmethod
    def from_config(cls, config: str | Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the value of plain data, which is ``{"normal": {"std": 0.02}}``, or only ``"normal"``."""
        name, arguments = named_arguments(config)
        return cls(name.function, **arguments)

    def to_json(self) -> str:
        """Return the value as JSON text."""
        import json

        return json.dumps(self.get_config())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the value of a JSON text."""
        import json

        return cls.from_config(json.loads(text))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._definition is other._definition and self._arguments == other._arguments

    def __hash__(self) -> int:
        return hash((self._definition.name, tuple(self._arguments.values())))

    def __repr__(self) -> str:
        given = changed(self._definition, self._arguments)
        return f"{self._definition.name}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def __setattr__(self, name: str, _: object) -> Never:
        raise AttributeError(f"an initializer cannot be changed: make a new one in place of setting {name!r}")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"an initializer cannot be changed: {name!r} stays")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_config, (self.get_config(),), getattr(self, "__dict__", None)
