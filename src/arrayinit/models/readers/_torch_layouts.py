"""The layouts of the weights of torch's layers, by the names of their classes."""

from __future__ import annotations

from functools import lru_cache

_LINEAR: dict[str, str] = {"weight": "OI"}
_CONVOLUTION = {"weight": "OI..."}
_TRANSPOSED = {"weight": "IO..."}
_CELL = {"weight_ih": "OI", "weight_hh": "OI"}
_ATTENTION: dict[str, str] = dict.fromkeys(("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"), "OI")

_LAYOUTS: dict[str, dict[str, str]] = {
    "torch.nn.modules.linear.Linear": _LINEAR,
    # Each output is a sum over pairs of inputs.
    "torch.nn.modules.linear.Bilinear": {"weight": "OII"},
    "torch.nn.modules.sparse.Embedding": _LINEAR,
    "torch.nn.modules.sparse.EmbeddingBag": _LINEAR,
    **{f"torch.nn.modules.conv.Conv{n}d": _CONVOLUTION for n in (1, 2, 3)},
    **{f"torch.nn.modules.conv.ConvTranspose{n}d": _TRANSPOSED for n in (1, 2, 3)},
    "torch.nn.modules.rnn.RNNCellBase": _CELL,
    "torch.nn.modules.activation.MultiheadAttention": _ATTENTION,
    "transformers.pytorch_utils.Conv1D": {"weight": "IO"},
}


@lru_cache(1024)
def layout_of(cls: type, local: str) -> str | None:
    """Return the layout of a weight of a layer, by its name in the layer."""
    for base in cls.__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        if name == "torch.nn.modules.rnn.RNNBase":
            # Such as weight_ih_l0_reverse.
            return "OI" if local.startswith("weight_") else None
        if name in _LAYOUTS:
            return _LAYOUTS[name].get(local)
    return None
