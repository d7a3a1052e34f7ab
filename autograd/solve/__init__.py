"""The adjoint solve: differentiable solutions of linear systems, roots and fixed points."""

from .direct import standard  # noqa: F401 - provides the namespace's `linalg.solve` and `linalg.slogdet`
