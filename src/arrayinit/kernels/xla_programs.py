"""The programs that fill boxes with the portable stream. A program has a fixed number of blocks, for every shape.

The position of a box, the key and the distribution's parameters are arguments. The only programs compiled for each
shape move numbers to their places, or sort keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.xla import Accelerator, least, narrowed, replay
from arrayinit.stream.ops import Array
from arrayinit.stream.philox import ROUNDS, rounds
from arrayinit.stream.program import Program

Shape = tuple[int, ...]

AXIS = "device"
"""The axis of the mesh of all devices that compute at once."""


def on_each_device(own: int, *static: str, donated: tuple[int, ...] = ()) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function once for all devices of ``mesh``, or for one device if ``mesh`` is None.

    The first ``own`` arguments are sharded over the devices.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        def program(*arguments: Any, mesh: Mesh | None, **options: Any) -> Any:
            on_one = partial(function, **options)
            if mesh is None:
                return on_one(*arguments)
            specs = tuple(PartitionSpec(*(AXIS,) * (k < own)) for k in range(len(arguments)))
            return jax.shard_map(on_one, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(AXIS))(*arguments)

        program.__name__ = function.__name__
        return jax.jit(program, static_argnames=("mesh", *static), donate_argnums=donated)

    return compiled


class TileArgs(NamedTuple):
    """The arguments of a program for one tile of the rows: its position, its key and its stream."""

    corner: Array
    row: Array
    column: Array
    span: Array
    """Blocks generated for each row."""
    each: Array
    """Words in a block."""
    stream: Array
    keys: Array
    axes: Array

    @classmethod
    def of(cls, arguments: Array) -> TileArgs:
        first, keys, axes = jnp.split(arguments[0], [6, 6 + 2 * ROUNDS])
        corner, row, column, span, each, stream = first
        return cls(corner, row, column, span, each, stream, keys.reshape(-1, 2), axes.reshape(-1, 2))

    def starts(self, row: Array) -> Array:
        """Return the logical index at which the tile begins in each of the rows ``row``, counted from its first row."""
        row, start = self.row + row, self.corner + self.column
        for size, stride in reversed(list(self.axes)):
            start += row % size * stride
            row //= size
        return start


@on_each_device(1, "blocks")
def words(arguments: Array, *, blocks: int) -> list[Array]:
    """Return the four words of each of ``blocks`` blocks, row after row."""
    tile, k = TileArgs.of(arguments), jax.lax.iota("uint64", blocks)
    counters = tile.starts(k // tile.span) // tile.each + k % tile.span + 1
    return rounds(counters, tile.stream[None], tile.keys)


@on_each_device(1, "program", "dtype")
def numbers(words: list[list[Array]], given: Array, *, program: Program, dtype: str) -> Array:
    """Run the program of a draw on the words of each stream; ``given`` holds its numbers, then infinity."""
    drawn = [_joined(four, program.word) for four in words]
    return narrowed(replay(Accelerator(jnp, given[-1]), program, drawn, given), FORMATS[dtype])


@on_each_device(1)
def keys(words: list[list[Array]]) -> Array:
    """Return the words themselves, as uint32."""
    return _joined(words[0], "uint32")


@on_each_device(1, "shape", "dtype")
def blank(_: Array, *, shape: Shape, dtype: Any) -> Array:
    """Return a box of zeros to write tiles into."""
    return jnp.zeros(shape, dtype)


@on_each_device(2, "shape")
def tile(numbers: Array, arguments: Array, *, shape: Shape) -> Array:
    """Return the rows of a tile that covers a whole box."""
    return _cut(numbers, arguments, shape)


@on_each_device(3, "shape", donated=(0,))
def put(filled: Array, numbers: Array, arguments: Array, *, shape: Shape) -> Array:
    """Write the rows of a tile into the box."""
    row, column = arguments[0, 1:3].astype("int64")
    return jax.lax.dynamic_update_slice(filled, _cut(numbers, arguments, shape), (row, column))


@on_each_device(1, "shape", "order", donated=(0,))
def arranged(values: Array, *, shape: Shape, order: Shape) -> Array:
    """Return the rows as a box with reordered axes. A scalar keeps one axis, since shard_map needs an axis."""
    return values.reshape(shape or (1,)).transpose(order or (0,))


@on_each_device(3, "rows", "seen", donated=(0,))
def clear(matrix: Array, keys: Array, first: Array, given: Array, *, rows: int, seen: Shape) -> tuple[Array, Array]:
    """Clear the elements with the smallest keys in some columns of a matrix, which may hold a part of the rows.

    Return the matrix, and a copy of the first elements of these columns, ``seen`` along each axis.
    """
    column, count = given
    chosen = least(keys.reshape(-1, rows), count)
    inside = jax.lax.dynamic_slice_in_dim(chosen, first[0], matrix.shape[0], axis=1).T
    old = jax.lax.dynamic_slice_in_dim(matrix, column, inside.shape[1], axis=1)
    new = jnp.where(inside, jnp.zeros_like(old), old)
    return jax.lax.dynamic_update_slice_in_dim(matrix, new, column, axis=1), jax.lax.slice(new, (0, 0), seen)


def _joined(four: list[Array], word: str) -> Array:
    """Return the words of the blocks in order."""
    # A 64-bit word becomes two halves, the low half first.
    return jax.lax.bitcast_convert_type(jnp.stack(four, axis=-1), word).reshape(-1)


def _cut(numbers: Array, arguments: Array, shape: Shape) -> Array:
    """Return the rows of a tile, without the rest of their first and last blocks."""
    tile, k = TileArgs.of(arguments), jax.lax.iota("uint64", shape[0])
    begin = k * tile.span * tile.each + tile.starts(k) % tile.each
    # 32 bits can count the numbers of every program.
    index = begin.astype("int32")[:, None] + jax.lax.iota("int32", shape[1])
    return numbers.at[index].get(mode="promise_in_bounds")
