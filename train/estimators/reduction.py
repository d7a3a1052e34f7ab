"""Classification of many classes by two-class problems: a tree of them, or one for each class that may claim a sample.

One-versus-all by the largest score, one-versus-one and output codes are scikit-learn's own (`OneVsRestClassifier`,
`OneVsOneClassifier`, `OutputCodeClassifier`) and take our classifiers as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ...autograd.core.typing import ArrayLike, PyTree
from .arrays import from_host, on_host, refuse_dask, seed_of
from .labels import decide, draw, exact_labels
from .scores import accuracy


@dataclass(frozen=True)
class Node:
    """A two-class problem: labels among `left` (0) against labels among `right` (1)."""

    model: PyTree
    left: np.ndarray
    right: np.ndarray
    # The nodes that separate the classes on each side; None for a single class.
    below: tuple[Any, Any]


def _checked(estimator: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """X, the labels and the weights on the host, for models of any library."""
    refuse_dask(estimator, X, y)
    labels = on_host(exact_labels(type(estimator).__name__, y))
    X, y = validate_data(estimator, on_host(X), labels)
    check_classification_targets(y)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(on_host(sample_weight), X)
    return X, y, sample_weight


def _rows(estimator: Any, X: Any) -> np.ndarray:
    """X on the host, for a prediction."""
    check_is_fitted(estimator)
    refuse_dask(estimator, X)
    return np.asarray(validate_data(estimator, on_host(X), reset=False))


def _has_probabilities(estimator: Any) -> bool:
    return hasattr(estimator.estimator, "predict_proba")


class TreeReductionClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier of many classes by a balanced tree of two-class problems.

    It has C − 1 models, and asks ⌈log₂ C⌉ of them for a prediction.

    Each node halves its classes, left and right, and its model separates the halves, trained on the samples of
    those classes. With probabilities, P(class | x) is the product along the path (the filter tree without filtering:
    Beygelzimer, Langford and Ravikumar, Error-correcting tournaments, 2009; nested dichotomies: Frank and Kramer,
    Ensembles of nested dichotomies for multi-class problems, 2004).

    Parameters
    ----------
    estimator : classifier
        For two classes; cloned for every node.
    split : {"similar", "random", "ordered"}, default="similar"
        How a node halves its classes: by the means of the classes along their first principal axis, so that classes
        which look alike part late; by a draw; or in the order of the labels.
    random_state : int, RandomState or None
        Of the draw, and of ties.

    Attributes
    ----------
    classes_ : array (n_classes,)
    root_ : Node or None
        The tree; None for a single class.
    n_features_in_ : int

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import pullback as pb
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = pb.train.TreeReductionClassifier(pb.train.LogisticRegression(max_iter=500)).fit(X, y)
    >>> bool(tree.score(X, y) > 0.95)
    True
    """

    def __init__(self, estimator: Any, *, split: str = "similar", random_state: Any = None) -> None:
        self.estimator = estimator
        self.split = split
        self.random_state = random_state

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None
    ) -> TreeReductionClassifier:
        """Fit one model for each node.

        Parameters
        ----------
        X : array (n_samples, n_features)
        y : array (n_samples,)
            Labels.
        sample_weight : array (n_samples,), optional
            Passed on to the nodes' models.

        Raises
        ------
        ValueError
            For an unknown `split`, or data that the models refuse.
        """
        if self.split not in ("similar", "random", "ordered"):
            raise ValueError(
                f"TreeReductionClassifier: split={self.split!r}; there are 'similar', 'random' and 'ordered'"
            )
        X, y, weights = _checked(self, X, y, sample_weight)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._seed = seed_of(self.random_state)
        rng = np.random.default_rng(self._seed)
        members = [X[codes == i] for i in range(len(self.classes_))]
        # in double precision: half has no singular values
        means = np.stack([rows.mean(axis=0, dtype=float) for rows in members])
        self.root_ = self._grow(X, codes, weights, np.arange(len(self.classes_)), means, rng)
        return self

    def _grow(
        self,
        X: ArrayLike,
        codes: Any,
        weights: ArrayLike,
        members: np.ndarray,
        means: Any,
        rng: Any,
    ) -> Node | None:
        if len(members) == 1:
            return None
        left, right = self._halves(members, means, rng)
        rows = np.isin(codes, members)
        side = np.isin(codes[rows], right).astype(int)
        settings = {} if weights is None else {"sample_weight": weights[rows]}
        model = clone(self.estimator).fit(X[rows], side, **settings)
        below = (
            self._grow(X, codes, weights, left, means, rng),
            self._grow(X, codes, weights, right, means, rng),
        )
        return Node(model, left, right, below)

    def _halves(self, members: np.ndarray, means: Any, rng: Any) -> tuple[np.ndarray, np.ndarray]:
        if self.split == "random":
            order = rng.permutation(len(members))
        elif self.split == "similar":
            centred = means[members] - means[members].mean(axis=0)
            axis = np.linalg.svd(centred, full_matrices=False)[2][0]
            order = np.argsort(centred @ axis, kind="stable")
        else:
            order = np.arange(len(members))
        half = len(members) // 2
        return np.sort(members[order[:half]]), np.sort(members[order[half:]])

    def nodes(self) -> Iterator[Node]:
        """The nodes of the fitted tree, each before those below it."""
        check_is_fitted(self)
        waiting = [self.root_]
        while waiting:
            node = waiting.pop()
            if node is not None:
                yield node
                waiting += reversed(node.below)

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Any:
        """Probabilities (n_samples, n_classes): products along the paths."""
        return from_host(self._probabilities(_rows(self, X)), X)

    def _probabilities(self, X: np.ndarray) -> np.ndarray:
        out = np.ones((len(X), len(self.classes_)))
        for node in self.nodes():
            to_right = node.model.predict_proba(X)[:, 1:]
            out[:, node.left] *= 1 - to_right
            out[:, node.right] *= to_right
        return out

    def predict(self, X: ArrayLike) -> Any:
        """The most probable label; by the models' decisions from the root down where they have no probabilities."""
        points = _rows(self, X)
        if _has_probabilities(self):
            # ties are decided by the rows as they came
            rows = np.asarray(on_host(X))
            codes = decide(self._probabilities(points), rows, self._seed)
        else:
            codes = self._decided(points)
        return from_host(self.classes_[codes], X)

    def _decided(self, X: np.ndarray) -> np.ndarray:
        codes = np.zeros(len(X), dtype=int)
        waiting = [(self.root_, np.arange(len(X)))]
        while waiting:
            node, rows = waiting.pop()
            if node is None or not len(rows):
                continue
            right = node.model.predict(X[rows]).astype(bool)
            for went, members, child in ((~right, node.left, 0), (right, node.right, 1)):
                codes[rows[went]] = members[0]
                waiting.append((node.below[child], rows[went]))
        return codes

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """The share of rows whose label is the predicted one."""
        return accuracy(self, X, y, sample_weight)

    @available_if(_has_probabilities)
    def sample(self, X: ArrayLike, *, random_state: Any = None) -> Any:
        """A label for each row, drawn from its probabilities; the same for the same `random_state`."""
        return from_host(self.classes_[draw(self._probabilities(_rows(self, X)), random_state)], X)


class OneVersusAllClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier of many classes by one two-class problem each, where one of all that claim a sample is drawn.

    The model of class c learns the samples of c against all others, and claims a sample that it takes for c's. The
    label is drawn from the classes that claim a sample, with the same probability for each; from all classes where none
    does. No score of one model is held against that of another, so that the models need not have any.

    Parameters
    ----------
    estimator : classifier
        For two classes; cloned for every class.
    random_state : int, RandomState or None
        Of the draws: that of a sample depends on it and on the sample alone, not on the other rows, so that the same
        integer gives the same labels.

    Attributes
    ----------
    classes_ : array (n_classes,)
    estimators_ : list of classifier
        The model of each class.
    n_features_in_ : int

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import pullback as pb
    >>> X, y = load_iris(return_X_y=True)
    >>> model = pb.train.OneVersusAllClassifier(pb.train.LogisticRegression(max_iter=500), random_state=0).fit(X, y)
    >>> model.claims(X[:1]).tolist(), model.predict(X[:1]).tolist()
    ([[True, False, False]], [0])
    """

    def __init__(self, estimator: Any, *, random_state: Any = None) -> None:
        self.estimator = estimator
        self.random_state = random_state

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None
    ) -> OneVersusAllClassifier:
        """Fit one model for each class.

        Parameters
        ----------
        X : array (n_samples, n_features)
        y : array (n_samples,)
            Labels.
        sample_weight : array (n_samples,), optional
            Passed on to the models.

        Raises
        ------
        ValueError
            For data that the models refuse.
        """
        X, y, weights = _checked(self, X, y, sample_weight)
        settings = {} if weights is None else {"sample_weight": weights}
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._seed = seed_of(self.random_state)
        # one class is claimed without a model
        several = range(len(self.classes_)) if len(self.classes_) > 1 else ()
        self.estimators_ = [
            clone(self.estimator).fit(X, (codes == c).astype(int), **settings) for c in several
        ]
        return self

    def claims(self, X: ArrayLike) -> Any:
        """Whether each class claims each sample, bool (n_samples, n_classes).

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        return from_host(self._claims(_rows(self, X)), X)

    def _claims(self, X: np.ndarray) -> np.ndarray:
        if not self.estimators_:
            return np.ones((len(X), 1), bool)
        return np.stack([model.predict(X) == 1 for model in self.estimators_], axis=1)

    def predict(self, X: ArrayLike) -> Any:
        """A label of each sample, drawn from the classes that claim it; the same for the same sample."""
        claimed = self._claims(_rows(self, X)).astype(float)
        rows = np.asarray(on_host(X))
        return from_host(self.classes_[decide(claimed, rows, self._seed)], X)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike = None) -> float:
        """The share of rows whose label is the predicted one."""
        return accuracy(self, X, y, sample_weight)

    # not called predict_proba, whose largest entry scikit-learn takes for the prediction
    def shares(self, X: ArrayLike) -> Any:
        """The probabilities of the draw (n_samples, n_classes): equal ones for the classes that claim a sample."""
        return from_host(self._shares(_rows(self, X)), X)

    def _shares(self, X: np.ndarray) -> np.ndarray:
        claimed = self._claims(X)
        claimed |= ~claimed.any(axis=1, keepdims=True)
        return claimed / claimed.sum(axis=1, keepdims=True)

    def sample(self, X: ArrayLike, *, random_state: Any = None) -> Any:
        """A label for each row, drawn anew; the same for the same `random_state`."""
        return from_host(self.classes_[draw(self._shares(_rows(self, X)), random_state)], X)
