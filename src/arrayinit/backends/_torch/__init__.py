"""torch: tensors, Parameters, DTensors."""
