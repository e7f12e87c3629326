"""Tensors that consist of pieces along an axis. Each process fills what it holds of each piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from arrayinit.backends._torch import narrow
from arrayinit.backends._torch.copies import copy
from arrayinit.backends._torch.dtensor import fill_box, local_boxes, whole
from arrayinit.backends._torch.memory import is_sharded, local
from arrayinit.backends.protocol import Array
from arrayinit.kernels.draw import Draw
from arrayinit.kernels.fill import Constant, Fill, Identity
from arrayinit.kernels.pieces import Pieces
from arrayinit.kernels.table import Table

Box = tuple[torch.Tensor, Sequence[int]]
"""Memory of this process, and the corner of the array that it holds."""

_Whole = Callable[[torch.Tensor, Fill], object]
"""Fills a tensor that is not sharded."""


def fill_pieces(x: Array, fill: Pieces, fill_whole: _Whole) -> None:
    """Fill the pieces of a tensor, in their order."""
    if not is_sharded(x):
        _in_place(x.detach(), fill, fill_whole)
        return
    part = local(x)
    if part.is_meta or isinstance(part, FakeTensor) or x.device_mesh.get_coordinate() is None:
        return
    boxes: list[Box] = [(part, [side.start for side in box]) for part, box in local_boxes(x)]
    _box_by_box(part, boxes, tuple(x.shape), fill, fill_whole)


def _in_place(x: torch.Tensor, fill: Pieces, fill_whole: _Whole) -> None:
    for place, piece in fill.placed():
        part = x[place]
        if piece.is_by_box or part.is_contiguous():
            fill_whole(part, piece)
        else:
            # torch's generators give other numbers to a tensor that is not contiguous.
            values = part.contiguous()
            fill_whole(values, piece)
            part.copy_(values)


def _box_by_box(like: torch.Tensor, boxes: list[Box], shape: tuple[int, ...], fill: Fill, fill_whole: _Whole) -> None:
    """Fill the boxes of an array of this shape that lie in this process."""
    if not isinstance(fill, Pieces):
        _one_fill(like, boxes, shape, fill, fill_whole)
        return
    inside = fill.cut.by_piece((part, corner, part.shape) for part, corner in boxes)
    for number, piece in enumerate(fill.fills):
        if piece is not None:
            held: list[Box] = [(part[place], first) for part, place, first in inside[number]]
            _box_by_box(like, held, fill.cut.shape(number, shape), piece, fill_whole)


def _one_fill(like: torch.Tensor, boxes: list[Box], shape: tuple[int, ...], fill: Fill, fill_whole: _Whole) -> None:
    values: Any = None
    if isinstance(fill, Table):
        values = whole(fill.values)
    elif not fill.is_by_box or (boxes and isinstance(fill, Identity)):
        # A generator advances alike in all processes, also in those that hold nothing of this piece.
        values = like.new_empty(shape, requires_grad=False)
        fill_whole(values, fill)
    for part, corner in boxes:
        if isinstance(fill, Draw):
            fill_box(part, fill, corner)
        elif isinstance(fill, Constant):
            narrow.fill(part, fill.value)
        else:
            copy(part, values[tuple(slice(k, k + size) for k, size in zip(corner, part.shape, strict=True))])
