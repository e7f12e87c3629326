"""CuPy under test."""

from __future__ import annotations

from libraries.forms import ANY, REVERSED, VIEWS
from libraries.library import COMPLEX, Form, Library


def _cupy() -> Library:
    import cupy

    if not cupy.cuda.runtime.getDeviceCount():
        raise RuntimeError("CuPy finds no GPU")

    return Library(
        "cupy",
        "cupy",
        ("float16", "float32", "float64", *COMPLEX),
        cupy.empty,
        cupy.asnumpy,
        cupy.random.default_rng,
        lambda x: x.device,
    )


LIBRARIES = {"cupy": _cupy}
ON_GPU = {"cupy"}
FORMS: dict[str, dict[str, Form]] = {"cupy": VIEWS | REVERSED}
WRONG_FORMS: dict[str, dict[str, Form]] = {"cupy": ANY}
