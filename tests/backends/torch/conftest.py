"""The fixtures of the tests that take torch's tensors for those of a GPU."""

from cuda_driver import driver, gpu

__all__ = ["driver", "gpu"]
