"""
Which cells of a kernel feed one output?
========================================

``fan_in`` is the number of weights that feed one output. ``fan_out`` is the number of weights that one input goes to.
Each picture shows a whole weight, cell by cell. The layout says what the axes are, so it decides which cells count.
"""

# %%
# The last two axes of an array are the rows and columns of a block. The axes before them count the blocks.

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

import arrayinit as ai

weights = [
    ("OI", (4, 6), "Linear of torch"),
    ("IO", (6, 4), "Dense of Flax and Keras"),
    ("OI...", (3, 2, 3, 3), "Conv2d of torch"),
    ("...IO", (3, 3, 2, 3), "Conv of Flax and Keras"),
    ("IOO", (6, 2, 3), "attention of Flax: inputs, heads, size"),
    ("BIO", (3, 5, 3), "three experts in one array"),
]
PLAIN, IN, OUT, BOTH = "#d0d7de", "#0072B2", "#B87A00", "#7a4f9e"


def color(index, letters):
    """Return the colour of a cell: whether it belongs to the first output, or to the first input."""
    feeds = all(i == 0 for i, letter in zip(index, letters, strict=True) if letter in "OB")
    takes = all(i == 0 for i, letter in zip(index, letters, strict=True) if letter in "IB")
    return BOTH if feeds and takes else IN if feeds else OUT if takes else PLAIN


def draw(panel, shape, letters):
    """Draw each cell of a weight, and return the colours."""
    *blocks, height, width = (1,) * (4 - len(shape)) + shape
    if blocks[0] == 1:
        blocks = [-(-blocks[1] // 3), min(blocks[1], 3)]  # three blocks in a row
    colors = []
    for index in itertools.product(*map(range, shape)):
        *block, row, column = index
        down, across = divmod(np.ravel_multi_index(block, shape[:-2]) if block else 0, blocks[1])
        corner = (across * (width + 0.8) + column, down * (height + 0.8) + row)
        colors.append(color(index, letters))
        panel.add_patch(plt.Rectangle(corner, 0.88, 0.88, color=colors[-1], linewidth=0))
    panel.set(xlim=(0, 11.5), ylim=(down * (height + 0.8) + height, 0), aspect="equal", anchor="NW")
    panel.set_axis_off()
    return colors


figure, panels = plt.subplots(3, 2, figsize=(8, 9.4), height_ratios=[6, 11, 6])
for (layout, shape, name), panel in zip(weights, panels.flat, strict=True):
    letters = layout.replace("...", "." * (len(shape) - len(layout) + 3))
    colors = draw(panel, shape, letters)
    fan_in, fan_out = ai.calculate_fan_in_and_fan_out(shape, layout=layout)
    assert (fan_in, fan_out) == (colors.count(IN) + colors.count(BOTH), colors.count(OUT) + colors.count(BOTH))
    panel.set_title(f'"{layout}"  {name}\n{shape}: fan_in {fan_in}, fan_out {fan_out}', fontsize=11)
handles = [Patch(color=IN, label="feeds the first output"), Patch(color=OUT, label="takes the first input")]
figure.legend(handles=[*handles, Patch(color=BOTH, label="both")], loc="outside upper center", ncols=3)
plt.show()
