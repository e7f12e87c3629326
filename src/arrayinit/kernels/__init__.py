"""Kernels: what makes the values of a fill, on one kind of machine.

A kernel for draws gets a `Draw`, the memory of a box, and the corner where the box begins in the logical array. The
kernel makes the random words of each element (`stream.philox`), turns them into draws (`stream.transform`, or the steps
that `stream.program` recorded), rounds them to the dtype, stores them in the order of the memory (``draw.order``), and
clears ``draw.zeros`` elements of each column. The entry points are:

- the host, by NumPy: `draw.Draw.fill_host`, with the operations of `numpy_ops`;
- CUDA, by CuPy: `_cupy.fill_device`, with the source of `cuda`;
- CUDA, for torch: `_cuda_torch.fill_device`, with the same source, compiled by `_nvrtc`;
- Triton, for torch without NVRTC: `_triton_launch.fill_device`, with the source of `_triton`;
- XLA, for JAX: `xla.traced` within a program, `xla_boxes.on_devices` on devices.
"""
