"""Kernels of the inner product of points: linear and polynomial."""

from __future__ import annotations

from typing import Any

from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from .base import WIDE, Bounds, Kernel, number_like, points_of


class Linear(Kernel):
    """``σ₀² + x · y``: linear functions with an intercept; scikit-learn's `DotProduct`.

    Parameters
    ----------
    sigma_0 : float
        σ₀; 0 for functions through the origin.
    sigma_0_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.Linear(1.0)(pb.xp.asarray([[1.0, 2.0], [0.0, 1.0]]))
    Array([[6., 3.],
           [3., 2.]], dtype=float64, device='cpu')
    """

    sigma_0: Any = 1.0
    sigma_0_bounds: Bounds = static(default=WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        return X @ xp.matrix_transpose(Y) + number_like(self.sigma_0, X) ** 2

    def diag(self, X: Value) -> Any:
        """σ₀² + ‖x‖², (n,)."""
        X = points_of(X)
        return xp.sum(X * X, axis=1) + number_like(self.sigma_0, X) ** 2

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds: see `Kernel.bounds`."""
        return [("sigma_0", self.sigma_0_bounds)]


class Polynomial(Kernel):
    """``(γ x · y + c)^degree``, with the parameters of scikit-learn's `KernelRidge` and `SVC`.

    Parameters
    ----------
    degree : int
        At least 1.
    gamma : float, optional
        γ; one over the number of features where it is not given.
    coef0 : float
        c.

    Raises
    ------
    ValueError
        For a degree that is no integer of at least 1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.models.kernels.Polynomial(2, gamma=1.0)(pb.xp.asarray([[1.0, 2.0], [0.0, 1.0]]))
    Array([[36.,  9.],
           [ 9.,  4.]], dtype=float64, device='cpu')
    """

    degree: int = static(default=3)
    gamma: Any = None
    coef0: Any = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.degree, bool) or not isinstance(self.degree, int) or self.degree < 1:
            raise ValueError(
                f"Polynomial: degree={self.degree!r}; it has to be an integer of at least 1"
            )

    def _of(self, products: Any, features: int) -> Any:
        gamma = 1 / features if self.gamma is None else number_like(self.gamma, products)
        return (gamma * products + number_like(self.coef0, products)) ** self.degree

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        return self._of(X @ xp.matrix_transpose(Y), X.shape[1])

    def diag(self, X: Value) -> Any:
        """k(x, x), (n,)."""
        X = points_of(X)
        return self._of(xp.sum(X * X, axis=1), X.shape[1])

    def bounds(self) -> list[tuple[str, Any]]:
        """Fixed: scikit-learn has no such kernel for Gaussian processes."""
        return [(name, "fixed") for name in ("gamma", "coef0") if getattr(self, name) is not None]
