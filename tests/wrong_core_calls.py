"""Wrong calls of the compiled core: the arguments of each, and the errors that it may raise."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterator
from struct import pack, unpack_from
from typing import Any, NamedTuple

import numpy as np

from arrayinit.core.distributions import Normal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.compiled import law

SIDE = 12

# The dtypes of the memory of each format, in the order of csrc/core.h.
KINDS = ("f4", "f8", "c8", "c16", "f2", "u2", *["u1"] * 4, *["f4"] * 5, "u4")


class Wrong(NamedTuple):
    """A function of the core, what it is given, and the errors that this may raise."""

    name: str
    function: str
    arguments: tuple[Any, ...]
    errors: tuple[type[Exception], ...]


def float32_law() -> bytes:
    """Return the law of a normal draw in float32."""
    made = law(Normal(0.0, 1.0), FORMATS["float32"], np.dtype(np.float32))
    assert made is not None
    return made


def memory() -> np.ndarray:
    return np.full((SIDE, SIDE), 7, np.float32)


def wrong_laws() -> Iterator[tuple[str, Any]]:
    """Yield what is no law of float32 numbers."""
    right = float32_law()
    yield from ((f"{size} bytes", (right + bytes(64))[:size]) for size in range(len(right) + 64) if size != len(right))
    program, form = unpack_from("=II", right)
    yield from ((f"program {k}", pack("=II", k, form) + right[8:]) for k in (10**3, 2**31, 2**32 - 1))
    # Another format has other bits or parts, or is none.
    yield from ((f"format {k}", pack("=II", program, k) + right[8:]) for k in (1, 2, 3, len(KINDS), 2**31, 2**32 - 1))
    wide = law(Uniform(0.0, 1.0), FORMATS["float64"], np.dtype(np.float64))
    yield "of float64, in float32", pack("=II", unpack_from("=I", wide)[0], 0) + wide[8:]
    yield from ((repr(type(x)), x) for x in (None, 0, "law", bytearray(right), [right], memoryview(right)))


def wrong_keys() -> Iterator[Any]:
    yield from (-1, 2**64, 10**40, 1.5, None, "0", b"0", np.uint64(3), [1, 2])
    yield from (((), (), 3), (1, 2, 4), ((-1,), (), 4), ((2**64,), (), 4), ((), (), 2**70), ((), (1.5,), 4), ((), 1, 4))
    yield from ((), (1,), (1, 2, 3), (1, -1), (2**64, 0), (1.0, 2), (1, None))


def wrong_arrays() -> Iterator[Any]:
    """Yield what is no writable memory of float32 numbers in the machine's order of bytes."""
    yield from (None, 3, [1.0], "text", bytes(64), bytearray(64), array("d", [0.0]), memoryview(bytes(64)))
    read_only = memory()
    read_only.flags.writeable = False
    yield read_only
    yield from (memory().astype(dtype) for dtype in (">f4", "f8", "i4", "u4", "f2", "c8", "U1", "O", "M8[s]"))
    yield np.zeros(3, [("x", "f4")])
    kind: Any = ctypes.c_float
    for _ in range(65):
        kind *= 1
    yield kind()


def wrong_boxes() -> Iterator[tuple[Any, Any]]:
    """Yield shapes and corners in which a box of SIDE x SIDE has no place."""
    shape, zero = (SIDE, SIDE), (0, 0)
    yield from ((shape, corner) for corner in ((1, 0), (0, 1), (2**64 - 1, 0), (0, 2**64 - SIDE)))
    yield from ((given, zero) for given in ((SIDE - 1, SIDE), (SIDE, 0), (0, 0), (2**32, 2**32), (2**63, 4)))
    for bad in ((), (SIDE,), (SIDE,) * 3, [SIDE, SIDE], None, SIDE, (-1, SIDE), (2**64, SIDE), (10**40, SIDE)):
        yield bad, zero
        yield shape, bad
    for bad in ((1.0, SIDE), ("1", SIDE), (None, SIDE), (np.int64(SIDE), SIDE)):
        yield bad, zero
        yield shape, bad


def wrong_orders() -> Iterator[Any]:
    yield from ((0,), (0, 0), (1, 1), (0, 2), (0, 1, 2), (-1, 0), (2**64 - 1, 0), (2**64, 0), (0.0, 1), [0, 1], 0, "01")


