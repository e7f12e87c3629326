"""One process that initializes one model: ``python -m benchmarks.cold torch seed``, with the parameters on stdin.

It prints the seconds that the filling took, and those since before the imports.
"""

import json
import sys
from time import perf_counter

START = perf_counter()


def torch(parameters, side):
    import torch

    # In place, on the parameters that the layers have made.
    tensors = [torch.nn.Parameter(torch.empty(shape)) for _, shape, _, _ in parameters]
    if side == "peer":
        return lambda: [initialize(torch.nn.init, x, *p[2:]) for x, p in zip(tensors, parameters, strict=True)]
    import arrayinit

    return lambda: [
        initialize(arrayinit, x, kind, std, rng=arrayinit.fold_in(0, name) if side == "seed" else None)
        for x, (name, _, kind, std) in zip(tensors, parameters, strict=True)
    ]


def jax(parameters, side):
    import jax

    if side == "peer":
        return lambda: jax.block_until_ready(
            [jax_peer(jax, jax.random.fold_in(jax.random.key(0), i), *p[1:]) for i, p in enumerate(parameters)]
        )
    import arrayinit

    def ours(i, name, shape, kind, std):
        rng = jax.random.fold_in(jax.random.key(0), i) if side == "native" else arrayinit.fold_in(0, name)
        return initialize(arrayinit, jax.ShapeDtypeStruct(shape, "float32"), kind, std, rng=rng, layout="...IO")

    return lambda: jax.block_until_ready([ours(i, *p) for i, p in enumerate(parameters)])


def numpy(parameters, side):
    if side == "peer":
        from keras import initializers

        return lambda: [keras_peer(initializers, i, *p[1:]) for i, p in enumerate(parameters)]
    import numpy as np

    import arrayinit

    rng = np.random.default_rng(0)
    return lambda: [
        initialize(
            arrayinit,
            np.empty(shape, np.float32),
            kind,
            std,
            rng=arrayinit.fold_in(0, name) if side == "seed" else rng,
            layout="...IO",
        )
        for name, shape, kind, std in parameters
    ]


def initialize(init, x, kind, std, layout=None, **rng):
    """Call torch.nn.init, or arrayinit with the same names."""
    match kind:
        case "kaiming":
            layout = {} if layout is None else {"layout": layout}
            return init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu", **layout, **rng)
        case "normal":
            return init.normal_(x, std=std, **rng)
        case "uniform":
            return init.uniform_(x, -(3**0.5) * std, 3**0.5 * std, **rng)
        case _:
            return getattr(init, kind)(x)


def jax_peer(jax, key, shape, kind, std):
    init = jax.nn.initializers
    match kind:
        case "kaiming":
            return init.variance_scaling(2.0, "fan_out", "normal")(key, shape)
        case "normal":
            return init.normal(std)(key, shape)
        case "uniform":  # JAX's initializer of this name is one-sided
            return jax.random.uniform(key, shape, minval=-(3**0.5) * std, maxval=3**0.5 * std)
        case _:
            return getattr(init, kind.removesuffix("_"))(key, shape)


def keras_peer(init, seed, shape, kind, std):
    match kind:
        case "kaiming":
            return init.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=seed)(shape)
        case "normal":
            return init.RandomNormal(stddev=std, seed=seed)(shape)
        case "uniform":
            return init.RandomUniform(-(3**0.5) * std, 3**0.5 * std, seed=seed)(shape)
        case _:
            return getattr(init, kind.removesuffix("_").title())()(shape)


if __name__ == "__main__":
    library, side = sys.argv[1:]
    fill = {"torch": torch, "jax": jax, "numpy": numpy}[library](json.load(sys.stdin), side)
    imported = perf_counter()
    filled = fill()
    end = perf_counter()
    print(json.dumps([end - imported, end - START]))
