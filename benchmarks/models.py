"""Two models, initialized by fresh processes, as in a program that starts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from arrayinit.cli.models import MODELS, Parameter
from benchmarks.processes import fresh
from benchmarks.timing import Case, Effort, Result, Section, ratio

SECTION = Section(
    "Whole models, cold",
    "Fresh processes, in turn, initialize every parameter of a model in float32, with one call each. The peers are "
    "torch.nn.init on Parameters, eager jax.nn.initializers with one key each, and keras.initializers on NumPy with "
    "one seed each. Rows with imports count the imports of the framework and of arrayinit.",
)
LIBRARIES = {"torch": "torch", "jax": "JAX", "numpy": "Keras on NumPy"}
TITLES = {"gpt2": "GPT-2 small", "resnet50": "ResNet-50"}
SIDES = ("peer", "seed", "native")
KINDS = tuple(product(("seed", "native"), (False, True)))
"""The source of arrayinit's draws, and whether imports count."""


def cases() -> Iterator[Case]:
    for library in LIBRARIES:
        for model in TITLES:
            names = tuple(name(library, model, *kind) for kind in KINDS)
            yield Case(names, lambda effort, row=(library, model): measure(*row, effort))


def measure(library: str, model: str, effort: Effort) -> list[Result]:
    parameters = [plan(p, library) for p in MODELS[model]()]
    rounds: list[dict[str, tuple[float, float]]] = []
    for i in range(effort.processes):
        order = SIDES if i % 2 else SIDES[::-1]
        rounds.append({side: fresh("-m", "benchmarks.cold", library, side, given=parameters) for side in order})
    return [
        ratio(
            SECTION,
            name(library, model, rng, counted),
            [(times["peer"][counted], times[rng][counted]) for times in rounds],
        )
        for rng, counted in KINDS
    ]


def name(library: str, model: str, rng: str, counted: bool) -> str:
    return f"cold {TITLES[model]}, {LIBRARIES[library]}, {rng}: imports {'' if counted else 'not '}counted"


def plan(p: Parameter, library: str) -> tuple[str, tuple[int, ...], str, float]:
    """Return name, shape, kind and std. Except for torch, kernels end with the channels."""
    shape: Any = p.shape
    if len(shape) == 4 and library != "torch":
        shape = (*shape[2:], shape[1], shape[0])
    if not p.std:
        kind = "ones_" if p.constant else "zeros_"
    elif len(shape) == 4:
        kind = "kaiming"
    else:
        kind = "normal" if p.kurtosis == 3.0 else "uniform"
    return p.name, shape, kind, p.std
