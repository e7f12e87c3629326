"""Initializers of JAX, and the values that give the same bits for the same key."""

from __future__ import annotations

from typing import Any

import arrayinit as ai

# The expression of jax.nn.initializers, and ours.
SAME: dict[str, ai.Initializer] = {
    "he_uniform()": ai.kaiming_uniform(),
    "he_normal()": ai.variance_scaling(2.0),
    "glorot_uniform()": ai.xavier_uniform(),
    "glorot_normal()": ai.variance_scaling(1.0, "fan_avg"),
    "lecun_uniform()": ai.lecun_uniform(),
    "lecun_normal()": ai.lecun_normal(),
    "variance_scaling(0.5, 'fan_out', 'normal')": ai.variance_scaling(0.5, "fan_out", "normal"),
    "variance_scaling(3.0, 'fan_geo_avg', 'uniform')": ai.variance_scaling(3.0, "fan_geo_avg", "uniform"),
    "normal()": ai.normal(std=0.01),
    "normal(2.0)": ai.normal(std=2.0),
    "uniform()": ai.uniform(0.0, 0.01),
    "constant(0.5)": ai.constant(0.5),
    "zeros": ai.zeros(),
    "ones": ai.ones(),
}

# Those that take any shape.
PLAIN = ("normal()", "normal(2.0)", "uniform()", "constant(0.5)", "zeros", "ones")


def theirs(name: str) -> Any:
    import jax.nn

    return eval(f"jax.nn.initializers.{name}", {"jax": jax})
