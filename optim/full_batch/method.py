"""Parts that the full-batch methods share: a method is a generator of points.

The first is the start, given back once the options are checked; finding no other, it raises `SearchError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .line import Line, SearchError
from .line_search import Search
from .problem import Point, Problem

Method = Callable[[Problem, Point, Search, dict[str, Any]], Iterator[Point]]


def taken(problem: Problem, point: Point, direction: Any, search: Search, first: float) -> Point:
    """The point that a line search leads to.

    Raises
    ------
    SearchError
        If it finds none, or the objective is not finite there.
    """
    line = Line(problem, point, direction)
    found = line.point(search(line, first))
    if not (math.isfinite(found.f) and math.isfinite(found.norm)):
        raise SearchError(
            f"the objective or its gradient is not finite after a step of {found.step:.3g}: a smaller step is needed"
        )
    return found


def setting(options: dict[str, Any], name: str, default: Any) -> Any:
    """Take an option out; what is left over at the end nobody knows."""
    return options.pop(name, default)


def positive(name: str, value: Any) -> float:
    """An option that is a length.

    Raises
    ------
    ValueError
        Unless it is positive and finite.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r}: it has to be positive and finite")
    return float(value)


def require_integer(name: str, value: Any) -> int:
    """An option that is a number of things.

    Raises
    ------
    ValueError
        Unless it is an integer ≥ 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name}={value!r}: an integer ≥ 1 is needed")
    return int(value)


def no_more(options: dict[str, Any], method: str) -> None:
    """Refuse options that a method does not know.

    Raises
    ------
    ValueError
        If there are any left.
    """
    if options:
        own = [name for name in ("maxiter", "gtol", "ftol") if name in options]
        advice = (
            f"; write minimize(…, {own[0]}={options[own[0]]!r}), outside of options" if own else ""
        )
        raise ValueError(
            f"minimize: method {method!r} has no option {', '.join(map(repr, options))}{advice}"
        )
