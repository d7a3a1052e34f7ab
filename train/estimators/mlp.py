"""Multilayer perceptrons for classes and for numbers, with scikit-learn's parameters and more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from ...autograd.core.typing import ArrayLike
from .arrays import check_both, check_weights, from_host, on_host, refuse_dask
from .blocks.lazy import lazy
from .blocks.rows import Rows, is_dask, rows_of
from .blocks.summaries import (
    Labelled,
    accuracy_of,
    checked,
    labelled,
    moments_of,
    r_squared_of,
    right_in,
)
from .documentation import with_parameters
from .labels import (
    combined_weights,
    decide,
    draw,
    encode,
    exact_labels,
    log_probabilities,
    same_labels,
)
from .losses import CLASSIFICATION, REGRESSION
from .perceptron import Perceptron, by_minibatches, remember
from .scores import accuracy, r_squared
from .settings import check_settings


def _chosen(outputs: np.ndarray) -> np.ndarray:
    """The number of each row's likeliest class."""
    return outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(axis=1)


@with_parameters(
    losses='"log_loss" (cross-entropy) or "hinge"',
    more="""
    class_weight : dict, "balanced" or None
        Weights of the classes.""",
)
class MLPClassifier(ClassifierMixin, Perceptron):
    """A multilayer perceptron for classes: softmax over the last layer, one logit for two classes.

    {parameters}

    Attributes
    ----------
    classes_ : array (n_classes,)
    model_ : pytree
        The network; its leaves lie on the device.
    coefs_, intercepts_ : list of array
        Weights (inputs, outputs) and biases of each layer, as NumPy arrays.
    loss_, best_loss_, loss_curve_ : float, float, list of float
        Mean loss of the last epoch, the lowest, and all of them.
    validation_scores_, best_validation_score_
        Accuracy after each epoch with early stopping; None without.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import pullback as pb
    >>> X, y = load_iris(return_X_y=True)
    >>> model = pb.train.MLPClassifier((16,), "tanh", solver="lbfgs", dtype="float64", random_state=0)
    >>> model = model.set_params(max_iter=2000).fit(X, y)
    >>> bool(model.score(X, y) > 0.97)
    True
    """

    _losses = CLASSIFICATION
    classes_: np.ndarray

    # written out in both classes: scikit-learn's get_params and clone read the names off each class's own signature
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        loss: Any = "log_loss",
        solver: str = "adam",
        alpha: float = 0.0001,
        l1: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        batches: str = "shuffled",
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        class_weight: Any = None,
        callbacks: Sequence[Callable[..., Any]] = (),
        dtype: str = "float32",
        precision: str = "float32",
        compile: bool = True,
    ) -> None:
        remember(self, locals())

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> MLPClassifier:
        """Train from new weights, or with `warm_start` from the last ones.

        Parameters
        ----------
        X : array (n_samples, n_features)
            Or a Dask array, with y on Dask as well or in memory: see `batches`.
        y : array (n_samples,)
            Labels.
        sample_weight : array (n_samples,), optional
            Weights of the samples' losses, ≥ 0.

        Raises
        ------
        ValueError
            For data or a setting that cannot be used; for a loss that is not finite any more.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` epochs were not enough.
        """
        check_settings(self)
        if any(map(is_dask, (X, y, sample_weight))):
            y = y if is_dask(y) else exact_labels("MLPClassifier", y)
            data = labelled(rows_of(self, X, y, sample_weight), self.class_weight)
            self._set_classes(data.classes)
            self._learn_blocks(data, incremental=False)
            return self
        X, y = check_both(self, X, exact_labels("MLPClassifier", y))
        classes, codes = encode(on_host(y))
        self._set_classes(classes)
        self._learn(X, codes, sample_weight, incremental=False)
        return self

    def _set_classes(self, classes: np.ndarray) -> None:
        if (
            self.warm_start
            and hasattr(self, "classes_")
            and not same_labels(self.classes_, classes)
        ):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_.tolist()}, `y` has {classes.tolist()}"
            )
        self.classes_ = classes

    @available_if(by_minibatches)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: Any = None, sample_weight: ArrayLike = None
    ) -> MLPClassifier:
        """Train one more epoch, on these samples.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array (n_classes,), optional
            All labels that will ever come; needed in the first call.

        Raises
        ------
        ValueError
            As `fit`; in the first call without `classes`; for labels that are not among them.
        """
        check_settings(self)
        # a first call that failed leaves no model
        first = not hasattr(self, "model_")
        lazy_rows = any(map(is_dask, (X, y, sample_weight)))
        y = y if is_dask(y) else exact_labels("MLPClassifier", y)
        if lazy_rows:
            rows = rows_of(self, X, y, sample_weight, reset=first)
        else:
            X, y = check_both(self, X, y, reset=first)
        if first and classes is None:
            raise ValueError(
                "MLPClassifier: classes must be passed on the first call to partial_fit."
            )
        if classes is not None:
            given = np.unique(on_host(exact_labels("MLPClassifier: classes", classes)))
            if not first and not same_labels(given, self.classes_):
                raise ValueError(
                    f"MLPClassifier.partial_fit: classes={classes!r} are not those of the first call"
                )
        known = given if first else self.classes_
        if lazy_rows:
            data = labelled(rows, self.class_weight, known)
            self.classes_ = known
            self._learn_blocks(data, incremental=True)
            return self
        _, codes = encode(on_host(y), known)
        self.classes_ = known
        self._learn(X, codes, sample_weight, incremental=True)
        return self

    def _learn(
        self, X: ArrayLike, codes: np.ndarray, sample_weight: ArrayLike, *, incremental: bool
    ) -> None:
        weights = combined_weights(
            self.class_weight, self.classes_, codes, check_weights(sample_weight, X, np.float64)
        )
        self._train(X, codes, weights, self._width(), incremental=incremental)
        self.out_activation_ = "logistic" if self._width() == 1 else "softmax"

    def _learn_blocks(self, data: Labelled, *, incremental: bool) -> None:
        rows = data.rows.weighing(data.total)
        self._train_blocks(rows, self._width(), incremental=incremental)
        self.out_activation_ = "logistic" if self._width() == 1 else "softmax"

    def _width(self) -> int:
        """How many outputs the network has."""
        if len(self.classes_) == 1:
            raise ValueError(
                f"MLPClassifier: y holds one class, {self.classes_.tolist()}; samples of at least 2 classes are needed"
            )
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        return accuracy_of([right_in(_chosen(outputs), targets)])

    def _score_blocks(self, pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> float:
        return accuracy_of([right_in(_chosen(outputs), targets) for outputs, targets in pairs])

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """The share of rows whose label is the predicted one; of Dask arrays by one computation."""
        return accuracy(self, X, y, sample_weight)

    @lazy
    def decision_function(self, X: ArrayLike) -> Any:
        """Logits (n_samples, n_classes); (n_samples,) for two classes."""
        logits = self._outputs(X)
        return from_host(logits[:, 0] if logits.shape[1] == 1 else logits, X)

    @lazy
    def predict_proba(self, X: ArrayLike) -> Any:
        """Probabilities of the classes (n_samples, n_classes), in the order of ``classes_``."""
        return from_host(np.exp(log_probabilities(self._outputs(X))), X)

    @lazy
    def predict_log_proba(self, X: ArrayLike) -> Any:
        """Logarithms of the probabilities (n_samples, n_classes); no digits are lost in the tails."""
        return from_host(log_probabilities(self._outputs(X)), X)

    @lazy
    def predict(self, X: ArrayLike) -> Any:
        """The most probable label of each row; ties are broken by a draw that `random_state` decides."""
        logits = self._outputs(X)
        if logits.shape[1] == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        rows = np.asarray(on_host(X))
        return from_host(self.classes_[decide(logits, rows, self._seed)], X)

    def sample(self, X: ArrayLike, *, random_state: Any = None) -> Any:
        """A label for each row, drawn from its probabilities; the same for the same `random_state`."""
        refuse_dask(self, X)
        probabilities = np.exp(log_probabilities(self._outputs(X)))
        return from_host(self.classes_[draw(probabilities, random_state)], X)


@with_parameters(
    losses='"squared_error" (½ the squared error), "absolute_error", "huber" or "poisson" '
    "(outputs are logarithms of the rate)",
)
class MLPRegressor(MultiOutputMixin, RegressorMixin, Perceptron):
    """A multilayer perceptron for numbers, one or several a sample.

    {parameters}

    Attributes
    ----------
    model_, coefs_, intercepts_, loss_, best_loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_, n_features_in_
        As in `MLPClassifier`.
    validation_scores_, best_validation_score_
        R² after each epoch with early stopping; None without.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> model = pb.train.MLPRegressor(activation="tanh", solver="lbfgs", dtype="float64", random_state=0)
    >>> model = model.set_params(max_iter=2000)
    >>> bool(model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    _losses = REGRESSION

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        l1: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        batches: str = "shuffled",
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        callbacks: Sequence[Callable[..., Any]] = (),
        dtype: str = "float32",
        precision: str = "float32",
        compile: bool = True,
    ) -> None:
        remember(self, locals())

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> MLPRegressor:
        """Train from new weights, or with `warm_start` from the last ones.

        Parameters
        ----------
        X : array (n_samples, n_features)
            Or a Dask array, with y on Dask as well or in memory: see `batches`.
        y : array (n_samples,) or (n_samples, n_targets)
        sample_weight : array (n_samples,), optional
            Weights of the samples' losses, ≥ 0.

        Raises
        ------
        ValueError
            For data or a setting that cannot be used; for a loss that is not finite any more.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` epochs were not enough.
        """
        check_settings(self)
        if any(map(is_dask, (X, y, sample_weight))):
            self._learn_blocks(rows_of(self, X, y, sample_weight), incremental=False)
            return self
        X, y = check_both(self, X, y, y_numeric=True, multi_output=True)
        self._learn(X, y, sample_weight, incremental=False)
        return self

    @available_if(by_minibatches)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None
    ) -> MLPRegressor:
        """Train one more epoch, on these samples, without a new start."""
        check_settings(self)
        first = not hasattr(self, "model_")
        if any(map(is_dask, (X, y, sample_weight))):
            rows = rows_of(self, X, y, sample_weight, reset=first)
            self._learn_blocks(rows, incremental=True)
            return self
        X, y = check_both(self, X, y, y_numeric=True, multi_output=True, reset=first)
        self._learn(X, y, sample_weight, incremental=True)
        return self

    def _learn(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike, *, incremental: bool
    ) -> None:
        weights = check_weights(sample_weight, X, np.float64)
        targets = np.asarray(on_host(y), dtype=np.float64)
        self._check_counts(targets.min(initial=0.0))
        self._single = targets.ndim == 1
        columns = targets[:, None] if self._single else targets
        self._train(X, columns, weights, columns.shape[1], incremental=incremental)
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"

    def _learn_blocks(self, rows: Rows, *, incremental: bool) -> None:
        found = checked(rows)
        self._check_counts(found.least)
        self._single = rows.y.ndim == 1
        y = rows.y.astype(np.float64)
        rows = Rows(rows.X, y[:, None] if self._single else y, rows.weights).weighing(found.total)
        self._train_blocks(rows, rows.y.shape[1], incremental=incremental)
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"

    def _check_counts(self, least: float) -> None:
        if self.loss == "poisson" and least < 0:
            raise ValueError("MLPRegressor: loss='poisson' is of counts; y holds negative numbers")

    def _score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        # r2_score, and not ours: scikit-learn's users know what it says of constant targets
        return float(r2_score(targets, self._of_outputs(outputs)))

    def _score_blocks(self, pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> float:
        return r_squared_of([moments_of(self._of_outputs(outputs), y) for outputs, y in pairs])

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """R², the mean over targets; of Dask arrays by one computation."""
        return r_squared(self, X, y, sample_weight)

    def _of_outputs(self, outputs: np.ndarray) -> np.ndarray:
        return np.exp(outputs) if self.loss == "poisson" else outputs

    @lazy
    def predict(self, X: ArrayLike) -> Any:
        """Predictions (n_samples,) or (n_samples, n_targets)."""
        outputs = self._of_outputs(self._outputs(X))
        return from_host(outputs[:, 0] if self._single else outputs, X)
