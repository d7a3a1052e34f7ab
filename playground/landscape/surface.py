"""The loss at the points of a grid on a plane, in one compiled call; and its scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...autograd import asarray, to_numpy, vmap
from ...autograd.compile import compile as compiled
from ...autograd.core.array import backend_array
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree


class Flat(NamedTuple):
    """How a pytree of parameters is one vector.

    Attributes
    ----------
    vector : numpy.ndarray (P,)
        The elements of all leaves, one after the other.
    shapes : tuple of tuple
        The leaves' shapes.
    unravel : callable
        From a vector of any array type back to the pytree; it can be differentiated and mapped.
    """

    vector: np.ndarray
    shapes: tuple[tuple[int, ...], ...]
    unravel: Callable[[Any], Any]


def flat(params: Any) -> Flat:
    """Parameters as one vector.

    Parameters
    ----------
    params : pytree of arrays, all of one floating-point dtype

    Returns
    -------
    Flat

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> import numpy as np
    >>> vector, shapes, unravel = flat({"w": np.ones((2, 2)), "b": np.zeros(1)})
    >>> vector
    array([0., 1., 1., 1., 1.])
    >>> unravel(vector)["w"].shape
    (2, 2)
    """
    leaves, spec = tree.flatten(params)
    if not leaves:
        raise ValueError("flat: the parameters have no array; give a pytree of arrays")
    host = [np.asarray(to_numpy(backend_array(leaf))) for leaf in leaves]
    shapes = tuple(a.shape for a in host)
    stops = np.cumsum([a.size for a in host]).tolist()
    starts = [0, *stops[:-1]]

    def unravel(vector: Any) -> Any:
        parts = [
            xp.reshape(vector[a:b], shape)
            for a, b, shape in zip(starts, stops, shapes, strict=True)
        ]
        return tree.unflatten(spec, parts)

    return Flat(np.concatenate([a.ravel() for a in host]), shapes, unravel)


class Surface:
    """A loss on planes of its parameters, compiled once for each shape of its data.

    Parameters
    ----------
    loss : callable
        ``loss(params, *data)``, one real number.
    unravel : callable
        From a vector of P numbers to `params`, as `flat` makes it.
    """

    def __init__(self, loss: Callable[..., Any], unravel: Callable[[Any], Any]) -> None:
        def at(a: Any, b: Any, origin: Any, u: Any, v: Any, data: tuple[Any, ...]) -> Any:
            return loss(unravel(origin + a * u + b * v), *data)

        # Without kernels by numba: they are compiled for most of a second, which one sees whenever a network gets
        # another layer, and gain nothing where 1681 networks run at once (40 ms either way at 2-8-8-1, 300 samples)
        self._run = compiled(vmap(at, in_axes=(0, 0, None, None, None, None)), fast=False)

    def __call__(
        self,
        origin: np.ndarray,
        u: np.ndarray,
        v: np.ndarray,
        extent: tuple[float, float, float, float],
        n: int,
        data: tuple[Any, ...] = (),
    ) -> np.ndarray:
        """The losses ``L[i, j]`` at ``origin + a_j u + b_i v``.

        Parameters
        ----------
        origin, u, v : array (P,)
        extent : tuple of float
            Left, right, bottom, top: the first and last of a and of b.
        n : int
            Points along each side.
        data : tuple of arrays
            What else the loss takes.

        Returns
        -------
        numpy.ndarray (n, n)
        """
        left, right, bottom, top = extent
        dtype = origin.dtype
        a, b = np.meshgrid(np.linspace(left, right, n), np.linspace(bottom, top, n))
        vectors = (asarray(np.asarray(x, dtype)) for x in (a.ravel(), b.ravel(), origin, u, v))
        with np.errstate(all="ignore"):  # far from the path a loss may well overflow
            values = self._run(*vectors, tuple(map(asarray, data)))
        return np.asarray(to_numpy(backend_array(values)), float).reshape(n, n)


def losses(
    loss: Callable[..., Any],
    origin: Any,
    u: Any,
    v: Any,
    extent: tuple[float, float, float, float],
    n: int,
    *data: Any,
) -> np.ndarray:
    """The losses on an n × n grid of the plane through `origin`, in one compiled call.

    Parameters
    ----------
    loss : callable
        ``loss(params, *data)``, one real number.
    origin, u, v : pytree of arrays
        A point, and two directions in its structure.
    extent : tuple of float
        Left, right, bottom, top.
    n : int
        Points along each side.
    *data : array
        What else the loss takes.

    Returns
    -------
    numpy.ndarray (n, n)
        Row i, column j: at ``origin + a_j u + b_i v``.

    Examples
    --------
    >>> import numpy as np
    >>> e1, e2 = np.asarray([1.0, 0.0]), np.asarray([0.0, 1.0])
    >>> losses(lambda x: x[0] + 10 * x[1], np.zeros(2), e1, e2, (0, 1, 0, 2), 2)
    array([[ 0.,  1.],
           [20., 21.]])
    """
    vector, _, unravel = flat(origin)
    surface = Surface(loss, unravel)
    return surface(vector, flat(u).vector, flat(v).vector, extent, n, data)


@dataclass(frozen=True)
class Scale:
    """A scale of logarithms for losses of any sign: the distance to the lowest one is what is scaled.

    Parameters
    ----------
    low : float
        The lowest loss, of height 0.
    span : float
        The distance to the highest, of height 1; 0 where all losses are one.
    decades : float
        Distances that are smaller by more powers of ten than these are hardly told from 0.
    """

    low: float
    span: float
    decades: float = 4.0

    def heights(self, values: np.ndarray) -> np.ndarray:
        """From 0 at the lowest loss to 1 at the highest; NaN for what is not finite."""
        finite = np.isfinite(values)
        if self.span == 0:
            return np.where(finite, 0.0, np.nan)
        distances = np.clip(np.where(finite, values, np.nan) - self.low, 0.0, None)
        return np.log1p(distances * (10**self.decades / self.span)) / np.log1p(10**self.decades)

    def losses(self, heights: np.ndarray) -> np.ndarray:
        """The losses of these heights."""
        return (
            self.low + np.expm1(heights * np.log1p(10**self.decades)) * self.span / 10**self.decades
        )


def scale_of(values: np.ndarray) -> Scale:
    """The scale of the finite values of a grid."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return Scale(0.0, 0.0)
    return Scale(float(finite.min()), float(finite.max() - finite.min()))
