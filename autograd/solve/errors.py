"""Errors of solves: every backend raises the same exceptions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import NotPositiveDefiniteError, SingularMatrixError

__all__ = ["ConvergenceError", "NotPositiveDefiniteError", "SingularMatrixError", "StructureError"]


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

    def __reduce__(self) -> Any:
        """Python's own way is to call the class with the message alone, which another process cannot do."""
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(error_type: type[ConvergenceError], args: tuple[Any, ...]) -> ConvergenceError:
    return error_type.__new__(error_type, *args)
