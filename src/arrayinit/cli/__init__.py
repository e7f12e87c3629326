"""The command line: two real models, initialized on whatever the machine has."""
