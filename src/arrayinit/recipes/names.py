"""What the names of parameters tell about their part in a network, in the frameworks that recipes know."""

from __future__ import annotations

import re
from functools import partial

from arrayinit.models.parameter import Parameter
from arrayinit.recipes.of_parameter import OfParameter


def by_name(text: str, pattern: str) -> OfParameter:
    """Return the selector of the parameters in whose names a regular expression is found."""
    return OfParameter(text, partial(_is_named, re.compile(pattern)))


def _is_named(pattern: re.Pattern[str], p: Parameter) -> bool:
    return pattern.search(p.name) is not None


_WEIGHT = r"(?:weight|kernel|w)"
# What may stand after the name of a projection, as in q_proj.weight, query.kernel and v_proj_weight.
_PROJECTION = rf"(?:_?(?:proj|projection|lin|linear|layer|dense))?(?:\.|_{_WEIGHT}$|$)"
# As in embed_tokens.weight, word_embeddings.weight, wte.weight, and shared.weight of T5.
_EMBEDDING = r"(?:[^.]*(?:emb|wte|wpe)[^.]*(?:\.[^.]+)?|shared\.[^.]+)$"
_HEADS = r"(?:head|classifier|logits|generator|pooler|output_projection|embed_out)"
_IN_EMBEDDING = re.compile(rf"(?i)(?:^|\.){_EMBEDDING}")


def _is_embedding(p: Parameter) -> bool:
    # Of torch, Flax and Keras.
    return "Embed" in type(p.module).__name__ or _is_named(_IN_EMBEDDING, p)


BIAS = by_name("biases", r"(?:^|[._])(?:bias\w*|b|beta|offset)$")
NORM = by_name("normalization", rf"(?i)(?:^|[._])(?:\w*norm\w*|ln\w*|bn\w*)\.(?:scale|gamma|{_WEIGHT})$")
EMBEDDING = OfParameter("embeddings", _is_embedding)
DECODER_EMBEDDING = by_name("embeddings of the decoder", rf"(?i)(?:^|\.)decoder[^.]*\.(?:[^.]+\.)*?{_EMBEDDING}")
HEAD = by_name("output layer", rf"(?i)(?:^|[._]){_HEADS}\.(?:[^.]+\.)*{_WEIGHT}$")
QUERY_KEY = by_name("queries and keys", rf"(?i)(?:^|[._])(?:w?q|w?k|quer(?:y|ies)|keys?){_PROJECTION}")
FUSED = by_name(
    "queries, keys and values in one",
    rf"(?i)(?:^|[._])(?:w?qkv|w?kv|query_key_value|key_value|c_attn|in_proj){_PROJECTION}",
)
WEIGHT = by_name("other weights", rf"(?:^|[._]){_WEIGHT}$")
# The weights of a decoder come first: decoder.0.encoder_attention.out.weight.
DECODER = by_name("other weights of the decoder", rf"(?i)(?:^|\.)decoder.*[._]{_WEIGHT}$")
ENCODER = by_name("other weights of the encoder", rf"(?i)(?:^|\.)encoder.*[._]{_WEIGHT}$")
MULTIPLIER = by_name("multipliers", r"(?:^|[._])(?:scale|multiplier|gain|gamma|alpha)\w*$")

# The names are those of peft, torchtune, Flax nnx and Keras. Each adapter has a half that starts as zero.
LORA_ZERO = by_name("zero halves of adapters", r"(?:^|\.)lora_(?:B|embedding_A|b|kernel_b|embeddings_a)(?:\.|$)")
LORA_RANDOM = by_name("random halves of adapters", r"(?:^|\.)lora_(?:A|a|kernel_a)(?:\.|$)")
LORA_RANDOM_OF_EMBEDDING = by_name(
    "random halves of adapters of embeddings", r"(?:^|\.)lora_(?:embedding_B|embeddings_b)(?:\.|$)"
)
