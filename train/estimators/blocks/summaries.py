"""What one pass over the blocks of Dask arrays tells: classes and their weights, a triangular factor, scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....backend import backend_of
from ..labels import encode, weights_by_class
from .rows import Rows, host

# How many triangular factors become one at a time.
_FACTORS = 8


def check_block(x: Any, weights: Any = None) -> None:
    """Refuse a block that holds NaN or infinities, or weights that are negative.

    Raises
    ------
    ValueError
        Where the block is; Dask raises it again where the result is waited for.
    """
    namespace = backend_of(x).xp
    if not bool(namespace.all(namespace.isfinite(x))):
        raise ValueError("Input X contains NaN or infinity")
    if weights is not None:
        own = host(weights)
        if not np.isfinite(own).all():
            raise ValueError("Input sample_weight contains NaN or infinity")
        if (own < 0).any():
            raise ValueError("Negative values in data passed to `sample_weight`")


# ── classes ───────────────────────────────────────────────────────────────────────────────────


def _labels(x: Any, y: Any, weights: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The labels of a block, and the weight of each."""
    check_block(x, weights)
    labels, codes = np.unique(host(y), return_inverse=True)
    share = None if weights is None else host(weights).astype(float)
    return labels, np.bincount(codes.reshape(-1), weights=share, minlength=len(labels))


@dataclass(frozen=True)
class Labelled:
    """Rows whose labels are told by their numbers.

    Attributes
    ----------
    rows : Rows
        ``y`` holds the index of each row's class, ``weights`` the product of the weights of class and row.
    classes : array (n_classes,)
    total : float
        The sum of the weights.
    """

    rows: Rows
    classes: np.ndarray
    total: float


def labelled(rows: Rows, class_weight: Any, known: np.ndarray | None = None) -> Labelled:
    """Classes and weights, by one pass over the data.

    Parameters
    ----------
    rows : Rows
    class_weight : dict, "balanced" or None
        As for `combined_weights`.
    known : array, optional
        The classes; else they are those that are found.

    Raises
    ------
    ValueError
        For NaN, infinities and negative weights; if y holds no labels, or some that are not known; for weights that are
        all 0.
    """
    if rows.y.ndim == 2:
        if rows.y.shape[1] != 1:
            raise ValueError(
                f"y should be a 1d array, got an array of shape {rows.y.shape} instead."
            )
        rows = Rows(rows.X, rows.y[:, 0], rows.weights)
    found = rows.summaries(_labels)
    present, _ = encode(np.unique(np.concatenate([labels for labels, _ in found])))
    classes, numbers = (
        (present, np.arange(len(present))) if known is None else encode(present, known)
    )
    counts = np.zeros(len(classes))
    for labels, weights in found:
        np.add.at(counts, numbers[np.searchsorted(present, labels)], weights)
    if not counts.any():
        raise ValueError("sample_weight: all weights are 0; at least one has to be positive")
    codes = rows.y.map_blocks(_Code(present, numbers), dtype=np.int64)
    if class_weight is None:
        return Labelled(Rows(rows.X, codes, rows.weights), classes, float(counts.sum()))
    by_class = weights_by_class(class_weight, classes, counts)
    total = float(by_class @ counts)
    if not total > 0:
        raise ValueError(
            f"class_weight={class_weight!r}: no sample has a weight above 0; give one to a class of y"
        )
    own = codes.map_blocks(_Take(by_class), dtype=np.float64)
    weights = own if rows.weights is None else own * rows.weights
    return Labelled(Rows(rows.X, codes, weights), classes, total)


@dataclass(frozen=True)
class _Code:
    """The number of each label among the classes."""

    present: np.ndarray
    numbers: np.ndarray

    def __call__(self, y: Any) -> np.ndarray:
        return self.numbers[np.searchsorted(self.present, host(y))]


@dataclass(frozen=True)
class _Take:
    """An element for each number."""

    values: np.ndarray

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        return self.values[codes]


# ── least squares ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Factored:
    """A least squares problem of d + k rows with the same solution, norms and products as that of n rows.

    Attributes
    ----------
    A : array (d + k, d)
        With Aᵀ A = Xᵀ X of the centred X, its rows times √weight.
    targets : array (d + k, k)
    x_mean, y_mean : array
    total : float
        The sum of the weights; the number of rows where there are none.
    """

    A: np.ndarray
    targets: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    total: float


