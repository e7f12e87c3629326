"""Make the picture at the top of the README: one seed, the same weights on four libraries."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import dask.array as da
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import FancyBboxPatch

import arrayinit as ai

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from gallery_style import STYLE  # noqa: E402

SHAPE = (16, 28)
SEED = 0


def main() -> None:
    """Write ``_static/hero.png``. Its light card has round corners, so that it stands well on a dark page too."""
    plt.rcParams.update(STYLE)
    weights = {
        "NumPy": ai.xavier_normal_(np.empty(SHAPE, np.float32), rng=SEED),
        "PyTorch": ai.xavier_normal_(torch.empty(SHAPE), rng=SEED),
        "JAX": ai.xavier_normal_(jnp.empty(SHAPE), rng=SEED),
        "Dask": ai.xavier_normal_(da.empty(SHAPE, dtype=np.float32, chunks=8), rng=SEED),
    }
    figure = plt.figure(figsize=(12, 3.5), layout="none")
    card = FancyBboxPatch((0.012, 0.03), 0.976, 0.94, boxstyle="round,pad=0,rounding_size=0.016", mutation_aspect=3.4)
    card.set(facecolor="#ffffff", edgecolor="#d0d7de", linewidth=1.5, transform=figure.transFigure, zorder=-1)
    figure.add_artist(card)
    figure.text(0.035, 0.835, "x = arrayinit.xavier_normal_(x, rng=0)", family="monospace", size=19, weight="bold")
    figure.text(0.965, 0.835, "one seed, the same weights everywhere", size=15, color="#57606a", ha="right")
    for column, (library, weight) in enumerate(weights.items()):
        values = np.asarray(weight)
        panel = figure.add_axes((0.035 + 0.236 * column, 0.24, 0.222, 0.48))
        panel.imshow(values, vmin=-0.6, vmax=0.6, aspect="auto")
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.text(0.0, -0.15, library, size=15, weight="bold", transform=panel.transAxes, va="center")
        digest = hashlib.sha256(values.tobytes()).hexdigest()
        text = {"family": "monospace", "color": "#57606a", "ha": "right", "va": "center", "size": 10.5}
        panel.text(1.0, -0.155, f"sha256 {digest[:10]}", transform=panel.transAxes, **text)
    # The test of the picture reads the digest.
    figure.savefig(HERE / "_static" / "hero.png", dpi=100, metadata={"Description": digest})


if __name__ == "__main__":
    main()
