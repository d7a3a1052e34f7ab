"""What may go wrong in a solve: the same exceptions on every backend."""

from __future__ import annotations

import numpy as np


class SingularMatrixError(np.linalg.LinAlgError):
    """A matrix that is singular to working precision; the message estimates its condition number."""


class NotPositiveDefiniteError(np.linalg.LinAlgError):
    """A matrix that was said to be positive definite is not; the message names the leading minor."""


class StructureError(np.linalg.LinAlgError):
    """A matrix does not have the structure that `assume` says."""


class ConvergenceError(np.linalg.LinAlgError):
    """An iteration ended before its tolerance was met.

    Attributes
    ----------
    residual : float
        The norm of the last residual.
    steps : int
        How many steps were made.
    tolerance : float
        The norm that was asked for.
    """

    def __init__(self, message: str, *, residual: float, steps: int, tolerance: float) -> None:
        super().__init__(message)
        self.residual, self.steps, self.tolerance = residual, steps, tolerance