def factored(rows: Rows, fit_intercept: bool) -> Factored:
    """The triangular factor of ``[1, X, y]``, by one pass: of each block, then of factors on one another.

    The columns of R after the first are those of the centred data, orthogonal as it is to the ones. No squares are
    formed: the solution has the accuracy of one by the QR factors of X (Demmel et al., Communication-optimal parallel
    and sequential QR and LU factorizations, 2012).

    Raises
    ------
    ValueError
        For NaN, infinities, negative weights, or weights that are all 0.
    """
    d, k = rows.X.shape[1], 1 if rows.y.ndim == 1 else rows.y.shape[1]
    m = 1 + d + k
    stack = rows.over_blocks(_Factor(fit_intercept), m, height=m, dtype=rows.X.dtype)
    while stack.numblocks[0] > 1:
        count = -(-stack.numblocks[0] // _FACTORS)
        stack = stack.rechunk({0: _FACTORS * m}).map_blocks(
            _triangle, chunks=((m,) * count, (m,)), dtype=rows.X.dtype
        )
    R = stack.compute()
    root = abs(float(R[0, 0]))
    if root == 0:
        raise ValueError("sample_weight: all weights are 0; at least one has to be positive")
    own, top = R[1:, 1:], R[0, 1:] / R[0, 0]
    means = top if fit_intercept else np.zeros_like(top)
    return Factored(own[:, :d], own[:, d:], means[:d], means[d:], root * root)


@dataclass(frozen=True)
class _Factor:
    """R (m, m) of a block's ``[√w, √w X, √w y]``; without an intercept the first column is apart from the others."""

    fit_intercept: bool

    def __call__(self, x: Any, y: Any, weights: Any = None) -> np.ndarray:
        check_block(x, weights)
        # a block of a device is worked on there
        there = backend_of(x)
        y = there.asarray(y, x.dtype) if isinstance(y, np.ndarray) else there.xp.astype(y, x.dtype)
        y = there.xp.reshape(y, (x.shape[0], 1 if y.ndim == 1 else y.shape[1]))
        if not bool(there.xp.all(there.xp.isfinite(y))):
            raise ValueError("Input y contains NaN or infinity")
        root = np.ones((x.shape[0], 1)) if weights is None else np.sqrt(host(weights))[:, None]
        norm = float(np.linalg.norm(root))
        root = there.asarray(root, x.dtype)
        whole = there.xp.concat([root, x * root, y * root], axis=1)
        if self.fit_intercept:
            return _triangle(whole)
        # a row of its own holds the norm of the weights, and nothing else is orthogonal to it
        own = _triangle(whole[:, 1:])
        out = np.zeros((whole.shape[1],) * 2, own.dtype)
        out[0, 0], out[1:, 1:] = norm, own
        return out


def _triangle(stack: Any) -> np.ndarray:
    """The square triangular factor of a matrix, on the host."""
    m = stack.shape[1]
    if isinstance(stack, np.ndarray):
        R: np.ndarray = np.asarray(np.linalg.qr(stack, mode="r"))
    else:
        R = host(backend_of(stack).xp.linalg.qr(stack)[1])
    return R if len(R) == m else np.concatenate([R, np.zeros((m - len(R), m), R.dtype)])


@dataclass(frozen=True)
class Checked:
    """Rows of numbers that one pass found finite.

    Attributes
    ----------
    least : float
        The smallest target.
    total : float
        The sum of the weights; the number of rows where there are none.
    """

    least: float
    total: float


def checked(rows: Rows) -> Checked:
    """Look at all numbers once.

    Raises
    ------
    ValueError
        For NaN, infinities, negative weights, or weights that are all 0.
    """
    found = rows.summaries(_numbers)
    total = sum(weight for _, weight in found)
    if total == 0:
        raise ValueError("sample_weight: all weights are 0; at least one has to be positive")
    return Checked(min(least for least, _ in found), total)


def _numbers(x: Any, y: Any, weights: Any = None) -> tuple[float, float]:
    check_block(x, weights)
    targets = host(y).astype(float)
    if not np.isfinite(targets).all():
        raise ValueError("Input y contains NaN or infinity")
    total = float(len(targets) if weights is None else host(weights).sum())
    return float(targets.min(initial=np.inf)), total


# ── scores ────────────────────────────────────────────────────────────────────────────────────


def accuracy_over(rows: Rows) -> float:
    """The weighted share of rows whose prediction, in place of X, is their label."""
    return accuracy_of(rows.summaries(right_in))


def accuracy_of(found: list[tuple[float, float]]) -> float:
    """What `right_in` counted in each block, taken together."""
    return sum(right for right, _ in found) / sum(total for _, total in found)


def right_in(predicted: Any, y: Any, weights: Any = None) -> tuple[float, float]:
    """The weights of the rows of a block whose prediction is their label, and of all."""
    same = (_columns(predicted) == _columns(y)).all(axis=1)
    w = np.ones(len(same)) if weights is None else host(weights).astype(float)
    return float(w @ same), float(w.sum())


def _columns(x: Any) -> np.ndarray:
    """A block as a matrix, of no rows too."""
    x = host(x)
    return x if x.ndim == 2 else x[:, None]


def r_squared_over(rows: Rows) -> float:
    """R² of predictions, in place of X."""
    return r_squared_of(rows.summaries(moments_of))


def r_squared_of(found: list[tuple[Any, ...]]) -> float:
    """R² by the moments of blocks, the mean over targets; of a constant target 1 where it is met, else 0."""
    total, mean, spread, errors = 0.0, np.zeros(1), np.zeros(1), np.zeros(1)
    for w, m, s, e in found:
        if w == 0:
            continue
        # means and spreads of two parts make those of both (Chan, Golub, LeVeque, 1983)
        moved, both = m - mean, total + w
        spread = spread + s + moved**2 * (total * w / both)
        mean, total, errors = mean + moved * (w / both), both, errors + e
    safe = np.where(spread > 0, spread, 1.0)
    return float(np.mean(np.where(spread > 0, 1 - errors / safe, np.where(errors > 0, 0.0, 1.0))))


def moments_of(predicted: Any, y: Any, weights: Any = None) -> tuple[Any, ...]:
    """Sum of weights, mean and spread of the targets, and squared errors of a block's predictions."""
    t, p = _columns(y).astype(float), _columns(predicted).astype(float)
    w = np.ones(len(t)) if weights is None else host(weights).astype(float)
    total = float(w.sum())
    mean = w @ t / (total or 1.0)
    return total, mean, w @ (t - mean) ** 2, w @ (t - p) ** 2
