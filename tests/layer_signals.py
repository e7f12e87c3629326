"""What layers of torch and of Flax make of values of unit variance, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from peers import peer

TOLERANCE = 0.02
STANDARD_ERRORS = 5
# Of weights, of values that go in and of values that come out: five standard errors of the variance are below 2 %.
COUNT = 400_000

KERNELS = {0: (), 1: (9,), 2: (3, 5), 3: (2, 3, 3)}
SIDES = {0: 1, 1: 64, 2: 16, 3: 8}
DEPTHWISE = 0
FORWARD, BACKWARD = "fan_in", "fan_out"
"""The directions, by the fan that each depends on."""


class Signal(NamedTuple):
    """The variance of what comes out of a layer, and its standard error around one."""

    variance: float
    error: float

    @classmethod
    def of(cls, values: Any, weights: int, inputs: int, outputs: int, direction: str) -> Signal:
        """Measure what a layer with normal weights W makes of n samples of normal numbers.

        By the law of total variance, the variance of its mean square is that of the weights' mean square, 2 / weights,
        and the mean of 2 tr((WW')^2) / (n outputs^2), which is 2 / (n inputs) + 2 / (n outputs) + 2 / (n weights).
        The positions of a convolution are samples too: what they share adds no more to this than the kernel takes.
        Uniform and truncated weights vary less.
        """
        n = values.size / (outputs if direction == FORWARD else inputs)
        error = math.sqrt(2 * (1 / weights + 1 / (n * inputs) + 1 / (n * outputs) + 1 / (n * weights)))
        return cls(float(np.square(values, dtype=np.float64).mean()), error)

    def check(self) -> None:
        assert STANDARD_ERRORS * self.error < TOLERANCE
        assert abs(self.variance - 1) < STANDARD_ERRORS * self.error


@dataclass(frozen=True)
class Sizes:
    """Sizes of a convolution of stride 1, or of a linear layer, such that COUNT weights and values are there."""

    ndim: int
    grouping: int = 1
    transposed: bool = False

    @property
    def kernel(self) -> tuple[int, ...]:
        return KERNELS[self.ndim]

    @property
    def groups(self) -> int:
        return self.grouping or math.ceil(COUNT / 3 / math.prod(self.kernel))

    @property
    def inputs(self) -> int:
        return self.groups * math.ceil(math.sqrt(COUNT / 3 / self.groups / math.prod(self.kernel)))

    @property
    def outputs(self) -> int:
        return 3 * self.inputs

    @property
    def sides(self) -> tuple[int, ...]:
        return (SIDES[self.ndim],) * self.ndim

    @property
    def samples(self) -> int:
        reached = (side - 2 * (k - 1) for side, k in zip(self.sides, self.kernel, strict=True))
        return math.ceil(COUNT / self.inputs / math.prod(reached))

    def reached(self, values: Any, direction: str) -> Any:
        """Return the values that the whole kernel reaches, of an array whose last axes are positions."""
        if self.transposed != (direction == FORWARD):
            return values
        sizes = values.shape[values.ndim - self.ndim :]
        return values[(..., *(slice(k - 1, size - k + 1) for k, size in zip(self.kernel, sizes, strict=True)))]

    def __str__(self) -> str:
        kind = "transposed convolution" if self.transposed else "convolution"
        grouping = {DEPTHWISE: "depthwise", 1: ""}.get(self.grouping, f"{self.grouping} groups")
        return f"{self.ndim}-D {kind} {grouping}".strip() if self.ndim else "linear"


@dataclass(frozen=True)
class Torch(Sizes):
    """A layer of torch.nn."""

    def arguments(self, direction: str) -> dict[str, Any]:
        """Return what the README says of such a weight."""
        if not self.transposed:
            return {"mode": direction, "groups": self.groups}
        if self.groups == 1:
            return {"mode": direction, "layout": "IO..."}
        return {"mode": BACKWARD if direction == FORWARD else FORWARD, "groups": self.groups}

    def signal(self, fill: Callable[[Any], Any], direction: str) -> Signal:
        torch = peer("torch")
        name = f"Conv{'Transpose' * self.transposed}{self.ndim}d" if self.ndim else "Linear"
        options = {"kernel_size": self.kernel, "groups": self.groups} if self.ndim else {}
        layer = getattr(torch.nn, name)(self.inputs, self.outputs, bias=False, **options)
        fill(layer.weight)
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(self.samples, self.inputs, *self.sides, generator=generator, requires_grad=True)
        values = layer(x)
        if direction == BACKWARD:
            (values,) = torch.autograd.grad(values, x, torch.randn(values.shape, generator=generator))
        values = self.reached(values.detach(), direction).numpy()
        return Signal.of(values, layer.weight.numel(), self.inputs, self.outputs, direction)

    def own(self, w: Any, mode: str) -> Any:
        """Fill ``w`` by torch's own initializer."""
        generator = peer("torch").Generator().manual_seed(3)
        return peer("torch").nn.init.kaiming_normal_(w, 0, mode, "linear", generator)

    def __str__(self) -> str:
        return f"torch {super().__str__()}"


@dataclass(frozen=True)
class Flax:
    """A layer of flax.linen, the shape of its input, and the layout of its kernel."""

    name: str
    make: Callable[[Any], Any]
    shape: tuple[int, ...]
    layout: str
    inputs: int
    outputs: int
    groups: int = 1
    reached: Callable[[Any, str], Any] = lambda values, _: values

    @classmethod
    def convolution(cls, sizes: Sizes, layout: str = "...IO", **options: Any) -> Flax:
        if not sizes.transposed:
            options["feature_group_count"] = sizes.groups
        name = "ConvTranspose" if sizes.transposed else "Conv"
        return cls(
            f"{sizes} {layout}",
            lambda linen: getattr(linen, name)(sizes.outputs, sizes.kernel, padding="VALID", use_bias=False, **options),
            (sizes.samples, *sizes.sides, sizes.inputs),
            layout,
            sizes.inputs,
            sizes.outputs,
            sizes.groups,
            lambda values, direction: sizes.reached(np.moveaxis(values, -1, 1), direction),
        )

    def arguments(self, direction: str) -> dict[str, Any]:
        return {"mode": direction, "layout": self.layout, "groups": self.groups}

    def signal(self, fill: Callable[[Any], Any], direction: str) -> Signal:
        jax, linen = peer("jax"), peer("flax.linen")
        layer, rng = self.make(linen), np.random.default_rng(1)
        x = rng.standard_normal(self.shape, dtype=np.float32)
        w = fill(jax.eval_shape(layer.init, jax.random.key(0), x)["params"]["kernel"])

        def apply(x: Any) -> Any:
            return layer.apply({"params": {"kernel": w}}, x)

        values, pull_back = jax.vjp(apply, x)
        if direction == BACKWARD:
            (values,) = pull_back(rng.standard_normal(values.shape, dtype=np.float32))
        values = self.reached(np.asarray(values), direction)
        return Signal.of(values, w.size, self.inputs, self.outputs, direction)

    def own(self, w: Any, mode: str) -> Any:
        """Return an array like ``w``, by JAX's own initializer."""
        jax = peer("jax")
        # Draws by this kind of key take a third of the time to compile.
        key = jax.random.key(3, impl="rbg")
        return jax.nn.initializers.variance_scaling(1.0, mode, "normal")(key, w.shape, w.dtype)

    def __str__(self) -> str:
        return f"flax {self.name}"
