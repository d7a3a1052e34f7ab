"""`odeint` and `solve_ivp` with SciPy's signatures, differentiable in y0, times, `args` and closures.

The gradient is that of the adjoint equation (`ode.py`), solved by the same solver to the same tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array, is_traced
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.tracer_like import NotRecorded
from ...core.typing import ArrayLike, PyTree
from ...functions.creation import asarray
from ...pytree import tree
from ..closures import converted
from ..operands import constant, floating, floating_arrays
from .ode import Scheme, raw_right_hand_side, solution, timed
from .probe import recorded_probe

# SciPy's default of both tolerances of `odeint`.
TOLERANCE = 1.49012e-8


class Problem:
    """A right-hand side of vectors, with what it depends on as leaves, from one of the user's structure.

    Attributes
    ----------
    start : Array
        y0 as a vector.
    leaves : tuple
        The traced arrays among `args` and in what the function closes over.
    """

    def __init__(
        self, func: Callable[..., Any], y0: PyTree, args: PyTree, time_first: bool, name: str
    ) -> None:
        y_leaves, self.spec = tree.flatten(y0)
        self.plain = len(y_leaves) == 1 and y_leaves[0] is y0
        if (
            not self.plain
            and isinstance(y0, list | tuple)
            and all(np.ndim(v) == 0 for v in y_leaves if not hasattr(v, "shape"))
            and all(getattr(v, "ndim", 0) == 0 for v in y_leaves)
        ):
            y_leaves, self.spec = tree.flatten(asarray(y0))  # a list of numbers, as SciPy takes it
            self.plain = True
        y_leaves = floating_arrays(*y_leaves)
        if any(is_complex(y.dtype) for y in y_leaves):
            raise NotImplementedError(
                f"{name}: complex y0; give its real and imaginary parts as a pair"
            )
        self.shapes = [y.shape for y in y_leaves]
        self.scalar = self.plain and self.shapes[0] == ()
        if self.scalar:
            self.shapes = [(1,)]
        self.start = self.flat(y_leaves)
        args = args if isinstance(args, tuple) else (args,)
        arg_leaves, arg_spec = tree.flatten(args)
        traced = [i for i, leaf in enumerate(arg_leaves) if is_traced(leaf)]
        rebuild, extras = converted(func)
        self.leaves = (*(arg_leaves[i] for i in traced), *extras)

        def right_hand_side(y: Any, t: Any, leaves: Any) -> Any:
            given = list(arg_leaves)
            for i, leaf in zip(traced, leaves, strict=False):
                given[i] = leaf
            f = rebuild(list(leaves[len(traced) :]))
            values, filled = self.unflat(y), tree.unflatten(arg_spec, given)
            out = f(t, values, *filled) if time_first else f(values, t, *filled)
            out_leaves = [out] if self.plain else tree.leaves(out)
            out_leaves = [floating(v) for v in out_leaves]
            sizes = [v.size for v in out_leaves]
            wanted = [math.prod(shape) for shape in self.shapes]
            if sizes != wanted:
                raise ValueError(
                    f"{name}: the right-hand side returns arrays of {sizes} elements, y0 has {wanted}"
                )
            return generated.astype(self.flat(out_leaves), self.start.dtype, copy=False)

        self.right_hand_side = right_hand_side

    def flat(self, leaves: list[Any]) -> Array:
        """Leaves as one vector."""
        parts = [generated.reshape(v, (-1,)) for v in leaves]
        return parts[0] if len(parts) == 1 else generated.concat(parts)

    def unflat(self, y: Any) -> Any:
        """A vector, or vectors along the last axis, in the structure of y0."""
        if self.plain:
            return (
                y
                if len(self.shapes[0]) == 1
                else generated.reshape(y, (*y.shape[:-1], *self.shapes[0]))
            )
        parts, start = [], 0
        for shape in self.shapes:
            size = math.prod(shape)
            parts.append(generated.reshape(y[..., start : start + size], (*y.shape[:-1], *shape)))
            start += size
        return tree.unflatten(self.spec, parts)


def odeint(
    func: Callable[..., Any],
    y0: PyTree,
    t: ArrayLike,
    args: Any = (),
    Dfun: Any = None,
    col_deriv: int = 0,
    full_output: int = 0,
    ml: int | None = None,
    mu: int | None = None,
    rtol: Any = None,
    atol: Any = None,
    tcrit: Any = None,
    h0: float = 0.0,
    hmax: float = 0.0,
    hmin: float = 0.0,
    ixpr: int = 0,
    mxstep: int = 0,
    mxhnil: int = 0,
    mxordn: int = 12,
    mxords: int = 5,
    printmessg: int = 0,
    tfirst: bool = False,
) -> Any:
    """The solution of y' = func(y, t, …) from y0 at the times t, by `scipy.integrate.odeint` (LSODA).

    Parameters
    ----------
    func : callable
        ``func(y, t, *args)``, or with `tfirst` ``func(t, y, *args)``; returns the structure of y0.
    y0
        A vector, a number, or a pytree of arrays; real.
    t
        Times, the first of which is that of y0, ascending or descending.
    args : tuple
        Parameters: arrays or pytrees of them.
    rtol, atol
        Tolerances of each step, 1.49012e-8 by default, as SciPy's.
    tcrit, h0, hmax, hmin, mxstep, mxordn, mxords, Dfun, ml, mu, col_deriv
        Of SciPy's solver, for the first solve; limits of steps hold for the adjoint equation too.
    full_output
        Refused.
    tfirst : bool
        Whether func takes t first.

    Returns
    -------
    Array, or the structure of y0
        Values (times, …).

    Raises
    ------
    RuntimeError
        On libraries other than NumPy, if the steps become too small. (SciPy's LSODA warns.)
    NotImplementedError
        For complex y0 and `full_output`.

    Notes
    -----
    Differentiable to any order in y0, t, args and the traced arrays that func closes over; its derivatives are those
    of the exact solution, as far as the tolerances go. CuPy's arrays, and those of other libraries, are integrated
    where they are, by the method of Dormand and Prince.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.integrate import odeint
    >>> def decay(y, t, rate):
    ...     return -rate * y
    >>> end = lambda rate: odeint(decay, np.ones(1), np.asarray([0.0, 1.0]), args=(rate,))[1, 0]
    >>> g = pb.grad(end)(np.asarray(2.0))
    >>> np.round(g + np.exp(-2.0), 6) + 0.0
    np.float64(0.0)
    """
    if full_output:
        raise NotImplementedError(
            "odeint(full_output=…): values alone; scipy.integrate.odeint has it"
        )
    problem = Problem(func, y0, args, tfirst, "odeint")
    options: dict[str, Any] = {"h0": h0, "col_deriv": col_deriv}
    if Dfun is not None:
        options |= {"Dfun": _plain(Dfun, args, tfirst)}
    if tcrit is not None:
        options["tcrit"] = tcrit
    options |= {k: v for k, v in (("ml", ml), ("mu", mu)) if v is not None}
    limits = {"hmax": hmax, "hmin": hmin, "mxstep": mxstep, "mxordn": mxordn, "mxords": mxords}
    scheme = Scheme(
        "odeint", "lsoda", TOLERANCE if rtol is None else rtol, TOLERANCE if atol is None else atol, options, limits
    )  # fmt: skip
    _, ts = floating_arrays(problem.start, t)
    return problem.unflat(
        solution(problem.right_hand_side, problem.start, ts, problem.leaves, scheme)
    )


def _unpacked(args: Any) -> Any:
    """The arguments after t and y: the elements of an array or a list, as SciPy unpacks them."""
    if args is None:
        return ()
    has_elements = isinstance(args, list) or (hasattr(args, "ndim") and args.ndim > 0)
    return tuple(args) if has_elements else args


def _plain(Dfun: Callable[..., Any], args: Any, time_first: bool) -> Any:
    """A Jacobian on NumPy's arrays, called with the time first."""
    args = args if isinstance(args, tuple) else (args,)

    def call(t: Any, y: Any) -> Any:
        constants = tree.map(constant, args)
        out = Dfun(t, y, *constants) if time_first else Dfun(y, t, *constants)
        return np.asarray(backend_array(asarray(out)))

    return call


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: PyTree,
    method: Any = "RK45",
    t_eval: ArrayLike = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    *,
    rtol: Any = 1e-3,
    atol: Any = 1e-6,
    **options: Any,
) -> Any:
    """The solution of y' = fun(t, y, …) from y0 over a span of time, by `scipy.integrate.solve_ivp`.

    Parameters
    ----------
    fun : callable
        ``fun(t, y, *args)``; returns the structure of y0.
    t_span : (t0, t1)
        The first and the last time.
    y0
        A vector, or a pytree of arrays; real.
    method : str
        ``"RK45"``, ``"RK23"``, ``"DOP853"``, ``"Radau"``, ``"BDF"`` or ``"LSODA"``.
    t_eval
        The times at which the solution is wanted; by default those of the solver's steps, which are constants but for
        the ends.
    dense_output, events, vectorized
        Refused.
    args : tuple, optional
        Parameters: arrays or pytrees of them. One array or list stands for its elements, as in SciPy.
    rtol, atol
        Tolerances of each step. SciPy's defaults are wide: gradients have their error, too.
    **options
        ``max_step``, for both solves; ``first_step``, ``min_step`` for the first.

    Returns
    -------
    scipy.optimize.OptimizeResult
        As SciPy's result, with ``t`` and ``y`` (n, times), or the structure of y0 with leaves (…, times), and SciPy's
        counts.

    Raises
    ------
    NotImplementedError
        For what is refused.
    TypeError
        Inside `pb.compile` without `t_eval`, since how many times there are would depend on values.
    RuntimeError
        If the solver fails in the adjoint equation.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.integrate import solve_ivp
    >>> def end(rate):
    ...     return solve_ivp(lambda t, y: -rate * y, (0.0, 1.0), [1.0], rtol=1e-9, atol=1e-9).y[0, -1]
    >>> np.round(pb.grad(end)(2.0) + np.exp(-2.0), 6) + 0.0
    np.float64(0.0)
    """
    if dense_output or events is not None or vectorized:
        raise NotImplementedError(
            "solve_ivp: dense_output, events and vectorized are not differentiable here; give the times in "
            "t_eval, and find "
            "events with pb.implicit.root, or use scipy.integrate.solve_ivp on constants"
        )
    unknown = set(options) - {"max_step", "first_step", "min_step"}
    if unknown:
        raise NotImplementedError(
            f"solve_ivp: options {', '.join(sorted(unknown))}; max_step, first_step and min_step are there"
        )
    problem = Problem(fun, y0, _unpacked(args), True, "solve_ivp")
    limits = {"max_step": options.pop("max_step")} if "max_step" in options else {}
    scheme = Scheme("solve_ivp", method, rtol, atol, options, limits)
    _, first, last = floating_arrays(problem.start, *t_span)
    known, found = None, None
    if t_eval is None:
        inner, known, found = _steps(problem, first, last, scheme)
        ts = generated.concat(
            [generated.reshape(first, (1,)), inner, generated.reshape(last, (1,))]
        )
        kept = slice(None)
    else:
        _, wanted = floating_arrays(problem.start, t_eval)
        ts = generated.concat([generated.reshape(first, (1,)), wanted])
        kept = slice(1, None)
    ys = solution(problem.right_hand_side, problem.start, ts, problem.leaves, scheme, known)
    ts, ys = ts[kept], ys[kept, ...]
    y = tree.map(lambda v: generated.moveaxis(v, 0, -1), problem.unflat(ys))
    import scipy.optimize  # takes a tenth of a second

    result = scipy.optimize.OptimizeResult(t=ts, y=y, sol=None, t_events=None, y_events=None)
    counts = {k: found[k] for k in ("nfev", "njev", "nlu")} if found is not None else {}
    result.update(
        status=0,
        success=True,
        message="The solver successfully reached the end of the integration interval.",
        **counts,
    )
    return result


