"""Penalties, constraints and their proximal operators, ``prox(v) = argmin_x ½ ‖x − v‖² + step · g(x)``.

A penalty is a record: ``g(x)`` is its value on an array or a pytree of arrays, ``g.prox(v, step)`` its operator.
`minimize` takes one for ``method="fista"`` and ``"ista"``, `Proximal` for steps of a first-order method. The operators
by themselves are functions: `soft_threshold`, `project_simplex`, …. Each is differentiable in its point, its step and
its parameters.

Source: Parikh, Boyd, Proximal algorithms, 2014.
"""

from .base import Penalty
from .constraints import Box, L2Ball, NonNegative, Simplex
from .operators import (
    block_soft_threshold,
    project_box,
    project_l2_ball,
    project_nonnegative,
    project_simplex,
    singular_value_threshold,
    soft_threshold,
)
from .penalties import L1, ElasticNet, GroupLasso, L2Norm, NuclearNorm, Separable, SquaredL2

__all__ = [
    "L1",
    "Box",
    "ElasticNet",
    "GroupLasso",
    "L2Ball",
    "L2Norm",
    "NonNegative",
    "NuclearNorm",
    "Penalty",
    "Separable",
    "Simplex",
    "SquaredL2",
    "block_soft_threshold",
    "project_box",
    "project_l2_ball",
    "project_nonnegative",
    "project_simplex",
    "singular_value_threshold",
    "soft_threshold",
]


def __dir__() -> list[str]:
    return sorted(__all__)
