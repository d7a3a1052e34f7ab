"""Batches of `vmap`, which are values beside traced arrays."""
