"""array-api-strict under test."""

from __future__ import annotations

import numpy as np

from libraries.forms import ANY, REVERSED, VIEWS
from libraries.library import COMPLEX, Form, Library


def _strict() -> Library:
    import array_api_strict as xp

    device = xp.Device("device1")
    cpu = xp.Device("CPU_DEVICE")
    return Library(
        "strict",
        "array_api_strict",
        ("float32", "float64", *COMPLEX),
        lambda shape, dtype: xp.empty(shape, dtype=getattr(xp, dtype), device=device),
        lambda x: np.array(np.from_dlpack(x.to_device(cpu))),
        np.random.default_rng,
        lambda x: x.device,
        tries=100,
    )


LIBRARIES = {"strict": _strict}
FORMS: dict[str, dict[str, Form]] = {"array_api_strict": VIEWS | REVERSED}
WRONG_FORMS: dict[str, dict[str, Form]] = {"array_api_strict": ANY}
