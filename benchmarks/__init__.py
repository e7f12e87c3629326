"""arrayinit against the initializers of the frameworks, measured in turn in one process: ``python -m benchmarks``."""
