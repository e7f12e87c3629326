"""
A truncated normal is narrower than it says
===========================================

``std=1`` is the std *before* the tails are cut off. The cut makes the distribution narrower. At the usual cut of two
stds, the std becomes 0.8796.
"""

# %%
# ``expected_std`` computes the true std by a formula. The dots are the stds of a million samples each: they lie on the
# curve.

import matplotlib.pyplot as plt
import numpy as np

import arrayinit as ai

shape = (1000, 1000)
cuts = np.linspace(0.1, 4, 100)
formula = [ai.trunc_normal(a=-cut, b=cut).expected_std(shape) for cut in cuts]
samples = {cut: ai.trunc_normal_(np.empty(shape, np.float32), a=-cut, b=cut, rng=0) for cut in (0.5, 1, 1.5, 2, 3, 4)}

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=[1, 1.2])
normal = ai.normal_(np.empty(shape, np.float32), rng=0)
bins = np.linspace(-4, 4, 121)
left.hist(samples[2].ravel(), bins, density=True, color="#56B4E9", label="cut at 2")
left.hist(normal.ravel(), bins, density=True, histtype="step", color="#D55E00", linewidth=2, label="not cut")
left.set(title="The tails are gone", xlabel="value", yticks=[], ylim=(0, 0.55))
left.spines["left"].set_visible(False)
left.legend(loc="upper left")

right.plot(cuts, formula, label="formula: expected_std")
right.plot(list(samples), [x.std() for x in samples.values()], "o", color="#D55E00", markersize=8, label="samples")
right.axhline(1, color="#8c959f", linewidth=1, linestyle="--")
right.annotate(
    f"{ai.trunc_normal(a=-2, b=2).expected_std(shape):.4f}",
    (2, 0.8796),
    (2.3, 0.66),
    arrowprops={"arrowstyle": "->", "color": "#57606a"},
    fontweight="bold",
)
right.set(title="The std is smaller", xlabel="cut, in stds", ylabel="std after the cut")
right.set(xlim=(0, 4.2), ylim=(0, 1.08))
right.legend(loc="lower right")
plt.show()

# %%
# ``trunc_normal`` follows torch: ``std`` is the std before the cut. The initializers of JAX and Keras that scale by a
# fan divide by 0.8796 first, so that the std is right after the cut. ``variance_scaling`` and ``lecun_normal`` of
# arrayinit do the same:

fan_in = 1000
print(f"wanted             {1 / fan_in**0.5:.5f}")
print(f"lecun_normal       {ai.lecun_normal_(np.empty(shape, np.float32), rng=0).std():.5f}")
std = fan_in**-0.5
uncorrected = ai.trunc_normal_(np.empty(shape, np.float32), std=std, a=-2 * std, b=2 * std, rng=0)
print(f"without correction {uncorrected.std():.5f}")
