"""
muP: one learning rate for all widths
=====================================

The best learning rate usually depends on the width of a network. With muP, the maximal update parametrization, you tune
a narrow network, and use its learning rate for a wide one. The picture shows why this works: with muP, one step of Adam
changes the output of each layer by about the same amount at any width.
"""

# %%
# ``recipes.mup`` takes rules for a narrow base model. It returns rules for the wide model, a factor for each learning
# rate, and a multiplier for the input of the output layer.

import matplotlib.pyplot as plt
import torch

import arrayinit as ai

widths = [64, 128, 256, 512, 1024]
rules = [("bias", ai.zeros()), ("weight", ai.lecun_normal())]


def network(width):
    """Return a network of three layers."""
    sizes = {"first": (16, width), "hidden": (width, width), "last": (width, 4)}
    return torch.nn.ModuleDict({name: torch.nn.Linear(*size) for name, size in sizes.items()})


def outputs(model, x, multiplier):
    """Return the output of each layer."""
    first = model["first"](x)
    hidden = model["hidden"](first.relu())
    return {"first": first, "hidden": hidden, "last": model["last"](hidden.relu() * multiplier)}


def changes(width, mup):
    """Return how much the output of each layer changes in one step, as a root mean square."""
    chosen = mup.rules if mup else rules
    model = ai.initialize(network(width), chosen, rng=0)
    rates = mup.learning_rates(model) if mup else {}
    multiplier = mup.multipliers(model).get("last.weight", 1.0) if mup else 1.0
    groups = [{"params": [p], "lr": 0.01 * rates.get(name, 1.0)} for name, p in model.named_parameters()]
    optimizer = torch.optim.Adam(groups)
    x = ai.normal_(torch.empty(64, 16), rng=ai.fold_in(0, "x"))
    before = outputs(model, x, multiplier)
    torch.nn.functional.mse_loss(before["last"], x[:, :4].sin()).backward()
    optimizer.step()
    after = outputs(model, x, multiplier)
    return {name: (after[name] - before[name]).square().mean().sqrt().item() for name in after}


figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True)
for mup, panel in zip((None, ai.recipes.mup(rules, network(64))), panels, strict=True):
    measured = [changes(width, mup) for width in widths]
    for name, marker, color in zip(measured[0], "^so", ("#009E73", "#0072B2", "#D55E00"), strict=True):
        panel.loglog(widths, [change[name] for change in measured], marker=marker, color=color, label=f"{name} layer")
    panel.set_xticks(widths, labels=widths)
    panel.minorticks_off()
    panel.set(
        title="With muP: the same at any width" if mup else "Without muP: it grows with the width",
        xlabel="width of the network",
    )
panels[0].set_ylabel("change in one step")
panels[0].legend(loc="upper left")
plt.show()

# %%
# The rules of the widest model, beside the factors of their learning rates:

mup = ai.recipes.mup(rules, network(64))
model = network(widths[-1])
for step in ai.plan(model, mup.rules):
    rate = mup.learning_rates(model)[step.name]
    print(f"{step.name:14} std {step.action.expected_std(step.shape):.4f}   learning rate x {rate}")
print("multipliers of inputs:", mup.multipliers(model))
