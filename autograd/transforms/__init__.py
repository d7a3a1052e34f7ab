"""Transformations of functions: gradients, pullbacks, Jacobians, custom rules."""
