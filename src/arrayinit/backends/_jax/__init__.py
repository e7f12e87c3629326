"""JAX: arrays, tracers and structs."""
