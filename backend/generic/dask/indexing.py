"""Reading and writing ``x[key]`` of Dask arrays, and adding at an index, which is the pullback of reading.

Dask reads by slices, masks and one array of indices, and writes by the same. What it lacks runs on arrays that are in
one chunk, as one task, and is refused for others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common.lengths import unknown
from . import blocks
from .blocks import zeros
from .segments import sum_by_segment
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


def without_masks(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """A key with the places where NumPy's masks hold instead of these."""
    out: list[Any] = []
    for part in parts:
        mask = isinstance(part, np.ndarray) and part.dtype.kind == "b" and part.ndim
        out += part.nonzero() if mask else [part]
    return tuple(out)


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


def _widens(parts: tuple[Any, ...]) -> bool:
    """Whether a key makes new axes."""
    return any(part is None for part in parts)


def _one_line(parts: tuple[Any, ...]) -> int | None:
    """The position of the only array of a key, if it is a line of integers and all others are slices."""
    arrays = [i for i, p in enumerate(parts) if _is_array(p)]
    if len(arrays) != 1 or parts[arrays[0]].ndim != 1 or parts[arrays[0]].dtype.kind not in "iu":
        return None
    return arrays[0] if all(isinstance(p, slice) or _is_array(p) for p in parts) else None


def _mask(parts: tuple[Any, ...]) -> Any:
    """The mask of a key that is one mask over the first axes, and nothing else."""
    rest = [
        p for p in parts if p is not Ellipsis and not (isinstance(p, slice) and p == slice(None))
    ]
    if len(rest) == 1 and parts[0] is rest[0] and _is_array(rest[0]) and rest[0].dtype.kind == "b":
        return rest[0]
    return None


