"""The look of the pictures in the gallery, and of the picture at the top of the README."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from cycler import cycler
from docutils import nodes

# From what every user meets to what few need.
EXAMPLES = ("libraries", "initializers", "signal", "fans", "truncation", "audit", "mup")

STYLE: dict[str, Any] = {
    # The page shows through. On a dark page, gallery.css turns dark lines into light ones.
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    # A blue of Okabe and Ito. The examples take more of their colours, which colour-blind readers tell apart.
    "axes.prop_cycle": cycler(color=["#0072B2"]),
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
    warnings.filterwarnings("error", module="__main__")


class Order:
    """The order of the examples, as sphinx-gallery asks for it."""

    def __init__(self, _folder: str) -> None:
        """Take the folder of the examples, which all have one order."""

    def __call__(self, file: str) -> int:
        """Return the place of an example."""
        return EXAMPLES.index(Path(file).stem.removeprefix("plot_"))


def picture_first(_app: Any, document: nodes.document) -> None:
    """Move the picture of an example from the end of its code to the end of its first paragraph."""
    from sphinx_gallery.directives import imgsgnode

    for picture in list(document.findall(imgsgnode))[:1]:
        picture.parent.remove(picture)
        section = next(document.findall(nodes.section))
        section.insert(section.first_child_matching_class(nodes.paragraph) + 1, picture)


def setup(app: Any) -> dict[str, Any]:
    """Make this an extension of Sphinx."""
    app.connect("doctree-read", picture_first)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
