"""Reads and writes at an index, of all rows at once.

An index that is the same for all rows selects the same positions in each. One that differs from row to row is turned
into positions in the flattened array, from which `take` reads and at which `setitem` and `scatter_add` write: keys that
every library has, and that NumPy is fastest at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.cotangents import as_constant
from ...core.dtypes import as_numpy
from ...core.index_keys import clean_key, is_basic
from ...core.levels.batched import Batched, all_rows
from ...core.namespaces import NAMESPACES, namespace_of
from .array import batch_size, row_key, spread_rows, values_of
from .functions import shifted
from .rows import plain, row_by_row


def _parts(key: Any) -> tuple[Any, ...]:
    return key if type(key) is tuple else (key,)


def _is_mask(part: Any) -> bool:
    return hasattr(part, "dtype") and as_numpy(part.dtype).kind == "b"


def _getitem(x: Any, key: Any) -> Batched:
    parts = _parts(key)
    if type(x) is Batched and is_basic(key):
        return Batched(namespace_of(x.value).getitem(x.value, row_key(key)))
    if batch_size(parts) is None and type(x) is Batched:
        positions = _positions(x.shape, key, x.value)
        xp = namespace_of(x.value)
        flat = xp.reshape(x.value, (x.value.shape[0], x.size))
        picked = xp.take(flat, _flat(positions), axis=1)
        return Batched(xp.reshape(picked, (x.value.shape[0], *positions.shape)))
    alone = _only_index(parts, len(x.shape))
    if type(x) is not Batched and alone is not None:
        axis, index = alone
        return _take(x, index, axis=axis)
    positions = _row_positions(tuple(x.shape), parts)
    return Batched(_take_flat(x, positions))


def _take_flat(x: Any, positions: Any) -> Any:
    """The elements of each row of `x` (or of `x`, the same for all) at positions (k, …) in the flattened row."""
    value, positions = values_of((x, positions))
    if type(value) is Array:
        positions = as_constant(positions)
    if type(x) is Batched:
        positions = _with_offsets(positions, x.size)
    xp = namespace_of(value)
    picked = xp.take(xp.reshape(value, (-1,)), backend_array(_flat(positions)), axis=0)
    return xp.reshape(picked, positions.shape)


def _setitem(x: Any, value: Any, key: Any) -> Batched:
    parts = _parts(key)
    k = batch_size((x, value, *parts)) or 0
    shape = tuple(x.shape)
    if any(type(part) is Batched and _is_mask(part) for part in parts):
        return _where_masked(x, value, parts)
    if is_basic(key):
        ndim = np.broadcast_to(np.empty(()), shape)[key].ndim
        rows = [Batched(spread_rows(x, k)), _with_axes(value, ndim)]
        x, value = values_of(rows)
        return Batched(plain("setitem", (x, value))(x, value, row_key(key)))
    if not hasattr(value, "shape") and type(x) is Batched and batch_size(parts) is None:
        return _with_number(x, value, key)
    if batch_size(parts) is None and not _writes_at_indices(x, value):
        return row_by_row("setitem")(x, value, key)
    positions = _all_positions(shape, parts, x, value)
    count = tuple(positions.shape[1:])
    rows = [Batched(spread_rows(x, k)), _with_axes(value, len(count))]
    x, value = values_of(rows)
    if hasattr(value, "shape"):
        xp = namespace_of(value)
        value = xp.reshape(xp.broadcast_to(value, (k, *count)), (-1,))
    where = backend_array(_flat(_with_offsets(positions, math.prod(shape))))
    where = namespace_of(where).broadcast_to(where, (k * math.prod(count),))
    xp = namespace_of(x)
    flat = plain("setitem", (x, value))(xp.reshape(x, (-1,)), value, where)
    return Batched(xp.reshape(flat, (k, *shape)))


def _writes_at_indices(*arrays: Any) -> bool:
    """Whether the library has ``x[indices] = v``, which the standard does not ask for."""
    inner = next(x for x in arrays if type(x) is Batched)
    return backend_of(all_rows(backend_array(inner.value))).name in ("numpy", "cupy")


def _with_number(x: Batched, value: Any, key: Any) -> Batched:
    """A number written by a mask, which libraries have that do not write at indices."""
    below = backend_array(x.value)
    raw_xp = namespace_of(below)
    count = raw_xp.arange_like(math.prod(x.shape), below)
    written = raw_xp.setitem(raw_xp.reshape(count * 0, x.shape), 1, clean_key(key)) == 1
    xp = namespace_of(x.value)
    return Batched(xp.where(written, xp.full_like(x.value, value), x.value))


def _with_axes(value: Any, ndim: int) -> Any:
    """A value to write, with as many axes in each row as the selection has."""
    if type(value) is not Batched or value.ndim == ndim:
        return value
    lengths = value.shape
    while len(lengths) > ndim and lengths[0] == 1:
        lengths = lengths[1:]
    lengths = (1,) * (ndim - len(lengths)) + tuple(lengths)
    inner = value.value
    return Batched(namespace_of(inner).reshape(inner, (inner.shape[0], *lengths)))


def _where_masked(x: Any, value: Any, parts: tuple[Any, ...]) -> Batched:
    """``x[mask] = number`` with a mask that differs from row to row.

    Raises
    ------
    TypeError
        For other keys with such a mask: what they select would differ in number from row to row.
    """
    (mask,) = parts if len(parts) == 1 else (None,)
    if mask is None or mask.shape != tuple(x.shape) or getattr(value, "shape", ()) != ():
        raise _mask_error("x[mask] = v")
    where: Callable[..., Any] = NAMESPACES[Batched].where
    dtype = x.dtype
    if hasattr(value, "dtype"):
        value = namespace_of(value).astype(value, dtype, copy=False)
    return where(mask, value, x)


def _mask_error(what: str) -> TypeError:
    return TypeError(
        f"{what} under vmap: the mask differs from row to row, and so would the number of elements that it selects; "
        "use pb.xp.where(mask, v, x)"
    )


def _scatter_add(shape: tuple[int, ...], key: Any, values: Any) -> Batched:
    parts = _parts(key)
    k = batch_size((values, *parts)) or 0
    if is_basic(key):
        value = values.value
        return Batched(namespace_of(value).scatter_add((k, *shape), row_key(key), value))
    positions = _all_positions(shape, parts, values)
    value, every = values_of((Batched(spread_rows(values, k)), Batched(positions)))
    every = backend_array(_flat(_with_offsets(every, math.prod(shape))))
    xp = namespace_of(value)
    count = math.prod(value.shape)
    every = namespace_of(every).broadcast_to(every, (count,)) if count != every.shape[0] else every
    flat = xp.scatter_add((k * math.prod(shape),), (every,), xp.reshape(value, (-1,)))
    return Batched(xp.reshape(flat, (k, *shape)))


# ── positions in flattened rows ───────────────────────────────────────────────────────────────


def _positions(shape: tuple[int, ...], key: Any, value: Any) -> Any:
    """The positions in the flattened array of the elements that a key selects, in the selection's shape."""
    below = backend_array(value)
    xp = namespace_of(below)
    every = xp.reshape(xp.arange_like(math.prod(shape), below), shape)
    return xp.getitem(every, clean_key(key))


