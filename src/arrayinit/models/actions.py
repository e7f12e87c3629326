"""What is done with a parameter: fill it or its parts by initializers, copy an array, load a tensor, or leave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from arrayinit.backends.registry import backend_of
from arrayinit.models.fused import Fused
from arrayinit.models.measured import sha256
from arrayinit.models.pretrained.loaded import Loaded
from arrayinit.values.value import Initializer


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave a parameter as it is.

    Examples
    --------
    >>> import arrayinit
    >>> from arrayinit.models import Keep
    >>> arrayinit.keep() == Keep()
    True
    """

    def __repr__(self) -> str:
        return "keep()"


def keep() -> Keep:
    """Return the value of a rule that leaves its parameters as they are.

    Returns
    -------
    Keep
        A value for `Rule`.

    Raises
    ------
    TypeError
        An argument: ``keep`` takes none.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> model = {"embedding": np.ones((2, 2)), "head": np.empty((2, 2))}
    >>> _ = arrayinit.initialize(model, [("embedding", arrayinit.keep()), ("head", arrayinit.zeros())])
    >>> model["embedding"].sum(), model["head"].sum()
    (np.float64(4.0), np.float64(0.0))

    References
    ----------
    PyTorch, `torch.nn.utils.skip_init`, which leaves the parameters of a module as they are.
    """
    return Keep()


@dataclass(frozen=True, slots=True, eq=False)
class Copied:
    """Copy the values of an array."""

    source: Any

    def __repr__(self) -> str:
        return f"copy of an array {'x'.join(map(str, self.source.shape))} {self.source.dtype}"

    def digest(self) -> Digest:
        """Return what stands for the array in JSON."""
        backend = backend_of(self.source)
        *_, host = backend.read(self.source)
        return Digest(tuple(self.source.shape), backend.dtype(self.source), sha256(host))


@dataclass(frozen=True, slots=True)
class Digest:
    """Stands for the array of a plan that came from JSON."""

    shape: tuple[int, ...]
    dtype: str
    sha256: str

    def __repr__(self) -> str:
        return f"copy of an array {'x'.join(map(str, self.shape))} that JSON does not hold"


Single = Initializer | Keep | Copied | Digest | Loaded
"""What is done with a parameter that has no parts."""

Action = Single | Fused

_EXPECTED = (
    "an initializer such as normal(std=0.02), an array, keep(), parts(...), stack(...), or a "
    "function of the parameter that returns one of these"
)


def action(given: Any) -> Single:
    """Return what a user means by the value of a rule, or by the result of a function of the parameter."""
    if isinstance(given, Single):
        return given
    if isinstance(given, (str, Mapping)):
        return Keep() if given == "keep" else Initializer.from_config(given)
    if is_array(given):
        return Copied(given)
    raise TypeError(f"a value must be {_EXPECTED}; got {given!r}{_hint(given)}")


def is_array(given: Any) -> bool:
    """Whether this is an array of some library, and not its class."""
    return hasattr(given, "shape") and hasattr(given, "dtype") and not isinstance(given, type)


def is_function(given: Any) -> bool:
    """Whether this is a function of the parameter, and neither a value nor a function of arrayinit."""
    return callable(given) and not isinstance(given, (Initializer, type)) and not is_array(given) and not _hint(given)


def _hint(given: Any) -> str:
    """Say how to make a value of a function of arrayinit."""
    function = given.func if isinstance(given, partial) else given
    if not str(getattr(function, "__module__", "")).startswith("arrayinit.initializers."):
        return ""
    return f": a value is made by a call, as {getattr(function, '__name__', '').removesuffix('_')}(...)"


def config(given: Single) -> Any:
    """Return a value as plain data for JSON."""
    match given:
        case Initializer():
            return given.get_config()
        case Keep():
            return "keep"
        case Copied():
            return config(given.digest())
        case Loaded():
            return given.config()
        case Digest():
            return {"copy": {"shape": list(given.shape), "dtype": given.dtype, "sha256": given.sha256}}


def from_config(given: Any) -> Single:
    """Return the value of plain data."""
    if isinstance(given, Mapping) and list(given) == ["copy"]:
        kept = given["copy"]
        return Digest(tuple(kept["shape"]), kept["dtype"], kept["sha256"])
    if isinstance(given, Mapping) and list(given) == ["pretrained"]:
        return Loaded.from_config(given["pretrained"])
    return action(given)
