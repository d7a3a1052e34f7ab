"""An objective as a function of one real vector, and the points that a method visits.

Full-batch methods are written for a vector. A pytree becomes one by laying its leaves end to end, complex ones as
real and imaginary parts; derivatives are taken with respect to the vector, on the device where the leaves are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...autograd.core.array import Array, backend_array
from ...autograd.core.dtypes import as_numpy, is_complex, is_inexact
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.tracer_like import TRACERS
from ...autograd.functions import namespace
from ...autograd.pytree import tree
from ...autograd.transforms.arguments import restore_type, scalar_output
from ...autograd.transforms.grad import grad, value_and_grad
from ...autograd.transforms.jacobian import hessian, jacobian
from ...autograd.transforms.vjp import vjp
from ...backend import Backend, backend_of, current, is_array
from ...backend.common.base import LAZY


class Point(NamedTuple):
    """The point that a method has reached: the vector, the objective, its gradient and the norm of that."""

    x: Any
    f: float
    g: Any
    norm: float
    step: float = math.nan  # the step size that led here


class Part(NamedTuple):
    """The slice of the vector that belongs to a leaf."""

    start: int
    end: int
    shape: tuple[int, ...]
    dtype: Any
    complex: bool


# What to use where steps by values are no part of a derivative, nor of a compiled program.
OF_TRACED = ". The point where it ends has a derivative by pb.implicit.argmin(f, x0, *p)"
OF_RECORDED = (
    ": call pb.optim.minimize with compiled functions, not in one; or use pb.implicit.argmin(f, x0, *p) or "
    "pullback.scipy.optimize.minimize, which are one step of a program, with a derivative"
)


def number(x: Any) -> float:
    """Convert to one real number on the host."""
    if isinstance(x, float | int):
        return float(x)
    x = readable(x, "a value that pb.optim.minimize or line_search looks at,")
    return float(backend_of(x).to_numpy(x).item())


def readable(x: Any, what: str) -> Any:
    """The raw array of `x`, whose values are read.

    Raises
    ------
    TypeError
        If a derivative is being taken through it, or `compile` records it and it is no constant.
    """
    if type(x) is Array:
        x.refuse_if_traced(what, OF_TRACED)
        x = backend_array(x)
    return x.read(what, OF_RECORDED) if type(x) in TRACERS else x


class Problem:
    """An objective of a vector, with counted evaluations.

    Parameters
    ----------
    f : callable
        Of a pytree like `x0`; returns one real number, or residuals.
    x0 : pytree
        Where it starts.
    args : tuple
        Further arguments of `f`.
    residuals : bool
        `f` returns arrays r, and ½ ‖r‖² is the objective.
    penalty : Penalty, optional
        g of a proximal method, whose objective is f + g.

    Raises
    ------
    TypeError
        For a leaf that is no array or number of floating point, and for leaves of several libraries.
    ValueError
        For one that is not finite, or no element at all.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        x0: Any,
        args: Any = (),
        *,
        residuals: bool = False,
        penalty: Any = None,
    ):
        self.f, self.args, self.like, self.penalty = f, tuple(args), x0, penalty
        leaves, self.spec = tree.flatten(x0)
        names = tree.paths(x0)
        home = _home(leaves)
        arrays = [_array(x, name or "x0", home) for x, name in zip(leaves, names, strict=True)]
        if not sum(a.size for a in arrays):
            raise ValueError("minimize: x0 has no elements")
        if not LAZY.isdisjoint(map(type, arrays)):
            raise TypeError(
                "minimize: x0 is a Dask array, of which each step would compute all steps before it again; start from "
                "x0.compute(), and let f use Dask arrays of data"
            )
        libraries = sorted({type(a).__module__ for a in arrays})
        if len(libraries) > 1:
            raise TypeError(
                f"minimize: the leaves of x0 are arrays of {' and '.join(libraries)}; move them to one device"
            )
        self.leaves = leaves
        self.xp = namespace_of(arrays[0])
        self.parts: list[Part] = []
        start = 0
        for a in arrays:
            split = is_complex(a.dtype)
            end = start + a.size * (2 if split else 1)
            self.parts.append(Part(start, end, tuple(a.shape), a.dtype, split))
            start = end
        self.size = start
        dtypes = [as_numpy(a.dtype) for a in arrays]
        self.dtype = np.result_type(*[np.empty(0, k).real.dtype for k in dtypes])
        self.x0 = self._packed(arrays)
        self.scalar = self._cost if residuals else self._value
        self.nfev = self.njev = self.nhev = 0
        self._first = True

    def _packed(self, arrays: list[Any]) -> Any:
        xp, pieces = self.xp, []
        for a in arrays:
            flat = xp.reshape(a, (-1,))
            halves = [xp.real(flat), xp.imag(flat)] if is_complex(a.dtype) else [flat]
            pieces += [xp.astype(h, self.dtype) for h in halves]
        return xp.concat(pieces)

    def packed(self, like: Any) -> Any:
        """The vector of a pytree of the structure and shapes of `x0`.

        Raises
        ------
        ValueError
            If it has others.
        """
        try:
            leaves = tree.flatten_as(self.spec, like)
        except ValueError as error:
            raise ValueError(
                f"minimize: a direction of another structure than x: {error}"
            ) from None
        home = _home(self.leaves)
        arrays = [_array(x, "the direction", home) for x in leaves]
        for a, p in zip(arrays, self.parts, strict=True):
            if tuple(a.shape) != p.shape:
                raise ValueError(
                    f"minimize: a direction of shape {tuple(a.shape)} for x of shape {p.shape}"
                )
        return self._packed(
            [
                a if not p.complex else _complex(a, p)
                for a, p in zip(arrays, self.parts, strict=True)
            ]
        )

    def tree(self, v: Any) -> Any:
        """The pytree of `pb.Array`s of a vector, traced if that is."""
        out = []
        for p in self.parts:
            x = v[p.start : p.end]
            if p.complex:
                half = (p.end - p.start) // 2
                x = namespace.astype(x, as_numpy(p.dtype))
                x = x[:half] + 1j * x[half:]
            elif as_numpy(p.dtype) != self.dtype:
                x = namespace.astype(x, as_numpy(p.dtype))
            out.append(namespace.reshape(x, p.shape))
        return tree.unflatten(self.spec, out)

    def result(self, v: Any) -> Any:
        """The pytree of a vector, each leaf of the caller's own type of array."""
        leaves = tree.flatten_as(self.spec, self.tree(Array(v)))
        out = []
        for x, like in zip(leaves, self.leaves, strict=True):
            x = restore_type(x, like)
            out.append(self.xp.copy(x) if type(x) is type(v) else x)
        return tree.unflatten(self.spec, out)

    # ── evaluations ───────────────────────────────────────────────────────────────────────────

    def _value(self, v: Any) -> Any:
        return scalar_output(self.f(self.tree(v), *self.args), "minimize")

    def residual_vector(self, v: Any) -> Any:
        """The residuals as one real vector."""
        out = tree.leaves(self.f(self.tree(v), *self.args))
        pieces = []
        for r in out:
            if not hasattr(r, "dtype"):
                raise TypeError(
                    "minimize: for least squares the function has to return arrays of residuals, not "
                    f"{type(r).__name__}"
                )
            flat = namespace.reshape(r, (-1,))
            if is_complex(flat.dtype):
                pieces += [namespace.real(flat), namespace.imag(flat)]
            else:
                pieces.append(flat)
        return pieces[0] if len(pieces) == 1 else namespace.concat(pieces)

    def _cost(self, v: Any) -> Any:
        r = self.residual_vector(v)
        return 0.5 * namespace.sum(r * r)

    def value(self, x: Any) -> float:
        """The objective alone."""
        self.nfev += 1
        out = self.scalar(Array(x))
        return number(out)

    def point(self, x: Any, step: float = math.nan) -> Point:
        """The objective and its gradient."""
        self.nfev += 1
        self.njev += 1
        f, g = value_and_grad(self.scalar)(x)
        return Point(x, number(f), g, math.sqrt(max(self.dot(g, g), 0.0)), step)

    def start(self) -> Point:
        """The point at `x0`.

        Raises
        ------
        ValueError
            If the objective, its gradient or the norm of that is not finite there.
        """
        point = self.point(self.x0)
        if not math.isfinite(point.f):
            raise ValueError(
                f"minimize: the objective is {point.f} at x0; start where it is finite"
            )
        if not bool(self.xp.all(self.xp.isfinite(point.g))):
            raise ValueError("minimize: the gradient at x0 holds NaN or infinity; start elsewhere")
        if not math.isfinite(point.norm):
            raise ValueError(
                f"minimize: the gradient at x0 is so large that its norm overflows in {self.dtype}; scale the objective"
            )
        return point

    def prox(self, v: Any, step: float) -> Any:
        """The proximal operator of the penalty; v itself where there is none.

        Raises
        ------
        ValueError
            If it returns another structure or other shapes.
        """
        if self.penalty is None:
            return v
        try:
            leaves = tree.flatten_as(self.spec, self.penalty.prox(self.tree(Array(v)), step))
        except ValueError as error:
            raise ValueError(f"minimize: prox(x) has another structure than x: {error}") from None
        arrays = [backend_array(x) for x in leaves]
        if any(tuple(a.shape) != p.shape for a, p in zip(arrays, self.parts, strict=True)):
            raise ValueError("minimize: prox(x) has other shapes than x")
        return self._packed(
            [
                a if not p.complex else _complex(a, p)
                for a, p in zip(arrays, self.parts, strict=True)
            ]
        )

    def penalty_value(self, x: Any) -> float:
        """The penalty's value; 0 where there is none."""
        return (
            0.0
            if self.penalty is None
            else number(backend_array(self.penalty(self.tree(Array(x)))))
        )

    def hessian(self, x: Any) -> Any:
        """∇²f, a matrix."""
        self.nhev += 1
        return hessian(self.scalar)(x)

    def hvp(self, x: Any) -> Callable[[Any], Any]:
        """v ↦ ∇²f(x) v; the gradient is recorded once, each product is one sweep."""
        self.nhev += 1
        _, pull = vjp(grad(self.scalar), x)
        return lambda v: pull(v)[0]

    def residuals(self, x: Any) -> tuple[Any, Any]:
        """Residuals r and their Jacobian."""
        self.njev += 1
        return backend_array(self.residual_vector(Array(x))), jacobian(self.residual_vector)(x)

    def dot(self, a: Any, b: Any) -> float:
        """``aᵀ b`` on the host."""
        return number(a @ b)


