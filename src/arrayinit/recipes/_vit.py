"""The vision transformer, in each scheme of timm."""

from __future__ import annotations

import math
from typing import Any

from arrayinit import constant, lecun_normal, normal, ones, trunc_normal, uniform, xavier_uniform, zeros
from arrayinit.models.parameter import Parameter
from arrayinit.models.parts import parts
from arrayinit.models.rules import Rule
from arrayinit.models.selectors import is_of_class
from arrayinit.models.splits import Parts
from arrayinit.recipes.linear import BIAS_OF_TORCH, WEIGHT_OF_TORCH, layer
from arrayinit.recipes.of_parameter import OfParameter
from arrayinit.values import Initializer


def vit(scheme: str = "", *, init_values: float | None = None, fix_init: bool = False) -> list[Rule]:
    r"""Return the rules of the vision transformer.

    In each scheme the norms are ones, their biases are zeros, and the layer scale is a constant. The class token and
    the register tokens are normal with the standard deviation 1e-6. The positions and the distillation token are normal
    with the standard deviation 0.02, truncated at ±2. The query of a pooling by attention is normal with the standard
    deviation :math:`s = 1 / \sqrt{\mathrm{width}}`, truncated at :math:`\pm 2 s`. The rest depends on the scheme:

    - ``""``: the linear weights are normal with the standard deviation 0.02 (truncated at ±2), their biases are zeros.
      The projection of the patches is uniform on :math:`\pm 1 / \sqrt{\mathrm{fan\_in}}`, with its bias.
    - ``"jax"``: the linear weights are uniform on :math:`\pm \sqrt{6 / (\mathrm{fan\_in} + \mathrm{fan\_out})}`. The
      biases of an MLP are normal with the standard deviation 1e-6, the others are zeros. The head is zeros. The
      projection of the patches is LeCun normal: truncated, with the standard deviation
      :math:`1 / \sqrt{\mathrm{fan\_in}}`.
    - ``"jax_nlhb"``: as ``"jax"``, but the bias of the head is :math:`-\log n` for :math:`n` classes.
    - ``"moco"``: as ``""``, but the linear weights are uniform as in ``"jax"``; query, key and value count as three
      weights.
    - ``"reset"``: all of them are uniform on :math:`\pm 1 / \sqrt{\mathrm{fan\_in}}`, with their biases.

    Parameters
    ----------
    scheme
        What timm calls ``weight_init``: ``""``, ``"jax"``, ``"jax_nlhb"``, ``"moco"`` or ``"reset"``.
    init_values
        The constant of the layer scale, if the model has one.
    fix_init
        Whether the projections that write to the residual stream (``attn.proj`` and ``mlp.fc2``) are divided by
        :math:`\sqrt{2 (l + 1)}` in block :math:`l = 0, 1, \ldots`, as in BEiT.

    Returns
    -------
    list of Rule
        The rules for ``timm.models.VisionTransformer`` with any tokens, norms, pooling and head, with ``Block``,
        ``ParallelThingsBlock`` or ``ParallelScalingBlock``, and for ``VisionTransformerDistilled``.

    Raises
    ------
    ValueError
        There is no such scheme.

    Notes
    -----
    The MLP may be timm's ``SwiGLU``, or ``SwiGLUPacked``, which holds the gates in the second half of ``mlp.fc1``.
    Except in ``"reset"``, the weights of the gates are normal with the standard deviation 1e-6, and their biases are
    ones.

    Examples
    --------
    >>> import arrayinit, numpy as np
    >>> shapes = {"cls_token": (1, 1, 8), "pos_embed": (1, 17, 8), "norm.weight": (8,), "head.bias": (10,)}
    >>> shapes |= {"blocks.0.attn.qkv.weight": (24, 8), "blocks.0.mlp.fc1.weight": (32, 8)}
    >>> shapes |= {"blocks.0.ls1.gamma": (8,)}
    >>> model = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    >>> rules = [rule for rule in arrayinit.recipes.vit(init_values=1e-5) if "patch_embed" not in str(rule.selector)]
    >>> for step in arrayinit.plan(model, rules):
    ...     print(step.name, step.action)
    cls_token normal(std=1e-06)
    pos_embed trunc_normal(std=0.02)
    norm.weight ones()
    head.bias zeros()
    blocks.0.attn.qkv.weight trunc_normal(std=0.02)
    blocks.0.mlp.fc1.weight trunc_normal(std=0.02)
    blocks.0.ls1.gamma constant(val=1e-05)

    References
    ----------
    A. Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", 2020. X. Chen
    et al., "An Empirical Study of Training Self-Supervised Vision Transformers", 2021, for ``"moco"``. H. Bao et al.,
    "BEiT: BERT Pre-Training of Image Transformers", 2021, section 2.5. timm 1.0.31, ``models/vision_transformer.py``,
    ``models/deit.py`` and ``layers/attention_pool.py``.
    """
    if scheme not in _LINEAR:
        raise ValueError(f"scheme must be one of {', '.join(map(repr, _LINEAR))}, got {scheme!r}")
    is_jax = scheme.startswith("jax")
    weight, bias = _LINEAR[scheme]
    bias_of_mlp = normal(std=1e-6) if is_jax else bias
    head = (zeros(), _LOG_CLASSES if scheme == "jax_nlhb" else zeros()) if is_jax else (weight, bias)
    patches = (lecun_normal(), zeros()) if is_jax else (WEIGHT_OF_TORCH, BIAS_OF_TORCH)
    return [
        *_tokens_and_norms(),
        *([] if init_values is None else [Rule("ls*.gamma", constant(init_values))]),
        *layer("patch_embed.proj", *patches),
        *(_divided_by_depth(weight) if fix_init else []),
        *([Rule("attn.qkv.weight", _EACH_OF_THREE, optional=True)] if scheme == "moco" else []),
        *layer("attn*.*", weight, bias, optional=True),
        *([] if scheme == "reset" else _gates(weight, bias_of_mlp)),
        *layer("mlp.fc*", weight, bias_of_mlp, optional=True),
        *([Rule("mlp_out_proj.bias", bias_of_mlp, optional=True)] if is_jax else []),
        *layer("*_proj", weight, bias, optional=True),
        Rule("mlp_bias", zeros(), optional=True),
        *layer("head", *head, optional=True),
        *layer("head_dist", *head, optional=True),
    ]


