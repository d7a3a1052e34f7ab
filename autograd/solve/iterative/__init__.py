"""Krylov methods, their linear operators and preconditioners."""
