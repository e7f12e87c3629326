"""
What happens to a signal in 50 layers?
======================================

A signal goes through 50 layers of 256 units. Each line follows the std of the signal. A flat line is good: the last
layer gets as much signal as the first. A falling line means that the signal dies before it arrives.
"""

# %%
# Each layer multiplies the signal by a weight, and applies a nonlinearity. The weight has the axes (inputs, heads, size
# of a head), as in an attention layer of Flax. Its layout is therefore ``"IOO"``: one axis of inputs, two of outputs.
#
# The dotted line shows a common mistake: ``kaiming`` gets ``"...IO"``, the layout of a convolution. It then counts 2048
# inputs in place of 256, and makes the weights too small by a factor of 2.8 in each layer.

import matplotlib.pyplot as plt
import numpy as np

import arrayinit as ai

relu = ai.kaiming_normal(nonlinearity="relu", layout="IOO")
nonlinearities = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}


def signal_of(initializer, nonlinearity):
    """Return the std of the signal after each layer."""
    x = ai.normal_(np.empty((128, 256)), rng=ai.fold_in(0, "signal"))
    stds = [x.std()]
    for layer in range(50):
        weight = initializer(np.empty((256, 8, 32)), rng=ai.fold_in(0, f"layer {layer}"))
        x = nonlinearities[nonlinearity](x @ weight.reshape(256, 256))
        stds.append(x.std())
    return stds


figure, panels = plt.subplots(1, 2, figsize=(9, 4.6), sharey=True)
for nonlinearity, panel in zip(nonlinearities, panels, strict=True):
    gain = ai.calculate_gain(nonlinearity)
    lines = {
        "orthogonal, right gain": (ai.orthogonal(gain=gain, layout="IOO"), "#009E73", "-"),
        "kaiming for relu": (relu, "#0072B2", "--"),
        "xavier": (ai.xavier_normal(layout="IOO"), "#B87A00", "-."),
        "kaiming, wrong fan": (ai.kaiming_normal(nonlinearity="relu", layout="...IO"), "#D55E00", ":"),
    }
    for label, (initializer, color, dashes) in lines.items():
        panel.semilogy(signal_of(initializer, nonlinearity), dashes, color=color, label=label)
    panel.set(title=nonlinearity, xlabel="layer", ylim=(1e-24, 30), xlim=(0, 50))
panels[0].set_ylabel("std of the signal")
panels[0].legend(loc="lower left")
plt.show()

# %%
# With relu, ``kaiming`` and ``orthogonal`` keep the signal. relu removes half of the power of a signal, and ``xavier``
# does not make up for the loss. With tanh, ``xavier`` loses little, since tanh hardly changes a small signal. The wrong
# fan loses the signal in both. No error says so: the model just does not learn.
#
# ``ai.calculate_fan_in_and_fan_out(shape, layout=...)`` tells what a layout counts:

for layout in ("IOO", "...IO"):
    fan_in, fan_out = ai.calculate_fan_in_and_fan_out((256, 8, 32), layout=layout)
    print(f"{layout:5}  {fan_in:4} inputs  {fan_out:4} outputs")
