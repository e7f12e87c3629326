"""The public functions, one short body each."""
