"""
What does each initializer look like?
=====================================

Each row shows one initializer. The picture on the left is a weight of 32 outputs and 64 inputs. Red values are
positive, and blue values are negative. The picture on the right shows how often each value occurs.
"""

# %%
# An initializer decides two things: the *shape* of the distribution, and its *width*. The width is the std. ``xavier``,
# ``kaiming`` and ``lecun`` compute the std from the number of inputs and outputs. For ``normal`` and ``uniform`` you
# choose the std yourself.
#
# Each weight gets a seed of its own, which ``fold_in`` makes from a name. Equal seeds would give ten pictures of the
# same numbers.

import matplotlib.pyplot as plt
import numpy as np

import arrayinit as ai

initializers = [
    ai.uniform(a=-0.2, b=0.2),
    ai.normal(std=0.1),
    ai.trunc_normal(std=0.1, a=-0.2, b=0.2),
    ai.xavier_uniform(),
    ai.lecun_normal(),
    ai.kaiming_uniform(nonlinearity="relu"),
    ai.kaiming_normal(nonlinearity="relu"),
    ai.orthogonal(),
    ai.sparse(sparsity=0.8, std=0.2),
    ai.eye(),
]

figure, rows = plt.subplots(len(initializers), 2, figsize=(8, 12), width_ratios=[1, 1.4])
for initializer, (left, right) in zip(initializers, rows, strict=True):
    weight = initializer(np.empty((32, 64), np.float32), rng=ai.fold_in(0, str(initializer)))
    left.imshow(weight, vmin=-0.4, vmax=0.4, aspect="auto")
    left.set_axis_off()
    right.hist(weight.ravel(), bins=np.linspace(-0.6, 0.6, 61))
    right.set_title(initializer, fontsize=10)
    right.text(1, 0.8, f"std {weight.std():.3f}", transform=right.transAxes, ha="right")
    right.set(xlim=(-0.6, 0.6), ylim=(0, 240), yticks=[], xticks=[-0.5, 0, 0.5])
    right.spines["left"].set_visible(False)
    if initializer is not initializers[-1]:
        right.tick_params(labelbottom=False)
right.set_xlabel("value of a weight")
plt.show()

# %%
# Three rows need an explanation:
#
# - ``orthogonal`` has the distribution of a normal. Its rows are special: they are perpendicular to each other, so the
#   layer keeps the length of a signal.
# - ``sparse`` sets most weights to zero. The tall bar stands for these zeros, and ends outside the picture.
# - ``eye`` has a one where the input and the output have the same number. The ones lie outside the axis on the right.
