"""The look of the pictures in the gallery, and of the picture at the top of the README."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

# From what every user meets to what few need.
EXAMPLES = ("libraries", "initializers", "signal", "fans", "truncation", "audit", "mup")

# Colours of Okabe and Ito, which colour-blind readers tell apart.
BLUE, ORANGE, GREEN, PINK, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"

STYLE: dict[str, Any] = {
    # The page shows through. On a dark page, gallery.css turns dark lines into light ones.
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.figsize": (8.0, 4.2),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "text.color": "#24292f",
    "axes.labelcolor": "#24292f",
    "axes.edgecolor": "#57606a",
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2.2,
    "image.cmap": "RdBu_r",
    "image.interpolation": "nearest",
    "legend.frameon": False,
}


def style(_configuration: Any, _file: str) -> None:
    """Give each example the look of the gallery, and make each warning of its code an error."""
    import matplotlib as mpl

    mpl.rcdefaults()
    mpl.rcParams.update(STYLE)
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=[BLUE, ORANGE, GREEN, RED, PINK, SKY])
    warnings.filterwarnings("error", module="__main__")


class Order:
    """The order of the examples, as sphinx-gallery asks for it."""

    def __init__(self, _folder: str) -> None:
        """Take the folder of the examples, which all have one order."""

    def __call__(self, file: str) -> int:
        """Return the place of an example."""
        return EXAMPLES.index(Path(file).stem.removeprefix("plot_"))
