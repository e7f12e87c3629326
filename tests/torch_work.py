"""A count of what torch does."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Far above what a fill takes that does not loop.
_LIMIT = 1000


class Work(TorchDispatchMode):
    """Counts the operations within, and the numbers that they draw; raises AssertionError if they do not end."""

    operations = drawn = 0

    def around_draw(self) -> AbstractContextManager[None]:
        return nullcontext()

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        assert self.operations <= _LIMIT, f"no end after {_LIMIT} operations"
        if torch.Tag.nondeterministic_seeded not in operation.tags:
            return operation(*args, **(kwargs or {}))
        with self.around_draw():
            result = operation(*args, **(kwargs or {}))
        self.drawn += result.numel()
        return result


class OffloadedWork(Work):
    """Rewinds torch's CPU generator after each draw.

    DTensor does so where the mesh is of GPUs and the shard lies on the CPU: pytorch issues 180088 and 196562.
    """

    def around_draw(self) -> AbstractContextManager[None]:
        return torch.random.fork_rng(devices=[])
