"""Reading and writing ``x[key]`` of Dask arrays, and adding at an index, which is the pullback of reading.

Dask reads by slices, masks and one array of indices, and writes by the same. What it lacks runs on arrays that are in
one chunk, as one task, and is refused for others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import blocks
from .shapes import refuse_unknown, told


def _is_array(part: Any) -> bool:
    return hasattr(part, "dtype")


def is_basic(parts: tuple[Any, ...]) -> bool:
    """Whether a key is made of integers, slices, None and an ellipsis alone."""
    return not any(_is_array(part) for part in parts)


def as_parts(key: Any) -> tuple[Any, ...]:
    """A key as a tuple, without arrays of no dimension and lists."""
    parts = key if isinstance(key, tuple) else (key,)
    return tuple(np.asarray(p) if isinstance(p, list) else p for p in parts)


def spelt_out(parts: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """A key with a part for each axis: the ellipsis, and what follows the key, as whole slices."""
    taken = sum(_axes(p) for p in parts if p is not None and p is not Ellipsis)
    fill = (slice(None),) * (ndim - taken)
    for i, part in enumerate(parts):
        if part is Ellipsis:
            return (*parts[:i], *fill, *parts[i + 1 :])
    return (*parts, *fill)


def _axes(part: Any) -> int:
    return part.ndim if _is_array(part) and part.dtype.kind == "b" else 1


def _one_line(parts: tuple[Any, ...]) -> int | None:
    """The position of the only array of a key, if it is a line of integers and all others are slices."""
    arrays = [i for i, p in enumerate(parts) if _is_array(p)]
    if len(arrays) != 1 or parts[arrays[0]].ndim != 1 or parts[arrays[0]].dtype.kind not in "iu":
        return None
    return arrays[0] if all(isinstance(p, slice) or _is_array(p) for p in parts) else None


def _mask(parts: tuple[Any, ...]) -> Any:
    """The mask of a key that is one mask over the first axes, and nothing else."""
    rest = [p for p in parts if p is not Ellipsis and not (isinstance(p, slice) and p == slice(None))]
    if len(rest) == 1 and parts[0] is rest[0] and _is_array(rest[0]) and rest[0].dtype.kind == "b":
        return rest[0]
    return None


def _dummy(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """A NumPy key that selects as much."""
    return tuple(np.zeros(p.shape, np.int64) if _is_array(p) else p for p in parts)


def getitem(x: Any, key: Any) -> Any:
    """``x[key]``."""
    parts = as_parts(key)
    if is_basic(parts):
        _check_slices("x[key]", x, spelt_out(parts, x.ndim))
        return told(x[key])
    mask = _mask(parts)
    if mask is not None:
        if mask.ndim == 0:
            raise NotImplementedError("x[mask] of a Dask array needs a mask with axes: reshape it to one element")
        if mask.ndim > 1:
            _check_rows("x[mask]", x, mask)
        return told(x[mask])
    if any(_is_array(p) and p.dtype.kind == "b" for p in parts):
        raise NotImplementedError(
            "x[key] of a Dask array takes a mask alone, over the first axes: index by it first, then by the rest"
        )
    spelt = spelt_out(parts, x.ndim)
    if _one_line(spelt) is not None and None not in parts:
        return told(x[spelt])
    refuse_unknown("x[key] by arrays of integers", x.shape, *(p.shape for p in parts if _is_array(p)))
    shape = np.broadcast_to(np.empty((), np.int8), x.shape)[_dummy(parts)].shape
    return blocks.whole(
        _getitem, x, *parts, shape=shape, dtype=x.dtype,
        called="x[key] by several arrays of indices, or one with several axes,",
    )  # fmt: skip


def _getitem(xp: Any, x: Any, *parts: Any) -> Any:
    return xp.getitem(x, parts)


def _scatter_add(xp: Any, values: Any, *parts: Any, into: tuple[int, ...]) -> Any:
    return xp.scatter_add(into, parts, values)


def _setitem(xp: Any, x: Any, value: Any, *parts: Any) -> Any:
    return xp.setitem(x, value, parts)


def _check_rows(name: str, x: Any, mask: Any) -> None:
    """Refuse arrays whose blocks do not follow each other in the order of the elements."""
    for y in (x, mask):
        if any(n > 1 for n in y.numblocks[1:]):
            raise NotImplementedError(
                f"{name}: Dask takes the elements chunk by chunk, in another order than NumPy where there are several "
                "chunks along later axes; x.rechunk({1: -1}), and so for each axis but the first, keeps the order"
            )


def _check_slices(name: str, x: Any, parts: tuple[Any, ...]) -> None:
    """Refuse slices along axes of unknown length, but the whole one."""
    axis = 0
    for part in parts:
        if part is None:
            continue
        if x.shape[axis] != x.shape[axis] and part != slice(None):
            refuse_unknown(name, x.shape)
        axis += 1


# ── adding ────────────────────────────────────────────────────────────────────────────────────


def scatter_add(shape: tuple[int, ...], key: Any, values: Any) -> Any:
    """Zeros of `shape` with `values` added at ``[key]``, repeated indices accumulating."""
    import dask.array as da  # the arrays are Dask's: it is there

    parts = as_parts(key)
    if is_basic(parts):
        return _placed(shape, spelt_out(parts, len(shape)), values)
    mask = _mask(parts)
    if mask is not None and isinstance(mask, da.Array):
        return _by_mask(shape, mask, values)
    refuse_unknown("the gradient of x[key]", shape)
    spelt = spelt_out(parts, len(shape))
    line = _one_line(spelt)
    if line is not None and None not in parts:
        whole = all(i == line or p == slice(None) for i, p in enumerate(spelt))
        if whole:
            rows = da.moveaxis(values, line, 0)
            lengths = (shape[line], *(n for i, n in enumerate(shape) if i != line))
            index = da.asarray(spelt[line])
            return da.moveaxis(sum_by_segment(rows, index % shape[line], num_segments=lengths[0]), 0, line)
    return blocks.whole(
        _scatter_add, values, *parts, shape=tuple(shape), dtype=values.dtype, gather=True,
        called="the gradient of x[key]", into=tuple(shape),
    )  # fmt: skip


def _by_mask(shape: Any, mask: Any, values: Any) -> Any:
    """The values put where the mask holds, zeros elsewhere: block by block, as they were taken."""
    import dask.array as da  # the arrays are Dask's: it is there

    n = mask.ndim
    if len(values.chunks[0]) != math.prod(mask.numblocks) or any(k > 1 for k in mask.numblocks[1:]):
        raise NotImplementedError(
            "the gradient of x[mask] needs its cotangent in the chunks of the mask: put no other chunks on what was "
            "taken from x, and only rows into chunks"
        )
    rest = tuple(range(n, n + values.ndim - 1))
    meta = values._meta
    lead = tuple(range(n))
    return told(
        da.blockwise(
            _put, (*lead, *rest), mask, lead, values, (0, *rest), dtype=values.dtype,
            meta=blocks.meta_of(blocks.ones(values, (1,) * (n + values.ndim - 1))),
            align_arrays=False, adjust_chunks=None, concatenate=True,
        )
    )  # fmt: skip


def _put(mask: Any, values: Any) -> Any:
    """One block of `_by_mask`."""
    xp = blocks.OF.find(values).xp
    out = xp.zeros_on_device_of((*mask.shape, *values.shape[1:]), values)
    out[mask] = values
    return out


def _placed(shape: Any, parts: tuple[Any, ...], values: Any) -> Any:
    """The values at slices and integers, with chunks of zeros around them."""
    import dask.array as da  # the arrays are Dask's: it is there

    given = [p for p in parts if p is not None]
    axes = [i for i, p in enumerate(parts) if p is None]  # counted in the key
    # the axes of the values, in the order of the key: integers have none
    at = 0
    drop = []
    for p in parts:
        if p is None:
            drop.append(at)
        if isinstance(p, slice) or p is None:
            at += 1
    out = da.squeeze(values, axis=tuple(drop)) if axes else values
    for axis, part in enumerate(given):
        n = shape[axis]
        if isinstance(part, slice) and part == slice(None):
            continue
        refuse_unknown("the gradient of x[key]", (n,))
        if not isinstance(part, slice):
            i = int(part) % n
            out = _padded(da.expand_dims(out, axis), axis, i, n - i - 1)
            continue
        start, stop, step = part.indices(n)
        length = len(range(start, stop, step))
        if step < 0 and length:
            out = da.flip(out, axis)
            start, step = start + (length - 1) * step, -step
        if not length:
            start, step = 0, 1
        if step != 1:
            out = _spaced(out, axis, step)
            length = out.shape[axis]
            if start + length > n:
                out = out[(slice(None),) * axis + (slice(0, n - start),)]
                length = n - start
        out = _padded(out, axis, start, n - start - length)
    return told(out)


def _padded(x: Any, axis: int, before: int, after: int) -> Any:
    """Zeros before and after along an axis."""
    import dask.array as da  # the arrays are Dask's: it is there

    pieces = [x]
    for n, place in ((before, 0), (after, 2)):
        if n:
            shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
            chunks = (*x.chunks[:axis], "auto", *x.chunks[axis + 1 :])
            refuse_unknown("the gradient of x[key]", shape)
            pieces.insert(place, zeros(shape, x, chunks))
    return x if len(pieces) == 1 else da.concatenate(pieces, axis=axis)


def zeros(shape: Any, like: Any, chunks: Any = "auto") -> Any:
    """Zeros of the library and dtype of the blocks of `like`."""
    import dask.array as da  # the arrays are Dask's: it is there

    return da.zeros_like(like, shape=tuple(shape), chunks=chunks, dtype=like.dtype)


def _spaced(x: Any, axis: int, step: int) -> Any:
    """`x` with ``step − 1`` zeros behind each element along an axis."""
    import dask.array as da  # the arrays are Dask's: it is there

    wide = da.expand_dims(x, axis + 1)
    filled = _padded(wide, axis + 1, 0, step - 1)
    chunks = (*x.chunks[:axis], tuple(n * step for n in x.chunks[axis]), *x.chunks[axis + 1 :])
    filled = filled.rechunk({axis + 1: -1})
    index = tuple(range(filled.ndim))
    out = (*index[: axis + 1], *index[axis + 2 :])
    return da.blockwise(
        _merged, out, filled, index, dtype=x.dtype, meta=x._meta, concatenate=True,
        adjust_chunks={axis: chunks[axis]}, axis=axis,
    )  # fmt: skip


def _merged(block: Any, *, axis: int) -> Any:
    """Two neighbouring axes of a block as one."""
    shape = block.shape
    return block.reshape((*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


# ── segments ──────────────────────────────────────────────────────────────────────────────────


def sum_by_segment(x: Any, indices: Any, /, *, num_segments: int) -> Any:
    """The sum of the rows of each segment, (n, …): those of each chunk of rows, and the sum of these over chunks."""
    import dask.array as da  # the arrays are Dask's: it is there

    indices = da.asarray(indices)
    rest = x.shape[1:]
    rows = da.core.normalize_chunks("auto", (num_segments,), dtype=x.dtype)[0]
    starts = np.concatenate([[0], np.cumsum(rows)[:-1]]).astype(np.int64)
    lengths = np.asarray(rows, np.int64)
    bounds = da.from_array(np.stack([starts, lengths], axis=1), chunks=(1, 2))
    loops = tuple(range(3, 3 + len(rest)))
    if num_segments == 0 or x.shape[0] == 0:
        return zeros((num_segments, *rest), x)
    partial = da.blockwise(
        _sums, (0, 1, *loops), x, (0, *loops), indices, (0,), bounds, (1, 2), dtype=x.dtype,
        meta=blocks.meta_of(blocks.ones(x, (1,) * (x.ndim + 1))), concatenate=True,
        adjust_chunks={0: lambda _: 1, 1: tuple(int(n) for n in rows)}, total=num_segments,
    )  # fmt: skip
    return da.sum(partial, axis=0, dtype=x.dtype)


def _sums(x: Any, indices: Any, bounds: Any, *, total: int) -> Any:
    """The sums of a block of rows, of the segments from ``bounds[0]`` on, with an axis in front."""
    start, length = (int(n) for n in np.asarray(bounds).reshape(-1))
    xp = blocks.OF.find(x).xp
    if length != total:
        here = (indices >= start) & (indices < start + length)
        x, indices = x[here], indices[here] - start
    return xp.sum_by_segment(x, indices, num_segments=length)[None, ...]


# ── writing ───────────────────────────────────────────────────────────────────────────────────


def setitem(x: Any, value: Any, key: Any) -> Any:
    """A copy of `x` with ``[key]`` set to `value`."""
    import dask.array as da  # the arrays are Dask's: it is there

    parts = as_parts(key)
    mask = _mask(parts)
    if mask is not None and getattr(value, "ndim", 0) == 0:
        wide = da.asarray(mask)[(..., *(None,) * (x.ndim - mask.ndim))]
        return told(da.where(wide, da.asarray(value).astype(x.dtype), x))
    if is_basic(parts):
        spelt = spelt_out(parts, x.ndim)
        _check_slices("x[key] = value", x, spelt)
        shape = np.broadcast_to(np.empty((), np.int8), tuple(1 if n != n else n for n in x.shape))[
            tuple(p for p in spelt)
        ].shape
        if 0 in shape:
            return x
        if None in parts:
            value = da.broadcast_to(da.asarray(value), shape)
            drop, at = [], 0
            for p in spelt:
                if p is None:
                    drop.append(at)
                at += isinstance(p, slice) or p is None
            value = da.squeeze(value, axis=tuple(drop))
            key = tuple(p for p in spelt if p is not None)
        out = copy(x)
        out[key] = value
        return told(out)
    spelt = spelt_out(parts, x.ndim)
    if mask is None and _one_line(spelt) is not None and None not in parts:
        out = copy(x)
        index = spelt[_one_line(spelt)]
        if not isinstance(index, da.Array) or getattr(value, "ndim", 0) == 0:
            out[spelt] = value
            return told(out)
    return blocks.whole(
        _setitem, x, da.asarray(value).astype(x.dtype), *parts, shape=x.shape, dtype=x.dtype,
        called="x[key] = value by arrays of indices",
    )  # fmt: skip


def copy(x: Any) -> Any:
    """Another object over the same graph: writes rebind the object, and touch no block."""
    return type(x)(x.dask, x.name, x.chunks, meta=x._meta)


def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    """Elements along an axis, which may be left out for one-dimensional `x`."""
    import dask.array as da  # the arrays are Dask's: it is there

    if axis is None and x.ndim != 1:
        raise TypeError(f"take: axis is required for an array of {x.ndim} dimensions")
    axis = (axis or 0) % x.ndim
    refuse_unknown("take", (x.shape[axis],))
    if indices.ndim == 1:
        return told(da.take(x, indices, axis=axis))
    rows = getitem_last(da.moveaxis(x, axis, -1), da.asarray(indices))
    order = (*range(axis), *range(x.ndim - 1, x.ndim - 1 + indices.ndim), *range(axis, x.ndim - 1))
    return da.transpose(rows, order)


def getitem_last(x: Any, indices: Any) -> Any:
    """``x[..., indices]``."""
    import dask.array as da  # the arrays are Dask's: it is there

    blocks.check_whole("take", x, (-1,))
    lead, behind = tuple(range(x.ndim - 1)), tuple(range(x.ndim, x.ndim + indices.ndim))
    return da.blockwise(
        _taken, (*lead, *behind), x, (*lead, x.ndim - 1), indices, behind, dtype=x.dtype,
        meta=blocks.meta_of(blocks.ones(x, (1,) * (x.ndim - 1 + indices.ndim))), concatenate=True,
    )  # fmt: skip


def _taken(x: Any, indices: Any) -> Any:
    """One block of `getitem_last`."""
    return x[..., indices]


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Elements along an axis, for each line those of its own indices."""
    import dask.array as da  # the arrays are Dask's: it is there

    lines, places = da.moveaxis(x, axis, -1), da.moveaxis(indices, axis, -1)
    sizes = np.broadcast_shapes(lines.shape[:-1], places.shape[:-1])
    lines = da.broadcast_to(lines, (*sizes, lines.shape[-1]))
    places = da.broadcast_to(places, (*sizes, places.shape[-1])).rechunk({places.ndim - 1: -1})
    out = blocks.along(
        "take_along_axis", "(n),(m)->(m)", lines, places, dtype=x.dtype, called="take_along_axis", axis=-1
    )  # fmt: skip
    return da.moveaxis(out, -1, axis)


