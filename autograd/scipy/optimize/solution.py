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
from ...core.typing import ArrayLike, Cotangent
from ...functions.creation import asarray
from ...pytree import tree
from ...solve.adjoint import hidden, implicit_solution, open_tapes
from ...solve.implicit.api import Linear, transposed_solve
from ..operands import constant, floating, host

Equation = Callable[[Any], Any]

INSTEAD = "pb.implicit.argmin (or pb.optim.minimize)"


def start_of(x0: ArrayLike, name: str, instead: str) -> np.ndarray:
    """x0 as a vector of NumPy's, without a derivative.

    Raises
    ------
    NotImplementedError
        For arrays of another library, for complex ones, and inside `pb.compile`.
    """
    # numbers and lists are NumPy's here, whatever backend is active
    start = floating(constant(x0) if hasattr(x0, "dtype") else np.asarray(host(x0, f"{name}: x0")))
    value = backend_array(start)
    if backend_of(value).recording:
        raise NotImplementedError(
            f"{name} inside pb.compile: how many steps it takes depends on values; compile the function that it calls"
        )
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(
            f"{name} of an array on device {str(start.device)!r}: SciPy's solver runs on the host; {instead} runs "
            "where the arrays are"
        )
    if is_complex(value.dtype):
        raise NotImplementedError(
            f"{name} of complex unknowns: give their real and imaginary parts; {instead} may take them"
        )
    return np.atleast_1d(value).reshape(-1)


def bounds_of(bounds: Any, n: int) -> tuple[Any, Any, Any]:
    """SciPy's bounds of constants, and the lower and upper ones, traced if they are."""
    if bounds is None:
        return None, None, None
    if hasattr(bounds, "lb"):
        low, high = bounds.lb, bounds.ub
    else:
        pairs = [tuple(pair) for pair in bounds]
        low = [-math.inf if a is None else a for a, _ in pairs]
        high = [math.inf if b is None else b for _, b in pairs]
    low, high = (generated.broadcast_to(floating(on_host(b)), (n,)) for b in (low, high))
    import scipy.optimize  # takes a fifth of a second

    constants = [np.asarray(backend_array(b), dtype=np.float64) for b in (low, high)]
    return scipy.optimize.Bounds(*constants), low, high


def on_host(x: ArrayLike) -> Any:
    """Numbers and lists of them as NumPy's arrays, whatever backend is active; arrays as they are."""
    leaves = tree.leaves(x) if isinstance(x, list | tuple) else [x]
    return x if any(hasattr(v, "dtype") for v in leaves) else np.asarray(x, dtype=np.float64)


def host_function(f: Callable[..., Any], dtype: Any) -> Callable[[Any], Any]:
    """`f` of an `Array` as a function of NumPy's arrays, copied, in the precision of the unknowns."""

    def call(x: Any) -> Any:
        return np.asarray(backend_array(f(Array(np.array(x, dtype=dtype)))), dtype=np.float64)

    return call


def tapes_of(probe: Any) -> list[Any]:
    """The tapes that a function's value at the start lies on: those of what it depends on."""
    return open_tapes(probe)


def differentiable(x: np.ndarray, equation: Equation, tapes: list[Any], symmetric: bool) -> Array:
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


def within_bounds(gradient: Equation, low: Any, high: Any, x: np.ndarray) -> tuple[Equation, bool]:
    """The equation of a minimum within bounds, and whether it is that of one without.

    At an active bound, x_i − bound_i = 0; elsewhere the gradient is 0.
    """
    at_low, at_high = (_active(x, b) for b in (low, high))
    if not (at_low.any() or at_high.any()):
        return gradient, True

    def equation(v: Any) -> Any:
        v = asarray(v)
        out = gradient(v)
        for mask, bound in ((at_low, low), (at_high, high)):
            if mask.any():
                finite = generated.where(np.isfinite(_host(bound, x)), bound, 0.0)
                out = generated.where(mask, v - finite, out)
        return out

    return equation, False


def _host(bound: Any, x: np.ndarray) -> np.ndarray:
    return np.broadcast_to(
        np.asarray(backend_array(asarray(on_host(bound))), dtype=np.float64), x.shape
    )


def _active(x: np.ndarray, bound: Any) -> np.ndarray:
    b = _host(bound, x)
    finite = np.isfinite(b)
    b = np.where(finite, b, 0.0)
    return finite & (np.abs(x - b) <= 1e-8 * (1.0 + np.abs(b)))


__all__ = [
    "differentiable",
    "hidden",
    "host_function",
    "on_host",
    "start_of",
    "tapes_of",
    "within_bounds",
]
