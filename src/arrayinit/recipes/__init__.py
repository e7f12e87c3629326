"""Recipes: lists of rules that others published, each with its source."""

from arrayinit.recipes._deepnorm import deepnorm
from arrayinit.recipes._equinox import equinox_defaults
from arrayinit.recipes._fixup import fixup
from arrayinit.recipes._flax import flax_defaults
from arrayinit.recipes._haiku import haiku_defaults
from arrayinit.recipes._keras import keras_defaults
from arrayinit.recipes._lora import lora
from arrayinit.recipes._mup import mup
from arrayinit.recipes._resnet import resnet
from arrayinit.recipes._tfixup import tfixup
from arrayinit.recipes._torch import torch_defaults
from arrayinit.recipes._torchtitan import torchtitan_llama3
from arrayinit.recipes._transformers import bert, gpt2, llama
from arrayinit.recipes._vit import vit

__all__ = [
    "bert",
    "deepnorm",
    "equinox_defaults",
    "fixup",
    "flax_defaults",
    "gpt2",
    "haiku_defaults",
    "keras_defaults",
    "llama",
    "lora",
    "mup",
    "resnet",
    "tfixup",
    "torch_defaults",
    "torchtitan_llama3",
    "vit",
]
