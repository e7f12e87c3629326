"""The chart of the README: a few rows that tell what a user gains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import figure
from benchmarks.timing import Result

# The label of each bar, by the name of its result.
ROWS = {
    "torch, float32, seed: uniform_": "torch: uniform_",
    "torch, float32, seed: normal_": "torch: normal_",
    "torch, bfloat16, seed: normal_": "torch: normal_, bfloat16",
    "torch, float32, seed: trunc_normal_": "torch: trunc_normal_",
    "JAX, float32, seed: normal": "JAX: normal",
    "Keras on NumPy, float32, seed: RandomNormal": "Keras on NumPy: RandomNormal",
    "Keras on NumPy, float32, seed: TruncatedNormal": "Keras on NumPy: TruncatedNormal",
    "torch 8 x 8, float32, seed: kaiming_uniform_": "torch, 8 x 8: kaiming_uniform_",
    "JAX 8 x 8, float32, seed: he_uniform": "JAX, 8 x 8: he_uniform",
    "Keras on NumPy 8 x 8, float32, seed: HeUniform": "Keras on NumPy, 8 x 8: HeUniform",
}


def draw_summary(results: Sequence[Result], path: Path) -> None:
    """Write the chart."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    values = {result.name: result.value for result in results}
    bars = {label: values[name] for name, label in ROWS.items() if name in values}
    page, axes = plt.subplots(figsize=(8, 0.32 * len(bars) + 0.9), layout="constrained")
    axes.barh(range(len(bars)), list(bars.values()), height=0.7, color="#2a8a4a")
    for y, value in enumerate(bars.values()):
        axes.text(value * 1.05, y, figure(value), va="center", fontsize=9)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(0.5, max(bars.values(), default=1.0) * 2.0)
    axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.set_yticks(range(len(bars)), list(bars), fontsize=9)
    axes.invert_yaxis()
    axes.set_title("From a seed: how many times as fast as the framework's own", loc="left", fontsize=10)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    page.savefig(path, dpi=130)
    plt.close(page)
