"""What type checkers say of a program that uses arrayinit: the nox session of the types reads it, and nothing runs it.

A comment that ignores an error is itself an error where there is none, so each such line shows that the error is found.
"""

from __future__ import annotations

from typing import assert_type

import jax
import numpy as np
import numpy.typing as npt
import torch

import arrayinit
from arrayinit import Initializer, kaiming_normal, kaiming_normal_, normal, normal_, ones_, zeros


def tensor(n: int) -> torch.Tensor:
    return normal_(torch.empty(n))


def copied(x: torch.Tensor) -> torch.Tensor:
    return arrayinit.copy_(x, np.ones(2))


def parameter(weight: torch.nn.Parameter) -> torch.nn.Parameter:
    return kaiming_normal_(weight, mode="fan_out", rng=torch.Generator())


def array(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return kaiming_normal_(x, 0.1, "fan_avg", "relu", np.random.default_rng(0), layout="...IO", groups=2)


def jax_array(x: jax.Array) -> jax.Array:
    return normal_(x, rng=jax.random.key(0))


def described() -> jax.Array:
    struct = jax.ShapeDtypeStruct((2, 3), np.float32)  # type: ignore[no-untyped-call]
    return normal_(struct, rng=jax.random.key(0))


def seeds(x: torch.Tensor) -> None:
    for seed in (0, np.int64(0), [0, 1], arrayinit.fold_in(0, "name"), None):
        normal_(x, rng=seed)


def values(x: torch.Tensor) -> torch.Tensor:
    value = normal(std=0.02) / 2 * 3.0
    assert_type(value, Initializer)
    assert_type(value.expected_std((2, 3)), float)
    return value(x, rng=0)


def hooks(key: jax.Array) -> jax.Array:
    assert_type(zeros()(key, (2, 3)), jax.Array)
    zeros()((2, 3), dtype="float32")
    return kaiming_normal(mode="fan_out", layout="...OI")(key, (3, 3, 4, 8), np.float32)


def whole_models(model: torch.nn.Sequential) -> torch.nn.Sequential:
    rules = [
        ("bias", zeros()),
        (torch.nn.Linear, {"weight": normal()}),
        arrayinit.Rule("weight", lambda p: normal(std=1 / p.fan_in), optional=True),
    ]
    plan = arrayinit.plan(model, rules, rename={"0.weight": "weight"})
    assert_type(plan, arrayinit.Plan)
    assert_type(plan.audit(model).faults, list[str])
    assert_type([step.name for step in plan], list[str])
    return arrayinit.initialize(model, rules, rng=0, device="cpu", progress=True)


def wrong(x: torch.Tensor) -> None:
    normal_("not an array")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    normal_(x, rng="not a seed")  # type: ignore[arg-type] # pyright: ignore[reportCallIssue, reportArgumentType]
    normal_(x, rng=1.5)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    normal_(x, stdev=1.0)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
    ones_(x, rng=0)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
    kaiming_normal_(x, mode="fan")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    kaiming_normal_(x, layout=3)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    normal_(x).this_does_not_exist()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    normal(std="wide")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    normal(stdev=1.0)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    kaiming_normal(mode="fan")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    arrayinit.initialize(x, [], rng="zero")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    arrayinit.plan(x, [], rename=3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    normal().this_does_not_exist()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
