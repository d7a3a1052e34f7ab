"""Logistic and softmax regression: convex problems, minimised to the end."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from ...backend import backend_of
from ...optim import minimize
from .arrays import (
    as_array,
    as_array_like,
    check_both,
    check_inputs,
    check_weights,
    from_host,
    home_of,
    on_host,
    refuse_dask,
    seed_of,
)
from .blocks.lazy import lazy
from .blocks.rows import is_dask, rows_of
from .blocks.summaries import labelled
from .blocks.totals import BlockTotal
from .labels import (
    combined_weights,
    decide,
    draw,
    encode,
    exact_labels,
    log_probabilities,
    same_labels,
)
from .scores import accuracy

# what `pb.optim.minimize` calls the solvers
_METHODS = {"lbfgs": "l-bfgs", "newton-cg": "newton-cg", "fista": "fista"}


def _check(estimator: Any) -> None:
    """Refuse settings outside their ranges."""
    name = type(estimator).__name__
    for setting, low in (("C", 0.0), ("tol", 0.0)):
        value = getattr(estimator, setting)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float | np.number)
            or not value > low
        ):
            raise ValueError(
                f"{name}: {setting}={value!r}; it has to be a number > 0 (C=inf: no penalty)"
            )
    if not isinstance(estimator.max_iter, int | np.integer) or estimator.max_iter < 0:
        raise ValueError(f"{name}: max_iter={estimator.max_iter!r}; it has to be an integer ≥ 0")
    if estimator.solver not in _METHODS:
        raise ValueError(
            f"{name}: solver={estimator.solver!r}; there are {', '.join(map(repr, _METHODS))}"
        )
    ratio = estimator.l1_ratio
    if isinstance(ratio, bool) or not isinstance(ratio, int | float | np.number):
        raise ValueError(f"{name}: l1_ratio={ratio!r}; it has to be a number from 0 to 1")
    if not 0 <= ratio <= 1:
        raise ValueError(f"{name}: l1_ratio={ratio!r}; it has to be a number from 0 to 1")
    if ratio and estimator.solver != "fista":
        raise ValueError(
            f"{name}: l1_ratio={ratio!r} with solver={estimator.solver!r}, which wants slopes without a kink; use "
            "solver='fista'"
        )


def _affine(x: Any, p: dict[str, Any]) -> Any:
    logits = x @ p["W"]
    return logits + p["c"] if "c" in p else logits


def _targets(codes: Any, columns: int, dtype: Any) -> Any:
    """What the losses take of classes' numbers: signs 1 and −1 of two classes with one logit, else a column of them."""
    return 1.0 - 2.0 * xp.astype(codes, dtype) if columns == 1 else codes[:, None]


def _losses(logits: Any, targets: Any) -> Any:
    """The log loss of each row."""
    if logits.shape[1] == 1:
        return xp.softplus(targets * logits[:, 0])
    return -xp.take_along_axis(xp.log_softmax(logits, axis=1), targets, axis=1)[:, 0]


@dataclass(frozen=True)
class _BlockLosses:
    """The sum of the log losses of a block's rows, each times its weight."""

    columns: int

    def __call__(self, p: dict[str, Any], x: Any, codes: Any, weights: Any = None) -> Any:
        x = xp.asarray(x)
        targets = _targets(
            xp.asarray(backend_of(backend_array(x)).asarray(codes)), self.columns, x.dtype
        )
        losses = _losses(_affine(x, p), targets)
        return xp.sum(losses) if weights is None else as_array_like(weights, x) @ losses


