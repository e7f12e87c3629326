"""What the names of parameters tell about their part in a network, in the frameworks that recipes know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from arrayinit.models.parameter import Parameter


@dataclass(frozen=True, slots=True)
class ByName:
    """The selector of the parameters in whose names a regular expression is found. Its repr says what they are."""

    text: str
    pattern: re.Pattern[str] = field(compare=False)

    def __call__(self, p: Parameter) -> bool:
        """Whether a rule takes this parameter."""
        return self.pattern.search(p.name) is not None

    def __repr__(self) -> str:
        return self.text


class _Embeddings(ByName):
    def __call__(self, p: Parameter) -> bool:
        # Of torch, Flax and Keras.
        return "Embed" in type(p.module).__name__ or self.pattern.search(p.name) is not None


_WEIGHT = r"(?:weight|kernel|w)"
# What may stand after the name of a projection, as in q_proj.weight, query.kernel and v_proj_weight.
_PROJECTION = rf"(?:_?(?:proj|projection|lin|linear|layer|dense))?(?:\.|_{_WEIGHT}$|$)"
# As in embed_tokens.weight, word_embeddings.weight, wte.weight, and shared.weight of T5.
_EMBEDDING = r"(?:[^.]*(?:emb|wte|wpe)[^.]*(?:\.[^.]+)?|shared\.[^.]+)$"
_HEADS = r"(?:head|classifier|logits|generator|pooler|output_projection|embed_out)"

BIAS = ByName("biases", re.compile(r"(?:^|[._])(?:bias\w*|b|beta|offset)$"))
NORM = ByName("normalization", re.compile(rf"(?i)(?:^|[._])(?:\w*norm\w*|ln\w*|bn\w*)\.(?:scale|gamma|{_WEIGHT})$"))
EMBEDDING = _Embeddings("embeddings", re.compile(rf"(?i)(?:^|\.){_EMBEDDING}"))
DECODER_EMBEDDING = ByName(
    "embeddings of the decoder", re.compile(rf"(?i)(?:^|\.)decoder[^.]*\.(?:[^.]+\.)*?{_EMBEDDING}")
)
HEAD = ByName("output layer", re.compile(rf"(?i)(?:^|[._]){_HEADS}\.(?:[^.]+\.)*{_WEIGHT}$"))
QUERY_KEY = ByName("queries and keys", re.compile(rf"(?i)(?:^|[._])(?:w?q|w?k|quer(?:y|ies)|keys?){_PROJECTION}"))
FUSED = ByName(
    "queries, keys and values in one",
    re.compile(rf"(?i)(?:^|[._])(?:w?qkv|w?kv|query_key_value|key_value|c_attn|in_proj){_PROJECTION}"),
)
WEIGHT = ByName("other weights", re.compile(rf"(?:^|[._]){_WEIGHT}$"))
# The weights of a decoder come first: decoder.0.encoder_attention.out.weight.
DECODER = ByName("other weights of the decoder", re.compile(rf"(?i)(?:^|\.)decoder.*[._]{_WEIGHT}$"))
ENCODER = ByName("other weights of the encoder", re.compile(rf"(?i)(?:^|\.)encoder.*[._]{_WEIGHT}$"))
MULTIPLIER = ByName("multipliers", re.compile(r"(?:^|[._])(?:scale|multiplier|gain|gamma|alpha)\w*$"))

# The names are those of peft, torchtune, Flax nnx and Keras. Each adapter has a half that starts as zero.
LORA_ZERO = ByName(
    "zero halves of adapters", re.compile(r"(?:^|\.)lora_(?:B|embedding_A|b|kernel_b|embeddings_a)(?:\.|$)")
)
LORA_RANDOM = ByName("random halves of adapters", re.compile(r"(?:^|\.)lora_(?:A|a|kernel_a)(?:\.|$)"))
LORA_RANDOM_OF_EMBEDDING = ByName(
    "random halves of adapters of embeddings", re.compile(r"(?:^|\.)lora_(?:embedding_B|embeddings_b)(?:\.|$)")
)