def _all_positions(shape: tuple[int, ...], parts: tuple[Any, ...], *like: Any) -> Any:
    """The positions (k, …) in the flattened row of what each row selects."""
    if batch_size(parts) is not None:
        return _row_positions(shape, parts)
    mapped = next(x for x in like if type(x) is Batched)
    positions = _positions(shape, parts if len(parts) > 1 else parts[0], mapped.value)
    return spread_rows(positions, mapped.value.shape[0])


def _with_offsets(positions: Any, size: int) -> Any:
    """Positions (k, …) in flattened rows of `size` elements as positions in all of them."""
    xp = namespace_of(positions)
    k, ndim = positions.shape[0], len(positions.shape)
    starts = xp.arange_like(k, positions) * size
    return positions + xp.reshape(starts, (k, *(1,) * (ndim - 1)))


def _flat(positions: Any) -> Any:
    return namespace_of(positions).reshape(positions, (-1,))


def _only_index(parts: tuple[Any, ...], ndim: int) -> tuple[int, Any] | None:
    """The axis and the index of a key with one array of integers and full slices elsewhere; None for other keys."""
    found = [i for i, part in enumerate(parts) if type(part) is Batched]
    others_are_full = all(
        part is ... or (type(part) is slice and part == slice(None))
        for i, part in enumerate(parts)
        if i not in found
    )
    if len(found) != 1 or not others_are_full or _is_mask(parts[found[0]]):
        return None
    after = [i for i, part in enumerate(parts) if part is ... and i < found[0]]
    axis = found[0] if not after else ndim - (len(parts) - found[0])
    return axis, parts[found[0]]


