"""Gaussian processes and kernel ridge regression: models made of a kernel and the points that it has seen.

With K = k(X, X) + α I = L Lᵀ and w = K⁻¹ y, the posterior mean at x is k(x, X) w, its covariance
k(x, x') − k(x, X) K⁻¹ k(X, x'), and ``log p(y | X) = −½ yᵀ w − Σ log L_ii − ½ n log 2π``.

Source: Rasmussen, Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1 and chapter 5.
"""

from __future__ import annotations

import math
from typing import Any

from ...autograd import linalg
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ..module import Module
from .base import number_like


def _factor(K: Any, noise: Any) -> Any:
    """L with L Lᵀ = K + noise I; `noise` is a number, or one for each point.

    Raises
    ------
    ValueError
        If the noise has another shape.
    """
    noise = number_like(noise, K)
    if getattr(noise, "shape", ()) not in ((), (K.shape[0],)):
        raise ValueError(
            f"noise of shape {noise.shape} for {K.shape[0]} points; give a number, or one for each"
        )
    return xp.linalg.cholesky(K + xp.create_diagonal(noise * xp.ones_like(K[:, 0])))


def _solve(L: Any, b: Any) -> Any:
    """(L Lᵀ)⁻¹ b."""
    z = linalg.solve_triangular(L, b, lower=True)
    return linalg.solve_triangular(L, z, lower=True, trans="T")


def log_marginal_likelihood(kernel: Any, X: Value, y: Value, noise: Any = 1e-10) -> Any:
    """``log p(y | X)`` of a Gaussian process with mean 0, summed over the columns of y.

    Parameters
    ----------
    kernel : Kernel
        Its gradient with respect to this is one of its parameters.
    X : array (n, d)
    y : array (n,) or (n, targets)
    noise : float or array (n,)
        α, the variance of the noise in y.

    Returns
    -------
    Array, 0-d

    Raises
    ------
    NotPositiveDefiniteError
        If k(X, X) + α I has no Cholesky factor.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> k, X = pb.models.kernels.RBF(1.0), pb.xp.asarray([[0.0], [1.0], [2.0]])
    >>> y = pb.xp.asarray([0.0, 1.0, 0.0])
    >>> f = lambda k: pb.models.log_marginal_likelihood(k, X, y, 0.1)
    >>> round(float(f(k)), 6), round(float(pb.grad(f)(k).length_scale), 6)
    (-3.493578, -0.844482)
    """
    X, y = xp.asarray(X), xp.asarray(y)
    L = _factor(kernel(X), noise)
    columns = y if y.ndim == 2 else xp.expand_dims(y, axis=1)
    z = linalg.solve_triangular(L, columns, lower=True)
    logs = xp.sum(xp.log(xp.linalg.diagonal(L)))
    n, targets = columns.shape
    return -0.5 * xp.sum(z * z) - targets * (logs + 0.5 * n * math.log(2 * math.pi))


