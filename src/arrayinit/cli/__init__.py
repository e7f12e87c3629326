"""The command line: two real models, initialized on every backend and device of the machine."""
