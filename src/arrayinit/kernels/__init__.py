"""Who makes the numbers of the stream: NumPy on the host, CUDA, Triton, XLA."""
