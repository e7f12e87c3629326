"""The interval that the draws of a call lie in, by formulas of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import arrayinit


def interval(name: str, shape: tuple[int, ...], given: Mapping[str, Any]) -> tuple[float, float]:
    """Return an interval that all draws lie in; that of a normal is 10 standard deviations to either side."""
    if name in ("uniform_", "trunc_normal_"):
        return float(given["a"]), float(given["b"])
    if name in ("normal_", "sparse_"):
        mean, reach = float(given.get("mean", 0)), 10 * float(given["std"])
        return mean - reach, mean + reach
    if "orthogonal_" in name:
        return -abs(float(given["gain"])), abs(float(given["gain"]))
    is_uniform = "uniform" in name or given.get("distribution") == "uniform"
    is_normal = name in ("xavier_normal_", "kaiming_normal_") or given.get("distribution") == "normal"
    widest = math.sqrt(3) if is_uniform else 10 if is_normal else 2 / 0.87962566103423978
    reach = widest * scaled_std(name, shape, given)
    return -reach, reach


def scaled_std(name: str, shape: tuple[int, ...], given: Mapping[str, Any]) -> float:
    """Return the standard deviation of a function that scales by the fans."""
    fan_in, fan_out = arrayinit.calculate_fan_in_and_fan_out(shape, layout=given["layout"], groups=given["groups"])
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    fan["fan_geo_avg"] = math.sqrt(fan_in * fan_out)
    if name.startswith("xavier"):
        return float(given["gain"]) / math.sqrt(fan["fan_avg"])
    if name.startswith("kaiming"):
        known = given["nonlinearity"]
        gain = arrayinit.calculate_gain(known, given["a"]) if isinstance(known, str) else float(known)
        return gain / math.sqrt(fan[given["mode"].lower()])
    return math.sqrt(float(given.get("scale", 1)) / fan[given.get("mode", "fan_in").lower()])
