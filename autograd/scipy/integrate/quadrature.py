"""Integrals: of functions by adaptive quadrature, and of sampled values by trapezoids and Simpson's rule.

I = ∫_a^b f(x, p) dx has ∂I/∂b = f(b, p), ∂I/∂a = −f(a, p) and ∂I/∂p = ∫_a^b ∂f/∂p dx, by the same quadrature of
vectors; as that is an integral itself, there are derivatives of every order. Infinite limits have none.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array, is_traced
from ...core.generated import xp as generated
from ...core.tracer_like import Callee, host_step
from ...core.typing import ArrayLike
from ...functions.creation import asarray, zeros_on_device_of
from ...functions.utility import diff
from ...functions.utility import trapezoid as our_trapezoid
from ...pytree import tree
from ...transforms.custom_vjp import custom_vjp
from ...transforms.vjp import vjp
from ..closures import converted, refuse_traced
from ..operands import floating, floating_arrays
from .probe import recorded_probe

# ── functions ─────────────────────────────────────────────────────────────────────────────────


def _integral(
    f: Callable[..., Any],
    a: Any,
    b: Any,
    leaves: Any,
    settings: dict[str, Any],
    errors: list[float],
) -> Array:
    """∫_a^b f(x, leaves) dx of a function that returns vectors (n,), differentiable in a, b and leaves."""

    def values(a: Any, b: Any, leaves: Any) -> Any:
        return Array(_computed(f, a, b, leaves, settings, errors))

    def forward(a: Any, b: Any, leaves: Any) -> Any:
        return _integral(f, a, b, leaves, settings, errors), (a, b, leaves)

    def backward(residuals: Any, ct: Any) -> Any:
        a, b, leaves = residuals
        ends: list[Any] = []
        for end, sign in ((a, -1.0), (b, 1.0)):
            ends.append(_end(f, end, leaves, sign * ct))
        if not leaves:
            return (*ends, ())

        def of_leaves(x: Any, given: Any) -> Any:
            leaves, ct = given
            _, pull = vjp(lambda leaves: f(x, leaves), leaves)
            (bars,) = pull(ct)
            return generated.concat([generated.reshape(asarray(v), (-1,)) for v in bars])

        flat = _integral(of_leaves, a, b, (leaves, ct), settings, [])
        bars, start = [], 0
        for leaf in leaves if isinstance(leaves, tuple) else tree.leaves(leaves):
            parts = []
            for part in tree.leaves(leaf):
                size = int(part.size)
                parts.append(generated.reshape(flat[start : start + size], part.shape))
                start += size
            bars.append(tree.unflatten(tree.flatten(leaf)[1], parts))
        return (*ends, tuple(bars))

    differentiable = custom_vjp(values)
    differentiable.name = "quad"
    differentiable.defvjp(forward, backward)
    return differentiable(a, b, leaves)


def _end(f: Any, end: Any, leaves: Any, ct: Any) -> Any:
    """The cotangent of a limit, None for an infinite one; of a limit that is being recorded, 0 where it is infinite."""
    value = backend_array(end)
    if not backend_of(value).recording:
        return generated.sum(ct * f(end, leaves)) if math.isfinite(float(value)) else None
    finite = generated.isfinite(Array(value))
    slope = f(generated.where(finite, end, 0.0), leaves)
    return generated.where(finite, generated.sum(ct * slope), 0.0)


def _computed(
    f: Any, a: Any, b: Any, leaves: Any, settings: dict[str, Any], errors: list[float]
) -> Any:
    """The values by SciPy, for NumPy's arrays; inside `pb.compile` one step of the program."""
    like = backend_array(a)
    arrays = [backend_array(v) for v in (a, b, *tree.leaves(leaves)) if hasattr(v, "dtype")]
    elsewhere = next((v for v in arrays if backend_of(v).name != "numpy"), None)
    if elsewhere is not None:
        raise NotImplementedError(
            f"quad of an array on device {str(elsewhere.device)!r}: SciPy integrates on the host; evaluate the "
            "function at nodes, as an array, and use trapezoid or simpson"
        )
    dtype = np.dtype(like.dtype)

    def integrand(x: Any) -> Any:
        out = f(Array(x), leaves)
        refuse_traced(out, "quad", "the integrand")
        return backend_array(asarray(out))

    limits = backend_array(a), backend_array(b)
    run = functools.partial(_by_scipy, settings, dtype)
    called = [Callee(integrand, (np.zeros((), dtype),))]
    value, error = host_step("quad", run, called, (*limits, recorded_probe(integrand, limits[0])))
    errors.append(error)
    return value


