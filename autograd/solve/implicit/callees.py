"""What solvers call of a function on flat vectors: values, Jacobians, and products with these, of raw arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.tracer_like import Callee
from ...core.typing import RawArray
from ...transforms.grad import grad, value_and_grad
from ...transforms.jacobian import hessian, jacobian
from ...transforms.jvp import linearize
from ..iterative.linear_operator import pullback_of

Map = Callable[[Any], Any]


def raw(f: Map) -> Map:
    """A function of an `Array` as one of raw arrays."""
    return lambda v: backend_array(f(Array(v)))


def values(f: Map, v: RawArray) -> Callee:
    """v ↦ f(v)."""
    return Callee(raw(f), (v,))


def matrix(f: Map, v: RawArray) -> Callee:
    """v ↦ ∂f/∂v."""
    return Callee(raw(jacobian(f)), (v,))


def products(f: Map, v: RawArray) -> Callee:
    """(v, w) ↦ (∂f/∂v) w."""
    return Callee(_at_point(lambda v: linearize(f, v)[1]), (v, v))


def slopes(f: Map, v: RawArray) -> Callee:
    """v ↦ (f(v), ∇f(v))."""
    both = value_and_grad(f)

    def call(v: Any) -> tuple[Any, Any]:
        value, gradient = both(Array(v))
        return backend_array(value), backend_array(gradient)

    return Callee(call, (v,))


def curvature_matrix(f: Map, v: RawArray) -> Callee:
    """v ↦ ∇²f(v)."""
    return Callee(raw(hessian(f)), (v,))


def curvature_products(f: Map, v: RawArray) -> Callee:
    """(v, w) ↦ ∇²f(v) w."""
    return Callee(_at_point(lambda v: pullback_of(grad(f), v)), (v, v))


def _at_point(make: Map) -> Callable[[Any, Any], Any]:
    """(v, w) ↦ make(v)(w): `make` is called again for another v alone, as for many products at one point."""
    kept: list[Any] = [None, None]

    def call(v: Any, w: Any) -> Any:
        if kept[0] is not v:
            kept[:] = v, make(Array(v))
        return backend_array(kept[1](Array(w)))

    return call
