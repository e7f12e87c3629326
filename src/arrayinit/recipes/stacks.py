"""Transformers with an encoder, a decoder, or both: the rules that their recipes share."""

from __future__ import annotations

from collections.abc import Iterator
from operator import index
from typing import Any, NamedTuple, NoReturn

from arrayinit.initializers.basic import normal
from arrayinit.models.parameter import Parameter
from arrayinit.recipes import names
from arrayinit.recipes.of_parameter import OfParameter


class Depths(NamedTuple):
    """The number of layers of each stack; 0 for a stack that the model lacks."""

    encoder: int
    decoder: int

    @classmethod
    def of(cls, encoder: int, decoder: int) -> Depths:
        """Return checked depths."""
        made = cls(index(encoder), index(decoder))
        if min(made) < 0 or not any(made):
            raise ValueError(
                f"encoder and decoder are the numbers of layers, and one of them must be positive; got {encoder!r} and "
                f"{decoder!r}"
            )
        return made

    def each(self, of_encoder: Any, of_decoder: Any) -> Iterator[tuple[OfParameter, Any]]:
        """Yield the selector of each stack's weights with what belongs to that stack."""
        if self.encoder and self.decoder:
            yield names.DECODER, of_decoder
            yield names.ENCODER, of_encoder
        else:
            yield names.WEIGHT, of_encoder if self.encoder else of_decoder


def embedding_normal(scale: float) -> OfParameter:
    """Return the value of embeddings: normal with the std ``scale / sqrt(d)``."""

    def value(p: Parameter) -> Any:
        return normal(std=scale * p.shape[-1] ** -0.5)

    return OfParameter(f"normal(std={scale:.4g} / sqrt(width))", value)


FUSED_WEIGHT = "it holds queries, keys and values together, which get different values here"


def refused(reason: str, remedy: str) -> OfParameter:
    """Return the value of parameters for which a recipe has none: an error that says what to do."""

    def value(p: Parameter) -> NoReturn:
        raise ValueError(f"{reason}: {remedy}")

    return OfParameter(f"refused: {remedy}", value)