def _by_scipy(
    settings: dict[str, Any], dtype: Any, called: Any, operands: Any
) -> tuple[Any, float]:
    """The integral of vectors, and SciPy's estimate of its error."""
    import scipy.integrate  # takes a tenth of a second

    (integrand,) = called
    low, high = (float(v) for v in operands[:2])

    def call(x: Any) -> Any:
        return np.asarray(integrand(np.asarray(x, dtype=dtype)), dtype=np.float64)

    size = call(
        0.5 * (low + high)
        if math.isfinite(low + high)
        else (low if math.isfinite(low) else high if math.isfinite(high) else 0.0)
    ).size
    if size == 1:
        value, error, *_ = scipy.integrate.quad(lambda x: call(x).item(), low, high, **settings)
        return np.asarray([value], dtype=dtype), error
    value, error = scipy.integrate.quad_vec(
        call, low, high, epsabs=settings["epsabs"], epsrel=settings["epsrel"], points=settings.get("points"), norm="max"
    )  # fmt: skip
    return np.asarray(value, dtype=dtype), float(error)


def quad(
    func: Callable[..., Any],
    a: Any,
    b: Any,
    args: Any = (),
    full_output: int = 0,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int = 50,
    points: Any = None,
    weight: Any = None,
    wvar: Any = None,
    wopts: Any = None,
    maxp1: int = 50,
    limlst: int = 50,
    complex_func: bool = False,
) -> tuple[Array, float]:
    """``∫_a^b func(x, *args) dx`` by `scipy.integrate.quad`, and an estimate of its error.

    Parameters
    ----------
    func : callable
        Returns one real number.
    a, b
        The limits; ±∞ too.
    args : tuple
        Parameters: numbers, arrays or pytrees.
    epsabs, epsrel, limit, points
        As SciPy's; the tolerances hold for the derivatives by parameters too.
    full_output, weight, wvar, wopts, maxp1, limlst, complex_func
        Only as they are by default.

    Returns
    -------
    (Array, float)

    Notes
    -----
    Differentiable to any order in the limits, where they are finite, in args and in what func closes over.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.integrate import quad
    >>> f = lambda p, b: quad(lambda x: pb.xp.exp(-p * x), 0.0, b)[0]
    >>> np.round(pb.grad(f)(np.asarray(1.0), np.inf), 9)
    np.float64(-1.0)
    >>> np.round(pb.grad(f, argnums=1)(np.asarray(1.0), np.asarray(2.0)), 9)
    np.float64(0.135335283)
    """
    if (
        full_output
        or weight is not None
        or complex_func
        or (maxp1, limlst) != (50, 50)
        or wvar is not None
        or wopts is not None
    ):
        raise NotImplementedError(
            "quad: weight, full_output, complex_func and their settings are not there; multiply the weight into "
            "the integrand"
        )
    args = args if isinstance(args, tuple) else (args,)
    arg_leaves, arg_spec = tree.flatten(args)
    traced = [i for i, leaf in enumerate(arg_leaves) if is_traced(leaf)]
    rebuild, extras = converted(func)
    leaves = (*(arg_leaves[i] for i in traced), *extras)

    def integrand(x: Any, leaves: Any) -> Any:
        given = list(arg_leaves)
        for i, leaf in zip(traced, leaves, strict=False):
            given[i] = leaf
        out = floating(rebuild(list(leaves[len(traced) :]))(x, *tree.unflatten(arg_spec, given)))
        if out.size != 1:
            raise ValueError(
                f"quad: the integrand returns an array of shape {out.shape}; one number is wanted"
            )
        return generated.reshape(out, (1,))

    a, b = (
        v if hasattr(v, "dtype") else np.asarray(float(v)) for v in (a, b)
    )  # numbers are NumPy's here
    a, b = floating_arrays(a, b)
    errors: list[float] = []
    settings = {"epsabs": epsabs, "epsrel": epsrel, "limit": limit}
    if points is not None:
        settings["points"] = points
    out = _integral(integrand, a, b, leaves, settings, errors)
    return generated.reshape(out, ()), errors[0] if errors else math.nan


def fixed_quad(
    func: Callable[..., Any], a: Any, b: Any, args: Any = (), n: int = 5
) -> tuple[Array, None]:
    """``∫_a^b func(x, *args) dx`` by Gauss' rule with n nodes; func takes a vector of them."""
    rule = np.polynomial.legendre.leggauss(n)
    a, b, nodes, weights = floating_arrays(a, b, *(v.tolist() for v in rule))
    half = 0.5 * (b - a)
    values = asarray(func(half * (nodes + 1.0) + a, *args))
    return half * generated.sum(weights * values, axis=-1), None


# ── sampled values ────────────────────────────────────────────────────────────────────────────


