"""The layout of a kernel from an einsum equation."""

from __future__ import annotations

import re


def layout_of_equation(equation: str) -> str:
    """Return the layout of the second operand: a letter of input and output is a batch of weights."""
    inputs, kernel, outputs = re.split(r",|->", equation.replace(" ", ""))
    return "".join("B" if k in inputs and k in outputs else "O" if k in outputs else "I" for k in kernel)