def _row_positions(shape: tuple[int, ...], parts: tuple[Any, ...]) -> Any:
    """The positions (k, …) of what an index selects that differs from row to row, in NumPy's order of axes."""
    if any(_is_mask(part) and type(part) is Batched for part in parts):
        raise _mask_error("x[mask]")
    parts = _spelled_out(parts, len(shape))
    chosen = [i for i, part in enumerate(parts) if part is not None and type(part) is not slice]
    together = chosen == list(range(chosen[0], chosen[-1] + 1))
    block = max((getattr(parts[i], "ndim", 0) for i in chosen), default=0)
    # the number of axes of the result that come before those of the indices
    before = chosen[0] if together else 0
    others = len(parts) - len(chosen)
    like = backend_array(next(p for p in parts if type(p) is Batched).value)
    wrap = any(type(p) is Batched and type(p.value) is Array for p in parts)
    total: Any = None
    lengths: list[int] = []
    axis, seen = 0, 0
    for part in parts:
        if part is None:
            lengths.append(1)
            seen += 1
            continue
        n, stride = shape[axis], math.prod(shape[axis + 1 :])
        axis += 1
        if type(part) is slice:
            steps = range(n)[part]
            xp = namespace_of(like)
            at: Any = xp.arange_like(len(steps), like) * steps.step + steps.start
            behind = others - seen - 1 + (block if seen < before else 0)
            at = xp.reshape(at, (len(steps), *(1,) * behind))
            lengths.append(len(steps))
            seen += 1
        else:
            at = _coordinate(part, n, before, block, others - before)
        at = as_constant(at) if wrap else at
        total = at * stride if total is None else total + at * stride
    k = batch_size(parts) or 0
    index_shape = _block_shape([parts[i] for i in chosen])
    full = (k, *lengths[:before], *index_shape, *lengths[before:])
    xp = namespace_of(total)
    return xp.broadcast_to(total, full)


def _block_shape(indices: list[Any]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(tuple(getattr(part, "shape", ())) for part in indices))


def _coordinate(part: Any, n: int, before: int, block: int, behind: int) -> Any:
    """An index into an axis of length n, counted from the front, among the axes of the result.

    The indices have `block` axes together, and stand between `before` and `behind` others.

    Raises
    ------
    IndexError
        If it is out of bounds, where that can be seen without waiting for a device.
    """
    value = part.value if type(part) is Batched else part
    below = backend_array(value)
    host = type(below) in (np.ndarray, int) or isinstance(below, np.generic)
    if host and np.any((np.asarray(below) < -n) | (np.asarray(below) >= n)):
        raise IndexError(f"an index is out of bounds for an axis of length {n}")
    if not hasattr(value, "dtype"):
        return value + n if value < 0 else value
    xp = namespace_of(value)
    value = xp.astype(value, np.dtype("int64"), copy=False)
    value = xp.where(value < 0, value + n, value)
    if type(part) is Batched:
        k, *lengths = value.shape
        return xp.reshape(
            value, (k, *(1,) * (before + block - len(lengths)), *lengths, *(1,) * behind)
        )
    return xp.reshape(value, (*value.shape, *(1,) * behind))


