"""Checkpoints: safetensors files that are initialized on disk."""

from arrayinit.checkpoints.create import create

__all__ = ["create"]
