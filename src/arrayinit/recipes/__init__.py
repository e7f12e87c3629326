"""Recipes: lists of rules that others published, each with its source."""

from arrayinit.recipes.deepnorm import deepnorm
from arrayinit.recipes.fixup import fixup
from arrayinit.recipes.lora import lora
from arrayinit.recipes.mup import mup
from arrayinit.recipes.tfixup import tfixup

__all__ = ["deepnorm", "fixup", "lora", "mup", "tfixup"]
