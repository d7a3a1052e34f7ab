"""`pullback.scipy.integrate`: differential equations and integrals, with SciPy's signatures and solvers.

Derivatives are those of the exact solution: the adjoint equation, the fundamental theorem, and quadratures of
derivatives.

Examples
--------
>>> import numpy as np, pullback as pb
>>> from pullback.scipy.integrate import odeint
>>> t = np.linspace(0.0, 1.0, 5)
>>> round(pb.grad(lambda y0: odeint(lambda y, t: -y, [y0], t)[-1, 0])(1.0), 6)
0.367879
"""

from .initial_value import odeint, solve_ivp
from .quadrature import cumulative_trapezoid, fixed_quad, quad, romb, simpson, trapezoid

__all__ = [
    "cumulative_trapezoid", "fixed_quad", "odeint", "quad", "romb", "simpson", "solve_ivp", "trapezoid",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
