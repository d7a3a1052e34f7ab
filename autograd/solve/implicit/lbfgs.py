"""L-BFGS: the inverse Hessian that pairs of steps and changes of the gradient describe, on flat real vectors.

Sources: Liu and Nocedal, On the limited memory BFGS method, 1989; Nocedal and Wright, Numerical optimization, 2006,
algorithm 7.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

NAME = "l-bfgs"
"""What the method is called, as SciPy's L-BFGS-B is written."""


def method_name(method: Any) -> Any:
    """A method as it was asked for, L-BFGS as `NAME` where it is in scikit-learn's spelling, "lbfgs"."""
    return NAME if method == "lbfgs" else method


class Pair(NamedTuple):
    """A step s with the change y of the gradient along it, and the numbers sᵀy and sᵀy / yᵀy."""

    step: Any
    change: Any
    curvature: float
    scale: float


def pair_of(step: Any, change: Any, sy: float, ss: float, yy: float) -> Pair | None:
    """The pair with sᵀy, sᵀs and yᵀy given, or None where ``sᵀy ≤ 1e−10 ‖s‖ ‖y‖``: H would not stay positive."""
    if yy > 0 and sy > 1e-10 * yy**0.5 * ss**0.5:
        return Pair(step, change, sy, sy / yy)
    return None


def inverse_times(pairs: Sequence[Pair], g: Any) -> Any:
    """H g by the two-loop recursion over pairs, the oldest first; its numbers stay on the device."""
    shares = []
    for s, y, sy, _ in reversed(pairs):
        share = (s @ g) / sy
        shares.append(share)
        g = g - y * share
    if pairs:
        g = g * pairs[-1].scale
    for (s, y, sy, _), share in zip(pairs, reversed(shares), strict=True):
        g = g + s * (share - (y @ g) / sy)
    return g
