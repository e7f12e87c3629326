"""Whether rules give the tensors of a torch module the laws that other code gives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from distributions import SIGNIFICANCE, STANDARD_ERRORS
from scipy import stats

import arrayinit as ai

# Of each tensor. A std 3 % off is then 21 standard errors off, 6.1 are allowed.
SIZE = 500_000

Rules = list[tuple[Any, Any]]
Change = Callable[[ai.Initializer, Any], ai.Initializer]


def pools(random: list[Any], fill: Callable[[int, set[str]], Any]) -> dict[str, np.ndarray]:
    """Return SIZE draws or more of each random tensor.

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
        full = {name for name, pool in parts.items() if sum(map(len, pool)) >= SIZE}
    return {name: np.concatenate(pool) for name, pool in parts.items()}


def draws(x: Any, zero_rows: tuple[int, ...]) -> np.ndarray:
    """Return the draws of a tensor, without the rows that are zero; of a large one SIZE or more, from all over it."""
    values = np.delete(x.detach().numpy(), zero_rows, 0).ravel()
    return values[:: max(1, values.size // SIZE)].copy()


def filling(model: Any, rules: Rules) -> Callable[[int, set[str]], Any]:
    """Return the function that fills a model by rules, except for the tensors whose names it is told."""

    def fill(seed: int, full: set[str]) -> Any:
        rest = [ai.Rule(lambda p: p.name in full, ai.keep(), optional=True)]
        return ai.initialize(model, rest + [ai.Rule(*rule, optional=True) for rule in rules], rng=seed)

    return fill


def wrong_std(value: ai.Initializer, _: Any) -> ai.Initializer:
    return value * 1.03


def wrong_shape(value: ai.Initializer, p: Any) -> ai.Initializer:
    """Return a law of the same std: a truncated normal for a normal, and a normal for a uniform."""
    std = value.expected_std(p.shape, p.layout, p.groups)
    if "uniform" in repr(value):
        return ai.normal(std=std)
    uncut = std / stats.truncnorm(-2, 2).std()
    return ai.trunc_normal(std=uncut, a=-2 * uncut, b=2 * uncut)


MUTANTS: tuple[Change, ...] = (wrong_std, wrong_shape)


def changed(rules: Rules, change: Change) -> Rules:
    """Return the rules with other values in place of those that draw."""
    return [(selector, _changed(value, change)) for selector, value in rules]


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        return {name: _changed(of, change) for name, of in value.items()}

    def of_parameter(p: Any) -> Any:
        made = value if isinstance(value, ai.Initializer) else value(p)
        return change(made, p) if made.draws else made

    return of_parameter


def differ(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether the laws of two samples differ: by mean, by variance, or by the test of Kolmogorov and Smirnov."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    return moments_differ(x, y) or moments_differ((x - x.mean()) ** 2, (y - y.mean()) ** 2) or shapes_differ(x, y)


def moments_differ(x: np.ndarray, y: np.ndarray) -> bool:
    error = np.sqrt(x.var() / x.size + y.var() / y.size)
    return not abs(x.mean() - y.mean()) <= STANDARD_ERRORS * error


def shapes_differ(x: np.ndarray, y: np.ndarray) -> bool:
    x, y = np.sort(x), np.sort(y)
    below = np.searchsorted(y, x, side="right") / y.size
    statistic = abs(below - np.arange(1, x.size + 1) / x.size).max()
    return bool(stats.kstwobign.sf(statistic * np.sqrt(x.size * y.size / (x.size + y.size))) < SIGNIFICANCE)