def wrong_shapes() -> Iterator[Any]:
    yield from (
        None,
        3,
        [2, 2],
        (-1,),
        (2**64,),
        (1.0,),
        ("1",),
        (2**63,),
        (2**61,),
        (2**32, 2**32),
        (1,) * 64,
        (1,) * 99,
    )


# Python's own error for what is no tuple is a SystemError.
ERRORS = (TypeError, ValueError, OverflowError, BufferError, SystemError)


def wrong_fills() -> Iterator[Wrong]:
    """Yield what is wrong for each function that fills."""
    right = float32_law()
    # An address is never used where another argument is wrong.
    rest = {
        "fill": lambda: (memory(),),
        "fill_at_once": lambda: (memory(), None),
        "fill_address": lambda: (1, (3,), None),
    }
    counts = {"fill": (3, 5), "fill_at_once": (4,), "fill_address": (5,)}
    for name, others in rest.items():
        for what, given in wrong_laws():
            yield Wrong(f"{name}: {what}", name, (given, 0, *others()), ERRORS)
        for key in wrong_keys():
            yield Wrong(f"{name}: key {key!r}", name, (right, key, *others()), ERRORS)
        for count in {*range(8)} - {*counts[name]}:
            given = (right, 0, memory(), None, None, 1, 2)[:count]
            yield Wrong(f"{name}: {count} arguments", name, given, (TypeError,))
    for order in wrong_orders():
        yield Wrong(f"fill_at_once: {order}", "fill_at_once", (right, 0, memory(), order), ERRORS)
        yield Wrong(f"fill_address: {order}", "fill_address", (right, 0, 1, (SIDE, SIDE), order), ERRORS)


def wrong_places() -> Iterator[Wrong]:
    """Yield what is wrong for one of the functions that fill."""
    right = float32_law()
    for given in wrong_arrays():
        yield Wrong(f"fill: {type(given)}", "fill", (right, 0, given), ERRORS)
    for shape, corner in wrong_boxes():
        yield Wrong(f"fill: {shape}, {corner}", "fill", (right, 0, memory(), shape, corner), ERRORS)
    for shape in wrong_shapes():
        yield Wrong(f"fill_address: {shape}", "fill_address", (right, 0, 1, shape, None), ERRORS)
    for address in (0, 2**64, 10**40, 1.5, None, "1"):
        yield Wrong(f"fill_address: at {address!r}", "fill_address", (right, 0, address, (3,), None), ERRORS)


def wrong_calls() -> Iterator[Wrong]:
    """Yield all of them. Each fill has an array of its own."""
    yield from wrong_fills()
    yield from wrong_places()
    for given in ((), ((), (), ()), (0, ()), ((), 0), ((-1,), ()), ((2**64,), ()), ((1.0,), ()), ((1,) * 200, ())):
        yield Wrong(f"key: {given}", "key", given, ERRORS)
    words, other = np.zeros(SIDE, np.uint32), law(Uniform(0.0, 1.0), FORMATS["float64"], np.dtype(np.float64))
    for bad in (*wrong_arrays(), np.zeros(SIDE + 1, np.float32), np.zeros(2 * SIDE, np.float32)[::2]):
        yield Wrong(f"values: into {type(bad)}", "values", (float32_law(), words, bad), ERRORS)
    for bad in (words[1:], words[::2], words.astype("i4"), words.astype(">u4"), words.astype("f4"), None):
        yield Wrong(f"values: of {type(bad)}", "values", (float32_law(), bad, np.zeros(SIDE, np.float32)), ERRORS)
    yield Wrong("values: float64", "values", (other, words, np.zeros(SIDE)), ERRORS)
    for given in ((), (1, 2), (-1,), (2**64,), (1.5,), (None,)):
        yield Wrong(f"program: {given}", "program", given, ERRORS)
    for given in ((), (None,), ("",), ("sse9",), (b"base",), (0,), ("base\0",), ("\udc80",), ("base", 1)):
        yield Wrong(f"use: {given}", "use", given, ERRORS)
    yield Wrong("instruction_sets: 1", "instruction_sets", (1,), ERRORS)
