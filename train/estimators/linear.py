"""Least squares, plain and ridged, in closed form: differentiable in the data and in the penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ...autograd import linalg
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
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
from .blocks.lazy import lazy
from .blocks.rows import is_dask, rows_of
from .blocks.summaries import Factored, factored
from .scores import r_squared


def centred(
    X: ArrayLike, y: ArrayLike, weights: ArrayLike, fit_intercept: bool
) -> tuple[Any, Any, Any, Any]:
    """X and y about their (weighted) means, their rows times √weight; and the means."""
    if fit_intercept:
        if weights is None:
            x_mean, y_mean = xp.mean(X, axis=0), xp.mean(y, axis=0)
        else:
            share = (weights / xp.sum(weights))[:, None]
            x_mean, y_mean = xp.sum(share * X, axis=0), xp.sum(share * y, axis=0)
        X, y = X - x_mean, y - y_mean
    else:
        x_mean, y_mean = xp.zeros_like(X[0]), xp.zeros_like(y[0])
    if weights is not None:
        root = xp.sqrt(weights)[:, None]
        X, y = X * root, y * root
    return X, y, x_mean, y_mean


class LeastSquares(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """The base of both regressions: the intercept, the weights, prediction."""

    def _solve(self, X: ArrayLike, y: ArrayLike) -> Any:
        """The coefficients (d, k) for centred X (n, d) and y (n, k)."""
        raise NotImplementedError(f"{type(self).__name__} has no way to solve")

    def _fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike) -> Any:
        if any(map(is_dask, (X, y, sample_weight))):
            found, single = self._factored(X, y, sample_weight)
            coef = self._solve(as_array(found.A), as_array(found.targets))
            self._store_host(coef, found, single)
            return self
        X_in, y = check_both(self, X, y, y_numeric=True, multi_output=True)
        weights = check_weights(sample_weight, X_in, X_in.dtype)
        home = home_of(X_in)
        A, targets = as_array(X_in), as_array(y, X_in.dtype, home)
        single = targets.ndim == 1
        if single:
            targets = targets[:, None]
        w = None if weights is None else as_array(weights, X_in.dtype, home)
        A, targets, x_mean, y_mean = centred(A, targets, w, self.fit_intercept)
        self._store(X, self._solve(A, targets), x_mean, y_mean, single)
        return self

    def _factored(self, X: Any, y: Any, sample_weight: Any) -> tuple[Factored, bool]:
        """The centred data of Dask arrays as a small problem that stands for them, and whether there is one target."""
        rows = rows_of(self, X, y, sample_weight)
        return factored(rows, self.fit_intercept), rows.y.ndim == 1

    def _store_host(self, coef: Any, found: Factored, single: bool) -> None:
        means = (as_array(found.x_mean), as_array(found.y_mean))
        self._store(found.A, coef, *means, single)

    def _store(self, X: ArrayLike, coef: Any, x_mean: Any, y_mean: Any, single: bool) -> None:
        """Set ``coef_`` and ``intercept_`` in the type of the user's data, from coefficients (d, k)."""
        intercept = y_mean - x_mean @ coef
        coef = coef[:, 0] if single else xp.matrix_transpose(coef)
        self.coef_ = restore_type(coef, X)
        if not self.fit_intercept:
            self.intercept_: Any = 0.0
        else:
            intercept = restore_type(intercept[0] if single else intercept, X)
            self.intercept_ = (
                float(intercept) if single and isinstance(intercept, np.ndarray) else intercept
            )

    @lazy
    def predict(self, X: ArrayLike) -> Any:
        """``X coef_ᵀ + intercept_`` for X (n, d): (n,) or (n, targets).

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For NaN, infinities, or another number of features.
        """
        check_is_fitted(self)
        checked = check_inputs(self, X)
        coef = self.coef_ if self.coef_.ndim == 1 else self.coef_.T
        if isinstance(checked, np.ndarray) and isinstance(coef, np.ndarray):
            return checked @ coef + self.intercept_
        home = home_for(checked, coef)
        points = as_array(checked, home=home)
        intercept = self.intercept_
        if not isinstance(intercept, float):
            intercept = as_array(intercept, home=home)
        return restore_type(points @ as_array(coef, home=home) + intercept, X)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """R², the mean over targets; of Dask arrays by one computation."""
        return r_squared(self, X, y, sample_weight)


