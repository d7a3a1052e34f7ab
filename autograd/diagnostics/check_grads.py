"""Checking gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.tape import check_differentiable
from ..functions import namespace
from ..pytree import tree
from ..transforms.grad import grad
from ..transforms.vjp import vjp


def _host(x: Any) -> np.ndarray:
    value = backend_array(x)
    return value if not hasattr(value, "shape") else backend_of(value).to_numpy(value)


def _like(values: np.ndarray, x: Any) -> Any:
    """`values` as an array of the class and on the device of `x`."""
    value = backend_array(x)
    if not hasattr(value, "shape"):
        return values.item()
    backend = backend_of(value)
    out = backend.asarray(np.asarray(values), dtype=_host(x).dtype)
    return Array(out) if type(x) is Array else out


def check_grads(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    order: int = 1,
    eps: float | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the VJP of a function with central differences along a random direction, at each order.

    With a random cotangent c of the output and a random direction d of the inputs, the number
    Re⟨c, f(x + εd) − f(x − εd)⟩ / 2ε is compared with Re⟨vjp(c), d⟩. Higher orders check the gradient's gradient.

    Parameters
    ----------
    f : callable
        Of arrays or pytrees of them; returns the same.
    args : tuple
        Where to check; float64 or complex128 for the default tolerances.
    order : int
        Highest order of derivatives to check.
    eps : float, optional
        Step of the differences; by default the cube root of the dtype's precision.
    rtol, atol : float
        The check fails where ``|a − b| > atol + rtol · max(|a|, |b|)``.
    seed : int
        Of the random directions.

    Raises
    ------
    AssertionError
        With both numbers, where they differ.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.check_grads(pb.xp.sin, (np.asarray([0.5, 1.0]),), order=2)
    """
    if not isinstance(args, tuple):
        raise TypeError(
            f"check_grads: args has to be a tuple of arguments, not {type(args).__name__}"
        )
    for leaf in tree.leaves(args):
        check_differentiable(leaf, "check_grads: an argument")
    rng = np.random.default_rng(seed)
    _check_once(f, args, rng, eps, rtol, atol, f"order {1}")
    for k in range(2, order + 1):
        f = _scalar_of_gradient(f, args, rng)
        _check_once(f, args, rng, eps, rtol, atol, f"order {k}")


def _direction(x: Any, rng: np.random.Generator) -> np.ndarray:
    host = np.asarray(_host(x))
    out = rng.standard_normal(host.shape)
    if np.iscomplexobj(host):
        out = out + 1j * rng.standard_normal(host.shape)
    return np.asarray(out)


def _dot(xs: list[np.ndarray], ys: list[np.ndarray]) -> float:
    """The real inner product Re Σ conj(x) y."""
    return float(sum(np.real(np.vdot(x, y)) for x, y in zip(xs, ys, strict=True)))


def _check_once(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    rng: np.random.Generator,
    eps: float | None,
    rtol: float,
    atol: float,
    label: str,
) -> None:
    leaves, spec = tree.flatten(args)
    hosts = [np.asarray(_host(x)) for x in leaves]
    directions = [_direction(x, rng) for x in leaves]
    if eps is None:
        precision = max((np.finfo(h.dtype).eps for h in hosts), default=2**-52)
        eps = float(precision) ** (1 / 3)

    def at(step: float) -> list[np.ndarray]:
        moved = [_like(h + step * d, x) for h, d, x in zip(hosts, directions, leaves, strict=True)]
        return [np.asarray(_host(y)) for y in tree.leaves(f(*tree.unflatten(spec, moved)))]

    out, pull = vjp(f, *args)
    out_leaves, out_spec = tree.flatten(out)
    cts = [_direction(y, rng) for y in out_leaves]
    differences = [
        (up.astype(np.result_type(up, float)) - down) / (2 * eps)
        for up, down in zip(at(eps), at(-eps), strict=True)
    ]
    numeric = _dot(cts, differences)
    seeds = [_like(c, y) for c, y in zip(cts, out_leaves, strict=True)]
    pulled = pull(tree.unflatten(out_spec, seeds))
    analytic = _dot([np.asarray(_host(g)) for g in tree.leaves(pulled)], directions)
    if not abs(numeric - analytic) <= atol + rtol * max(abs(numeric), abs(analytic)):
        raise AssertionError(
            f"check_grads, {label}: central differences give {numeric!r}, the VJP gives {analytic!r} "
            f"(difference {abs(numeric - analytic):.3g}, eps {eps:.3g})"
        )


def _scalar_of_gradient(
    f: Callable[..., Any], args: tuple[Any, ...], rng: np.random.Generator
) -> Callable[..., Any]:
    """Re⟨c, gradient of Re⟨a, f⟩⟩, whose own VJP holds the next order's derivatives."""
    xp: Any = namespace
    outs = [np.asarray(_host(y)) for y in tree.leaves(f(*args))]
    weights = [rng.standard_normal(y.shape) for y in outs]
    weights = [
        w + 1j * rng.standard_normal(w.shape) if np.iscomplexobj(y) else w
        for w, y in zip(weights, outs, strict=True)
    ]

    def dot(values: list[Any], constants: list[np.ndarray]) -> Any:
        total: Any = 0.0
        for value, constant in zip(values, constants, strict=True):
            product = xp.sum(value * _like_traced(constant, value))
            total = total + (xp.real(product) if "complex" in str(product.dtype) else product)
        return total

    def scalar(*xs: Any) -> Any:
        return dot(tree.leaves(f(*xs)), weights)

    gradient = grad(scalar, argnums=tuple(range(len(args))))
    sizes = [_direction(x, rng) for x in tree.leaves(args)]
    return lambda *xs: dot([xp.asarray(g) for g in tree.leaves(gradient(*xs))], sizes)


def _like_traced(constant: np.ndarray, value: Any) -> Any:
    backend = backend_of(backend_array(value))
    return Array(backend.asarray(constant, dtype=np.dtype(str(value.dtype).rpartition(".")[2])))
