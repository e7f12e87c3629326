"""Models of torchvision and timm, and the recipes that are to initialize them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from real_models import Case
from same_laws import Rules

from arrayinit import recipes

SCHEMES = ("", "jax", "jax_nlhb", "moco", "reset")


def cases() -> dict[str, Case]:
    made = resnet()
    for scheme in SCHEMES:
        made |= vit(scheme)
    return {**made, **more_of_vit(), **large()}


def imported(module: str) -> Any:
    """Import a module that needs torchvision, of which the kernels may not fit this torch, and are not called."""
    import torch

    register = torch.library.register_fake

    def only_what_exists(op: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(op, str) and op.startswith("torchvision::"):
            return lambda function: function
        return register(op, *arguments, **options)

    torch.library.register_fake = only_what_exists
    try:
        return importlib.import_module(module)
    finally:
        torch.library.register_fake = register


def resnet() -> dict[str, Case]:
    theirs, timm = imported("torchvision.models.resnet"), imported("timm.models.resnet")

    class Thin(theirs.ResNet):
        """Half of the channels. What initializes them is as it was."""

        def _make_layer(self, block: Any, planes: int, *arguments: Any, **options: Any) -> Any:
            return super()._make_layer(block, planes // 2, *arguments, **options)

    def case(build: Any, block: Any, zero: bool, **options: Any) -> Case:
        rules = recipes.resnet(zero_init_residual=zero)
        return Case("resnet", rules, partial(build, block, [1, 1, 1, 1], **{"num_classes": 64, **options}))

    groups = {"groups": 4, "width_per_group": 64}
    return {
        "ResNet": case(Thin, theirs.BasicBlock, False),
        "ResNeXt": case(Thin, theirs.Bottleneck, False, **groups),
        "ResNet that starts as the identity": case(Thin, theirs.BasicBlock, True, zero_init_residual=True),
        "ResNeXt that starts as the identity": case(Thin, theirs.Bottleneck, True, zero_init_residual=True, **groups),
        # The bias of the last layer is random, so that it needs many classes.
        "ResNet of timm": case(timm.ResNet, timm.BasicBlock, True, channels=(8, 16, 32, 32), num_classes=8192),
    }


def vit(scheme: str) -> dict[str, Case]:
    timm, deit, mlp = (imported(f"timm.{name}") for name in ("models.vision_transformer", "models.deit", "layers.mlp"))

    def case(build: Callable[..., Any], rules: dict[str, Any] | None = None, **options: Any) -> Case:
        sizes = {"img_size": 128, "patch_size": 8, "embed_dim": 256, "depth": 1, "num_heads": 2, "mlp_ratio": 1.5}
        more = {"num_classes": 256, "weight_init": scheme, **(rules or {}), **options}
        # But for the bias of the head, they are one scheme.
        return Case(
            f"vit({scheme.removesuffix('_nlhb')!r})",
            recipes.vit(scheme, **(rules or {})),
            partial(build, **{**sizes, **more}),
        )

    build = timm.VisionTransformer
    tokens = {"class_token": False, "reg_tokens": 8, "global_pool": "map", "pre_norm": True, "qk_norm": True}
    # The bias of the head is the logarithm of the number of classes.
    gates = {"mlp_layer": mlp.SwiGLU, "num_classes": 256 if scheme == "jax_nlhb" else 0, "pos_embed": "none"}
    named = {
        "": case(build, depth=2),
        ", other tokens, layer scale": case(build, {"init_values": 1e-5}, **tokens),
        ", gates, no head": case(build, **gates),
        ", gates in the second half": case(build, mlp_layer=mlp.SwiGLUPacked),
        ", distilled": case(deit.VisionTransformerDistilled),
        ", parallel parts": case(build, block_fn=timm.ParallelScalingBlock, qkv_bias=False),
        ", parallel blocks": case(build, {"init_values": 0.1}, block_fn=timm.ParallelThingsBlock),
    }
    if scheme in ("jax", "reset"):
        # Its biases are random: one of them is large enough to compare its law.
        named[", wide MLP"] = case(build, embed_dim=8, num_heads=1, mlp_ratio=1024)
    return {f"ViT {scheme!r}{what}": made for what, made in named.items()}


def more_of_vit() -> dict[str, Case]:
    """Return ViTs for what is the same in each scheme."""
    timm, layers = imported("timm.models.vision_transformer"), imported("timm.layers")
    # The class token and the bias of the patches are large enough to compare their laws.
    wide = {"img_size": 4, "patch_size": 4, "embed_dim": 8192, "depth": 0, "num_heads": 1, "num_classes": 10}
    deep = {"img_size": 8, "patch_size": 8, "embed_dim": 256, "depth": 3, "num_heads": 2, "mlp_ratio": 1.5}

    def pool_of_many() -> Any:
        import torch

        pool = layers.AttentionPoolLatent(8, 8, latent_len=4096, norm_layer=torch.nn.LayerNorm)
        parts = {"patch_embed": timm.PatchEmbed(8, 4, 3, 8, norm_layer=torch.nn.LayerNorm), "attn_pool": pool}
        return timm.named_apply(timm.get_init_weights_vit(""), torch.nn.ModuleDict(parts))

    def case(build: Callable[[], Any], **options: Any) -> Case:
        return Case("vit('')", recipes.vit(**options), build)

    return {
        "ViT of no blocks": case(partial(timm.VisionTransformer, **wide)),
        "ViT that is smaller with depth": case(partial(timm.VisionTransformer, fix_init=True, **deep), fix_init=True),
        "pooling of many queries": case(pool_of_many),
    }


def large() -> dict[str, Case]:
    """Return models of the published sizes."""
    torchvision, timm = imported("torchvision.models.resnet"), imported("timm")
    residual = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2")
    of_timm: dict[str, tuple[str, Rules]] = {
        "resnet50": ("resnet", recipes.resnet(zero_init_residual=True)),
        "vit_base_patch16_224": ("vit('')", recipes.vit()),
        "deit_small_distilled_patch16_224": ("vit('')", recipes.vit()),
        "vit_base_patch14_reg4_dinov2": ("vit('')", recipes.vit(init_values=1e-5)),
    }
    return {
        **{name: Case("resnet", recipes.resnet(), getattr(torchvision, name), is_large=True) for name in residual},
        **{
            f"{name} of timm": Case(*of, partial(timm.create_model, name), is_large=True)
            for name, of in of_timm.items()
        },
    }
