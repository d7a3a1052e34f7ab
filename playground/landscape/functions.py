"""Functions of two variables on which optimisers are compared since they were invented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TestFunction:
    """A function of an array (2,), and where one looks at it.

    Parameters
    ----------
    title : str
        What it is called.
    formula : str
        As it is written.
    f : callable
        ``f(w)``, w an array (2,).
    start : tuple of float
        Where a path begins unless one says otherwise.
    extent : tuple of float
        Left, right, bottom and top of what is drawn.
    minima : tuple of pairs
        Where its local minima are; empty where it has none.
    rates : tuple of float
        Learning rates that show something: for gradient steps, and for Adagrad, RMSprop and Adam.
    about : str
        What one sees on it.
    """

    title: str
    formula: str
    f: Callable[[Any], Any]
    start: tuple[float, float]
    extent: tuple[float, float, float, float]
    minima: tuple[tuple[float, float], ...]
    rates: tuple[float, float]
    about: str


def rosenbrock(w: Any) -> Any:
    """``(1 − x)² + 100 (y − x²)²`` (Rosenbrock, 1960)."""
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def himmelblau(w: Any) -> Any:
    """``(x² + y − 11)² + (x + y² − 7)²`` (Himmelblau, 1972)."""
    return (w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2


def saddle(w: Any) -> Any:
    """``x²/2 + y⁴/4 − y²/2``: a saddle point at the origin between two minima."""
    return w[0] ** 2 / 2 + w[1] ** 4 / 4 - w[1] ** 2 / 2


def quadratic(w: Any) -> Any:
    """``(x² + 25 y²)/2``, whose Hessian has the condition number 25."""
    return (w[0] ** 2 + 25 * w[1] ** 2) / 2


FUNCTIONS: dict[str, TestFunction] = {
    "rosenbrock": TestFunction(
        "Rosenbrock's banana",
        "(1 − x)² + 100 (y − x²)²",
        rosenbrock,
        (-1.2, 1.0),
        (-2.0, 2.0, -1.0, 3.0),
        ((1.0, 1.0),),
        (0.001, 0.1),
        "A curved valley: every method soon reaches its floor; few get far along it.",
    ),
    "himmelblau": TestFunction(
        "Himmelblau's function",
        "(x² + y − 11)² + (x + y² − 7)²",
        himmelblau,
        (-0.3, -1.0),
        (-6.0, 6.0, -6.0, 6.0),
        ((3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)),
        (0.01, 0.3),
        "Four minima of the same depth: where a path ends depends on the start and on the method.",
    ),
    "saddle": TestFunction(
        "A saddle point",
        "x²/2 + y⁴/4 − y²/2",
        saddle,
        (1.8, 0.001),
        (-2.0, 2.0, -2.0, 2.0),
        ((0.0, 1.0), (0.0, -1.0)),
        (0.1, 0.1),
        "The gradient is zero at the origin, which is not a minimum: first-order methods stay near it for long.",
    ),
    "quadratic": TestFunction(
        "Ill-conditioned quadratic",
        "(x² + 25 y²)/2",
        quadratic,
        (-9.0, 1.5),
        (-10.0, 10.0, -10.0, 10.0),
        ((0.0, 0.0),),
        (0.03, 0.3),
        "25 times steeper in one direction: a step that is short enough for it is too short for the other.",
    ),
}