class _Linear(ClassifierMixin, BaseEstimator):
    """The base of both classifiers: the objective's frame, and prediction from logits."""

    # whether two classes have a column of coefficients each
    _both_sides: bool

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> Any:
        """Minimise the penalised loss.

        Parameters
        ----------
        X : array (n_samples, n_features)
            Or a Dask array, with y on Dask as well or in memory: no more than single blocks are in memory then. Each
            value of the objective with its gradient is one computation, and so is each product with its second
            derivative, after one for the classes; persist X where a cluster's memory holds it.
        y : array (n_samples,)
            Labels: integers, strings, booleans; two classes or more.
        sample_weight : array (n_samples,), optional
            Weights of the samples' losses, ≥ 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For NaN, infinities, wrong shapes, fewer than two classes, or a setting outside its range.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` steps were not enough.
        """
        _check(self)
        if any(map(is_dask, (X, y, sample_weight))):
            return self._fit_blocks(X, y, sample_weight)
        X, y = check_both(self, X, exact_labels(type(self).__name__, y))
        classes, codes = encode(on_host(y))
        self._check_classes(classes)
        weights = combined_weights(
            self.class_weight, classes, codes, check_weights(sample_weight, X, X.dtype)
        )
        A = as_array(X)
        columns = 1 if len(classes) == 2 and not self._both_sides else len(classes)
        total = float(len(codes) if weights is None else weights.sum())
        objective = self._objective(A, codes, weights, columns)
        self._minimise(objective, self._start(A, columns, classes), classes, total)
        return self

    def _fit_blocks(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """`fit` on Dask arrays: a pass over the data for the classes, and one for each value and gradient."""
        y = y if is_dask(y) else exact_labels(type(self).__name__, y)
        data = labelled(rows_of(self, X, y, sample_weight), self.class_weight)
        rows, classes = data.rows, data.classes
        self._check_classes(classes)
        columns = 1 if len(classes) == 2 and not self._both_sides else len(classes)
        start = self._start(np.empty((0, rows.X.shape[1]), rows.X.dtype), columns, classes)
        start = {key: to_numpy(value) for key, value in start.items()}
        losses = BlockTotal(_BlockLosses(columns), rows, start)
        penalty = self._l2(data.total)

        def objective(p: dict[str, Any]) -> Any:
            return losses(p) / data.total + penalty * xp.sum(p["W"] * p["W"])

        self._minimise(objective, start, classes, data.total)
        return self

    def _check_classes(self, classes: np.ndarray) -> None:
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__}: y holds one class, {classes.tolist()}; the solver needs samples of at least 2 "
                "classes in the data"
            )

    def _l2(self, total: float) -> float:
        """The factor of ‖W‖² in the mean objective."""
        return 0.5 * (1 - float(self.l1_ratio)) / (float(self.C) * total)

    def _minimise(
        self, objective: Any, start: dict[str, Any], classes: np.ndarray, total: float
    ) -> None:
        kink = float(self.l1_ratio) / (float(self.C) * total)
        found = minimize(
            objective,
            start,
            method=_METHODS[self.solver],
            gtol=self.tol,
            maxiter=self.max_iter,
            l1={"W": kink} if kink else None,
        )
        self.classes_ = classes
        self.coef_ = np.ascontiguousarray(to_numpy(found.x["W"]).T)
        none = np.zeros(len(self.coef_), self.coef_.dtype)
        self.intercept_ = to_numpy(found.x["c"]) if self.fit_intercept else none
        self.n_iter_ = np.asarray([found.nit], dtype=np.int32)
        self._seed = seed_of(self.random_state)
        if not found.success:
            why = "" if found.nit >= self.max_iter else f", after {found.nit}: {found.message}"
            warnings.warn(
                f"{type(self).__name__}: not converged in max_iter={self.max_iter} steps{why}; raise max_iter or tol, "
                "or scale the features",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _start(self, A: Any, columns: int, classes: np.ndarray) -> dict[str, Any]:
        shape = (A.shape[1], columns)
        before = getattr(self, "coef_", None) if self.warm_start else None
        if (
            before is not None
            and before.shape == shape[::-1]
            and same_labels(self.classes_, classes)
        ):
            W, c = before.T, self.intercept_
        else:
            W, c = np.zeros(shape), np.zeros(columns)
        start = {"W": W, "c": c} if self.fit_intercept else {"W": W}
        return {
            key: backend_array(as_array(np.array(value), A.dtype, home_of(A)))
            for key, value in start.items()
        }

    def _objective(
        self, A: Any, codes: np.ndarray, weights: np.ndarray | None, columns: int
    ) -> Any:
        """The mean loss plus (1 − l1_ratio) ‖W‖² / (2 C Σ weights), the smooth part of the objective.

        It is scikit-learn's over its sum of weights.
        """
        n = A.shape[0]
        shares = np.full(n, 1 / n) if weights is None else weights / weights.sum()
        share = as_array(shares, A.dtype, home_of(A))
        total = n if weights is None else float(weights.sum())
        penalty = self._l2(float(total))
        targets = _targets(as_array(codes, home=home_of(A)), columns, A.dtype)

        def objective(p: dict[str, Any]) -> Any:
            return share @ _losses(_affine(A, p), targets) + penalty * xp.sum(p["W"] * p["W"])

        return objective

    def _logits(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        return on_host(check_inputs(self, X)) @ self.coef_.T + self.intercept_

    @lazy
    def decision_function(self, X: ArrayLike) -> Any:
        """Logits (n_samples, n_classes); for two classes the second's over the first's (n_samples,)."""
        logits = self._logits(X)
        if len(self.classes_) == 2:
            logits = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        return from_host(logits, X)

    @lazy
    def predict_log_proba(self, X: ArrayLike) -> Any:
        """Logarithms of the probabilities (n_samples, n_classes); no digits are lost in the tails."""
        return from_host(log_probabilities(self._logits(X)), X)

    @lazy
    def predict_proba(self, X: ArrayLike) -> Any:
        """Probabilities of the classes (n_samples, n_classes), in the order of ``classes_``."""
        return from_host(np.exp(log_probabilities(self._logits(X))), X)

    @lazy
    def predict(self, X: ArrayLike) -> Any:
        """The most probable label of each row; ties are broken by a draw that `random_state` decides."""
        logits = self._logits(X)
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        rows = np.asarray(on_host(X))
        return from_host(self.classes_[decide(logits, rows, self._seed)], X)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """The share of rows whose label is the predicted one; of Dask arrays by one computation."""
        return accuracy(self, X, y, sample_weight)

    def sample(self, X: ArrayLike, *, random_state: Any = None) -> Any:
        """A label for each row, drawn from its probabilities; the same for the same `random_state`."""
        refuse_dask(self, X)
        probabilities = np.exp(log_probabilities(self._logits(X)))
        return from_host(self.classes_[draw(probabilities, random_state)], X)


class LogisticRegression(_Linear):
    """The logistic model: P(class 1 | x) = 1/(1 + exp(−w·x − c)); softmax for more than two classes.

    Minimises C Σ_i ω_i ℓ_i + ½ (1 − ρ) ‖w‖² + ρ ‖w‖₁, ℓ_i the log loss of sample i and ω_i its weight, ρ the
    `l1_ratio`, as scikit-learn does.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, > 0; infinity for none.
    l1_ratio : float, default=0
        The share ρ of the l1 norm in the penalty, from 0 to 1: coefficients become exactly 0. It takes the solver
        "fista", whose steps are proximal ones.
    tol : float, default=1e-4
        Stop where the gradient of the mean objective has a norm below this.
    fit_intercept : bool, default=True
    class_weight : dict, "balanced" or None
        Weights of the classes.
    random_state : int, RandomState or None
        Breaks ties in `predict`.
    solver : {"lbfgs", "newton-cg", "fista"}
        The methods of `pb.optim.minimize`.
    max_iter : int, default=100
    verbose : int
        Not used; for scikit-learn's signature.
    warm_start : bool
        Start from the last solution.

    Attributes
    ----------
    classes_ : array (n_classes,)
    coef_ : array (1, n_features), or (n_classes, n_features) for more than two classes
    intercept_ : array (1,) or (n_classes,)
    n_iter_ : array (1,)
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.asarray([[0.0], [1.0], [2.0], [3.0]])
    >>> model = pb.train.LogisticRegression().fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0.2], [2.8]]).tolist()
    ['no', 'yes']
    """

    _both_sides = False


class SoftmaxRegression(_Linear):
    """The multinomial logistic model: P(class j | x) ∝ exp(w_j·x + c_j), one column for each of two or more classes.

    As `LogisticRegression` but for two classes, where it has two columns as well, ``coef_`` (2, n_features): the
    penalty then is on both, which is half as strong.

    Parameters
    ----------
    C, l1_ratio, tol, fit_intercept, class_weight, random_state, solver, max_iter, verbose, warm_start
        As in `LogisticRegression`.

    Attributes
    ----------
    classes_, coef_, intercept_, n_iter_, n_features_in_
        As in `LogisticRegression`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.asarray([[0.0], [1.0], [5.0], [6.0]])
    >>> model = pb.train.SoftmaxRegression().fit(X, [0, 0, 1, 1])
    >>> model.predict_proba(X).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    >>> model.coef_.shape
    (2, 1)
    """

    _both_sides = True