def _dummy(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """A NumPy key that selects as much."""
    return tuple(np.zeros(p.shape, np.int64) if _is_array(p) else p for p in parts)


def getitem(x: Any, key: Any) -> Any:
    """``x[key]``."""
    parts = without_masks(as_parts(key))
    if is_basic(parts):
        _check_slices("x[key]", x, spelt_out(parts, x.ndim))
        return told(x[key])
    mask = _mask(parts)
    if mask is not None:
        if mask.ndim == 0:
            raise NotImplementedError(
                "x[mask] of a Dask array needs a mask with axes: reshape it to one element"
            )
        if mask.ndim > 1:
            _check_rows("x[mask]", x, mask)
        return told(x[mask])
    if any(_is_array(p) and p.dtype.kind == "b" for p in parts):
        raise NotImplementedError(
            "x[key] of a Dask array takes a mask alone, over the first axes: index by it first, then by the rest"
        )
    spelt = spelt_out(parts, x.ndim)
    line = _one_line(spelt)
    if line is not None and not _widens(parts):
        return told(_along_line(x, spelt, line))
    arrays = [p for p in parts if _is_array(p)]
    if all(isinstance(p, np.ndarray) for p in arrays) and len(arrays) == len(spelt):
        return told(x.vindex[spelt])
    refuse_unknown(
        "x[key] by arrays of integers", x.shape, *(p.shape for p in parts if _is_array(p))
    )
    shape = np.broadcast_to(np.empty((), np.int8), x.shape)[_dummy(parts)].shape
    return blocks.whole(
        _getitem, x, *parts, shape=shape, dtype=x.dtype,
        called="x[key] by several arrays of indices, or one with several axes,",
    )  # fmt: skip


def _along_line(x: Any, parts: tuple[Any, ...], line: int) -> Any:
    """``x[parts]``, of which the one at `line` is a line of indices.

    Of a single one in a Dask array Dask gives one element, and says that it is as many as `x` has: it is taken twice.
    """
    import dask.array as da  # the arrays are Dask's: it is there

    index = parts[line]
    if not isinstance(index, da.Array) or index.shape != (1,):
        return x[parts]
    twice = da.concatenate([index, index]).rechunk(-1)
    return x[(*parts[:line], twice, *parts[line + 1 :])][(slice(None),) * line + (slice(0, 1),)]


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

    parts = without_masks(as_parts(key))
    if is_basic(parts):
        return _placed(shape, spelt_out(parts, len(shape)), values)
    mask = _mask(parts)
    if mask is not None and isinstance(mask, da.Array):
        return _by_mask(shape, mask, values)
    refuse_unknown("the gradient of x[key]", shape)
    spelt = spelt_out(parts, len(shape))
    line = _one_line(spelt)
    if line is not None and not _widens(parts):
        whole = all(i == line or p == slice(None) for i, p in enumerate(spelt))
        if whole:
            rows = da.moveaxis(values, line, 0)
            lengths = (shape[line], *(n for i, n in enumerate(shape) if i != line))
            index = da.asarray(spelt[line])
            return da.moveaxis(
                sum_by_segment(rows, index % shape[line], num_segments=lengths[0]), 0, line
            )
    if all(_is_array(p) for p in spelt):
        flat, stride = 0, 1
        for p, n in zip(reversed(spelt), reversed(shape), strict=True):
            flat, stride = flat + p % n * stride, stride * n
        lines = [
            da.reshape(da.broadcast_to(da.asarray(x), values.shape), (-1,)) for x in (values, flat)
        ]
        return da.reshape(sum_by_segment(*lines, num_segments=stride), shape)
    return blocks.whole(
        _scatter_add, values, *parts, shape=tuple(shape), dtype=values.dtype, gather=True,
        called="the gradient of x[key]", into=tuple(shape),
    )  # fmt: skip


def _by_mask(shape: Any, mask: Any, values: Any) -> Any:
    """The values put where the mask holds, zeros elsewhere: block by block, as they were taken."""
    n = mask.ndim
    _check_blocks(mask, values)
    rest = tuple(range(n, n + values.ndim - 1))
    lead = tuple(range(n))
    return blocks.blockwise(
        _put, (*lead, *rest), mask, lead, values, (0, *rest), dtype=values.dtype,
        meta=blocks.meta_of(blocks.ones(values, (1,) * (n + values.ndim - 1))),
    )  # fmt: skip


def _put(xp: Any, mask: Any, values: Any) -> Any:
    """One block of `_by_mask`."""
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
            out = _padded(expand_dims(out, axis), axis, i, n - i - 1)
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
            if unknown(x.shape):
                return _padded_blocks(x, axis, before, after)
            shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
            chunks = (*x.chunks[:axis], "auto", *x.chunks[axis + 1 :])
            pieces.insert(place, zeros(shape, x, chunks))
    return x if len(pieces) == 1 else da.concatenate(pieces, axis=axis)


def _padded_blocks(x: Any, axis: int, before: int, after: int) -> Any:
    """The same within blocks that hold the whole axis, where lengths of other axes are unknown."""
    blocks.check_whole("the gradient of x[key]", x, (axis,))
    index = tuple(range(x.ndim))
    return blocks.blockwise(
        _pad, index, x, index, dtype=x.dtype, meta=x._meta,
        adjust_chunks={axis: (before + x.shape[axis] + after,)},
        settings={"axis": axis, "before": before, "after": after},
    )  # fmt: skip


def _pad(xp: Any, x: Any, *, axis: int, before: int, after: int) -> Any:
    ends = [
        xp.zeros_on_device_of((*x.shape[:axis], n, *x.shape[axis + 1 :]), x)
        for n in (before, after)
    ]
    return xp.concat([ends[0], x, ends[1]], axis=axis)


def expand_dims(x: Any, /, axis: Any = 0) -> Any:
    """New axes of length 1."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    if any(not -ndim <= a < ndim for a in axes):
        raise IndexError(f"expand_dims: axis {axis} of an array that will have {ndim} axes")
    new = {a % ndim for a in axes}
    return x[tuple(None if i in new else slice(None) for i in range(ndim))]


def _spaced(x: Any, axis: int, step: int) -> Any:
    """`x` with ``step − 1`` zeros behind each element along an axis."""
    wide = expand_dims(x, axis + 1)
    filled = _padded(wide, axis + 1, 0, step - 1)
    chunks = (*x.chunks[:axis], tuple(n * step for n in x.chunks[axis]), *x.chunks[axis + 1 :])
    filled = filled.rechunk({axis + 1: -1})
    index = tuple(range(filled.ndim))
    out = (*index[: axis + 1], *index[axis + 2 :])
    return blocks.blockwise(
        _merged, out, filled, index, dtype=x.dtype, meta=x._meta, adjust_chunks={axis: chunks[axis]},
        settings={"axis": axis},
    )  # fmt: skip


def _merged(xp: Any, block: Any, *, axis: int) -> Any:
    """Two neighbouring axes of a block as one."""
    shape = block.shape
    return xp.reshape(block, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


# ── writing ───────────────────────────────────────────────────────────────────────────────────


def setitem(x: Any, value: Any, key: Any) -> Any:
    """A copy of `x` with ``[key]`` set to `value`."""
    import dask.array as da  # the arrays are Dask's: it is there

    parts = as_parts(key)
    mask = _mask(parts)
    if mask is not None and getattr(value, "ndim", 0) == 0:
        wide = da.asarray(mask)[(..., *(None,) * (x.ndim - mask.ndim))]
        return told(da.where(wide, da.asarray(value).astype(x.dtype), x))
    if mask is not None:
        return _masked_write(x, mask, value)
    if is_basic(parts):
        spelt = spelt_out(parts, x.ndim)
        _check_slices("x[key] = value", x, spelt)
        shape = np.broadcast_to(np.empty((), np.int8), tuple(1 if n != n else n for n in x.shape))[
            tuple(p for p in spelt)
        ].shape
        if 0 in shape:
            return x
        if _widens(parts):
            value = da.broadcast_to(da.asarray(value), shape)
            drop, at = [], 0
            for p in spelt:
                if p is None:
                    drop.append(at)
                at += isinstance(p, slice) or p is None
            value = da.squeeze(value, axis=tuple(drop))
            key = tuple(p for p in spelt if p is not None)
        refuse_unknown("x[key] = value", x.shape)
        out = copy(x)
        out[key] = value
        return told(out)
    spelt = spelt_out(parts, x.ndim)
    line = _one_line(spelt)
    if mask is None and line is not None and not _widens(parts):
        out = copy(x)
        index = spelt[line]
        if not isinstance(index, da.Array) or getattr(value, "ndim", 0) == 0:
            out[spelt] = value
            return told(out)
    return blocks.whole(
        _setitem, x, da.asarray(value).astype(x.dtype), *parts, shape=x.shape, dtype=x.dtype,
        called="x[key] = value by arrays of indices",
    )  # fmt: skip


def _masked_write(x: Any, mask: Any, values: Any) -> Any:
    """`x` with values in the places where the mask holds; they are in the chunks of the mask, as ``x[mask]`` is."""
    import dask.array as da  # the arrays are Dask's: it is there

    mask, values = da.asarray(mask), da.asarray(values).astype(x.dtype)
    n = mask.ndim
    if values.ndim < 1 + x.ndim - n or values.shape[0] == 1 or values.ndim == 0:
        shape = (*(1,) * (1 + x.ndim - n - values.ndim), *values.shape)
        wide = mask[(..., *(None,) * (x.ndim - n))]
        return told(da.where(wide, da.reshape(values, (shape[1:] and shape) or (1,))[0], x))
    _check_blocks(mask, values)
    x = x.rechunk({i: mask.chunks[i] for i in range(n)}) if x.chunks[:n] != mask.chunks else x
    lead, rest = tuple(range(n)), tuple(range(n, x.ndim))
    return blocks.blockwise(
        _written,
        (*lead, *rest),
        x,
        (*lead, *rest),
        mask,
        lead,
        values,
        (0, *rest),
        dtype=x.dtype,
        meta=x._meta,
    )


def _written(xp: Any, x: Any, mask: Any, values: Any) -> Any:
    """One block of `_masked_write`."""
    return xp.setitem(x, values, mask)


def _check_blocks(mask: Any, values: Any) -> None:
    """Refuse values that are not in the blocks of the mask that they belong to.

    Raises
    ------
    NotImplementedError
        If they are not.
    """
    if values.numblocks[0] != mask.numblocks[0] or any(k > 1 for k in mask.numblocks[1:]):
        raise NotImplementedError(
            "x[mask]: values and mask of Dask arrays have to be in the same chunks along the first axis, and the mask "
            "in one along all others, as y[mask] gives them; mask.rechunk({1: -1}) puts an axis into one chunk"
        )
    if not unknown(values.shape[:1]) and mask.numblocks[0] > 1:
        raise NotImplementedError(
            "x[mask]: which of the values go into which chunk of the Dask array is not known before the mask is "
            "computed; take them from an array by the same mask, y[mask], or put the mask into one chunk by "
            "mask.rechunk(-1)"
        )


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
        if isinstance(indices, da.Array):
            parts = (*(slice(None),) * axis, indices, *(slice(None),) * (x.ndim - axis - 1))
            return told(_along_line(x, parts, axis))
        return told(da.take(x, indices, axis=axis))
    rows = getitem_last(da.moveaxis(x, axis, -1), da.asarray(indices))
    order = (*range(axis), *range(x.ndim - 1, x.ndim - 1 + indices.ndim), *range(axis, x.ndim - 1))
    return da.transpose(rows, order)


def getitem_last(x: Any, indices: Any) -> Any:
    """``x[..., indices]``."""
    blocks.check_whole("take", x, (-1,))
    lead, behind = tuple(range(x.ndim - 1)), tuple(range(x.ndim, x.ndim + indices.ndim))
    return blocks.blockwise(
        _taken, (*lead, *behind), x, (*lead, x.ndim - 1), indices, behind, dtype=x.dtype,
        meta=blocks.meta_of(blocks.ones(x, (1,) * (x.ndim - 1 + indices.ndim))), align=True,
    )  # fmt: skip


def _taken(xp: Any, x: Any, indices: Any) -> Any:
    """One block of `getitem_last`."""
    return xp.getitem(x, (..., indices))


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Elements along an axis, for each line those of its own indices."""
    import dask.array as da  # the arrays are Dask's: it is there

    lines, places = da.moveaxis(x, axis, -1), da.moveaxis(indices, axis, -1)
    if not unknown(lines.shape) and lines.shape[:-1] != places.shape[:-1]:
        sizes = np.broadcast_shapes(lines.shape[:-1], places.shape[:-1])
        lines = da.broadcast_to(lines, (*sizes, lines.shape[-1]))
        places = da.broadcast_to(places, (*sizes, places.shape[-1]))
    places = places.rechunk({places.ndim - 1: -1}) if places.numblocks[-1] > 1 else places
    lines = blocks.gathered("take_along_axis", lines)
    out = blocks.along(
        "take_along_axis", "(n),(m)->(m)", lines, places, dtype=x.dtype, called="take_along_axis", axis=-1
    )  # fmt: skip
    return da.moveaxis(out, -1, axis)
