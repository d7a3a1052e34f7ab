"""Gaussian process regression in scikit-learn's protocol, its kernel fitted by the marginal likelihood."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ...autograd import Array, linalg, to_numpy, value_and_grad
from ...autograd.core.array import backend_array
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...backend import is_array
from ...models import GaussianProcess, kernels, log_marginal_likelihood
from ...optim import minimize
from .arrays import (
    HOST,
    as_array,
    as_array_like,
    check_both,
    check_inputs,
    home_for,
    home_of,
    is_native,
    moved,
    on_host,
    restore_type,
)
from .kernel_parameters import bounds_of, on_device_of, parameters, read, start_of, with_parameters
from .scores import r_squared


class GaussianProcessRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Regression by a Gaussian process, the kernel's parameters at the maximum of the marginal likelihood.

    Parameters
    ----------
    kernel : Kernel, optional
        Of `pb.models.kernels`, or one of scikit-learn's; by default ``Constant(1.0, "fixed") * RBF(1.0, "fixed")``.
    alpha : float or array (n_samples,), default=1e-10
        The variance of the noise, added to the diagonal; `kernels.White` is one that is fitted. Data in float32 need
        one of about 1e-5 or more.
    optimizer : {"fmin_l_bfgs_b"} or None
        L-BFGS-B on the logarithms of the parameters, within their bounds, by `pb.optim.minimize`; None keeps the kernel
        as it is.
    n_restarts_optimizer : int, default=0
        How often the search begins anew, at points drawn within the bounds; the best end counts.
    normalize_y : bool, default=False
        Fit y less its mean, over its standard deviation.
    random_state : int, RandomState or None
        Of the restarts: the same integer draws scikit-learn's points.

    Attributes
    ----------
    kernel_ : Kernel
        With the fitted parameters.
    X_train_, y_train_ : array
    L_ : array (n_samples, n_samples)
        The Cholesky factor of the kernel's matrix and the noise.
    alpha_ : array (n_samples,) or (n_samples, n_targets)
        The weights of the mean.
    log_marginal_likelihood_value_ : float
    n_features_in_ : int

    Notes
    -----
    The gradient of the likelihood is one sweep, whatever the number of parameters. With ``optimizer=None`` predictions
    are differentiable in traced data, kernels' parameters and points. Rasmussen, Williams, Gaussian Processes for
    Machine Learning, 2006, chapters 2 and 5.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.linspace(0, 5, 12)[:, None]
    >>> model = pb.train.GaussianProcessRegressor(pb.models.kernels.RBF(1.0), alpha=1e-4)
    >>> mean, std = model.fit(X, np.sin(X[:, 0])).predict([[2.5], [20.0]], return_std=True)
    >>> mean.round(2), std.round(2)
    (array([0.6, 0. ]), array([0.01, 1.  ]))
    """

    def __init__(
        self,
        kernel: Any = None,
        *,
        alpha: Any = 1e-10,
        optimizer: str | None = "fmin_l_bfgs_b",
        n_restarts_optimizer: int = 0,
        normalize_y: bool = False,
        random_state: Any = None,
    ) -> None:
        self.kernel = kernel
        self.alpha = alpha
        self.optimizer = optimizer
        self.n_restarts_optimizer = n_restarts_optimizer
        self.normalize_y = normalize_y
        self.random_state = random_state

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle keeps: of NumPy's data nothing that lies on a device."""
        state = dict(super().__getstate__())
        if isinstance(state.get("X_train_"), np.ndarray):
            for name in ("_X", "_y", "_y_mean", "_y_std", "_noise", "_model"):
                state[name] = moved(state[name], HOST)
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False  # it predicts by the prior
        return tags

    def _prior(self) -> Any:
        if self.kernel is None:
            return kernels.Constant(1.0, "fixed") * kernels.RBF(1.0, "fixed")
        return read(self.kernel)

    def fit(self, X: ArrayLike, y: ArrayLike) -> GaussianProcessRegressor:
        """Find the kernel's parameters, and condition on the data.

        Parameters
        ----------
        X : array (n_samples, n_features)
        y : array (n_samples,) or (n_samples, n_targets)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For NaN, infinities, wrong shapes, or a setting outside its range.
        NotPositiveDefiniteError
            If the kernel's matrix with the noise has no Cholesky factor: raise alpha.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the search ended before its tolerance.
        """
        if self.optimizer not in (None, "fmin_l_bfgs_b"):
            raise ValueError(
                f"GaussianProcessRegressor: optimizer={self.optimizer!r}; there is 'fmin_l_bfgs_b', or None"
            )
        X_in, y_in = check_both(self, X, y, y_numeric=True, multi_output=True)
        A, targets = as_array(X_in), as_array(y_in, X_in.dtype, home_of(X_in))
        if self.normalize_y:
            self._y_mean, spread = xp.mean(targets, axis=0), xp.std(targets, axis=0)
            self._y_std = xp.where(spread > 0, spread, xp.ones_like(spread))
            targets = (targets - self._y_mean) / self._y_std
        else:
            self._y_mean, self._y_std = xp.zeros_like(targets[0]), xp.ones_like(targets[0])
        self._noise = self._noise_of(A)
        kernel = self._prior()
        found = [] if self.optimizer is None else parameters(kernel)
        kernel = on_device_of(kernel, A)
        if found:
            kernel = self._fitted(kernel, found, A, targets)
        # a user calls it with the data at hand
        self.kernel_ = kernel if is_native(X) else tree.map(_fetched, kernel)
        self._model = GaussianProcess.init(kernel, A, targets, self._noise)
        value = log_marginal_likelihood(kernel, A, targets, self._noise)
        self.log_marginal_likelihood_value_ = value if value.traced else float(value)
        self._X, self._y = A, targets
        self.X_train_, self.y_train_ = restore_type(A, X), restore_type(targets, X)
        self.L_, self.alpha_ = restore_type(self._model.L, X), restore_type(self._model.weights, X)
        return self

    def _noise_of(self, A: Any) -> Any:
        noise = as_array_like(self.alpha, A)
        if noise.ndim > 1 or (noise.ndim == 1 and noise.shape[0] != A.shape[0]):
            raise ValueError(
                f"GaussianProcessRegressor: alpha has shape {noise.shape}; give one number, or one for each of "
                f"{A.shape[0]} samples"
            )
        if not bool(xp.all(xp.isfinite(noise) & (noise >= 0))):
            raise ValueError(
                f"GaussianProcessRegressor: alpha={self.alpha!r}; it has to be finite and ≥ 0"
            )
        return noise

    def _fitted(self, kernel: Any, found: list[Any], A: Any, targets: Any) -> Any:
        """The kernel at the best end of all searches."""
        # in double precision: a likelihood in single is too rough for a line search
        A, targets, noise = (
            xp.astype(Array(backend_array(v)), xp.float64, copy=False)
            for v in (A, targets, self._noise)
        )
        bounds = bounds_of(found)

        def loss(theta: Any) -> Any:
            try:
                return -log_marginal_likelihood(
                    with_parameters(kernel, found, theta), A, targets, noise
                )
            except linalg.NotPositiveDefiniteError:
                return xp.sum(theta) * 0 + np.inf  # a step too far: the search goes back

        starts = [start_of(found)]
        rng = check_random_state(self.random_state)
        starts += [
            rng.uniform(bounds[:, 0], bounds[:, 1]) for _ in range(self.n_restarts_optimizer)
        ]
        ends = []
        for number, start in enumerate(starts):
            try:
                end = minimize(
                    loss, as_array_like(start, A), method="L-BFGS-B", gtol=1e-5, ftol=1e-9,
                    options={"bounds": bounds},
                )  # fmt: skip
            except ValueError:  # no likelihood there
                if number:
                    continue
                # the matrix's own error, where it has no factor
                log_marginal_likelihood(kernel, A, targets, noise)
                raise
            if end.status != 0:
                warnings.warn(
                    f"GaussianProcessRegressor: the search for the kernel's parameters ended early: {end.message}",
                    ConvergenceWarning,
                    stacklevel=3,
                )
            ends.append(end)
        best = min(ends, key=lambda end: float(end.fun))
        fitted = with_parameters(kernel, found, Array(backend_array(best.x)))
        return tree.map(_settled, fitted)

    def log_marginal_likelihood(self, theta: Any = None, *, eval_gradient: bool = False) -> Any:
        """The likelihood of the training data for logarithms θ of the kernel's parameters, or for the fitted ones.

        Parameters
        ----------
        theta : array, optional
            In scikit-learn's order.
        eval_gradient : bool
            Give back the gradient in θ too.

        Returns
        -------
        float, or float and array

        Raises
        ------
        ValueError
            For the gradient without θ.
        """
        if theta is None:
            if eval_gradient:
                raise ValueError("log_marginal_likelihood: the gradient needs theta")
            return self.log_marginal_likelihood_value_
        kernel = self._prior()
        found = parameters(kernel)
        kernel = on_device_of(kernel, self._X)

        def value(theta: Any) -> Any:
            return log_marginal_likelihood(
                with_parameters(kernel, found, theta), self._X, self._y, self._noise
            )

        point = as_array_like(theta, self._X)
        if not eval_gradient:
            return float(value(point))
        out, gradient = value_and_grad(value)(point)
        return float(out), to_numpy(gradient)

    def predict(self, X: ArrayLike, return_std: bool = False, return_cov: bool = False) -> Any:
        """The mean at points X (m, d), and the standard deviation or the covariance; before `fit` those of the prior.

        Returns
        -------
        mean : array (m,) or (m, n_targets)
        std : array (m,) or (m, n_targets), with ``return_std=True``
        cov : array (m, m) or (m, m, n_targets), with ``return_cov=True``

        Raises
        ------
        ValueError
            If both are asked for; for NaN, infinities, or another number of features.
        """
        if return_std and return_cov:
            raise ValueError("predict: give return_std=True or return_cov=True, not both")
        fitted = hasattr(self, "_model")
        home = home_for(X, self.X_train_) if fitted else home_of(X)
        points = as_array(check_inputs(self, X, reset=not fitted), home=home)
        if fitted:
            model, scale, shift = moved((self._model, self._y_std, self._y_mean), home)
            mean = model(points) * scale + shift
        else:
            model, scale = None, as_array_like(1.0, points)
            mean = xp.zeros_like(points[:, 0])
        if not (return_std or return_cov):
            return restore_type(mean, X)
        kernel = on_device_of(self._prior(), points) if model is None else model.kernel
        if return_std:
            spread = xp.sqrt(kernel.diag(points)) if model is None else model.std(points)
        else:
            spread = kernel(points) if model is None else model.covariance(points)
            scale = scale * scale
        if scale.ndim:
            spread = xp.expand_dims(spread, axis=-1)
        return restore_type(mean, X), restore_type(spread * scale, X)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """R², the mean over targets."""
        return r_squared(self, X, y, sample_weight)

    def sample_y(self, X: ArrayLike, n_samples: int = 1, random_state: Any = 0) -> np.ndarray:
        """Draw functions at points X (m, d): (m, n_samples), or (m, n_targets, n_samples), on the host.

        The draws are those of NumPy's ``multivariate_normal``, as scikit-learn's.
        """
        rng = check_random_state(random_state)
        mean, cov = (on_host(v) for v in self.predict(X, return_cov=True))
        if mean.ndim == 1:
            return rng.multivariate_normal(mean, cov, n_samples).T
        draws = [
            rng.multivariate_normal(mean[:, i], cov[..., i], n_samples).T[:, None]
            for i in range(mean.shape[1])
        ]
        return np.hstack(draws)


def _settled(x: Any) -> Any:
    """A parameter as a number, or as an array of the library of the data."""
    if not hasattr(x, "shape"):
        return x
    return float(x) if x.shape == () else backend_array(x)


def _fetched(x: Any) -> Any:
    """A parameter of a device on the host; numbers, and traced ones, as they are."""
    return x if getattr(x, "traced", False) or not is_array(backend_array(x)) else on_host(x)
