"""The mathematics of initialization, on Python numbers and shapes, without arrays."""
