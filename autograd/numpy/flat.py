"""``x.flat``: the elements of an array in order, read and written by one index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.array import Array
from ..core.generated import xp as generated
from .arrays.writing import write_flat


class Flat:
    """The elements of an array in order, the last index fastest; writes into it are recorded as writes to the array.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros((2, 2))
    >>> x.flat[1:3] = [5.0, 6.0]
    >>> x
    Array([[0., 5.],
           [6., 0.]], dtype=float64, device='cpu')
    >>> [float(e) for e in x.flat]
    [0.0, 5.0, 6.0, 0.0]
    """

    __slots__ = ("base",)
    base: Array

    def __init__(self, base: Array) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Array]:
        flat = self.copy()
        return (generated.getitem(flat, i) for i in range(flat.size))

    def __getitem__(self, key: Any) -> Array:
        return generated.getitem(self.copy(), key)

    def __setitem__(self, key: Any, value: Any) -> None:
        write_flat(self.base, key, value, cycled=True)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.copy().__array__(dtype, copy)

    def __eq__(self, other: Any) -> Any:
        return self.copy() == other

    def __ne__(self, other: Any) -> Any:
        return self.copy() != other

    __hash__ = None  # type: ignore[assignment]  # == is elementwise, as in NumPy

    def copy(self) -> Array:
        """The elements as a vector of its own; it stays on its tape."""
        return generated.reshape(self.base, (-1,), copy=True)

    def __repr__(self) -> str:
        return f"<flat of an array of shape {self.base.shape}>"
