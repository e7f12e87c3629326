"""Whether rules give the tensors of a torch module the laws that other code gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from itertools import count
from typing import Any

import numpy as np
from distributions import SIGNIFICANCE, STANDARD_ERRORS
from scipy import special, stats

import arrayinit as ai

# Of each tensor. A std 3 % off is then 21 standard errors off, 6.1 are allowed.
SIZE = 500_000

# A tensor of fewer elements would take hundreds of models. It has as many draws as the models that the others take.
SMALL = 8192

Rules = list[Any]


class Pool:
    """Draws from one law."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.mean = values.mean(dtype=np.float64)

    @cached_property
    def squares(self) -> Pool:
        """The squared distances from the mean: their mean is the variance."""
        return Pool((self.values - self.mean) ** 2)

    @cached_property
    def sorted(self) -> np.ndarray:
        return np.sort(self.values)

    def __len__(self) -> int:
        return self.values.size


def pools(random: list[Any], fill: Callable[[int, set[str]], Any]) -> dict[str, Pool]:
    """Return SIZE draws or more of each random tensor that is not small.

    ``fill`` returns the model of a seed. It need not fill the tensors that it is told, whose pools are full.
    """
    parts: dict[str, list[np.ndarray]] = {step.name: [] for step in random}
    full: set[str] = set()
    seeds = count()
    while len(full) < len(parts):
        parameters = dict(fill(next(seeds), full).named_parameters())
        for step in random:
            if step.name not in full:
                parts[step.name].append(draws(parameters[step.name], step.zero_rows))
        full = {step.name for step in random if sum(map(len, parts[step.name])) >= SIZE}
        if all(is_small(step) for step in random if step.name not in full):
            break
    return {name: Pool(np.concatenate(pool)) for name, pool in parts.items()}


def is_small(step: Any) -> bool:
    return bool(np.prod(step.shape) < SMALL)


def draws(x: Any, zero_rows: tuple[int, ...]) -> np.ndarray:
    """Return the draws of a tensor, without the rows that are zero; of a large one SIZE or more, from all over it."""
    values = np.delete(x.detach().numpy(), zero_rows, 0).ravel()
    return values[:: max(1, values.size // SIZE)].copy()


def filling(model: Any, rules: Rules) -> Callable[[int, set[str]], Any]:
    """Return the function that fills a model by rules, except for the tensors whose names it is told."""

    def fill(seed: int, full: set[str]) -> Any:
        rest = [ai.Rule(lambda p: p.name in full, ai.keep(), optional=True)]
        return ai.initialize(
            model, rest + [ai.Rule(rule.selector, rule.value, optional=True) for rule in rules], rng=seed
        )

    return fill


def wrong_std(pool: Pool, _: Any) -> Pool:
    return Pool(pool.values * np.float32(1.03))


def wrong_shape(pool: Pool, step: Any) -> Pool:
    """Return a law of the same std: a truncated normal for a normal, and a normal for those of less kurtosis."""
    std = np.float32(step.action.expected_std(step.shape, step.layout, step.groups))
    kurtosis = 1 + pool.squares.squares.mean / pool.squares.mean**2
    return Pool(_standard("normal" if kurtosis < 2.7 else "truncated")[: len(pool)] * std)


@cache
def _standard(law: str) -> np.ndarray:
    """Return draws of mean 0 and std 1."""
    rng = np.random.default_rng(0)
    if law == "normal":
        return rng.standard_normal(SIZE, np.float32)
    uncut = special.ndtri(rng.uniform(*special.ndtr([-2, 2]), SIZE))
    return (uncut / stats.truncnorm(-2, 2).std()).astype(np.float32)


MUTANTS: tuple[Callable[[Pool, Any], Pool], ...] = (wrong_std, wrong_shape)


def differ(x: Pool, y: Pool) -> bool:
    """Whether the laws of two samples differ: by mean, by variance, or by the test of Kolmogorov and Smirnov."""
    return moments_differ(x, y) or moments_differ(x.squares, y.squares) or shapes_differ(x, y)


def moments_differ(x: Pool, y: Pool) -> bool:
    error = np.sqrt(x.squares.mean / len(x) + y.squares.mean / len(y))
    return not abs(x.mean - y.mean) <= STANDARD_ERRORS * error


def shapes_differ(x: Pool, y: Pool) -> bool:
    # Of the points where the distribution functions could differ most, these miss 1 / 4096 at most.
    at = np.arange(0, len(x), max(1, len(x) // 4096))
    below = np.searchsorted(y.sorted, x.sorted[at], side="right") / len(y)
    statistic = abs(below - (at + 1) / len(x)).max()
    return bool(stats.kstwobign.sf(statistic * np.sqrt(len(x) * len(y) / (len(x) + len(y)))) < SIGNIFICANCE)
