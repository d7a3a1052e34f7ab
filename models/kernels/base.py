"""The base of kernels; their sums, products and powers; and kernels that do not depend on the points' coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import backend_of
from ..module import Module

# (low, high), or "fixed"
Bounds = Any
WIDE = (1e-5, 1e5)


def points_of(X: Value) -> Any:
    """Points as (n, d).

    Raises
    ------
    ValueError
        If they are not.
    """
    X = xp.asarray(X)
    if X.ndim != 2:
        raise ValueError(
            f"kernel: points are an array (n, d), not of shape {X.shape}; one feature: X.reshape(-1, 1)"
        )
    return X


def number_like(value: Any, like: Any) -> Any:
    """A parameter in the dtype of the points; lists of numbers and NumPy's numbers in their library, too."""
    if isinstance(value, list | tuple):
        on_host = all(isinstance(x, int | float | np.generic) for x in value)
    elif hasattr(value, "dtype"):
        on_host = isinstance(value, np.generic)
    else:
        return value
    if on_host:
        value = backend_of(backend_array(like)).asarray(np.asarray(value))
    value = xp.asarray(value)
    return value if value.dtype == like.dtype else xp.astype(value, like.dtype)


class Kernel(Module):
    """The base of kernels; one of your own has ``matrix(X, Y)`` and, where k(x, x) is not 1, ``diag(X)``."""

    def matrix(self, X: Value, Y: Value) -> Any:
        """k(x_i, y_j), (n, m)."""
        raise NotImplementedError(f"{type(self).__name__} has no matrix(X, Y)")

    def diag(self, X: Value) -> Any:
        """k(x_i, x_i), (n,)."""
        X = points_of(X)
        return xp.ones_like(X[:, 0])

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The matrix (n, m) of points X (n, d) and Y (m, d); of X and X where Y is not given, with `White`'s noise."""
        X = points_of(X)
        return self.matrix(X, X if Y is None else points_of(Y)) + self._noise(X, Y)

    def _noise(self, X: Value, Y: Value) -> Any:
        """The matrix that is added for pairs of one point with itself; 0 where Y is given."""
        return 0.0

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds for `GaussianProcessRegressor`: (low, high) or "fixed"."""
        return []

    def __add__(self, other: Any) -> Sum:
        return Sum(self, _kernel(other))

    def __radd__(self, other: Any) -> Sum:
        return Sum(_kernel(other), self)

    def __mul__(self, other: Any) -> Product:
        return Product(self, _kernel(other))

    def __rmul__(self, other: Any) -> Product:
        return Product(_kernel(other), self)

    def __pow__(self, exponent: float) -> Exponentiation:
        return Exponentiation(self, exponent)


def _kernel(x: Any) -> Kernel:
    return x if isinstance(x, Kernel) else Constant(x)


# ── kernels of kernels ────────────────────────────────────────────────────────────────────────


class Sum(Kernel):
    """``k1(x, y) + k2(x, y)``: written k1 + k2."""

    k1: Any
    k2: Any

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The sum of both matrices."""
        return self.k1(X, Y) + self.k2(X, Y)

    def diag(self, X: Value) -> Any:
        """The sum of both diagonals."""
        return self.k1.diag(X) + self.k2.diag(X)


class Product(Kernel):
    """``k1(x, y) · k2(x, y)``: written k1 * k2."""

    k1: Any
    k2: Any

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The elementwise product of both matrices."""
        return self.k1(X, Y) * self.k2(X, Y)

    def diag(self, X: Value) -> Any:
        """The product of both diagonals."""
        return self.k1.diag(X) * self.k2.diag(X)


class Exponentiation(Kernel):
    """``k(x, y)^exponent``: written k ** exponent."""

    kernel: Any
    exponent: float = static()

    def __call__(self, X: Value, Y: Value = None) -> Any:
        """The power of each element."""
        return self.kernel(X, Y) ** self.exponent

    def diag(self, X: Value) -> Any:
        """The power of the diagonal."""
        return self.kernel.diag(X) ** self.exponent


class Constant(Kernel):
    """A kernel of one value everywhere: a factor of another kernel, or the variance of an unknown mean.

    Parameters
    ----------
    constant_value : float
    constant_value_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> (2.0 * pb.models.kernels.RBF())(pb.xp.asarray([[0.0]]))
    Array([[2.]], dtype=float64, device='cpu')
    """

    constant_value: Any = 1.0
    constant_value_bounds: Bounds = static(default=WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """The number, (n, m)."""
        ones = xp.expand_dims(xp.ones_like(X[:, 0]), axis=1) * xp.ones_like(Y[:, 0])
        return number_like(self.constant_value, X) * ones

    def diag(self, X: Value) -> Any:
        """The number, (n,)."""
        X = points_of(X)
        return number_like(self.constant_value, X) * xp.ones_like(X[:, 0])

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds: see `Kernel.bounds`."""
        return [("constant_value", self.constant_value_bounds)]


class White(Kernel):
    """Independent noise: its variance on the diagonal of k(X), nothing in k(X, Y).

    Parameters
    ----------
    noise_level : float
        The variance.
    noise_level_bounds : pair of float or "fixed"

    Examples
    --------
    >>> import pullback as pb
    >>> X = pb.xp.asarray([[0.0], [0.0]])
    >>> k = pb.models.kernels.White(0.5)
    >>> k(X), k(X, X)
    (Array([[0.5, 0. ],
           [0. , 0.5]], dtype=float64, device='cpu'), Array([[0., 0.],
           [0., 0.]], dtype=float64, device='cpu'))
    """

    noise_level: Any = 1.0
    noise_level_bounds: Bounds = static(default=WIDE)

    def matrix(self, X: Value, Y: Value) -> Any:
        """Zeros, (n, m)."""
        return xp.expand_dims(xp.zeros_like(X[:, 0]), axis=1) * xp.zeros_like(Y[:, 0])

    def _noise(self, X: Value, Y: Value) -> Any:
        return 0.0 if Y is not None else xp.create_diagonal(self.diag(X))

    def diag(self, X: Value) -> Any:
        """The variance, (n,)."""
        X = points_of(X)
        return number_like(self.noise_level, X) * xp.ones_like(X[:, 0])

    def bounds(self) -> list[tuple[str, Any]]:
        """The names of the parameters, and their bounds: see `Kernel.bounds`."""
        return [("noise_level", self.noise_level_bounds)]