def _steps(problem: Problem, first: Array, last: Array, scheme: Scheme) -> tuple[Array, Any, Any]:
    """The times between the ends at which the solver stepped, its values, and what it says."""
    y0, ends = backend_array(problem.start), (backend_array(first), backend_array(last))
    leaves = tuple(constant(leaf) for leaf in problem.leaves)
    right_hand_side = raw_right_hand_side(problem.right_hand_side, leaves, scheme.name)
    probe = recorded_probe(right_hand_side, ends[0], y0)
    if any(x is not None and backend_of(x).recording for x in (y0, *ends, probe)):
        raise NotRecorded(
            "solve_ivp without t_eval inside pb.compile: how many times it returns depends on values; give the times "
            "in t_eval, the last alone if only the end is wanted"
        )
    if not isinstance(y0, np.ndarray):
        return generated.reshape(constant(first), (1,))[:0], None, None
    import scipy.integrate  # takes a tenth of a second

    call = timed(right_hand_side, y0)
    span = tuple(float(t) for t in ends)
    found = scipy.integrate.solve_ivp(
        call, span, y0.astype(np.float64), method=scheme.method, rtol=scheme.rtol, atol=scheme.atol, **scheme.options,
        **scheme.limits,
    )  # fmt: skip
    if not found.success:
        raise RuntimeError(f"solve_ivp: {found.message}")
    inner = Array(np.asarray(found.t[1:-1], dtype=y0.dtype))
    return inner, np.ascontiguousarray(found.y.T).astype(y0.dtype), found
