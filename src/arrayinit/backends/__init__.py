"""Adapters: each reads and writes the arrays of one library. A library has one underscored file or folder."""

from arrayinit.backends.arguments import numpy_generator
from arrayinit.backends.container import Container
from arrayinit.backends.device import Device, ready
from arrayinit.backends.protocol import Array, Backend, Generator, InPlace, Rebound, Replaced
from arrayinit.kernels.fill import Constant, Fill, Identity
from arrayinit.kernels.table import Table
from arrayinit.stream.seed import Seed

__all__ = [
    "Array",
    "Backend",
    "Constant",
    "Container",
    "Device",
    "Fill",
    "Generator",
    "Identity",
    "InPlace",
    "Rebound",
    "Replaced",
    "Seed",
    "Table",
    "numpy_generator",
    "ready",
]
