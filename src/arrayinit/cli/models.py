"""The parameters of two real models, each with the initializer of the original model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import arrayinit
from arrayinit.core.layouts import fans
from arrayinit.core.scales import kaiming


class Parameter(NamedTuple):
    """One array: its initializer, and its expected standard deviation and kurtosis; a constant has neither."""

    name: str
    shape: tuple[int, ...]
    fill: Callable[[Any, Any], Any]
    """The initializer: takes an array and ``rng``."""
    std: float = 0.0
    kurtosis: float = 1.0
    constant: float = 0.0

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


_NORMAL, _UNIFORM = 3.0, 1.8


def _ones(name: str, *shape: int) -> Parameter:
    return Parameter(name, shape, lambda x, _: arrayinit.ones_(x), constant=1.0)


def _zeros(name: str, *shape: int) -> Parameter:
    return Parameter(name, shape, lambda x, _: arrayinit.zeros_(x))


def _normal(name: str, std: float, *shape: int) -> Parameter:
    return Parameter(name, shape, lambda x, rng: arrayinit.normal_(x, std=std, rng=rng), std, _NORMAL)


def _norm(name: str, width: int) -> Iterator[Parameter]:
    yield _ones(f"{name}.weight", width)
    yield _zeros(f"{name}.bias", width)


def _dense(name: str, std: float, inputs: int, outputs: int) -> Iterator[Parameter]:
    yield _normal(f"{name}.weight", std, inputs, outputs)
    yield _zeros(f"{name}.bias", outputs)


def gpt2() -> Iterator[Parameter]:
    """GPT-2 small: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019."""
    width, blocks, std = 768, 12, 0.02
    # Each block adds twice to the residual stream: the weights of these additions are scaled down.
    residual = std / math.sqrt(2 * blocks)
    yield _normal("wte.weight", std, 50257, width)
    yield _normal("wpe.weight", std, 1024, width)
    for i in range(blocks):
        yield from _norm(f"h.{i}.ln_1", width)
        yield from _dense(f"h.{i}.attn.c_attn", std, width, 3 * width)
        yield from _dense(f"h.{i}.attn.c_proj", residual, width, width)
        yield from _norm(f"h.{i}.ln_2", width)
        yield from _dense(f"h.{i}.mlp.c_fc", std, width, 4 * width)
        yield from _dense(f"h.{i}.mlp.c_proj", residual, 4 * width, width)
    yield from _norm("ln_f", width)


def resnet50() -> Iterator[Parameter]:
    """ResNet-50: He et al., "Deep Residual Learning for Image Recognition", 2015; torchvision's initialization."""
    yield from _conv_norm("conv1", "bn1", 64, 3, 7)
    channels = 64
    for layer, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for block in range(blocks):
            prefix = f"layer{layer}.{block}."
            yield from _conv_norm(f"{prefix}conv1", f"{prefix}bn1", width, channels, 1)
            yield from _conv_norm(f"{prefix}conv2", f"{prefix}bn2", width, width, 3)
            yield from _conv_norm(f"{prefix}conv3", f"{prefix}bn3", 4 * width, width, 1)
            if block == 0:
                yield from _conv_norm(f"{prefix}downsample.0", f"{prefix}downsample.1", 4 * width, channels, 1)
            channels = 4 * width
    # torch's default for a Linear layer: weight and bias are uniform on +-1 / sqrt(fan_in).
    bound = 1 / math.sqrt(channels)
    yield Parameter(
        "fc.weight",
        (1000, channels),
        lambda x, rng: arrayinit.kaiming_uniform_(x, a=math.sqrt(5), rng=rng),
        bound / math.sqrt(3),
        _UNIFORM,
    )
    yield Parameter(
        "fc.bias",
        (1000,),
        lambda x, rng: arrayinit.uniform_(x, -bound, bound, rng=rng),
        bound / math.sqrt(3),
        _UNIFORM,
    )


def _conv_norm(conv: str, norm: str, outputs: int, inputs: int, kernel: int) -> Iterator[Parameter]:
    shape = (outputs, inputs, kernel, kernel)
    std = kaiming(*fans(shape), 0, "fan_out", "relu").std
    yield Parameter(f"{conv}.weight", shape, _kaiming_fan_out, std, _NORMAL)
    yield from _norm(norm, outputs)


def _kaiming_fan_out(x: Any, rng: Any) -> Any:
    return arrayinit.kaiming_normal_(x, mode="fan_out", nonlinearity="relu", rng=rng)


MODELS: dict[str, Callable[[], Iterator[Parameter]]] = {"gpt2": gpt2, "resnet50": resnet50}