class LinearRegression(LeastSquares):
    """Ordinary least squares: min ‖X w + c − y‖².

    Parameters
    ----------
    fit_intercept : bool, default=True
        Fit c; else c = 0.

    Attributes
    ----------
    coef_ : array (n_features,) or (n_targets, n_features)
        w; of the least norm if the columns of X are dependent.
    intercept_ : float or array (n_targets,)
    n_features_in_ : int

    Notes
    -----
    By the pseudo-inverse w = X⁺ y (Penrose, On best approximate solutions of linear matrix equations, 1956) of the
    centred data. On arrays of a device the work is done there; on traced arrays ``coef_`` is
    differentiable in X and y.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.asarray([[0.0], [1.0], [2.0]])
    >>> model = pb.train.LinearRegression().fit(X, [1.0, 3.0, 5.0])
    >>> model.predict([[10.0]]).round(6)
    array([21.])
    """

    def __init__(self, *, fit_intercept: bool = True) -> None:
        self.fit_intercept = fit_intercept

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> LinearRegression:
        """Find ``coef_`` and ``intercept_``.

        Parameters
        ----------
        X : array (n_samples, n_features)
            Or a Dask array, with y on Dask as well or in memory: one pass over its blocks gives a triangular factor of
            (d + k)² numbers, and the coefficients are those of the whole.
        y : array (n_samples,) or (n_samples, n_targets)
        sample_weight : array (n_samples,), optional
            Weights of the squared errors, ≥ 0.

        Raises
        ------
        ValueError
            For NaN, infinities, wrong shapes or negative weights.
        """
        return self._fit(X, y, sample_weight)

    def _solve(self, X: ArrayLike, y: ArrayLike) -> Any:
        return xp.linalg.pinv(X) @ y


class Ridge(LeastSquares):
    """Least squares with a penalty: min ‖X w + c − y‖² + alpha ‖w‖².

    Parameters
    ----------
    alpha : float, array (n_targets,), or traced scalar, default=1.0
        The penalty, ≥ 0. A traced one makes ``coef_`` and predictions differentiable in it.
    fit_intercept : bool, default=True
        Fit c, which is not penalised; else c = 0.

    Attributes
    ----------
    coef_, intercept_, n_features_in_
        As in `LinearRegression`.

    Notes
    -----
    The normal equations (Xᵀ X + alpha I) w = Xᵀ y, or w = Xᵀ (X Xᵀ + alpha I)⁻¹ y where there are fewer samples than
    features, by `pb.linalg.solve` for positive definite matrices: the gradient in alpha costs one triangular solve
    more, with the same factor (Hoerl and Kennard, Ridge regression, 1970).

    Examples
    --------
    The validation error's derivative with respect to the penalty:

    >>> import numpy as np, pullback as pb
    >>> rng = np.random.default_rng(0)
    >>> X, w = rng.normal(size=(40, 5)), np.arange(5.0)
    >>> y = pb.asarray(X @ w + rng.normal(size=40))
    >>> X = pb.asarray(X)
    >>> def error(alpha):
    ...     model = pb.train.Ridge(alpha).fit(X[:20], y[:20])
    ...     return pb.xp.mean((model.predict(X[20:]) - y[20:]) ** 2)
    >>> slope = pb.grad(error)(1.0)
    >>> numeric = (error(1.0 + 1e-6) - error(1.0 - 1e-6)) / 2e-6
    >>> bool(abs(slope - numeric) < 1e-6)
    True
    """

    def __init__(self, alpha: Any = 1.0, *, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> Ridge:
        """Find ``coef_`` and ``intercept_``.

        Parameters
        ----------
        X : array (n_samples, n_features)
            Or a Dask array, with y on Dask as well or in memory: one pass over its blocks gives a triangular factor of
            (d + k)² numbers, and the coefficients are those of the whole.
        y : array (n_samples,) or (n_samples, n_targets)
        sample_weight : array (n_samples,), optional
            Weights of the squared errors, ≥ 0.

        Raises
        ------
        ValueError
            For NaN, infinities, wrong shapes, negative weights or a negative penalty.
        """
        return self._fit(X, y, sample_weight)

    def _solve(self, X: ArrayLike, y: ArrayLike) -> Any:
        alpha = self._penalty(y)
        if alpha.ndim == 0:
            return _penalised(X, y, alpha)
        columns = [_penalised(X, y[:, i : i + 1], alpha[i]) for i in range(y.shape[1])]
        return xp.concat(columns, axis=1)

    def _penalty(self, y: ArrayLike) -> Any:
        """Alpha as an `Array` in the dtype of y: one number, or one for each target."""
        alpha = as_array_like(self.alpha, y)
        if alpha.ndim > 1 or (alpha.ndim == 1 and alpha.shape[0] != y.shape[1]):
            raise ValueError(
                f"Ridge: alpha has shape {alpha.shape}; give one number, or one for each of {y.shape[1]} targets"
            )
        if not bool(xp.all(xp.isfinite(alpha) & (alpha >= 0))):
            raise ValueError(f"Ridge: alpha={self.alpha!r}; it has to be finite and ≥ 0")
        return alpha


def _penalised(X: ArrayLike, y: ArrayLike, alpha: Any) -> Any:
    """The coefficients (d, k) for one penalty; without a penalty the system may be singular."""
    if not alpha.traced and bool(alpha == 0):
        return xp.linalg.pinv(X) @ y
    return linalg.ridge(X, y, alpha)
