"""Gradients brought into bounds: by value, by their global norm, and around an optimiser."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd.core.dtypes import is_complex
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import XP, ArrayLike, PyTree, Value
from ...autograd.pytree import tree
from .leaves import is_half, is_trainable
from .parts import Parts, check_inside, on_parts
from .update import Optimiser, as_array, as_scalar, floating


def clip_by_value(grads: PyTree, limit: float) -> PyTree:
    """Gradients with every element brought into [−limit, limit].

    Parameters
    ----------
    grads : pytree
        Real arrays; leaves that are no floating-point arrays stay as they are.
    limit : float
        Positive.

    Raises
    ------
    ValueError
        Unless ``0 < limit``.
    TypeError
        For complex gradients, which have no order.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.optim.clip_by_value(np.asarray([-3.0, 0.5]), 1.0)
    array([-1. ,  0.5])
    """
    _check_positive("limit", limit)

    def clipped(g: Value) -> Value:
        if not is_trainable(g):
            return g
        if is_complex(g.dtype):
            raise TypeError(
                "clip_by_value: complex gradients have no order; clip_by_global_norm takes them"
            )
        return as_array(namespace_of(g).clip(g, -limit, limit), g)

    return tree.map(clipped, grads)


def global_norm(grads: PyTree) -> Value:
    """``√(Σ |g|²)`` over all elements of all leaves, an array of no dimension in float64.

    The squares are of numbers up to 1, so that nothing overflows in float32.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.optim.global_norm({"a": np.asarray([3e200]), "b": np.asarray([4e200])})
    array(5.e+200)
    """
    leaves = [g for g in tree.leaves(grads) if is_trainable(g) and g.size]
    if not leaves:
        return np.array(0.0)
    if all(type(g) is np.ndarray and not is_half(g.dtype) for g in leaves):
        with np.errstate(over="ignore"):
            total = sum(float(np.vdot(g, g).real) for g in leaves)
        if math.isnan(total) or 1e-30 < total < 1e38:
            return np.array(math.sqrt(total))
    xp = namespace_of(leaves[0])
    peaks = [floating(xp.max(xp.abs(g))) for g in leaves]
    top = peaks[0]
    for peak in peaks[1:]:
        top = xp.maximum(top, peak)
    scale = xp.where((top > 0) & xp.isfinite(top), top, xp.ones_like(top))
    total = sum(_squares(xp, g, scale) for g in leaves)
    return as_array(scale * xp.sqrt(total), scale)


def _squares(xp: XP, g: Value, scale: Value) -> Value:
    size = xp.astype(xp.abs(g), np.dtype(np.float64)) / scale
    return xp.sum(size * size)


def clip_by_global_norm(grads: PyTree, limit: float) -> PyTree:
    """Gradients times ``min(1, limit / (‖g‖ + 1e−6))``, ‖g‖ their `global_norm`: torch's `clip_grad_norm_`.

    Parameters
    ----------
    grads : pytree
        Real or complex arrays; leaves that are no floating-point arrays stay as they are.
    limit : float
        Positive.

    Raises
    ------
    ValueError
        Unless ``0 < limit``.

    References
    ----------
    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.optim.clip_by_global_norm(np.asarray([3.0, 4.0]), 1.0).round(5)
    array([0.6, 0.8])
    """
    _check_positive("limit", limit)
    return _within(grads, limit, global_norm(grads))


def _within(grads: PyTree, limit: float, norm: Value) -> PyTree:
    """Gradients of this norm times what brings them into the bound."""
    if type(norm) is np.ndarray and all(
        type(g) is np.ndarray for g in tree.leaves(grads) if is_trainable(g)
    ):
        factor = limit / (float(norm) + 1e-6)
        # this is false for NaN, which spreads as it does on a device
        if factor >= 1.0:
            return grads
        return tree.map(lambda g: as_array(g * factor, g) if is_trainable(g) else g, grads)
    xp = namespace_of(norm)
    share = xp.minimum(limit / (norm + 1e-6), 0 * norm + 1)
    return tree.map(
        lambda g: g * as_scalar(share, g, namespace_of(g)) if is_trainable(g) else g, grads
    )


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name}={value!r}: it has to be positive")


@dataclass(frozen=True)
class Clipped:
    """An optimiser whose gradients are clipped first: by value, then by their global norm.

    Parameters
    ----------
    opt : optimiser
        What takes the step.
    value : float, optional
        As `clip_by_value`.
    norm : float, optional
        As `clip_by_global_norm`.

    Raises
    ------
    ValueError
        If neither is given, or one is not positive.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> opt, w = pb.optim.Clipped(pb.optim.SGD(1.0), value=0.5), np.asarray([3.0])
    >>> opt.step(w, w, opt.init(w))[0]
    array([2.5])
    """

    opt: Optimiser
    value: float | None = None
    norm: float | None = None

    def __post_init__(self) -> None:
        check_inside("Clipped", self.opt)
        if self.value is None and self.norm is None:
            raise ValueError("Clipped: give value=, norm= or both")
        for name in ("value", "norm"):
            if getattr(self, name) is not None:
                _check_positive(name, getattr(self, name))

    def init(self, params: PyTree) -> PyTree:
        """The optimiser's own state."""
        return self.opt.init(params)

    def step(
        self, params: PyTree, grads: PyTree, state: PyTree, *, lr: ArrayLike = None
    ) -> tuple[PyTree, PyTree]:
        """New parameters and state, as in the optimiser's own `step`."""
        if self.value is not None:
            grads = clip_by_value(grads, self.value)
        if self.norm is not None:
            grads = _within(grads, self.norm, self._norm(grads))
        return self.opt.step(params, grads, state, lr=lr)

    def _norm(self, grads: PyTree) -> Value:
        return global_norm(grads)

    def on_parts(self, parts: Parts) -> Clipped:
        """The same for parts of the parameters, by the norm of all parts."""
        return _ClippedParts(on_parts(self.opt, parts), self.value, self.norm, parts)


@dataclass(frozen=True)
class _ClippedParts(Clipped):
    parts: Any = None

    def _norm(self, grads: PyTree) -> Value:
        return global_norm(self.parts.gather(global_norm(grads)))
