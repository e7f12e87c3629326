"""What the first day on a GPU is to tell: whether the kernels are right, and how fast they are.

`steps.py` lists the steps. Each is a generator of rows in a process of its own, and `report.py` makes the table and the
verdict. `python tests/gpu.py` runs them; `--rehearse` runs the same lines without a GPU.
"""
