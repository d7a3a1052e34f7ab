"""Kernel ridge regression in scikit-learn's protocol."""

from __future__ import annotations

import math
from typing import Any

from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from ...models import KernelRidge as Model
from ...models import kernels
from .arrays import (
    as_array,
    as_array_like,
    check_both,
    check_inputs,
    check_weights,
    home_for,
    home_of,
    restore_type,
)
from .kernel_parameters import on_device_of
from .scores import r_squared

_NAMES = ("linear", "poly", "polynomial", "rbf")


class KernelRidge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Ridge regression with a kernel: ``min ‖y − f(X)‖² + alpha ‖f‖²_k``.

    Parameters
    ----------
    alpha : float or array (n_targets,), default=1
        The penalty, > 0. A traced one makes predictions differentiable in it.
    kernel : str, Kernel or callable, default="linear"
        "linear", "poly" or "polynomial", "rbf"; one of `pb.models.kernels`; or k(X, Y), a matrix.
    gamma : float, optional
        Of "poly" and "rbf", ``exp(−gamma d²)``; one over the number of features where it is not given.
    degree, coef0 : int, float
        Of "poly".

    Attributes
    ----------
    dual_coef_ : array (n_samples,) or (n_samples, n_targets)
    X_fit_ : array (n_samples, n_features)
    n_features_in_ : int

    Notes
    -----
    By the Cholesky factor of k(X, X) + alpha I. Rasmussen, Williams, 2006, section 2.2; scikit-learn's parameters.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.linspace(0, 3, 8)[:, None]
    >>> model = pb.train.KernelRidge(1e-3, kernel="rbf", gamma=0.5).fit(X, np.sin(X[:, 0]))
    >>> model.predict([[1.5]]).round(2)
    array([1.])
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        kernel: Any = "linear",
        gamma: Any = None,
        degree: int = 3,
        coef0: float = 1.0,
    ) -> None:
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0

    def _kernel(self, features: int) -> Any:
        """The kernel that the settings name.

        Raises
        ------
        ValueError
            For another name.
        """
        if isinstance(self.kernel, kernels.Kernel):
            return self.kernel
        if callable(self.kernel):
            of_pairs = self.kernel
            return lambda X, Y=None: of_pairs(X, X if Y is None else Y)
        if self.kernel == "linear":
            return kernels.Linear(0.0)
        gamma = 1 / features if self.gamma is None else self.gamma
        if self.kernel in ("poly", "polynomial"):
            return kernels.Polynomial(self.degree, gamma, self.coef0)
        if self.kernel == "rbf":
            root = math.sqrt(2 * gamma) if isinstance(gamma, int | float) else xp.sqrt(2 * gamma)
            return kernels.RBF(1 / root)
        raise ValueError(
            f"KernelRidge: kernel={self.kernel!r}; give one of {', '.join(_NAMES)}, a kernel of pb.models.kernels, or "
            "k(X, Y)"
        )

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> KernelRidge:
        """Find ``dual_coef_``.

        Parameters
        ----------
        X : array (n_samples, n_features)
        y : array (n_samples,) or (n_samples, n_targets)
        sample_weight : array (n_samples,), optional
            Weights of the squared errors, ≥ 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For NaN, infinities, wrong shapes, negative weights, a penalty that is not positive, or an unknown kernel.
        NotPositiveDefiniteError
            If alpha is too small for points that depend on each other.
        """
        X_in, y = check_both(self, X, y, y_numeric=True, multi_output=True)
        weights = check_weights(sample_weight, X_in, X_in.dtype)
        home = home_of(X_in)
        A, targets = as_array(X_in), as_array(y, X_in.dtype, home)
        single = targets.ndim == 1
        targets = targets[:, None] if single else targets
        alpha = self._penalty(targets)
        share = None if weights is None else as_array(weights, X_in.dtype, home)
        kernel = on_device_of(self._kernel(A.shape[1]), A)
        if alpha.ndim == 0:
            dual = Model.init(kernel, A, targets, alpha, share).dual_coef
        else:
            columns = [
                Model.init(kernel, A, targets[:, i], alpha[i], share).dual_coef
                for i in range(targets.shape[1])
            ]
            dual = xp.stack(columns, axis=1)
        self.dual_coef_ = restore_type(dual[:, 0] if single else dual, X)
        self.X_fit_ = restore_type(A, X)
        return self

    def _penalty(self, y: Any) -> Any:
        alpha = as_array_like(self.alpha, y)
        if alpha.ndim > 1 or (alpha.ndim == 1 and alpha.shape[0] != y.shape[1]):
            raise ValueError(
                f"KernelRidge: alpha has shape {alpha.shape}; give one number, or one for each of {y.shape[1]} targets"
            )
        if not bool(xp.all(xp.isfinite(alpha) & (alpha > 0))):
            raise ValueError(f"KernelRidge: alpha={self.alpha!r}; it has to be finite and > 0")
        return alpha

    def predict(self, X: ArrayLike) -> Any:
        """``k(X, X_fit_) dual_coef_``: (n,) or (n, targets).

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For NaN, infinities, or another number of features.
        """
        check_is_fitted(self)
        home = home_for(X, self.X_fit_)
        points = as_array(check_inputs(self, X), home=home)
        kernel = on_device_of(self._kernel(points.shape[1]), points)
        model = Model(kernel, *(as_array(v, home=home) for v in (self.X_fit_, self.dual_coef_)))
        return restore_type(model(points), X)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """R², the mean over targets."""
        return r_squared(self, X, y, sample_weight)
