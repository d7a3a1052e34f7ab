"""Errors of solves: every backend raises the same exceptions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import NotPositiveDefiniteError, SingularMatrixError

__all__ = ["ConvergenceError", "NotPositiveDefiniteError", "SingularMatrixError", "StructureError"]


class StructureError(np.linalg.LinAlgError):
    """A matrix does not have the structure that `assume` says; looked for under ``check="structure"`` alone.

    Examples
    --------
    >>> import pullback as pb
    >>> A = pb.asarray([[1.0, 2.0], [0.0, 1.0]])
    >>> try:
    ...     pb.linalg.solve(A, pb.asarray([1.0, 1.0]), assume="symmetric", check="structure")
    ... except pb.linalg.StructureError as error:
    ...     print("not symmetric")
    not symmetric
    """


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

    Examples
    --------
    >>> import pullback as pb
    >>> A, b = pb.asarray([[4.0, 1.0], [1.0, 3.0]]), pb.asarray([1.0, 2.0])
    >>> try:
    ...     pb.linalg.cg(A, b, maxiter=1)
    ... except pb.linalg.ConvergenceError as error:
    ...     print(error.steps, error.residual > error.tolerance)
    1 True
    """

    def __init__(self, message: str, *, residual: float, steps: int, tolerance: float) -> None:
        super().__init__(message)
        self.residual, self.steps, self.tolerance = residual, steps, tolerance

    def __reduce__(self) -> Any:
        """Python's own way is to call the class with the message alone, which another process cannot do."""
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(error_type: type[ConvergenceError], args: tuple[Any, ...]) -> ConvergenceError:
    return error_type.__new__(error_type, *args)