def _tokens_and_norms() -> list[Rule]:
    """Return the rules that are the same in each scheme."""
    return [
        Rule("pos_embed", trunc_normal(std=0.02), optional=True),
        Rule("cls_token", normal(std=1e-6), optional=True),
        Rule("reg_token", normal(std=1e-6), optional=True),
        Rule("dist_token", trunc_normal(std=0.02), optional=True),
        Rule("attn_pool.latent", _LATENT, optional=True),
        *layer("*norm*", ones()),
    ]


def _divided_by_depth(weight: Initializer) -> list[Rule]:
    """Return the rules for the projections that write to the residual stream."""
    value = OfParameter(f"{weight} / sqrt(2 * (block + 1))", lambda p: weight / (2 * (int(p["block"]) + 1)) ** 0.5)
    return [Rule(f"blocks.{{block}}.{name}.weight", value) for name in ("attn.proj", "mlp.fc2")]


def _gates(weight: Initializer, bias: Initializer) -> list[Rule]:
    """Return the rules for an MLP with gates, in a layer of their own or in the second half of ``fc1``."""
    small, ones_ = normal(std=1e-6), ones()
    packed = {"weight": (weight, small), "bias": (bias, ones_)}
    return [
        *layer("mlp.fc1_g", small, ones_, optional=True),
        *(Rule(_in_packed(name), _halves(*values), optional=True) for name, values in packed.items()),
    ]


def _in_packed(name: str) -> OfParameter:
    """Return the selector of a parameter of the ``fc1`` that has the gates in its second half."""
    return OfParameter(
        f"mlp.fc1.{name} of a timm.layers.GluMlp",
        lambda p: (
            p.name.endswith(f"mlp.fc1.{name}")
            and len(p.holders) > 1
            and is_of_class(p.holders[-2], ("timm.layers.GluMlp",))
        ),
    )


def _halves(value: Initializer, gate: Initializer) -> OfParameter:
    """Return the value of a layer that has gates in its second half; both halves count for the fans."""

    def halves(p: Parameter) -> Parts:
        std = value.expected_std(p.shape, p.layout)
        bound = math.sqrt(3.0) * std
        whole = uniform(-bound, bound) if value.has_fans else value
        return parts(whole, "O", ["value", "gate"], values={"gate": gate})

    return OfParameter(f"{value!r}, and {gate!r} in the second half", halves)


def _latent(p: Parameter) -> Initializer:
    std = p.shape[-1] ** -0.5
    return trunc_normal(std=std, a=-2 * std, b=2 * std)


def _each_of_three(p: Parameter) -> Initializer:
    bound = (6 / (p.fan_in + p.fan_out // 3)) ** 0.5
    return uniform(-bound, bound)


_LATENT = OfParameter("trunc_normal(std=s, a=-2*s, b=2*s) with s = 1 / sqrt(width)", _latent)
_EACH_OF_THREE = OfParameter("uniform(-b, b) with b = sqrt(6 / (fan_in + fan_out / 3))", _each_of_three)
_LOG_CLASSES = OfParameter("constant(-log(classes))", lambda p: constant(-math.log(p.shape[0])))

# The weights and the biases of linear layers.
_LINEAR: dict[str, tuple[Initializer, Any]] = {
    "": (trunc_normal(std=0.02), zeros()),
    "jax": (xavier_uniform(), zeros()),
    "jax_nlhb": (xavier_uniform(), zeros()),
    "moco": (xavier_uniform(), zeros()),
    "reset": (WEIGHT_OF_TORCH, BIAS_OF_TORCH),
}
