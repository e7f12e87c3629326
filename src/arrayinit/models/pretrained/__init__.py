"""Pretrained values: the tensors of a checkpoint, and the parameters that take them."""
