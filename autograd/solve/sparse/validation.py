"""Elements and indices of sparse matrices as users give them: checked, and sorted where they have to be."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

from ....backend import Pattern, backend_of, current, is_array, to_numpy
from ....backend.common.base import LAZY
from ...core.array import backend_array
from ...core.dtypes import as_numpy, is_inexact
from ...core.namespaces import namespace_of
from ...core.typing import RawArray
from .positions import Positions, starts


class Coordinates:
    """The row and the column of each element of a matrix, or vector; two are equal if their contents are."""

    def __init__(
        self, shape: tuple[int, ...], row: Any, col: Any, positions: Positions | None = None
    ) -> None:
        self.shape, self.row, self.col = shape, row, col
        self._positions = positions
        self._by_rows: Pattern | None = None

    @property
    def positions(self) -> Positions:
        """The row and the column of each element on the host; read from the device once."""
        if self._positions is None:
            self._positions = Positions(self.shape, to_numpy(self.row), to_numpy(self.col))
        return self._positions

    def by_rows(self) -> Pattern:
        """The pattern by rows of the elements after those at one position are added up; found once."""
        if self._by_rows is None:
            self._by_rows = pattern_of(self.positions.merged()[0], self.row)
        return self._by_rows

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Coordinates)
            and self.shape == other.shape
            and self.row.shape == other.row.shape
            and bool(np.array_equal(to_numpy(self.row), to_numpy(other.row)))
            and bool(np.array_equal(to_numpy(self.col), to_numpy(other.col)))
        )

    def __hash__(self) -> int:
        return hash((self.shape, tuple(self.row.shape)))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "shape": self.shape, "row": self.row, "col": self.col, "_positions": None, "_by_rows": None
        }  # fmt: skip


def index_dtype(positions: Positions) -> np.dtype:
    """The dtype of the indices of a matrix: int32 where that holds them."""
    return np.dtype("int32" if narrow(positions.sides, positions.nnz) else "int64")


def on_device_of(x: Any, like: Any) -> Any:
    """An array of the host in the library and on the device of `like`."""
    value = backend_array(like)
    home = backend_of(value)
    if home.name != "cupy":
        return home.asarray(x)
    # CuPy makes arrays on the current device. A copy to another device would not wait for the stream that fills them.
    with value.device:
        return home.asarray(x)


def pattern_of(positions: Positions, like: Any) -> Pattern:
    """The pattern by rows of positions that are sorted by rows, where the array `like` lies."""
    home, dtype = backend_of(backend_array(like)), index_dtype(positions)
    arrays = [
        starts(positions.row, positions.sides[0]).astype(dtype),
        positions.col.astype(dtype),
    ]
    if not home.takes_in(arrays[0]):
        arrays = [on_device_of(x, like) for x in arrays]
    return remembered(Pattern(positions.sides, *arrays), positions)


def pattern_on_device_of(pattern: Pattern, data: Any) -> Pattern:
    """The pattern in the library and on the device of the elements; it is copied there once.

    The elements are the one leaf of a matrix: what moves the leaves of a tree to a device leaves the pattern behind.
    Libraries that NumPy's arrays join in any operation, such as Dask, take the pattern from the host.
    """
    value = backend_array(data)
    if type(value) in LAZY:
        value = np.zeros(0)
    if _lie_together(pattern.indices, value):
        return pattern
    like = on_device_of(np.zeros(0), value)  # a raw array, where `value` is recorded
    if _lie_together(pattern.indices, like):
        return pattern
    where = f"on {backend_of(like).name} {array_api_compat.device(like)}"
    return pattern.once(where, lambda: pattern_of(positions_of(pattern), like))


def _lie_together(x: Any, y: Any) -> bool:
    """Whether two arrays are of one library, on one device."""
    return type(x) is type(y) and array_api_compat.device(x) == array_api_compat.device(y)


def remembered(pattern: Pattern, positions: Positions) -> Pattern:
    """The pattern, which then need not be read from the device."""
    pattern.once("positions", lambda: positions)
    return pattern


def positions_of(pattern: Pattern) -> Positions:
    """The row and the column of each element of a pattern, on the host; read from the device once."""

    def make() -> Positions:
        counts = np.diff(to_numpy(pattern.indptr))
        row = np.repeat(np.arange(pattern.shape[0]), counts)
        return Positions(pattern.shape, row, to_numpy(pattern.indices))

    return pattern.once("positions", make)


def elements(data: Any) -> Any:
    """Stored elements as a floating-point array (nnz,), traced if they are.

    Raises
    ------
    ValueError
        If they have more than one axis.
    """
    if not hasattr(data, "shape") or isinstance(data, np.generic):
        data = current().asarray(np.asarray(data))
    if len(data.shape) != 1:
        raise ValueError(f"sparse matrix: data has shape {tuple(data.shape)}; one axis is needed")
    if not is_inexact(data.dtype):
        data = namespace_of(backend_array(data)).astype(backend_array(data), np.dtype("float64"))
    return data


def integers(x: Any, like: RawArray, name: str) -> Any:
    """Indices as a raw integer array; those of the host go to where the elements `like` lie."""
    x, home = backend_array(x), backend_of(like)
    if not is_array(x):
        x = np.asarray(x, dtype=None if len(x) else np.int64)
    if as_numpy(x.dtype).kind not in "iu" or len(x.shape) != 1:
        raise ValueError(
            f"{name}: indices are integers with one axis, not {x.dtype} of shape {tuple(x.shape)}"
        )
    if isinstance(x, np.ndarray) and type(x) is not type(like) and not home.takes_in(x):
        return home.asarray(x)
    return x


def narrow(shape: tuple[int, int], nnz: int) -> bool:
    """Whether 32 bits hold every index: SuperLU and cuSPARSE want them."""
    return max(*shape, nnz) < 2**31


def two_sizes(shape: Any, name: str) -> tuple[int, int]:
    """The numbers of rows and columns that a user asked for."""
    if len(shape) != 2 or any(int(n) < 0 for n in shape):
        raise ValueError(f"{name}: shape={shape!r} is not two numbers of at least 0")
    return int(shape[0]), int(shape[1])


def one_size(shape: Any, name: str) -> tuple[int]:
    """The length of a vector that a user asked for."""
    if len(shape) != 1 or int(shape[0]) < 0:
        raise ValueError(f"{name}: shape={shape!r} of a vector is not one number of at least 0")
    return (int(shape[0]),)


def floating(dtype: Any, name: str) -> np.dtype:
    """A floating-point dtype that a user asked for.

    Raises
    ------
    TypeError
        If it is another one.
    """
    dtype = np.dtype(dtype)
    if not is_inexact(dtype):
        raise TypeError(
            f"{name}: dtype={dtype}; elements that can be differentiated are floating-point or complex numbers"
        )
    return dtype


def shape_of(shape: Any, lines: list[Any], name: str) -> tuple[int, int]:
    """The shape, and an error for indices outside of it; reads them once."""
    tops = []
    for indices in lines:
        host = to_numpy(indices)
        if host.size and host.min() < 0:
            raise ValueError(f"{name}: index {host.min()} is negative")
        tops.append(int(host.max()) + 1 if host.size else 0)
    if shape is None:
        return tops[0], tops[1]
    m, n = two_sizes(shape, name)
    for top, size, what in ((tops[0], m, "row"), (tops[1], n, "column")):
        if top > size:
            raise ValueError(f"{name}: {what} index {top - 1} lies outside of the shape {(m, n)}")
    return m, n


def compressed(
    data: Any, indices: Any, indptr: Any, shape: Any, name: str, *, rows: bool
) -> tuple[Any, Pattern]:
    """Elements and pattern of a matrix by rows, or of the transpose of one by columns.

    Raises
    ------
    ValueError
        If the lengths do not fit, `indptr` falls, or an index lies outside of the shape.
    """
    data = elements(data)
    indices, indptr = (integers(x, backend_array(data), name) for x in (indices, indptr))
    # signed, so that a fall shows in the differences of unsigned numbers too
    starts, inner = to_numpy(indptr).astype(np.int64), to_numpy(indices)
    count = len(starts) - 1
    if count < 0 or starts[0] != 0 or np.any(np.diff(starts) < 0):
        raise ValueError(f"{name}: indptr has to begin with 0 and must not fall")
    if not starts[-1] == len(inner) == data.shape[0]:
        raise ValueError(
            f"{name}: indptr ends with {starts[-1]}, indices has {len(inner)} elements, data {data.shape[0]}; they "
            "have to agree"
        )
    if shape is None:
        width = int(inner.max()) + 1 if inner.size else 0
        shape = (count, width) if rows else (width, count)
    m, n = two_sizes(shape, name)
    outer, width = (m, n) if rows else (n, m)
    if outer != count:
        raise ValueError(
            f"{name}: indptr is of {count} {'rows' if rows else 'columns'}, the shape {(m, n)}"
        )
    if inner.size and not 0 <= inner.min() <= inner.max() < width:
        worst = inner.min() if inner.min() < 0 else inner.max()
        raise ValueError(f"{name}: index {worst} lies outside of the shape {(m, n)}")
    index_dtype = np.dtype("int32") if narrow((m, n), len(inner)) else np.dtype("int64")
    xp = namespace_of(indices)
    # copied: SciPy's sort_indices, sum_duplicates and eliminate_zeros write into these arrays
    on_device = (xp.astype(x, index_dtype, copy=True) for x in (indptr, indices))
    return data, Pattern((outer, width), *on_device)
