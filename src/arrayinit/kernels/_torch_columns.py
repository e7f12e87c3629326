"""The zeros of sparse_ in a torch tensor, chosen on its device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels.rounding import BEYOND_NUMPY

# The most keys in memory at once, 8 bytes each.
_HELD = 1 << 24

_INTEGERS = {getattr(torch, name): getattr(torch, f"int{FORMATS[name].bits}") for name in BEYOND_NUMPY}


def clear_columns(
    matrix: torch.Tensor, corner: Sequence[int], rows: int, count: int, fill_keys: Callable[[torch.Tensor, int], None]
) -> None:
    """Clear elements as `arrayinit.kernels.subsets.clear_columns` does.

    ``fill_keys(keys, start)`` fills a contiguous int64 tensor with the sort keys from the index ``start`` on.
    """
    height, width = matrix.shape
    step = max(1, _HELD // rows)
    for column in range(0, width, step):
        columns = matrix[:, column : column + step]
        keys = torch.empty((columns.shape[1], rows), dtype=torch.int64, device=matrix.device)
        fill_keys(keys, (corner[1] + column) * rows)
        # The row breaks ties, so no two keys are equal. As signed integers, the keys of 2^32 rows fit.
        keys.sub_(1 << 31).mul_(rows).add_(torch.arange(rows, device=matrix.device))
        last = keys.topk(count, dim=1, largest=False, sorted=False).values.amax(dim=1, keepdim=True)
        memory_of(columns).masked_fill_((keys <= last).T[corner[0] : corner[0] + height], 0)


def memory_of(x: torch.Tensor) -> torch.Tensor:
    """Return memory of a format that NumPy lacks as integers; any other memory itself."""
    integer = _INTEGERS.get(x.dtype)
    return x if integer is None else x.view(integer)
