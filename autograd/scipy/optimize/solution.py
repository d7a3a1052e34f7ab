"""SciPy's solutions as differentiable functions of all that their equations depend on.

A root, a minimum or a fit x̂ is found by SciPy on constants, and solves an equation R(x̂, p) = 0: the function
itself, the gradient, the gradient of a sum of squares. Its derivative is that of the equation (`solve/adjoint.py`),
taken at the x̂ that SciPy stopped at: as far from the exact one as its tolerance lets it be, so is the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.namespaces import namespace_of
from ...core.tracer_like import host_step
from ...core.typing import ArrayLike, Cotangent
from ...functions.creation import asarray
from ...pytree import tree
from ...solve.adjoint import hidden, implicit_solution, open_tapes
from ...solve.implicit.api import Linear, transposed_solve
from ..operands import constant, floating, host

Equation = Callable[[Any], Any]

INSTEAD = "pb.implicit.argmin (or pb.optim.minimize)"


def start_of(x0: ArrayLike, name: str, instead: str) -> Any:
    """x0 as a vector of NumPy's, without a derivative.

    Raises
    ------
    NotImplementedError
        For arrays of another library, and for complex ones.
    """
    # numbers and lists are NumPy's here, whatever backend is active
    start = floating(constant(x0) if hasattr(x0, "dtype") else np.asarray(host(x0, f"{name}: x0")))
    value = backend_array(start)
    if backend_of(value).name != "numpy":
        raise NotImplementedError(
            f"{name} of an array on device {str(start.device)!r}: SciPy's solver runs on the host; {instead} runs "
            "where the arrays are"
        )
    if is_complex(value.dtype):
        raise NotImplementedError(
            f"{name} of complex unknowns: give their real and imaginary parts; {instead} may take them"
        )
    return namespace_of(value).reshape(value, (-1,))


def bounds_of(bounds: Any, n: int) -> tuple[Any, Any, Any]:
    """The raw lower and upper bounds, for SciPy, and the bounds themselves, traced if they are."""
    if bounds is None:
        return (), None, None
    if hasattr(bounds, "lb"):
        low, high = bounds.lb, bounds.ub
    else:
        pairs = [tuple(pair) for pair in bounds]
        low = [-math.inf if a is None else a for a, _ in pairs]
        high = [math.inf if b is None else b for _, b in pairs]
    low, high = (generated.broadcast_to(floating(on_host(b)), (n,)) for b in (low, high))
    return (backend_array(low), backend_array(high)), low, high


def scipy_bounds(given: tuple[Any, ...]) -> Any:
    """SciPy's bounds of the raw ones, or None where there are none."""
    import scipy.optimize  # takes a fifth of a second

    if not given:
        return None
    return scipy.optimize.Bounds(*[np.asarray(b, dtype=np.float64) for b in given])


def on_host(x: ArrayLike) -> Any:
    """Numbers and lists of them as NumPy's arrays, whatever backend is active; arrays as they are."""
    leaves = tree.leaves(x) if isinstance(x, list | tuple) else [x]
    return x if any(hasattr(v, "dtype") for v in leaves) else np.asarray(x, dtype=np.float64)


def tapes_of(probe: Any) -> list[Any]:
    """The tapes that a function's value at the start lies on: those of what it depends on."""
    return open_tapes(probe)


def differentiable(x: Any, equation: Equation, tapes: list[Any], symmetric: bool) -> Array:
    """x̂ as a function of all that the equation depends on.

    Parameters
    ----------
    x
        The solution, a raw vector.
    equation : callable
        ``equation(x) -> R``, a vector.
    tapes : list
        Of what it depends on.
    symmetric : bool
        Whether its Jacobian is symmetric and positive definite, as a Hessian at a minimum is.
    """
    linear = Linear("auto-cg" if symmetric else "auto")

    def adjoint(ct: Cotangent, v: Any) -> Any:
        return transposed_solve(equation, v, ct, linear)

    return implicit_solution(x, lambda v: -equation(v), adjoint, tapes)


def within_bounds(gradient: Equation, low: Any, high: Any, x: Any) -> tuple[Equation, bool]:
    """The equation of a minimum within bounds, and whether it is that of one without.

    At an active bound, x_i − bound_i = 0; elsewhere the gradient is 0.
    """
    masks = host_step("active", _active, (), (x, backend_array(low), backend_array(high)))
    recorded = backend_of(masks[0]).recording
    if not recorded and not (masks[0].any() or masks[1].any()):
        return gradient, True

    def equation(v: Any) -> Any:
        v = asarray(v)
        out = gradient(v)
        for mask, bound in zip(masks, (low, high), strict=True):
            if recorded or mask.any():
                finite = generated.where(generated.isfinite(constant(bound)), bound, 0.0)
                out = generated.where(mask, v - finite, out)
        return out

    return equation, False


def _active(_: Any, operands: Any) -> tuple[Any, Any]:
    """Which of the bounds the solution lies on."""
    x, low, high = operands
    return _reached(x, low), _reached(x, high)


def _reached(x: np.ndarray, bound: np.ndarray) -> np.ndarray:
    finite = np.isfinite(bound)
    b = np.where(finite, bound, 0.0)
    return np.asarray(finite & (np.abs(x - b) <= 1e-8 * (1.0 + np.abs(b))))


__all__ = [
    "differentiable",
    "hidden",
    "on_host",
    "scipy_bounds",
    "start_of",
    "tapes_of",
    "within_bounds",
]
