"""Seeds: an integer as ``rng``, and one seed for a whole model."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from arrayinit.core.autograph import as_written
from arrayinit.core.numbers import concrete, described, shown
from arrayinit.stream import extension

if TYPE_CHECKING:
    from numpy.random import SeedSequence
    from numpy.typing import NDArray


class Key(NamedTuple):
    """The two 64-bit words of Philox's key."""

    low: int
    high: int


class Seed(NamedTuple):
    """The arguments of a `numpy.random.SeedSequence`, as integers of any size.

    Examples
    --------
    >>> from arrayinit.backends import Seed
    >>> Seed((42,)).sequence().entropy
    (42,)
    """

    entropy: tuple[int, ...]
    spawn_key: tuple[int, ...] = ()
    pool_size: int = 4

    def sequence(self) -> SeedSequence:
        """Return the seed as a `numpy.random.SeedSequence`."""
        from numpy.random import SeedSequence

        return SeedSequence(self.entropy, spawn_key=self.spawn_key, pool_size=self.pool_size)

    def key(self) -> Key:
        """Return the key of ``np.random.Philox(seed)``."""
        core = extension.core()
        if core is not None and self.pool_size == 4 and len(self.entropy) + len(self.spawn_key) < 60:
            try:
                return Key(*core.key(self.entropy, self.spawn_key))
            except OverflowError:
                # NumPy takes integers of any size.
                pass
        from numpy.random import SeedSequence

        sequence = SeedSequence(self.entropy, spawn_key=self.spawn_key, pool_size=self.pool_size)
        low, high = sequence.generate_state(2, "uint64").tolist()
        return Key(low, high)

    def child(self, *path: int | str) -> Seed:
        """Return the seed of a name, as `fold_in` derives it."""
        entropy, words, pool_size = self
        for part in path:
            words += _words_of_name(part) if type(part) is str else name_words(part)
        return _new(Seed, (entropy, words, pool_size))


SEEDS = (int, Seed)
"""The types of a seed that the compiled core takes."""

# The constructor of a NamedTuple takes twice as long.
_new = tuple.__new__


def seed_of(rng: Any) -> Seed | None:
    """Return ``rng`` as a seed, or None if it is no seed."""
    if type(rng) is int and rng >= 0:
        return _new(Seed, ((rng,), (), 4))
    if type(rng) is Seed:
        return rng
    kept = getattr(rng, "seed", None)
    if type(kept) is Seed:
        return kept
    if rng is None or isinstance(rng, (str, bytes, bytearray)):
        return None
    number = _concrete("a seed", rng)
    if _is_integer(number):
        return Seed((_non_negative("a seed", number),))
    if isinstance(rng, Sequence) or (isinstance(rng, np.ndarray) and rng.ndim == 1):
        if len(rng) == 0:
            raise ValueError(f"a sequence of seeds must not be empty, got {rng!r}")
        return Seed(_integers(rng.tolist() if isinstance(rng, np.ndarray) else rng))
    # If numpy.random is not loaded, rng cannot be a SeedSequence.
    loaded = sys.modules.get("numpy.random")
    if loaded is None or not isinstance(rng, loaded.SeedSequence):
        return None
    sequence: Any = rng
    entropy = (sequence.entropy,) if _is_integer(sequence.entropy) else sequence.entropy
    return Seed(_integers(entropy), _integers(sequence.spawn_key), sequence.pool_size)


