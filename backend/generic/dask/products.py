"""Products of Dask's arrays: of blocks by their own library, and sums of these over the chunks of what they share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...common.lengths import same_length
from . import blocks
from .shapes import told


def matmul(x1: Any, x2: Any, /) -> Any:
    """``x1 @ x2``: one product for each pair of blocks, and the sum over the chunks of the axis they share.

    Raises
    ------
    ValueError
        If the lengths of that axis differ.
    """
    import dask.array as da  # the arrays are Dask's: it is there

    if not x1.ndim or not x2.ndim:
        raise ValueError("matmul: an array of no dimension; use multiply")
    row, column = x1.ndim == 1, x2.ndim == 1
    a, b = (x1[None, :] if row else x1), (x2[:, None] if column else x2)
    n, m = a.shape[-1], b.shape[-2]
    if not same_length(n, m):
        raise ValueError(
            f"matmul: x1 of shape {x1.shape} and x2 of shape {x2.shape} do not agree along what they share"
        )
    loops = max(a.ndim, b.ndim) - 2
    lead = tuple(range(loops))
    i, j, k = loops, loops + 1, loops + 2
    dtype = np.result_type(x1.dtype, x2.dtype)
    operands = (
        a, (*lead[loops - a.ndim + 2 :], i, k), b, (*lead[loops - b.ndim + 2 :], k, j),
    )  # fmt: skip
    meta = blocks.meta_of(blocks.ones(x1, (1,) * (loops + 2)))
    if a.numblocks[-1] == 1 == b.numblocks[-2]:
        out = blocks.blockwise(
            "matmul", (*lead, i, j), *operands, dtype=dtype, meta=meta, align=True
        )
    else:
        partial = blocks.blockwise(
            _partial,
            (k, *lead, i, j),
            *operands,
            dtype=dtype,
            meta=meta[None],
            align=True,
            adjust_chunks={k: 1},
        )
        out = da.sum(partial, axis=0, dtype=dtype)
    out = told(out.astype(dtype))
    if row and column:
        return out[..., 0, 0]
    return out[..., 0, :] if row else out[..., 0] if column else out


def _partial(xp: Any, a: Any, b: Any) -> Any:
    """The product of two blocks, with an axis in front, over which it is added up."""
    return xp.matmul(a, b)[None, ...]


def linear(x: Any, W: Any, b: Any) -> Any:
    """``x @ W + b``; x (..., n), W (n, m), b (m,)."""
    return matmul(x, W) + b


def linear_vjp_W(ct: Any, x: Any) -> Any:
    """``xᵀ ct``, with all leading axes of x (..., n) and ct (..., m) taken as one."""
    import dask.array as da  # the arrays are Dask's: it is there

    if x.ndim == 1:
        return x[:, None] * ct[None, :]
    if x.ndim == 2:
        return matmul(x.T, ct)
    rows = math.prod(x.shape[:-1])
    if rows == rows and max(x.numblocks[1:-1]) == 1 == max(ct.numblocks[1:-1]):
        return matmul(da.reshape(x, (rows, x.shape[-1])).T, da.reshape(ct, (rows, ct.shape[-1])))
    lead = tuple(range(x.ndim - 1))
    return da.tensordot(x, ct, axes=(lead, lead))
