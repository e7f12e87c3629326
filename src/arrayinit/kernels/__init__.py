"""Kernels that generate the portable stream: NumPy on the host, CUDA, Triton, XLA."""
