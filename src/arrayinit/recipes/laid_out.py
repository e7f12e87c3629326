"""A value with the layout that the layers of a framework count their fans by."""

from __future__ import annotations

from arrayinit.values.value import Initializer


def laid_out(value: Initializer, layout: str | None) -> Initializer:
    """Return the value with this layout. Without one, a kernel that has none either is refused."""
    return value if layout is None else value.replace(layout=layout)
