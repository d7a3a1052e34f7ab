"""Constraints as penalties whose value is 0 or ∞, with the projections as their proximal operators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd.core.dtypes import as_numpy, is_complex
from ...autograd.core.typing import Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from . import operators
from .base import Penalty, check_at_least
from .operators import number_like


def _indicator(inside: Any, x: Value) -> Any:
    """0 where a constraint holds, else ∞."""
    zero = xp.zeros_like(xp.sum(xp.real(x) if is_complex(x.dtype) else x))
    return xp.where(inside, zero, zero + math.inf)


def _slack(x: Value) -> float:
    """The distance from a constraint at which rounding may leave a point, relative to the size of the constraint."""
    return 64 * float(np.finfo(as_numpy(x.dtype)).eps) * max(1.0, math.prod(x.shape) ** 0.5)


@tree.register
@dataclass(frozen=True)
class Box(Penalty):
    """The constraint ``low ≤ x ≤ high``, whose value is 0 or ∞: `project_box`.

    Parameters
    ----------
    low, high : float or array, optional
        None for no bound.

    Examples
    --------
    >>> import pullback as pb
    >>> g = pb.optim.proximal.Box(0.0, 1.0)
    >>> g.prox(pb.asarray([-2.0, 0.5])), float(g(pb.asarray([-2.0, 0.5])))
    (Array([0. , 0.5], dtype=float64, device='cpu'), inf)
    """

    elementwise = True

    low: Any = None
    high: Any = None

    def value(self, x: Value) -> Any:
        """0, or ∞ outside."""
        return _indicator(xp.all(operators.project_box(x, self.low, self.high) == x), x)

    def operator(self, v: Value, step: Any) -> Any:
        """`project_box`, whatever the step."""
        return operators.project_box(v, self.low, self.high)


@tree.register
@dataclass(frozen=True)
class NonNegative(Penalty):
    """The constraint x ≥ 0: `project_nonnegative`.

    Examples
    --------
    >>> import pullback as pb
    >>> f = lambda x: pb.xp.sum((x - pb.xp.asarray([-1.0, 2.0])) ** 2)
    >>> pb.optim.minimize(f, pb.xp.ones(2), method="fista", prox=pb.optim.proximal.NonNegative()).x
    Array([0., 2.], dtype=float64, device='cpu')
    """

    elementwise = True

    def value(self, x: Value) -> Any:
        """0, or ∞ outside."""
        return _indicator(xp.all(x >= 0), x)

    def operator(self, v: Value, step: Any) -> Any:
        """`project_nonnegative`, whatever the step."""
        return operators.project_nonnegative(v)


@tree.register
@dataclass(frozen=True)
class Simplex(Penalty):
    """The constraint ``x ≥ 0, Σ x = total`` along the last axis: `project_simplex`.

    Parameters
    ----------
    total : float or array
        Positive.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.Simplex().prox(pb.asarray([0.5, 1.0, -1.0]))
    Array([0.25, 0.75, 0.  ], dtype=float64, device='cpu')
    """

    total: Any = 1.0

    def __post_init__(self) -> None:
        check_at_least("total", self.total, open=True)

    def value(self, x: Value) -> Any:
        """0, or ∞ outside, up to rounding."""
        total = number_like(self.total, x)
        near = xp.abs(xp.sum(x, axis=-1) - total) <= _slack(x) * abs(total)
        return _indicator(xp.all(x >= 0) & xp.all(near), x)

    def operator(self, v: Value, step: Any) -> Any:
        """`project_simplex`, whatever the step."""
        return operators.project_simplex(v, self.total)


@tree.register
@dataclass(frozen=True)
class L2Ball(Penalty):
    """The constraint ``‖x‖₂ ≤ radius``: `project_l2_ball`.

    Parameters
    ----------
    radius : float or array
        ≥ 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.L2Ball(1.0).prox(pb.asarray([3.0, 4.0]))
    Array([0.6, 0.8], dtype=float64, device='cpu')
    """

    radius: Any = 1.0

    def __post_init__(self) -> None:
        check_at_least("radius", self.radius)

    def value(self, x: Value) -> Any:
        """0, or ∞ outside, up to rounding."""
        radius = number_like(self.radius, x)
        return _indicator(xp.linalg.vector_norm(x) <= radius * (1 + _slack(x)), x)

    def operator(self, v: Value, step: Any) -> Any:
        """`project_l2_ball`, whatever the step."""
        return operators.project_l2_ball(v, self.radius)
