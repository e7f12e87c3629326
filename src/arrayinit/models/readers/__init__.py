"""Readers: they find the parameters of a model. Each file reads the models of one library."""

from arrayinit.models.readers._memory import Memory
from arrayinit.models.readers._tree import layout_of as layout_of_tree
from arrayinit.models.readers._tree import plain_name
from arrayinit.models.readers.protocol import Reader, Reading
from arrayinit.models.readers.registry import read, reader_of, register_reader

__all__ = ["Memory", "Reader", "Reading", "layout_of_tree", "plain_name", "read", "reader_of", "register_reader"]
