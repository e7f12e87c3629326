"""How the tests of torch call each function of the table, and compare: `empty` shows what was left unwritten."""

from __future__ import annotations

from typing import Any

from cases import FUNCTIONS
from portable_calls import TOLERANCE


def empty(name: str, **options: Any) -> Any:
    """A tensor for the function, that shows what was left unwritten."""
    import torch

    return torch.full(FUNCTIONS[name].shape, 7.0, **options)


def fill(name: str, x: Any, **rng: Any) -> Any:
    """Call the function, by default with the global generator."""
    case = FUNCTIONS[name]
    return case.function(x, **case.arguments, **rng)


def filled(name: str, seed: int = 3) -> Any:
    """What the global generator gives after this seed."""
    import torch

    torch.manual_seed(seed)
    return fill(name, empty(name))


def assert_same(name: str, ours: Any, theirs: Any) -> None:
    """Equal in every bit, but for what LAPACKs round otherwise."""
    import torch

    if "orthogonal" in name:
        torch.testing.assert_close(ours, theirs, rtol=0, atol=4 * TOLERANCE[str(ours.dtype).removeprefix("torch.")])
    else:
        assert torch.equal(ours, theirs)
