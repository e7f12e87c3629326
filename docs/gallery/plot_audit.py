"""
The audit finds what is wrong with a model
==========================================

``Plan.audit`` measures each parameter of a model, and compares it with the plan. Here it examines a network in which
four things went wrong. The network still runs, and raises no error.
"""

# %%
# The plan says how to fill each parameter. ``initialize`` follows the plan. The audit then finds nothing:

import copy

import matplotlib.pyplot as plt
import torch

import arrayinit as ai


def block():
    """Return a block of two layers."""
    linear = torch.nn.Linear
    return torch.nn.ModuleDict({"up": linear(64, 256, bias=False), "down": linear(256, 64, bias=False)})


layers = {"embed": torch.nn.Embedding(500, 64), "blocks": torch.nn.ModuleList(block() for _ in range(3))}
model = torch.nn.ModuleDict({**layers, "norm": torch.nn.LayerNorm(64), "head": torch.nn.Linear(64, 500)})
rules = [
    ("embed.weight", ai.normal(std=0.02)),
    ("norm.weight", ai.ones()),
    ("weight", ai.kaiming_normal(nonlinearity="relu")),
    ("bias", ai.zeros()),
]
plan = ai.plan(model, rules)
model = ai.initialize(model, rules, rng=0)
print("faults:", plan.audit(model).faults)

# %%
# Four accidents that happen in real code:

with torch.no_grad():
    model["blocks"][0]["up"].weight.mul_(2**0.5)  # the gain was applied twice
    model["blocks"][1]["down"].weight[7, 9] = torch.nan  # one number is not a number
    model["blocks"][2]["up"] = copy.deepcopy(model["blocks"][1]["up"])  # a layer was made by a copy
    model["head"].bias.fill_(0.1)  # this bias should be zero

audit = plan.audit(model)
print(audit)

# %%
# The picture shows the std of each parameter, as the plan wants it and as it is. The crosses mark what the audit found.
# Only one of the four faults shows in the std.

figure, panel = plt.subplots(figsize=(9, 4.4))
for y, (row, step) in enumerate(zip(audit.rows, plan, strict=True)):
    color = "#D55E00" if row.faults else "#0072B2"
    panel.plot(step.action.expected_std(step.shape), y, "|", color="#8c959f", markersize=17, markeredgewidth=4)
    panel.plot(row.measured.std, y, "X" if row.faults else "o", color=color, markersize=9)
    panel.text(1.02, y, "; ".join(row.faults), color=color, transform=panel.get_yaxis_transform(), va="center", size=9)
panel.plot([], "|", color="#8c959f", markersize=14, markeredgewidth=4, label="as planned")
panel.plot([], "o", color="#0072B2", label="as it is")
panel.plot([], "X", color="#D55E00", label="as it is, with a fault")
panel.set_yticks(range(len(audit.rows)), labels=[row.name for row in audit.rows])
panel.invert_yaxis()
panel.set(title="Four faults", xlabel="std", xlim=(-0.01, 0.28))
figure.legend(loc="outside upper center", ncols=3)
plt.show()
