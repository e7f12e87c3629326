"""The targets: one table, which the report and the chart read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.timing import Result


class Target(NamedTuple):
    """A bound for all results whose whole name matches."""

    group: str
    label: str
    pattern: str
    bound: float | None
    at_most: bool = False
    """True for a time or a size. A ratio must be at least the bound."""

    def holds(self, name: str) -> bool:
        return re.fullmatch(self.pattern, name) is not None

    def verdict(self, value: float) -> str:
        if self.bound is None:
            return ""
        return "met" if (value <= self.bound if self.at_most else value >= self.bound) else "short"

    def worst(self, results: Sequence[Result]) -> Result | None:
        """Return the worst result of this target."""
        held = [result for result in results if self.holds(result.name)]
        choose = max if self.at_most else min
        return choose(held, key=lambda result: result.value, default=None)


TORCH, JAX, KERAS, HAND, LIMITS = "torch", "JAX", "NumPy, against Keras", "NumPy, by hand", "limits"
CORE = "the core, against NumPy's operations"
GPU = "on the GPU"
DRAWN = r"(uniform_|normal_|xavier_\w+|kaiming_\w+)"
ANY = r"(native|seed)"
LARGEST = r"2\^30, float32, seed: "

TARGETS = (
    Target(TORCH, "native: uniform, normal, xavier, kaiming", rf"torch, \w+, native: {DRAWN}", 0.97),
    Target(TORCH, "native: trunc_normal", r"torch, float32, native: trunc_normal_", 8),
    Target(TORCH, "native: trunc_normal on [2, 3]", r"torch, float32, native: trunc_normal_ on 2 to 3", 100),
    Target(TORCH, "native: sparse .9", r"torch, float32, native: sparse_ .9", 4),
    Target(TORCH, "dirac 512", r"torch, float32, native: dirac_ 512", 8),
    Target(TORCH, "seed: sparse .9", r"torch, float32, seed: sparse_ .9", 4),
    Target(TORCH, "seed: uniform", r"torch, float32, seed: uniform_", 5),
    Target(TORCH, "seed: normal, kaiming_normal", r"torch, float32, seed: (kaiming_)?normal_", 4),
    Target(TORCH, "seed: trunc_normal", r"torch, float32, seed: trunc_normal_", 35),
    Target(TORCH, "seed, bfloat16: uniform", r"torch, bfloat16, seed: uniform_", 5),
    Target(TORCH, "seed, bfloat16: normal", r"torch, bfloat16, seed: normal_", 4),
    Target(TORCH, "seed, with AVX2: uniform", r"torch, float32, seed, avx2: uniform_", 4),
    Target(TORCH, "seed, with AVX2: normal", r"torch, float32, seed, avx2: normal_", 2.5),
    Target(TORCH, "seed, with AVX2: trunc_normal", r"torch, float32, seed, avx2: trunc_normal_", 20),
    Target(TORCH, "orthogonal 1024", rf"torch, float32, {ANY}: orthogonal_ 1024", 1),
    Target(TORCH, "8 x 8, native: kaiming_uniform", r"torch 8 x 8, float32, native: kaiming_uniform_", 1),
    Target(TORCH, "8 x 8, native: normal", r"torch 8 x 8, float32, native: normal_", 0.95),
    Target(TORCH, "8 x 8, seed: kaiming_uniform", r"torch 8 x 8, float32, seed: kaiming_uniform_", 2),
    Target(TORCH, "1,000 models of 6 small parameters, fold_in", r"torch, 1,000 models .*", 1),
    Target(TORCH, "cold GPT-2 small, seed", r"cold GPT-2 small, torch, seed: imports not counted", 2),
    Target(TORCH, "cold ResNet-50, seed", r"cold ResNet-50, torch, seed: imports not counted", None),
    Target(JAX, "seed: uniform", r"JAX, float32, seed: uniform", 7),
    Target(JAX, "seed: normal", r"JAX, float32, seed: normal", 7),
    Target(JAX, "seed: truncated normal", r"JAX, float32, seed: truncated_normal", 7),
    Target(JAX, "seed, under jit: uniform", r"JAX under jit, float32, seed: uniform", 3),
    Target(JAX, "seed, under jit: normal", r"JAX under jit, float32, seed: normal", 2.3),
    Target(JAX, "orthogonal 1024", rf"JAX, float32, {ANY}: orthogonal 1024", 1.2),
    Target(JAX, "8 x 8, seed: he_uniform", r"JAX 8 x 8, float32, seed: he_uniform", 6),
    Target(JAX, "cold GPT-2 small, seed", r"cold GPT-2 small, JAX, seed: imports not counted", 5),
    Target(JAX, "cold ResNet-50, seed", r"cold ResNet-50, JAX, seed: imports not counted", None),
    Target(KERAS, "seed: uniform", r"Keras on NumPy, float32, seed: RandomUniform", 5),
    Target(KERAS, "seed: normal", r"Keras on NumPy, float32, seed: RandomNormal", 9),
    Target(KERAS, "seed: truncated normal", r"Keras on NumPy, float32, seed: TruncatedNormal", 25),
    Target(KERAS, "orthogonal 1024", rf"Keras on NumPy, float32, {ANY}: Orthogonal 1024", 3),
    Target(KERAS, "8 x 8, seed: HeUniform", r"Keras on NumPy 8 x 8, float32, seed: HeUniform", 12),
    Target(KERAS, "cold GPT-2 small, seed", r"cold GPT-2 small, Keras on NumPy, seed: imports not counted", 4),
    Target(KERAS, "cold ResNet-50, seed", r"cold ResNet-50, Keras on NumPy, seed: imports not counted", None),
    Target(CORE, "float64 normal", r"core, float64: normal_", 1.5),
    Target(CORE, "complex64 normal", r"core, complex64: normal_", 1.5),
    Target(CORE, "general truncation", r"core, float32: trunc_normal_ on -1 to 3", 1.5),
    Target(HAND, "native: float64, then cast", r"NumPy by hand, float32, native: .+", 1.4),
    Target(GPU, "torch, seed: uniform, normal", r"torch CUDA 2\^30, float32, seed: (uniform_|normal_)", 1),
    Target(GPU, "torch, seed: trunc_normal", r"torch CUDA 2\^30, float32, seed: trunc_normal_", 5),
    Target(GPU, "torch: orthogonal 4096", rf"torch CUDA, float32, {ANY}: orthogonal_ 4096", 3),
    *(
        Target(
            GPU, f"{library}, seed: uniform, normal, share of bandwidth", rf"{place} {LARGEST}(?!trunc).*, share", 0.6
        )
        for library, place in (("torch", "torch CUDA"), ("CuPy", "CuPy"), ("JAX", "JAX GPU"))
    ),
    Target(LIMITS, "peak memory above 1 GiB, MiB", r"memory, .+", 16, at_most=True),
    Target(LIMITS, "time an element at 5e8 over 1e7", r"growth, .+: arrayinit.+", 1.2, at_most=True),
    Target(LIMITS, "import after numpy, ms", r"import arrayinit after numpy", 15, at_most=True),
)


def target(name: str) -> Target | None:
    """Return the target of a result by its name, or None."""
    return next((t for t in TARGETS if t.bound is not None and t.holds(name)), None)
