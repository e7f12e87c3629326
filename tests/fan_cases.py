"""Weights of random shapes, and layouts that say what their axes are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import arrayinit

COUNT = 40


class Case(NamedTuple):
    """A weight, and what arrayinit calls its axes."""

    number: int
    shape: tuple[int, ...]
    roles: str
    """O, I, B or k, a kernel axis, for each axis."""
    layout: str

    @classmethod
    def random(cls, number: int, rng: np.random.Generator, roles: str) -> Case:
        """Draw the sizes, the names of the kernel axes, and for every other case which of them '...' stands for."""
        shape = tuple(int(size) for size in rng.integers(1, 6, len(roles)))
        layout = "".join(str(rng.choice(list("HWDXkz"))) if role == "k" else role for role in roles)
        if number % 2:
            start = stop = int(rng.integers(len(roles) + 1))
            while roles[stop : stop + 1] == "k":
                stop += 1
            layout = f"{layout[:start]}...{layout[stop:]}"
        return cls(number, shape, roles, layout)

    def axes(self, roles: str) -> tuple[int, ...]:
        return tuple(i for i, role in enumerate(self.roles) if role in roles)

    def fans(self) -> tuple[int, int]:
        return arrayinit.calculate_fan_in_and_fan_out(self.shape, layout=self.layout)

    def __str__(self) -> str:
        return f"{self.layout}-{'x'.join(map(str, self.shape))}"


def any_roles(rng: np.random.Generator) -> str:
    while True:
        roles = "".join(rng.choice(list("OIBk"), rng.integers(2, 7)))
        if {"O", "I"} & {*roles}:
            return roles


def roles_of_torch(rng: np.random.Generator) -> str:
    return "".join(rng.permutation(list("OI" + rng.integers(5) * "k")))


_RNG = np.random.default_rng(40)
CASES = [Case.random(number, _RNG, any_roles(_RNG)) for number in range(COUNT)]
KERAS_CASES = [Case(*case[:2], "k" * (len(case.shape) - 2) + "IO", "...IO") for case in CASES]
TORCH_CASES = [Case.random(number, _RNG, roles_of_torch(_RNG)) for number in range(COUNT)]
