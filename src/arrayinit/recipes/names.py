"""What the names of parameters tell about their part in a network, in the frameworks that recipes know."""

from __future__ import annotations

import re

_WEIGHT = r"(?:weight|kernel|w)"
# What may stand after the name of a projection, as in q_proj.weight, query.kernel and v_proj_weight.
_PROJECTION = rf"(?:_?(?:proj|projection|lin|linear|layer|dense))?(?:\.|_{_WEIGHT}$|$)"

BIAS = re.compile(r"(?:^|[._])(?:bias\w*|b|beta|offset)$")
"""The biases of layers, and of normalization."""

NORM = re.compile(rf"(?i)(?:^|[._])(?:\w*norm\w*|ln\w*|bn\w*)\.(?:scale|gamma|{_WEIGHT})$")
"""The multipliers of normalization."""

_EMBEDDING = r"[^.]*(?:emb|wte|wpe)[^.]*(?:\.[^.]+)?$"
EMBEDDING = re.compile(rf"(?i)(?:^|\.){_EMBEDDING}")
"""Embeddings of tokens and of positions."""

DECODER_EMBEDDING = re.compile(rf"(?i)(?:^|\.)decoder[^.]*\.(?:[^.]+\.)*?{_EMBEDDING}")
"""Embeddings that belong to a decoder."""

HEAD = re.compile(rf"(?i)(?:^|[._])(?:head|classifier|logits|generator|pooler|output_projection|embed_out)\.{_WEIGHT}$")
"""The weights of the output layer, outside of the stack."""

QUERY_KEY = re.compile(rf"(?i)(?:^|[._])(?:w?q|w?k|quer(?:y|ies)|keys?){_PROJECTION}")
"""The weights of queries and of keys."""

FUSED = re.compile(rf"(?i)(?:^|[._])(?:w?qkv|w?kv|query_key_value|key_value|c_attn|in_proj){_PROJECTION}")
"""One array that holds the weights of queries, keys and values."""

ENCODER = re.compile(rf"(?i)(?:^|\.)encoder.*[._]{_WEIGHT}$")
"""The weights of an encoder. Those of a decoder come first: ``decoder.0.encoder_attention.out.weight``."""

DECODER = re.compile(rf"(?i)(?:^|\.)decoder.*[._]{_WEIGHT}$")
"""The weights of a decoder."""

WEIGHT = re.compile(rf"(?:^|[._]){_WEIGHT}$")
"""The weight of any layer."""
