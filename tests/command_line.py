"""The call of the command line that the tests make, and the digest that it must print."""

import sys

PROGRAM = [sys.executable, "-m", "arrayinit", "--backend", "numpy", "--model", "resnet50"]
RESNET50_OF_SEED_0 = "6a3730078c006fbc6fc9d3e657be19332f7aac856bc1c24a1686b26ea8afb3e7"
