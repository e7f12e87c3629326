"""The portable stream as one operator of torch: torch.compile and FakeTensor pass it by, opaque."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from arrayinit.core.distributions import Disk, Normal, TruncatedNormal, Uniform
from arrayinit.core.dtypes import FORMATS
from arrayinit.random.draws import Draw
from arrayinit.random.seeds import Seed

_LAWS = {law.__name__: law for law in (Uniform, Normal, TruncatedNormal, Disk)}


def apply(x: torch.Tensor, draw: Draw) -> None:
    """Fill ``x`` by way of the operator, which takes tensors, numbers and strings."""
    parameters = [parameter for parameter in draw.distribution if parameter is not None]
    entropy, spawn_key, pool_size = draw.seed
    _portable(
        x,
        type(draw.distribution).__name__,
        parameters,
        _words(entropy),
        _words(spawn_key),
        pool_size,
        draw.form.name,
        list(draw.order),
        draw.zeros,
    )


def _words(numbers: Sequence[int]) -> list[int]:
    """Split what does not fit an operator's integers, as a SeedSequence does."""
    words = []
    for number in numbers:
        rest = number
        while rest >= 1 << 63:
            words.append(rest & 0xFFFFFFFF)
            rest >>= 32
        words.append(rest)
    return words


@torch.library.custom_op("arrayinit::portable", mutates_args={"x"})  # type: ignore[untyped-decorator]
def _portable(
    x: torch.Tensor,
    law: str,
    parameters: Sequence[float],
    entropy: Sequence[int],
    spawn_key: Sequence[int],
    pool_size: int,
    form: str,
    order: Sequence[int],
    zeros: int,
) -> None:
    from arrayinit.backends.torch import BACKEND

    seed = Seed(tuple(entropy), tuple(spawn_key), pool_size)
    shape = tuple(x.shape[k] for k in order)
    BACKEND.write(x, Draw(_LAWS[law](*parameters), seed, FORMATS[form], shape, tuple(order), zeros))


@_portable.register_fake  # type: ignore[untyped-decorator]
def _(
    x: torch.Tensor,
    law: str,
    parameters: Sequence[float],
    entropy: Sequence[int],
    spawn_key: Sequence[int],
    pool_size: int,
    form: str,
    order: Sequence[int],
    zeros: int,
) -> None:
    """Nothing is computed for a tensor without memory."""
