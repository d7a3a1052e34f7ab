"""The features that a network may be given of a point of the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...autograd import namespace as xp


@dataclass(frozen=True)
class Feature:
    """A feature: how it is written, how it is said, and its value.

    Attributes
    ----------
    symbol : str
    words : str
    value : callable
        Of the two coordinates.
    """

    symbol: str
    words: str
    value: Callable[[Any, Any], Any]


FEATURES: dict[str, Feature] = {
    "x1": Feature("x₁", "x one", lambda a, b: a),
    "x2": Feature("x₂", "x two", lambda a, b: b),
    "x1^2": Feature("x₁²", "x one squared", lambda a, b: a * a),
    "x2^2": Feature("x₂²", "x two squared", lambda a, b: b * b),
    "x1x2": Feature("x₁x₂", "x one times x two", lambda a, b: a * b),
    "sin(x1)": Feature("sin x₁", "sine of x one", lambda a, b: xp.sin(a)),
    "sin(x2)": Feature("sin x₂", "sine of x two", lambda a, b: xp.sin(b)),
}
"""The features by name, in the order of the page."""


def columns(X: Any, names: Sequence[str]) -> Any:
    """The features of points.

    Parameters
    ----------
    X : array (points, 2)
    names : sequence of str
        Of `FEATURES`, one or more.

    Returns
    -------
    Array (points, len(names))

    Examples
    --------
    >>> import pullback as pb
    >>> columns(pb.xp.asarray([[2.0, 3.0]]), ["x1", "x1x2"])
    Array([[2., 6.]], dtype=float64, device='cpu')
    """
    X = xp.asarray(X)
    a, b = X[:, 0], X[:, 1]
    return xp.stack([FEATURES[name].value(a, b) for name in names], axis=1)
