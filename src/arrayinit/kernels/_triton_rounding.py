"""Rounding in Triton: of quotients, and to the dtype of the memory; to nearest, ties to even."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, unpack
from typing import Any

import triton
import triton.language as tl

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.cuda_program import factor
from arrayinit.kernels.rounding import BYTES, Rounding


def jit(function: Callable[..., Any]) -> Any:
    """Compile a function for kernels. This decorator has a type; Triton's own has none."""
    return triton.jit(function)


@jit
def bfloat16(x: tl.tensor) -> tl.tensor:
    """Return the bits of float32 numbers rounded to bfloat16: to nearest, ties to even. No number may be NaN."""
    bits = x.to(tl.uint32, bitcast=True)
    return ((bits + ((bits >> 16) & 1) + 0x7FFF) >> 16).to(tl.int16)


@jit
def float8(
    x: tl.tensor,
    width: tl.constexpr,
    drop: tl.constexpr,
    first: tl.constexpr,
    beyond: tl.constexpr,
    overflow: tl.constexpr,
    has_negative_zero: tl.constexpr,
) -> tl.tensor:
    """Return the bits of float32 numbers rounded to 8 bits, as `rounding.to_bits`. No number may be NaN."""
    given = x.to(tl.int32, bitcast=True)
    held = tl.minimum(given & 0x7FFFFFFF, beyond)
    exponent = tl.maximum(held >> width << width, first)
    power = exponent + (drop << width)
    total = held.to(tl.float32, bitcast=True) + power.to(tl.float32, bitcast=True)
    code = tl.minimum(total.to(tl.int32, bitcast=True) - power + ((exponent - first) >> drop), overflow)
    signed = code | ((given >> 24) & 0x80)
    if not has_negative_zero:
        signed = tl.where(code == 0, code, signed)
    return signed.to(tl.int8)


def rounded(value: str, dtype: str) -> str:
    """Return Triton's text for a value in the dtype of the memory."""
    if dtype in BYTES:
        form = FORMATS[dtype]
        integers = ", ".join(map(str, Rounding.of(FORMATS["float32"], form)))
        return f"float8({value}, {integers}, {form.has_negative_zero})"
    return f"bfloat16({value})" if dtype == "bfloat16" else f"{value}.to(tl.{dtype})"


def fraction(w: float, x: str) -> str:
    """Return Triton's text for the quotient of a constant of the stream and ``x``."""
    return f'tl.inline_asm_elementwise("{quotient(w)}", "=f,f", [{x}], dtype=tl.float32, is_pure=True, pack=1)'


def quotient(w: float) -> str:
    """Return the instructions of ``fraction_`` in `cuda_text`: from $1 to $0."""
    exact, near = (f"0f{unpack('I', pack('f', x))[0]:08X}" for x in (w, factor(w)))
    estimate = f"rcp.approx.ftz.f32 y, $1; neg.f32 n, $1; mul.rn.f32 q, y, {near}; "
    correct = f"fma.rn.f32 r, n, q, {exact}; fma.rn.f32 q, r, y, q; "
    return f"{{ .reg .f32 y, q, r, n; {estimate}{correct}mov.f32 $0, q; }}"
