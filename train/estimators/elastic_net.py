"""LASSO and elastic net by FISTA, with scikit-learn's objective; differentiable in the data and in the penalty."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ...autograd import linalg
from ...autograd.core.array import Array, backend_array
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from ...backend import backend_of
from ...optim import minimize, proximal
from .arrays import as_array, as_array_like, check_both, check_weights, home_of
from .blocks.rows import is_dask
from .linear import LeastSquares, centred

_EVERY = 10  # steps between two looks at the duality gap


class _NonNegativeElasticNet(proximal.ElasticNet):
    """The elastic net's penalty of coefficients that are at least 0."""

    def operator(self, v: Any, step: Any) -> Any:
        """max(v − s α ρ, 0) / (1 + s α (1 − ρ))."""
        alpha, ratio = self.alpha, self.l1_ratio
        moved = proximal.project_nonnegative(v - step * alpha * ratio)
        return moved / (1 + step * alpha * (1 - ratio))


class _System(NamedTuple):
    """One target's problem, ``½ ‖X w − y‖² / n + α ρ ‖w‖₁ + ½ α (1 − ρ) ‖w‖²``, without traces."""

    X: Any
    y: Any
    alpha: float
    l1_ratio: float
    positive: bool

    @property
    def l1(self) -> float:
        """α ρ n."""
        return self.alpha * self.l1_ratio * self.X.shape[0]

    @property
    def l2(self) -> float:
        """α (1 − ρ) n."""
        return self.alpha * (1 - self.l1_ratio) * self.X.shape[0]

    def smooth(self) -> Any:
        """The squared error as a function of w; by Xᵀ X where that is smaller than X."""
        X, y = self.X, self.y
        n, d = X.shape
        if d > n:
            return lambda w: xp.sum((X @ w - y) ** 2) / (2 * n)
        gram, moment = xp.matrix_transpose(X) @ X / n, xp.matrix_transpose(X) @ y / n
        return lambda w: xp.sum(w * (0.5 * (gram @ w) - moment))

    def step(self) -> float:
        """1 / M, M the Lipschitz constant of the squared error's gradient."""
        X, turned = self.X, xp.matrix_transpose(self.X)
        gram = turned @ X if X.shape[1] <= X.shape[0] else X @ turned
        largest = float(xp.linalg.eigvalsh(gram)[-1]) / X.shape[0]
        return 1 / largest if largest > 0 else 1.0

    def gap(self, w: Any) -> float:
        """The duality gap times n: how far the objective is from its minimum at most (Kim et al., 2007).

        Without an l1 penalty a bound by the gradient G takes its place: ‖G‖² / (2 l2), or ‖G‖ ‖w‖.
        """
        residual = self.y - self.X @ w
        slack = xp.matrix_transpose(self.X) @ residual - self.l2 * w
        if self.l1 == 0:
            slack = xp.relu(w + slack) - w if self.positive else slack
            square, size = float(xp.sum(slack * slack)), float(xp.sum(w * w))
            return square / (2 * self.l2) if self.l2 else math.sqrt(square * size)
        norm = float(xp.max(slack if self.positive else xp.abs(slack)))
        square = float(xp.sum(residual * residual))
        scale = self.l1 / norm if norm > self.l1 else 1.0
        return (
            0.5 * square * (1 + scale * scale) + self.l1 * float(xp.sum(xp.abs(w)))
            - scale * float(xp.sum(residual * self.y))
            + 0.5 * self.l2 * (1 + scale * scale) * float(xp.sum(w * w))
        )  # fmt: skip


def _solved(
    X: Any, y: Any, alpha: Any, l1_ratio: Any, support: np.ndarray, signs: np.ndarray
) -> Any:
    """The minimum among coefficients with this support and these signs: a linear system.

    ``(X_Sᵀ X_S / n + α (1 − ρ) I) w_S = X_Sᵀ y / n − α ρ sign(w_S)``. Support and signs are constant near a minimum, so
    that this is the solution as a function of X, y, α and ρ (Bertrand et al., Implicit differentiation of Lasso-type
    models, 2020).
    """
    n, d = X.shape
    there = backend_of(backend_array(X)).asarray
    chosen = there(support)
    part = xp.take(X, chosen, axis=1)
    matrix = xp.matrix_transpose(part) @ part / n
    matrix = matrix + alpha * (1 - l1_ratio) * xp.create_diagonal(xp.ones_like(part[0, :]))
    right = xp.matrix_transpose(part) @ y / n - alpha * l1_ratio * xp.astype(
        xp.asarray(there(signs)), X.dtype
    )
    return xp.scatter_add((d,), chosen, linalg.solve(matrix, right, assume="positive"))


def _support(w: Any) -> tuple[np.ndarray, np.ndarray]:
    host = backend_of(backend_array(w)).to_numpy(backend_array(w))
    support = np.flatnonzero(host)
    return support, np.sign(host[support])


