"""Readers: they find the parameters of a model. Each file reads the models of one library."""

from arrayinit.models.readers.protocol import Reader, Reading
from arrayinit.models.readers.registry import read, reader_of, register_reader

__all__ = ["Reader", "Reading", "read", "reader_of", "register_reader"]
