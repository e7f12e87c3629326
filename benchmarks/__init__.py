"""arrayinit against the frameworks' own initializers, in turn in one process: ``python -m benchmarks``."""
