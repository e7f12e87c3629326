"""Initializers as values, which fill later and fit where each framework asks for an initializer."""

from arrayinit.values.definitions import initializer
from arrayinit.values.naming import value_of
from arrayinit.values.value import Initializer

__all__ = ["Initializer", "initializer", "register_keras", "value_of"]


def register_keras() -> None:
    """Register values with Keras, so that it can load a model that was saved with them.

    Call this before ``keras.saving.load_model`` in a process that has made no value yet: Keras imports no other package
    by itself.

    Raises
    ------
    ImportError
        Keras is not installed.

    Examples
    --------
    >>> import arrayinit
    >>> arrayinit.values.register_keras()  # doctest: +SKIP
    """
    from arrayinit.values._keras import KerasInitializer, register

    register(Initializer)
    register(KerasInitializer)