class GaussianProcess(Module):
    """The posterior of a Gaussian process with mean 0, given observations.

    ``GaussianProcess.init(kernel, X, y, noise)`` conditions it; ``model(x)`` is the posterior mean. All of it is
    differentiable, in the kernel's parameters, the observations and the points of prediction.

    Attributes
    ----------
    kernel : Kernel
    X : array (n, d)
    L : array (n, n)
        The Cholesky factor of k(X, X) + α I.
    weights : array (n,) or (n, targets)
        (k(X, X) + α I)⁻¹ y.

    Examples
    --------
    >>> import pullback as pb
    >>> X, y = pb.xp.asarray([[0.0], [1.0], [2.0]]), pb.xp.asarray([0.0, 1.0, 0.0])
    >>> model = pb.models.GaussianProcess.init(pb.models.kernels.RBF(), X, y, noise=0.01)
    >>> x = pb.xp.asarray([[1.0], [3.0]])
    >>> model(x)
    Array([ 0.97279681, -0.52160949], dtype=float64, device='cpu')
    >>> model.std(x)
    Array([0.09863046, 0.72854876], dtype=float64, device='cpu')
    """

    kernel: Any
    X: Any
    L: Any
    weights: Any

    @staticmethod
    def init(kernel: Any, X: Value, y: Value, noise: Any = 1e-10) -> GaussianProcess:
        """The posterior given values y at the points X.

        Parameters
        ----------
        kernel, X, y, noise
            As for `log_marginal_likelihood`.

        Raises
        ------
        NotPositiveDefiniteError
            If k(X, X) + α I has no Cholesky factor.
        """
        X, y = xp.asarray(X), xp.asarray(y)
        L = _factor(kernel(X), noise)
        return GaussianProcess(kernel, X, L, _solve(L, y))

    def __call__(self, x: Value) -> Any:
        """The mean at points x (m, d): (m,) or (m, targets)."""
        return self.kernel(x, self.X) @ self.weights

    def _half(self, x: Value) -> Any:
        """L⁻¹ k(X, x), (n, m)."""
        return linalg.solve_triangular(self.L, self.kernel(self.X, x), lower=True)

    def covariance(self, x: Value) -> Any:
        """The covariance (m, m) of the values at points x, with `White`'s noise."""
        half = self._half(x)
        return self.kernel(x) - xp.matrix_transpose(half) @ half

    def variance(self, x: Value) -> Any:
        """The variance (m,) at points x, at least 0: the diagonal of the covariance."""
        half = self._half(x)
        found = self.kernel.diag(x) - xp.sum(half * half, axis=0)
        # rounding makes it negative at points that were observed
        return xp.clip(found, 0, None)

    def std(self, x: Value) -> Any:
        """The standard deviation (m,) at points x; its derivative is 0 where it is 0."""
        variance = self.variance(x)
        positive = variance > 0
        root = xp.sqrt(xp.where(positive, variance, xp.ones_like(variance)))
        return xp.where(positive, root, xp.zeros_like(variance))


class KernelRidge(Module):
    """Ridge regression in the space of a kernel: ``f(x) = k(x, X) w`` with ``w = (k(X, X) + α I)⁻¹ y``.

    It minimises ``‖y − f(X)‖² + α ‖f‖²_k``: the mean of a Gaussian process with noise α.

    Attributes
    ----------
    kernel : Kernel
    X : array (n, d)
    dual_coef : array (n,) or (n, targets)
        w.

    Examples
    --------
    >>> import pullback as pb
    >>> X, y = pb.xp.asarray([[0.0], [1.0], [2.0]]), pb.xp.asarray([1.0, 3.0, 5.0])
    >>> k = pb.models.kernels.Linear(1.0)
    >>> model = pb.models.KernelRidge.init(k, X, y, alpha=1e-6)
    >>> round(float(model(pb.xp.asarray([[3.0]]))[0]), 3)
    7.0
    """

    kernel: Any
    X: Any
    dual_coef: Any

    @staticmethod
    def init(
        kernel: Any, X: Value, y: Value, alpha: Any = 1.0, weights: Value = None
    ) -> KernelRidge:
        """Fitted to values y (n,) or (n, targets) at points X (n, d), with weights (n,) ≥ 0 of the squared errors.

        Raises
        ------
        NotPositiveDefiniteError
            If k(X, X) + α I has no Cholesky factor: α is too small for points that depend on each other.
        """
        X, y = xp.asarray(X), xp.asarray(y)
        if weights is None:
            return KernelRidge(kernel, X, _solve(_factor(kernel(X), alpha), y))
        # (R K R + α I) z = R y, w = R z with R = √weights: a weight may be 0
        root = xp.sqrt(xp.asarray(weights))
        column = xp.expand_dims(root, axis=1)
        scale = root if y.ndim == 1 else column
        return KernelRidge(
            kernel, X, scale * _solve(_factor(column * kernel(X) * root, alpha), scale * y)
        )

    def __call__(self, x: Value) -> Any:
        """Values at points x (m, d): (m,) or (m, targets)."""
        return self.kernel(x, self.X) @ self.dual_coef
