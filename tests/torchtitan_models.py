"""Models of torchtitan, and the recipe that is to initialize them."""

from __future__ import annotations

import importlib
from typing import Any

from real_models import Case

from arrayinit import recipes


def cases() -> dict[str, Case]:
    titan = imported("torchtitan.models.llama3")
    untied, tied = (recipes.torchtitan_llama3(enable_weight_tying=tying) for tying in (False, True))
    made = {
        "Llama 3": (untied, lambda: llama3(titan, layers=3)),
        "Llama 3 of separate weights": (untied, lambda: llama3(titan, fuse_qkv=False)),
        "Llama 3 that is tied": (tied, lambda: llama3(titan, tied=True)),
    }
    large = {
        "Llama 3 of 405B": (untied, lambda: titan.llama3_configs["405B"]("varlen").build()),
        "Llama 3 of 1B": (tied, lambda: titan.llama3_configs["1B"]("varlen").build()),
    }
    return {name: Case("torchtitan_llama3", *case, is_large=name in large) for name, case in {**made, **large}.items()}


def imported(module: str) -> Any:
    """Import a module that hands functions to torch's compiler, which takes seconds to import and is not run."""
    import torch

    compiler = torch.compile
    torch.compile = lambda function, **_: function
    try:
        return importlib.import_module(module)
    finally:
        torch.compile = compiler


def llama3(titan: Any, *, layers: int = 2, fuse_qkv: bool = True, tied: bool = False) -> Any:
    """Return a small Llama 3, with the laws of torchtitan's own sizes."""
    dim, vocabulary = 256, 256
    table = titan._EMBEDDING_SKIP_INIT if tied else titan._EMBEDDING_INIT
    config = titan.Llama3Model.Config(
        dim=dim,
        vocab_size=vocabulary,
        enable_weight_tying=tied,
        tok_embeddings=titan.Embedding.Config(num_embeddings=vocabulary, embedding_dim=dim, param_init=table),
        norm=titan.RMSNorm.Config(normalized_shape=dim, param_init=titan._NORM_INIT),
        lm_head=titan.Linear.Config(
            in_features=dim, out_features=vocabulary, param_init=titan._output_linear_init(dim)
        ),
        layers=titan._build_llama3_layers(
            n_layers=layers,
            dim=dim,
            n_heads=2,
            n_kv_heads=1,
            hidden_dim=384,
            fuse_qkv=fuse_qkv,
            attn_backend="varlen",
            rope=titan.ComplexRoPE.Config(dim=dim // 2, max_seq_len=16, theta=500000, scaling="llama"),
        ),
    )
    model = config.build()
    model.init_states()
    return model
