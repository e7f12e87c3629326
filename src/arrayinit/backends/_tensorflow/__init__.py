"""TensorFlow: tensors, specs of tensors, and variables."""
