"""torch under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from arrayinit.core.dtypes import NAMES
from libraries.forms import ANY, VIEWS
from libraries.library import COMPLEX, FLOAT8, REAL, Form, Library


def _torch(device: str) -> Library:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("torch finds no GPU")

    known = {getattr(torch, name) for name in NAMES if name not in ("bfloat16", *FLOAT8)}

    def to_numpy(x: Any) -> np.ndarray:
        x = x.detach().cpu()
        return (x if x.dtype in known else x.double()).numpy()

    return Library(
        f"torch:{device}" if device != "cpu" else "torch",
        "torch",
        (*REAL, *COMPLEX),
        lambda shape, dtype: torch.empty(shape, dtype=getattr(torch, dtype), device=device),
        to_numpy,
        lambda seed: torch.Generator(device).manual_seed(seed),
        lambda x: x.device,
        has_float8=True,
        tries=150,
    )


def _parameter(make: Any, shape: tuple[int, ...]) -> Any:
    import torch

    x = make(shape)
    return torch.nn.Parameter(x, requires_grad=x.is_floating_point() or x.is_complex())


LIBRARIES = {"torch": lambda: _torch("cpu"), "torch:cuda": lambda: _torch("cuda")}
ON_GPU = {"torch:cuda"}
FORMS: dict[str, dict[str, Form]] = {
    "torch": VIEWS
    | {
        "parameter": _parameter,
        "conjugate": lambda make, shape: make(shape).conj(),
        "meta": lambda make, shape: make(shape).to("meta"),
    }
}
WRONG_FORMS: dict[str, dict[str, Form]] = {
    "torch": ANY | {"expanded": lambda make, shape: make((1,) * len(shape)).expand(shape)}
}