def _find(system: _System, start: Any, max_iter: int, tol: float) -> tuple[Any, float, int]:
    """Coefficients, their duality gap and the number of steps."""
    penalty = (_NonNegativeElasticNet if system.positive else proximal.ElasticNet)(
        system.alpha, system.l1_ratio
    )
    enough = tol * float(xp.sum(system.y * system.y))
    best: list[Any] = [start, system.gap(start)]

    def look(result: Any) -> None:
        if result.nit % _EVERY and result.nit < max_iter:
            return
        w = xp.asarray(result.x)
        best[:] = [w, system.gap(w)]
        exact = _polished(system, w)
        if exact is not None:
            gap = system.gap(exact)
            if gap <= best[1]:
                best[:] = [exact, gap]
        if best[1] <= enough:
            raise StopIteration

    found = minimize(
        system.smooth(), start, method="fista", prox=penalty, gtol=0.0, maxiter=max_iter, callback=look,
        options={"first": system.step(), "backtracking": False},
    )  # fmt: skip
    return best[0], best[1], found.nit


def _polished(system: _System, w: Any) -> Any:
    """The minimum on the support of w, if it has the signs of w; None if not."""
    support, signs = _support(w)
    if not len(support) or len(support) > system.X.shape[0]:
        return None
    try:
        exact = _solved(system.X, system.y, system.alpha, system.l1_ratio, support, signs)
    except (linalg.NotPositiveDefiniteError, linalg.SingularMatrixError):
        return None
    found, same = _support(exact)
    return exact if np.array_equal(found, support) and np.array_equal(same, signs) else None


