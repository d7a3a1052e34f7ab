"""Objects that make arrays when they are indexed: `mgrid`, `ogrid`, `r_`, `c_`, `s_` and `index_exp`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import current
from ...core.array import Array
from ...core.generated import xp as generated
from ..conversions import as_array_in, in_one_dtype, library_of
from .ranges import arange, linspace

__all__ = ["c_", "index_exp", "mgrid", "ogrid", "r_", "s_"]

index_exp, s_ = np.index_exp, np.s_


class Grid:
    """``mgrid[0:3, 0:1:5j]``: the coordinates of the points of a grid, from slices; a constant.

    A step that is an imaginary number is a count of points, with the end among them. `ogrid` leaves the axes of the
    other coordinates with length 1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.mgrid[0:2, 0:2][0]
    Array([[0, 0],
           [1, 1]], dtype=int64, device='cpu')
    """

    def __init__(self, name: str, of_numpy: Any) -> None:
        self._name, self._of_numpy = name, of_numpy

    def __getitem__(self, key: Any) -> Any:
        home = current()
        found = self._of_numpy[key]
        if isinstance(found, tuple):
            return tuple(Array(home.asarray(x)) for x in found)
        return Array(home.asarray(found))

    def __repr__(self) -> str:
        return f"<pullback.numpy.{self._name}>"


mgrid, ogrid = Grid("mgrid", np.mgrid), Grid("ogrid", np.ogrid)


class Joined:
    """``r_[x, 0, 1:4]``: arrays, numbers and ranges joined along an axis; differentiable.

    As NumPy's: a string in front, such as ``"0,2"``, says along which axis, how many axes there are at least, and where
    those of an array stand among them. `c_` joins columns.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.grad(lambda x: pb.numpy.r_[x, 1.0, x].sum())(numpy.ones(2))
    array([2., 2.])
    """

    def __init__(self, name: str, axis: int, ndmin: int = 1, trans1d: int = -1) -> None:
        self._name, self._settings = name, (axis, ndmin, trans1d)

    def __getitem__(self, key: Any) -> Array:
        axis, ndmin, trans1d = self._settings
        parts: list[Array] = []
        weak: list[int] = []
        given = key if isinstance(key, tuple) else (key,)
        home = library_of(*given)
        for k, item in enumerate(given):
            if isinstance(item, str):
                if k:
                    raise ValueError("special directives must be the first entry.")
                axis, ndmin, trans1d = _directive(item, (axis, ndmin, trans1d))
                continue
            if isinstance(item, slice):
                x = _range(item)
                x = _with_axes(x, ndmin, trans1d) if ndmin > 1 else x
            else:
                if type(item) in (int, float, complex, bool):
                    weak.append(len(parts))
                x = as_array_in(item, home)
                x = _with_axes(x, ndmin, trans1d)
            parts.append(x)
        if not parts:
            raise ValueError("need at least one array to concatenate")
        strong = [x.dtype for i, x in enumerate(parts) if i not in weak]
        numbers = [given[-len(parts) :][i] for i in weak]
        dtype = np.result_type(*strong, *numbers)
        return generated.concat(in_one_dtype(parts, dtype, "unsafe"), axis=axis)

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"<pullback.numpy.{self._name}>"


def _directive(text: str, settings: tuple[int, int, int]) -> tuple[int, int, int]:
    _, ndmin, trans1d = settings
    if text in ("r", "c"):
        raise NotImplementedError(
            f"r_[{text!r}, …] makes a numpy.matrix; use pullback.numpy.block or a two-dimensional array"
        )
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"unknown special directive {text!r}") from None
    if len(numbers) == 1:
        return numbers[0], ndmin, trans1d
    return numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else trans1d


def _range(part: slice) -> Array:
    start = 0 if part.start is None else part.start
    step = 1 if part.step is None else part.step
    if isinstance(step, complex):
        return linspace(start, part.stop, int(abs(step)))
    return arange(start, part.stop, step)


def _with_axes(x: Array, ndmin: int, trans1d: int) -> Array:
    """`x` with axes of length 1, in front or where `trans1d` has its own stand."""
    missing = max(ndmin, 1) - x.ndim
    if missing <= 0:
        return x
    out = generated.reshape(x, (1,) * missing + x.shape)
    if trans1d == -1 or not x.ndim:
        return out
    first = trans1d + missing + 1 if trans1d < 0 else trans1d
    order = list(range(missing))
    order[first:first] = range(missing, out.ndim)
    return generated.permute_dims(out, tuple(order))


r_, c_ = Joined("r_", 0), Joined("c_", -1, ndmin=2, trans1d=0)