def _spelled_out(parts: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """A key with one part for each axis: no ellipsis, no mask."""
    out: list[Any] = []
    for part in parts:
        if _is_mask(part):
            out += namespace_of(part).nonzero(part)
        else:
            out.append(part)
    named = sum(part is not None and part is not ... for part in out)
    rest = (slice(None),) * (ndim - named)
    if any(part is ... for part in out):
        i = next(i for i, part in enumerate(out) if part is ...)
        return (*out[:i], *rest, *out[i + 1 :])
    return (*out, *rest)


# ── take ──────────────────────────────────────────────────────────────────────────────────────


def _take(x: Any, indices: Any, *, axis: int | None = None) -> Batched:
    # only vectors are indexed without an axis
    ndim = len(x.shape)
    axis = 0 if axis is None else shifted(axis, ndim) % (ndim + 1) - 1
    if type(indices) is not Batched:
        xp = namespace_of(x.value)
        return Batched(xp.take(x.value, backend_array(indices), axis=axis + 1))
    if type(x) is Batched:
        key = (*(slice(None),) * axis, indices)
        return Batched(_take_flat(x, _row_positions(x.shape, key)))
    value, at = values_of((x, indices))
    at = _coordinate(Batched(at), x.shape[axis], 0, len(indices.shape), 0)
    xp = namespace_of(value)
    picked = xp.take(value, backend_array(_flat(at)), axis=axis)
    shape = tuple(x.shape)
    picked = xp.reshape(picked, (*shape[:axis], *at.shape, *shape[axis + 1 :]))
    return Batched(xp.moveaxis(picked, axis, 0))


def _take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Batched:
    k = batch_size((x, indices)) or 0
    value, row_indices = values_of((Batched(spread_rows(x, k)), Batched(spread_rows(indices, k))))
    axis = shifted(axis, len(x.shape))
    return Batched(
        namespace_of(value).take_along_axis(value, backend_array(row_indices), axis=axis)
    )


# ── segments ──────────────────────────────────────────────────────────────────────────────────


def _of_segments(name: str) -> Callable[..., Any]:
    """A function of segments of rows (E, …): of all at once, with segments of their own where these differ."""

    def call(x: Any, indices: Any, *, num_segments: int) -> Batched:
        if type(indices) is not Batched:
            # the axis of `vmap` goes among those of a row
            value = x.value
            xp = namespace_of(value)
            out = plain(name, (value,))(
                xp.moveaxis(value, 0, 1), backend_array(indices), num_segments=num_segments
            )
            return Batched(xp.moveaxis(out, 1, 0))
        k = indices.value.shape[0]
        value, numbers = values_of((Batched(spread_rows(x, k)), indices))
        numbers = backend_array(numbers)
        raw = namespace_of(numbers)
        # a number that is no segment's must not become one of the next row's
        inside = (numbers >= 0) & (numbers < num_segments)
        moved = raw.where(inside, _with_offsets(numbers, num_segments), -1)
        flat = namespace_of(value).reshape(value, (k * value.shape[1], *value.shape[2:]))
        out = plain(name, (flat,))(flat, _flat(moved), num_segments=k * num_segments)
        each = value.shape[1] if name == "softmax_by_segment" else num_segments
        return Batched(namespace_of(out).reshape(out, (k, each, *out.shape[1:])))

    return call


INDEXING: dict[str, Callable[..., Any]] = {
    **{name: _of_segments(name) for name in ("max_by_segment", "softmax_by_segment", "sum_by_segment")},
    "getitem": _getitem, "scatter_add": _scatter_add, "setitem": _setitem, "take": _take,
    "take_along_axis": _take_along_axis,
}  # fmt: skip
