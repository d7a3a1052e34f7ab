"""Objectives that are sums over blocks: value and gradient from one computation, and a second derivative."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....autograd import custom_vjp, grad, value_and_grad, vjp
from ....autograd.core.array import backend_array, is_traced
from ....autograd.core.dtypes import as_numpy
from ....autograd.core.typing import PyTree, Value
from ....autograd.functions import namespace as xp
from ....autograd.pytree import tree
from ....backend import backend_of
from .rows import Rows


class _Place:
    """The shape, size and dtype of an array: a leaf of trees, which a dataclass is not."""

    def __init__(self, leaf: Any) -> None:
        self.shape, self.dtype = tuple(leaf.shape), as_numpy(leaf.dtype)
        self.size = math.prod(self.shape)


class BlockTotal:
    """``p ↦ Σ_b loss(p, *block b)``, differentiable twice, of NumPy parameters; each evaluation is one computation.

    Its value and its gradient come from the same pass over the data, and are kept for the next question. Products with
    the second derivative take a pass each. No order above that.

    Parameters
    ----------
    loss : callable
        ``loss(p, x, y[, weights])``, a 0-d array: the sum over the rows of a block. It is sent to where the block is.
    rows : Rows
    like : pytree
        Parameters of the same structure, all of one dtype.
    """

    def __init__(self, loss: Callable[..., Any], rows: Rows, like: PyTree) -> None:
        # shapes alone: what stands in it travels with every task
        self._loss, self._rows, self._like = loss, rows, tree.map(_Place, like)
        self._size = sum(leaf.size for leaf in tree.leaves(self._like))
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None
        value, slope = custom_vjp(self._value), custom_vjp(self._slope)
        value.defvjp(lambda p: (value(p), p), lambda p, ct: (_times(slope(p), ct),))
        slope.defvjp(lambda p: (slope(p), p), lambda p, ct: (self._product(p, ct),))
        self._call = value

    def __call__(self, p: PyTree) -> Any:
        """The sum, a 0-d array."""
        return self._call(p)

    def _evaluate(self, p: PyTree) -> tuple[float, np.ndarray]:
        at = pack(p)
        if self._last is None or not np.array_equal(self._last[0], at):
            parts = self._rows.over_blocks(
                BlockGradient(self._loss, self._like), 1 + self._size, at
            )
            total = parts.sum(axis=0).compute()
            self._last = (at.copy(), float(total[0]), total[1:])
        return self._last[1], self._last[2]

    def _value(self, p: PyTree) -> Any:
        dtype = tree.leaves(self._like)[0].dtype
        return xp.asarray(np.asarray(self._evaluate(p)[0], dtype))

    def _slope(self, p: PyTree) -> Any:
        return tree.map(xp.asarray, unpack(self._evaluate(p)[1], self._like))

    def _product(self, p: PyTree, direction: PyTree) -> Any:
        if any(map(is_traced, tree.leaves((p, direction)))):
            raise TypeError(
                "fit: third derivatives of a sum over blocks of Dask arrays are not there"
            )
        parts = self._rows.over_blocks(
            BlockProduct(self._loss, self._like), self._size, pack(p), pack(direction)
        )
        return tree.map(xp.asarray, unpack(parts.sum(axis=0).compute(), self._like))


def _times(p: PyTree, factor: Any) -> Any:
    return tree.map(lambda leaf: leaf * factor, p)


def pack(p: PyTree) -> np.ndarray:
    """The leaves end to end in a NumPy vector."""
    leaves = [backend_array(leaf) for leaf in tree.leaves(p)]
    return np.concatenate([backend_of(leaf).to_numpy(leaf).reshape(-1) for leaf in leaves])


def unpack(vector: Value, like: PyTree) -> Any:
    """The tree of the structure, shapes and dtypes of `like` whose leaves lie in the vector."""
    leaves, spec = tree.flatten(like)
    namespace, out, start = backend_of(vector).xp, [], 0
    for leaf in leaves:
        part = namespace.reshape(vector[start : start + leaf.size], tuple(leaf.shape))
        out.append(namespace.astype(part, leaf.dtype))
        start += leaf.size
    return tree.unflatten(spec, out)


def _there(x: Any, arrays: Iterable[Any]) -> list[Any]:
    """NumPy arrays beside those of a device go to where x is."""
    home = backend_of(x)
    return [home.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]


@dataclass(frozen=True)
class BlockGradient:
    """Value and gradient (1, 1 + parameters) of a loss of a block."""

    loss: Callable[..., Any]
    like: PyTree

    def __call__(self, x: Any, *rest: Any) -> np.ndarray:
        """Of the block's arrays, and the vector of parameters after them."""
        *targets, vector = _there(x, rest)
        p = unpack(vector, self.like)
        value, slope = value_and_grad(self.loss)(p, x, *targets)
        return np.concatenate([[float(value)], pack(slope)])[None].astype(np.float64)


@dataclass(frozen=True)
class BlockProduct:
    """The second derivative of a loss of a block times a direction (1, parameters)."""

    loss: Callable[..., Any]
    like: PyTree

    def __call__(self, x: Any, *rest: Any) -> np.ndarray:
        """Of the block's arrays, and the vectors of parameters and of the direction after them."""
        *targets, vector, direction = _there(x, rest)
        p, d = unpack(vector, self.like), unpack(direction, self.like)
        _, pull = vjp(grad(lambda q: self.loss(q, x, *targets)), p)
        return pack(pull(d)[0])[None].astype(np.float64)
