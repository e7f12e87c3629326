"""The mathematics of initialization, on Python numbers and shapes: no array is ever seen here."""
