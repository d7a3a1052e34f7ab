"""Sums and maxima of the rows of each segment of a Dask array: of each chunk of rows, then over the chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import blocks
from .blocks import zeros


def sum_by_segment(x: Any, indices: Any, /, *, num_segments: int) -> Any:
    """The sum of the rows of each segment, (n, …): those of each chunk of rows, and the sum of these over chunks."""
    import dask.array as da  # the arrays are Dask's: it is there

    partial = _by_chunks("sum_by_segment", x, indices, num_segments)
    return da.sum(partial, axis=0, dtype=x.dtype)


def max_by_segment(x: Any, indices: Any, /, *, num_segments: int) -> Any:
    """The largest elements of each segment, (n, …): those of each chunk of rows, and the largest of these."""
    import dask.array as da  # the arrays are Dask's: it is there

    if 0 in x.shape[1:]:
        return zeros((num_segments, *x.shape[1:]), x)
    return da.max(_by_chunks("max_by_segment", x, indices, num_segments), axis=0)


def _by_chunks(name: str, x: Any, indices: Any, num_segments: int) -> Any:
    """A function of the segments of each chunk of rows, (chunks, n, …)."""
    import dask.array as da  # the arrays are Dask's: it is there

    indices = da.asarray(indices)
    rest = x.shape[1:]
    rows = da.core.normalize_chunks("auto", (num_segments,), dtype=x.dtype)[0]
    starts = np.concatenate([[0], np.cumsum(rows)[:-1]]).astype(np.int64)
    lengths = np.asarray(rows, np.int64)
    bounds = da.from_array(np.stack([starts, lengths], axis=1), chunks=(1, 2))
    loops = tuple(range(3, 3 + len(rest)))
    if num_segments == 0 or 0 in rest:
        return zeros((1, num_segments, *rest), x)
    if x.shape[0] == 0:
        whole = x.rechunk(-1)
        out = (1, num_segments, *rest)
        return blocks.whole(
            _segments, whole, indices, shape=out, dtype=x.dtype, gather=True, name=name, total=num_segments
        )  # fmt: skip
    return blocks.blockwise(
        _segments_from, (0, 1, *loops), x, (0, *loops), indices, (0,), bounds, (1, 2), dtype=x.dtype,
        meta=blocks.meta_of(blocks.ones(x, (1,) * (x.ndim + 1))), align=True,
        adjust_chunks={0: lambda _: 1, 1: tuple(int(n) for n in rows)},
        settings={"name": name, "total": num_segments},
    )  # fmt: skip


def _segments(xp: Any, x: Any, indices: Any, *, name: str, total: int) -> Any:
    """All segments of a block of rows, with an axis in front."""
    return getattr(xp, name)(x, indices, num_segments=total)[None, ...]


def _segments_from(xp: Any, x: Any, indices: Any, bounds: Any, *, name: str, total: int) -> Any:
    """The segments from ``bounds[0]`` on of a block of rows, with an axis in front."""
    start, length = (int(n) for n in np.asarray(bounds).reshape(-1))
    if length != total:
        if bool(((indices < 0) | (indices >= total)).any()):
            raise IndexError(f"a segment's number is outside 0 … {total - 1}")
        here = (indices >= start) & (indices < start + length)
        x, indices = x[here], indices[here] - start
    return _segments(xp, x, indices, name=name, total=length)
