"""The layouts of the weights of torch's layers, by the names of their classes."""

from __future__ import annotations

from arrayinit.models.readers.protocol import known_base

_LINEAR: dict[str, str] = {"weight": "OI"}
_CONVOLUTION = {"weight": "OI..."}
_TRANSPOSED = {"weight": "IO..."}
_CELL = {"weight_ih": "OI", "weight_hh": "OI"}
_ATTENTION: dict[str, str] = dict.fromkeys(("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"), "OI")

_RECURRENT = "torch.nn.modules.rnn.RNNBase"

_LAYOUTS: dict[str, dict[str, str]] = {
    _RECURRENT: {},
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


def layout_of(cls: type, local: str) -> str | None:
    """Return the layout of a weight of a layer, by its name in the layer."""
    known = known_base(cls, _LAYOUTS)
    if known == _RECURRENT:
        # Such as weight_ih_l0_reverse.
        return "OI" if local.startswith("weight_") else None
    return _LAYOUTS[known].get(local) if known else None