class ElasticNet(LeastSquares):
    """Least squares with an l1 and an l2 penalty: sparse coefficients.

    ``min ‖X w + c − y‖² / (2 n) + alpha l1_ratio ‖w‖₁ + ½ alpha (1 − l1_ratio) ‖w‖²``, scikit-learn's objective.

    Parameters
    ----------
    alpha : float or traced scalar, default=1.0
        The strength of the penalty, ≥ 0.
    l1_ratio : float or traced scalar, default=0.5
        From 0 (ridge) to 1 (`Lasso`).
    fit_intercept : bool, default=True
        Fit c, which is not penalised; else c = 0.
    max_iter : int, default=1000
        Steps at most.
    tol : float, default=1e-4
        The duality gap to stop at, relative to ‖y‖² (of the centred y), as scikit-learn's.
    positive : bool, default=False
        Coefficients of at least 0.
    warm_start : bool, default=False
        `fit` begins at the last coefficients.

    Attributes
    ----------
    coef_ : array (n_features,) or (n_targets, n_features)
    intercept_ : float or array (n_targets,)
    n_iter_ : int or list of int
    dual_gap_ : float or list of float
        In the units of the objective.
    n_features_in_ : int

    Notes
    -----
    FISTA with restarts (`pb.optim.minimize`), then the linear system on the support that it found, whose solution is
    the minimum to rounding where the signs hold; the duality gap decides. With traced data or a traced penalty
    ``coef_`` is that solution as a function of them: its derivatives are those of the LASSO, of any order. Zou, Hastie,
    Regularization and variable selection via the elastic net, 2005.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 4))
    >>> y = 3 * X[:, 0] + 0.1 * rng.normal(size=50)
    >>> pb.train.ElasticNet(0.1, l1_ratio=0.9).fit(X, y).coef_.round(2)
    array([2.86, 0.  , 0.  , 0.  ])
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        l1_ratio: Any = 0.5,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        positive: bool = False,
        warm_start: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.positive = positive
        self.warm_start = warm_start

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> Any:
        """Find ``coef_`` and ``intercept_``.

        Parameters
        ----------
        X : array (n_samples, n_features)
            Or a Dask array, as for `LinearRegression`.
        y : array (n_samples,) or (n_samples, n_targets)
        sample_weight : array (n_samples,), optional
            Weights of the squared errors, ≥ 0; their mean counts as 1.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For NaN, infinities, wrong shapes, negative weights, or a setting outside its range.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` steps were not enough.
        """
        self._check()
        if any(map(is_dask, (X, y, sample_weight))):
            found, single = self._factored(X, y, sample_weight)
            # as many rows as there are, each with the share in the mean that all have together
            share = math.sqrt(len(found.A) / found.total)
            coef = self._columns(as_array(found.A * share), as_array(found.targets * share), single)
            self._store_host(coef, found, single)
            return self
        X_in, y = check_both(self, X, y, y_numeric=True, multi_output=True)
        weights = check_weights(sample_weight, X_in, X_in.dtype)
        if weights is not None:
            weights = weights * (len(weights) / weights.sum())
        home = home_of(X_in)
        A, targets = as_array(X_in), as_array(y, X_in.dtype, home)
        single = targets.ndim == 1
        targets = targets[:, None] if single else targets
        w = None if weights is None else as_array(weights, X_in.dtype, home)
        A, targets, x_mean, y_mean = centred(A, targets, w, self.fit_intercept)
        self._store(X, self._columns(A, targets, single), x_mean, y_mean, single)
        return self

    def _columns(self, A: Any, targets: Any, single: bool) -> Any:
        """The coefficients (d, k), target by target."""
        columns, gaps, counts = [], [], []
        for i in range(targets.shape[1]):
            coef, gap, count = self._one(A, targets[:, i], i)
            columns.append(coef)
            gaps.append(gap / A.shape[0])
            counts.append(count)
        self.n_iter_: Any = counts[0] if single else counts
        self.dual_gap_: Any = gaps[0] if single else gaps
        return xp.stack(columns, axis=1)

    def _one(self, X: Any, y: Any, target: int) -> tuple[Any, float, int]:
        fixed_X, fixed_y = (Array(backend_array(v)) for v in (X, y))
        alpha, ratio = (float(xp.stop_gradient(xp.asarray(p))) for p in (self.alpha, self.l1_ratio))
        system = _System(fixed_X, fixed_y, alpha, ratio, self.positive)
        start = xp.zeros_like(system.X[0, :])
        if self.warm_start and hasattr(self, "coef_"):
            last = as_array_like(self.coef_, X)
            start = Array(backend_array(last if last.ndim == 1 else last[target, :]))
        coef, gap, count = _find(system, start, int(self.max_iter), float(self.tol))
        if gap > self.tol * float(xp.sum(system.y * system.y)):
            warnings.warn(
                f"{type(self).__name__}: the duality gap is {gap / X.shape[0]:.3g} after max_iter={self.max_iter} "
                "steps; raise max_iter, alpha or tol, or scale the features",
                ConvergenceWarning,
                stacklevel=4,
            )
        traced = [v for v in (X, y, self.alpha, self.l1_ratio) if type(v) is Array and v.traced]
        if traced:
            support, signs = _support(coef)
            if not len(support):
                return coef, gap, count
            coef = _solved(X, y, self.alpha, self.l1_ratio, support, signs)
        return coef, gap, count

    def _check(self) -> None:
        name = type(self).__name__
        for setting, low, high in (
            ("alpha", 0.0, math.inf),
            ("l1_ratio", 0.0, 1.0),
            ("tol", 0.0, math.inf),
        ):
            value = getattr(self, setting)
            if getattr(value, "shape", None) == ():
                value = float(xp.stop_gradient(xp.asarray(value)))
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not number or not low <= value <= high or value == math.inf:
                bound = f"from {low:g} to {high:g}" if high < math.inf else "finite and ≥ 0"
                raise ValueError(
                    f"{name}: {setting}={getattr(self, setting)!r}; it has to be {bound}"
                )
        whole = isinstance(self.max_iter, int | np.integer) and not isinstance(self.max_iter, bool)
        if not whole or self.max_iter < 1:
            raise ValueError(
                f"{name}: max_iter={self.max_iter!r}; it has to be an integer of at least 1"
            )


class Lasso(ElasticNet):
    """Least squares with an l1 penalty: ``min ‖X w + c − y‖² / (2 n) + alpha ‖w‖₁``.

    Parameters
    ----------
    alpha : float or traced scalar, default=1.0
        The strength of the penalty, ≥ 0.
    fit_intercept, max_iter, tol, positive, warm_start
        As for `ElasticNet`.

    Attributes
    ----------
    coef_, intercept_, n_iter_, dual_gap_, n_features_in_
        As for `ElasticNet`.

    Notes
    -----
    `ElasticNet` with ``l1_ratio=1``. Tibshirani, Regression shrinkage and selection via the lasso, 1996.

    Examples
    --------
    The derivative of a validation error in the penalty:

    >>> import numpy as np, pullback as pb
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 8))
    >>> y = pb.asarray(X[:, 0] - 2 * X[:, 1] + 0.3 * rng.normal(size=60))
    >>> X = pb.asarray(X)
    >>> def error(alpha):
    ...     model = pb.train.Lasso(alpha, tol=1e-12).fit(X[:40], y[:40])
    ...     return pb.xp.mean((model.predict(X[40:]) - y[40:]) ** 2)
    >>> numeric = (error(0.1 + 1e-6) - error(0.1 - 1e-6)) / 2e-6
    >>> bool(abs(pb.grad(error)(0.1) - numeric) < 1e-6)
    True
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        positive: bool = False,
        warm_start: bool = False,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.positive = positive
        self.warm_start = warm_start

    @property
    def l1_ratio(self) -> float:
        """1."""
        return 1.0
