"""Fixed points, differentiated by the fixed point of the adjoint: `fixed_point`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..differential_operators import make_vjp
from ..primitives import defvjp, primitive
from ..vector_spaces import vspace

__all__ = [
    "fixed_point",
]


@primitive
def fixed_point(
    f: Callable[[Any], Callable[[Any], Any]], a: Any, x0: Any, distance: Callable[[Any, Any], Any], tol: float
) -> Any:  # fmt: skip
    """The x with ``f(a)(x) = x``, by iteration from `x0` until ``distance(x, x_prev) <= tol``.

    Differentiable in `a`: with A = ∂f/∂x and B = ∂f/∂a at the solution, ā = Bᵀ u where u = x̄ + Aᵀ u is a fixed point
    again (Christianson, Reverse accumulation and attractive fixed points, 1994).

    Parameters
    ----------
    f : callable
        ``f(a)`` returns the function x ↦ x that is iterated.
    a
        What the solution is differentiated by: an array or a container of arrays.
    x0
        Where to begin.
    distance : callable
        Of two values.
    tol : float
        The distance at which to stop.
    """
    step = f(a)
    x, x_prev = step(x0), x0
    while distance(x, x_prev) > tol:
        x, x_prev = step(x), x
    return x


def _vjp(ans: Any, f: Any, a: Any, x0: Any, distance: Any, tol: float) -> Callable[[Any], Any]:
    def adjoint(params: Any) -> Callable[[Any], Any]:
        a, x_star, x_star_bar = params
        vjp_x, _ = make_vjp(f(a))(x_star)
        space = vspace(x_star)
        return lambda u: space.add(vjp_x(u), x_star_bar)

    vjp_a, _ = make_vjp(lambda a, x: f(a)(x))(a, ans)
    return lambda g: vjp_a(fixed_point(adjoint, (a, ans, g), vspace(x0).zeros(), distance, tol))


defvjp(fixed_point, None, _vjp, None)


def __dir__() -> list[str]:
    return sorted(__all__)