def _complex(a: Any, part: Part) -> Any:
    return a if is_complex(a.dtype) else namespace_of(a).astype(a, as_numpy(part.dtype))


def _home(leaves: list[Any]) -> Backend:
    """Where numbers among the leaves go: beside the first array, or to the active backend."""
    arrays = (a for a in map(backend_array, leaves) if is_array(a) and backend_of(a).fetch is None)
    return next((backend_of(a) for a in arrays), current())


def _array(x: Any, name: str, home: Backend) -> Any:
    """A leaf as a raw array; a number goes to `home`.

    Raises
    ------
    TypeError, ValueError
        As `Problem`.
    """
    if isinstance(x, float | complex) and not hasattr(x, "shape"):
        x = home.asarray(x)
    x = readable(backend_array(x), f"{name}, where pb.optim.minimize or line_search starts,")
    if not hasattr(x, "dtype") or not is_inexact(x.dtype):
        given = getattr(x, "dtype", type(x).__name__)
        raise TypeError(
            f"minimize: {name} is {given}; floating-point numbers are needed: astype(float)"
        )
    if isinstance(x, np.generic):
        x = np.asarray(x)
    xp = namespace_of(x)
    if not bool(xp.all(xp.isfinite(x))):
        raise ValueError(f"minimize: {name} holds NaN or infinity")
    return x
