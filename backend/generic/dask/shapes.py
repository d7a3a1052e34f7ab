"""Shapes that know the chunks of the array that has them, so that other arrays are laid out like it.

A rule that spreads a cotangent back over a shape gets it from the tape: with the chunks it makes blocks that fit, and
none that holds all. A boolean mask or a dataframe leaves an array whose chunks have unknown lengths, NaN in its shape,
over which nothing can be spread by numbers alone. `told(x)` gives `x` a shape of the class `Shape`, a tuple like any
other, with the chunks, and where these are unknown with a reference to the blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common.lengths import unknown

ADVICE = "x.compute_chunk_sizes() finds the lengths, which computes the array's graph once"


class Shape(tuple):
    """The shape of a Dask array.

    Attributes
    ----------
    chunks : tuple
        Those of the array.
    like
        An array with the same blocks, where some lengths are unknown (NaN); else None.
    """

    chunks: tuple[tuple[Any, ...], ...]
    like: Any

    def number_along(self, axis: Any) -> Any:
        """The number of elements along axes (None: all), a lazy 0-d array; found while the blocks are computed."""
        import dask.array as da  # the arrays are Dask's: it is there

        axes = range(len(self)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        x = self.like
        total: Any = 1
        for a in {int(a) % len(self) for a in axes}:
            if self[a] == self[a]:
                total = total * self[a]
                continue
            line = x[tuple(slice(None) if i == a else 0 for i in range(x.ndim))]
            total = total * da.sum(da.ones_like(line, dtype=np.float64))
        return total


def told(x: Any) -> Any:
    """`x`, a Dask array, with a shape that knows its chunks; without its blocks of no elements.

    Those are what `compute_chunk_sizes` leaves of a mask that holds nowhere in a block. Dask's reductions, `rechunk`
    and `reshape` fail for them, or give NaN: whatever is computed with `x` is computed without them.

    The shape of a Dask array is computed when it is first asked for and kept; it is put in that place. The array that
    it refers to is another object over the same graph, so that there is no cycle.
    """
    shape = x.shape
    if type(shape) is Shape:
        return x.__dict__.get("filled", x)
    filled = _filled(x)
    made = Shape(n if n == n else np.nan for n in shape)  # one object, so that shapes are equal
    made.chunks = filled.chunks
    made.like = (
        type(x)(filled.dask, filled.name, filled.chunks, meta=x._meta) if unknown(shape) else None
    )
    x.__dict__["shape"] = made
    if filled is not x:
        x.__dict__["filled"] = filled
        filled.__dict__["shape"] = made
    return filled


def _filled(x: Any) -> Any:
    """`x` without its blocks of no elements; one is left along an axis of length 0."""
    for axis, chunks in enumerate(x.chunks):
        if len(chunks) > 1 and 0 in chunks:
            kept = [i for i, n in enumerate(chunks) if n != 0] or [0]
            x = x.blocks[(slice(None),) * axis + (kept,)]
    return x


def refuse_unknown(name: str, *shapes: Any) -> None:
    """Refuse shapes with unknown lengths.

    Raises
    ------
    ValueError
        If there is one.
    """
    for shape in shapes:
        if unknown(shape):
            text = tuple("unknown" if n != n else n for n in shape)
            raise ValueError(
                f"{name}: the lengths of an array of shape {text} are needed; {ADVICE}"
            )
