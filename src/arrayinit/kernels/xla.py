"""The portable stream in XLA operations, for traced programs: the same bits as on the host, with x64 on or off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

from arrayinit.core.dtypes import FloatFormat
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.rounding import to_bits
from arrayinit.stream.box import c_strides
from arrayinit.stream.ops import Array, Ops
from arrayinit.stream.philox import KEYS, WORDS_PER_BLOCK, round_keys, rounds
from arrayinit.stream.program import Program, Step
from arrayinit.stream.seed import Seed
from arrayinit.stream.transform import streams, transform


def traced(draw: Draw) -> Array:
    """Return the array that ``draw`` describes, in its logical order."""
    # The stream needs 64-bit integers even where x64 is off, and computes once what all blocks share.
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"), set_xla_metadata(inlineable="false"):
        keys: Array = np.array(round_keys(draw.seed.key()))
        # The type is an argument too: as tuples, distributions of different kinds may be equal.
        alike = partial(_traced, replace(draw, seed=Seed(())), type(draw.distribution))
        return jax.lax.platform_dependent(keys, cpu=partial(alike, _CPU), default=partial(alike, _ACCELERATOR))


# Without this call, XLA would inline a draw, and so compile and compute it for each use. Draws that differ only in
# their seeds are traced once.
@partial(jax.jit, static_argnums=(0, 1, 2))
@set_xla_metadata(inlineable=None)  # type: ignore[untyped-decorator]
def _traced(draw: Draw, _kind: type, ops: Ops, keys: Array) -> Array:
    drawn = zip(*(_words(keys, stream, draw.shape, draw.dtype.word) for stream in streams(draw.dtype)), strict=True)
    # Transform each word of a block on its own: if they are joined first, XLA computes all of them for each element.
    numbers = [narrowed(transform(ops, draw.distribution, words, draw.dtype), draw.dtype) for words in drawn]
    joined = _joined(numbers, draw.shape)
    return _cleared(joined, keys, draw.zeros) if draw.zeros and joined.size else joined


def narrowed(x: Array, dtype: FloatFormat) -> Array:
    """Return draws in their dtype. How XLA converts to 8 bits depends on the device."""
    if dtype.bits > 8:
        return x.astype(dtype.name)
    return jax.lax.bitcast_convert_type(to_bits(jnp, x, dtype).astype("uint8"), dtype.name)


class Xla(Ops):
    """XLA's operations. XLA fuses operations where it can.

    ``infinity``, passed as an argument of the program, keeps the infinities of a product that overflows.
    """

    def __init__(self, xp: Any, infinity: Array | None = None) -> None:
        super().__init__(xp)
        self.infinity = infinity

    def no_fma(self, x: Array) -> Array:
        """Take a minimum that changes nothing. XLA cannot know this: it fuses no product into a sum, joins no sums."""
        return jnp.minimum(x, jnp.finfo(x.dtype).max if self.infinity is None else self.infinity.astype(x.dtype))

    def bits(self, x: Array, dtype: str) -> Array:
        return jax.lax.bitcast_convert_type(x, dtype)

    def join(self, real: Array, imaginary: Array) -> Array:
        return jax.lax.complex(real, imaginary)


class Accelerator(Xla):
    """Operations for devices whose float32 division is approximate, as on NVIDIA GPUs: 2 units in the last place.

    A float32 root, or quotient of two arrays, is computed in float64. Rounding it to float32 gives the correctly
    rounded result: S. A. Figueroa, "When is double rounding innocuous?", 1995.
    """

    def over(self, w: float | Array, x: Array) -> Array:
        if x.dtype != jnp.float32:
            return w / x
        if isinstance(w, float):
            return self._fraction(np.float32(w), x)
        return self._rounded(jnp.asarray(w, jnp.float32).astype(jnp.float64) / x.astype(jnp.float64))

    def _fraction(self, w: Any, x: Array) -> Array:
        """Correct an approximate quotient, without a division in float64.

        If q = w / x (1 - e), then e = (w - x q) / w, and w / x = q (1 + e + e^2 + ...). In float64 x q is exact. For e
        below 2^-20 the sum is so near that it rounds to the same float32: no quotient of two float32 numbers lies
        closer to the middle between two others than by 2^-49 of itself.
        """
        q = (w / x).astype(jnp.float64)
        e = (np.float64(w) - x.astype(jnp.float64) * q) * (1.0 / np.float64(w))
        return (q + q * (e + e * e)).astype(jnp.float32)

    def sqrt(self, x: Array) -> Array:
        return jnp.sqrt(x) if x.dtype != jnp.float32 else self._rounded(jnp.sqrt(x.astype(jnp.float64)))

    def _rounded(self, x: Array) -> Array:
        # The compiler knows this theorem too, and would narrow the operation to float32.
        return self.no_fma(x).astype(jnp.float32)


_CPU, _ACCELERATOR = Xla(jnp), Accelerator(jnp)

# The operations of a program that have another name in jax.numpy.
_NAMES = {"left": "left_shift", "right": "right_shift", **{name: f"bitwise_{name}" for name in ("and", "or", "xor")}}


def replay(ops: Xla, program: Program, words: Sequence[Array], numbers: Array) -> Array:
    """Run the steps of a program on the words of each stream."""
    done: list[Array] = []
    for step in program.steps:
        name, dtype, operands, _ = step
        match name:
            case "word":
                result = words[operands[0]]
            case "number" | "integer" | "constant":
                result = _literal(ops, step, numbers)
            case "bits":
                result = ops.bits(done[operands[0]], dtype)
            case "convert":
                result = done[operands[0]].astype(dtype)
            case "multiply":
                result = ops.no_fma(done[operands[0]] * done[operands[1]])
            case "divide":
                result = ops.over(done[operands[0]], done[operands[1]])
            case "fraction":
                result = ops.over(program.steps[operands[0]].value, done[operands[1]])
            case "sqrt":
                result = ops.sqrt(done[operands[0]])
            case _:
                result = getattr(jnp, _NAMES.get(name, name))(*(done[k] for k in operands))
        done.append(result)
    parts = [jnp.broadcast_to(done[k], words[0].shape) for k in program.outputs]
    return parts[0] if len(parts) == 1 else ops.join(*parts)


def _literal(ops: Xla, step: Step, numbers: Array) -> Array:
    match step.name:
        case "number":
            return numbers[step.operands[0]]
        case "constant":
            # A barrier: XLA would join sums with constants.
            return ops.no_fma(np.asarray(step.value, step.dtype))
        case _:
            return np.asarray(step.operands[0], step.dtype)


def _words(keys: Array, stream: int, shape: tuple[int, ...], dtype: str) -> list[Array]:
    """Return the four 64-bit words of each block, with one more axis for the one or two ``dtype`` words of each."""
    drawn = rounds(_blocks(shape, WORDS_PER_BLOCK[dtype]), np.full(1, stream, np.uint64), keys)
    # bitcast_convert_type puts the low half first.
    return [jax.lax.bitcast_convert_type(w, dtype) if dtype == "uint32" else w[..., None] for w in drawn]


def _joined(parts: list[Array], shape: tuple[int, ...]) -> Array:
    """Join the results of the four words of each block to an array of this shape."""
    joined, size = jnp.stack(parts, axis=-2), math.prod(shape)
    return joined.reshape(shape) if joined.size == size else joined.reshape(-1)[:size].reshape(shape)


def _blocks(shape: tuple[int, ...], words: int) -> Array:
    """Return the counters of the blocks of an array, with as many of its axes as whole blocks can fill.

    XLA then shards the work as it shards these axes.
    """
    axis = len(shape)
    while axis and math.prod(shape[axis:]) % words:
        axis -= 1
    sizes = (*shape[:axis], -(-math.prod(shape[axis:]) // words))
    counters = jnp.ones(sizes, jnp.uint64)
    for k, distance in enumerate(c_strides(sizes)):
        counters += jax.lax.broadcasted_iota(jnp.uint64, sizes, k) * np.uint64(distance)
    return counters


def _cleared(matrix: Array, keys: Array, count: int) -> Array:
    """Set the ``count`` elements with the smallest keys of each column to zero."""
    rows, columns = matrix.shape
    shape = (columns, rows)
    drawn = _joined(_words(keys, KEYS, shape, "uint32"), shape)
    return jnp.where(least(drawn, count).T, jnp.zeros_like(matrix), matrix)


def least(keys: Array, count: int | Array) -> Array:
    """Return a mask of the ``count`` smallest keys along the last axis; the position breaks ties."""
    size = keys.shape[-1]
    packed = keys.astype(jnp.uint64) * np.uint64(size) + jnp.arange(size, dtype=jnp.uint64)
    return packed <= jax.lax.dynamic_slice_in_dim(jnp.sort(packed, axis=-1), count - 1, 1, axis=-1)