@as_written
def fold_in(seed: int | Sequence[int] | NDArray[np.integer] | SeedSequence, *path: int | str) -> SeedSequence:
    r"""Derive an independent seed for each name from ``seed``: one seed serves a whole model.

    Each element of ``path`` extends the spawn key of the seed by the first 128 bits of a hash:

    .. math::
        \text{SHA-256}(\text{"s"} \,\Vert\, \text{UTF-8 of a string}) \quad\text{or}\quad
        \text{SHA-256}(\text{"i"} \,\Vert\, \text{decimal digits of an integer}).

    The hash is read as four little-endian 32-bit words. ``fold_in(seed, "a", 0)`` equals
    ``fold_in(fold_in(seed, "a"), 0)``. A new or removed layer changes no other layer's weights. Without `fold_in`, two
    arrays from one seed get the same numbers, up to the scale.

    Parameters
    ----------
    seed
        A non-negative integer of any size, a sequence or a 1-D NumPy array of them, or a `numpy.random.SeedSequence`.
    path
        At least one name or non-negative integer: the name of a parameter, the number of a layer or a step. A traced
        step or device index is no integer: use `jax.random.fold_in` for it.

    Returns
    -------
    numpy.random.SeedSequence
        A seed to pass as ``rng``, or to `fold_in` again.

    Raises
    ------
    TypeError
        ``seed`` is of another kind (a bool, a float), or an element of ``path`` is neither a string nor an integer.
    ValueError
        A negative integer, an empty sequence, no ``path``.

    Examples
    --------
    >>> import numpy as np
    >>> import arrayinit
    >>> seed = arrayinit.fold_in(0, "encoder.0.weight")
    >>> arrayinit.normal_(np.empty(3, np.float32), rng=seed)
    array([-2.797019  , -0.8340968 ,  0.10807218], dtype=float32)

    References
    ----------
    J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011. M. E. O'Neill, "Developing a seed_seq
    alternative", 2015, on which the mixing of NumPy's SeedSequence is based.
    """
    parent = seed_of(seed)
    if parent is None:
        raise TypeError(f"fold_in needs {KINDS}, got {described(seed)}")
    if not path:
        raise ValueError("fold_in needs at least one name or integer after the seed")
    return _folded_seed()(parent.child(*path))


@cache
def _folded_seed() -> Callable[[Seed], SeedSequence]:
    # Imported here: numpy.random takes as long to import as all else.
    from arrayinit.stream.folded import FoldedSeed

    return FoldedSeed


KINDS = "a seed (a non-negative integer, a sequence or 1-D NumPy array of them, or a numpy.random.SeedSequence)"


def name_words(part: int | str) -> tuple[int, ...]:
    """Return the first 128 bits of the hash of a name or an integer, as four words of 32 bits."""
    if isinstance(part, str):
        return _words_of_name(part)
    if _is_integer(number := _concrete("an integer to fold in", part)):
        from decimal import Decimal

        # Python itself prints no integer of more than a few thousand digits.
        return _hashed(f"i{Decimal(_non_negative('an integer to fold in', number)):f}")
    raise TypeError(f"fold_in takes strings and integers, got {described(part)}")


# The names of a model come again in the next model.
@lru_cache(maxsize=10_000)
def _words_of_name(name: str) -> tuple[int, ...]:
    return _hashed(f"s{name}")


def _hashed(text: str) -> tuple[int, ...]:
    import hashlib

    digest = hashlib.sha256(text.encode()).digest()
    return tuple([int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)])


def _integers(given: Iterable[Any]) -> tuple[int, ...]:
    numbers = [_concrete("a seed", number) for number in given]
    for number in numbers:
        if not _is_integer(number):
            raise TypeError(f"a sequence of seeds must hold integers, got {described(number)}")
    return tuple(_non_negative("a seed", number) for number in numbers)


def _concrete(what: str, value: Any) -> Any:
    """Return the number in a 0-d array, and any other value as it is."""
    if type(value) is int:
        return value
    return concrete(what, value, "a JAX key may be traced, as jax.random.fold_in(key, step) is; a seed may not")


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _non_negative(what: str, value: Any) -> int:
    # An int stays as it is: torch.compile then accepts any value.
    number: int = value if isinstance(value, int) else operator.index(value)
    if number < 0:
        raise ValueError(f"{what} must be at least 0, got {shown(number)}")
    return number
