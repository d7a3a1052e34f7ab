"""The adjoint solve: differentiable solutions of linear systems, roots and fixed points."""
