"""
One seed, the same weights on four libraries
============================================

NumPy, PyTorch, JAX and Dask each make a weight from the same seed. The weights are equal in every bit. The text
below each picture is the sha256 of the bytes.
"""

# %%
# Each line makes its array with the library's own function. arrayinit picks the backend from the type of the array.

import hashlib

import dask.array as da
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch

import arrayinit as ai

shape = (24, 24)
seed = ai.fold_in(0, "encoder.weight")
weights = {
    "NumPy": ai.kaiming_normal_(np.empty(shape, np.float32), rng=seed),
    "PyTorch": ai.kaiming_normal_(torch.empty(shape), rng=seed),
    "JAX": ai.kaiming_normal_(jnp.empty(shape), rng=seed),
    "Dask": ai.kaiming_normal_(da.empty(shape, dtype=np.float32, chunks=7), rng=seed),
}

figure, panels = plt.subplots(1, 4, figsize=(9, 2.9))
for (library, weight), panel in zip(weights.items(), panels, strict=True):
    values = np.asarray(weight)
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    panel.imshow(values, vmin=-0.9, vmax=0.9)
    panel.set_title(library, loc="center")
    panel.set_xlabel(f"{digest[:16]}…", family="monospace")
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(False)
plt.show()

# %%
# Dask made this weight in chunks of 7 x 7. Each value depends only on the seed and on its place in the array. Chunks,
# threads and devices therefore change nothing.
#
# ``fold_in(0, "encoder.weight")`` makes the seed of one weight from the seed of the model and a name. A second weight
# has another name, and therefore gets other values.

for library, weight in weights.items():
    print(f"{library:8}{hashlib.sha256(np.asarray(weight).tobytes()).hexdigest()}")