def trapezoid(y: ArrayLike, x: ArrayLike = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """``Σ_i (x_{i+1} − x_i)(y_i + y_{i+1})/2`` along an axis.

    Examples
    --------
    >>> from pullback.scipy.integrate import trapezoid
    >>> trapezoid([0.0, 1.0, 4.0], dx=0.5)
    Array(1.5, dtype=float64, device='cpu')
    """
    if x is None:
        (y,) = floating_arrays(y)
        return our_trapezoid(y, dx=dx, axis=axis)
    y, x = floating_arrays(y, x)
    return our_trapezoid(y, x, axis=axis)


def _steps(y: Array, x: Any, dx: Any, axis: int) -> Any:
    """The distances of the samples, as what multiplies differences of y along the last axis."""
    if x is None:
        return dx
    steps = diff(x, axis=-1 if x.ndim == 1 else axis)
    return steps if x.ndim == 1 else generated.moveaxis(steps, axis, -1)


def cumulative_trapezoid(
    y: ArrayLike, x: ArrayLike = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Array:
    """The integral up to each sample by trapezoids; with ``initial=0`` one more, for the first.

    Examples
    --------
    >>> from pullback.scipy.integrate import cumulative_trapezoid
    >>> cumulative_trapezoid([0.0, 1.0, 4.0], initial=0)
    Array([0. , 0.5, 3. ], dtype=float64, device='cpu')
    """
    if initial is not None and initial != 0:
        raise ValueError("cumulative_trapezoid: `initial` has to be 0 or None, as in SciPy")
    y, *given = floating_arrays(y, *([] if x is None else [x]))
    steps = _steps(y, given[0] if given else None, dx, axis)
    last = generated.moveaxis(y, axis, -1)
    out = generated.cumulative_sum(steps * (last[..., 1:] + last[..., :-1]) * 0.5, axis=-1)
    if initial is not None:
        first = zeros_on_device_of((*out.shape[:-1], 1), out)
        out = generated.concat([first, out], axis=-1)
    return generated.moveaxis(out, -1, axis)


def simpson(y: ArrayLike, x: ArrayLike = None, *, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral along an axis by Simpson's rule, with a correction of the last interval for even numbers of samples.

    Parameters
    ----------
    y
        Samples.
    x
        Their coordinates, which need not be equidistant.
    dx
        Without `x`, their distance.
    axis : int
        The axis.

    Returns
    -------
    Array

    References
    ----------
    Cartwright, Simpson's rule cumulative integration with MS Excel and irregularly-spaced data, 2017.

    Examples
    --------
    >>> from pullback.scipy.integrate import simpson
    >>> simpson([0.0, 1.0, 4.0])
    Array(2.66666667, dtype=float64, device='cpu')
    """
    y, *given = floating_arrays(y, *([] if x is None else [x]))
    n = y.shape[axis]
    last = generated.moveaxis(y, axis, -1)
    if n < 2:
        return generated.sum(last * 0.0, axis=-1)
    steps = _steps(y, given[0] if given else None, dx, axis)
    if not given:
        steps = zeros_on_device_of((n - 1,), y) + steps
    if n == 2:
        return generated.sum(0.5 * steps * (last[..., 1:] + last[..., :-1]), axis=-1)
    odd = n if n % 2 else n - 1
    h0, h1 = steps[..., 0 : odd - 1 : 2], steps[..., 1 : odd - 1 : 2]
    y0, y1, y2 = last[..., 0 : odd - 2 : 2], last[..., 1 : odd - 1 : 2], last[..., 2:odd:2]
    total, ratio = h0 + h1, h0 / h1
    terms = (
        total
        / 6.0
        * (y0 * (2.0 - 1.0 / ratio) + y1 * (total * total / (h0 * h1)) + y2 * (2.0 - ratio))
    )
    out = generated.sum(terms, axis=-1)
    if n % 2 == 0:
        h1, h0 = steps[..., -1], steps[..., -2]
        alpha = (2.0 * h1 * h1 + 3.0 * h0 * h1) / (6.0 * (h1 + h0))
        beta = (h1 * h1 + 3.0 * h0 * h1) / (6.0 * h0)
        eta = h1 * h1 * h1 / (6.0 * h0 * (h0 + h1))
        out = out + alpha * last[..., -1] + beta * last[..., -2] - eta * last[..., -3]
    return out


def romb(y: ArrayLike, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Array:
    """Romberg's integration of 2^k + 1 equidistant samples."""
    (y,) = floating_arrays(y)
    n = y.shape[axis] - 1
    if n < 1 or n & (n - 1) or show:
        raise ValueError(f"romb: {n + 1} samples; 2^k + 1 are wanted (and nothing is shown)")
    last = generated.moveaxis(y, axis, -1)
    rows, step = [], n
    while step >= 1:
        part = last[..., ::step]
        inner = generated.sum(part, axis=-1) - 0.5 * (part[..., 0] + part[..., -1])
        rows.append(inner * (step * dx))
        step //= 2
    for k in range(1, len(rows)):
        rows = [(4**k * b - a) / (4**k - 1) for a, b in itertools.pairwise(rows)]
    return rows[-1]
