"""The functions that array-api-compat's namespace for Dask lacks or has different from the standard.

The arrays stay lazy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import XP


def _take_along_axis(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    return np.take_along_axis(x, indices, -1)


def overrides(xp: XP) -> tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]:
    """Functions of the main namespace, and of its `linalg`, in place of those of `xp`."""
    import dask.array as da  # the arrays are Dask's: it is there

    def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
        return da.take(x, indices, axis=0 if axis is None else axis)

    def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
        out = da.apply_gufunc(
            _take_along_axis, "(n),(m)->(m)",
            da.moveaxis(x, axis, -1), da.moveaxis(indices, axis, -1), output_dtypes=x.dtype, allow_rechunk=True,
        )  # fmt: skip
        return da.moveaxis(out, -1, axis)

    def cholesky(x: Any, /, *, upper: bool = False) -> Any:
        return da.linalg.cholesky(x, lower=not upper)  # whose default is the upper one

    def svdvals(x: Any, /) -> Any:
        return xp.linalg.svd(x, full_matrices=False)[1]

    return {"take": take, "take_along_axis": take_along_axis}, {"cholesky": cholesky, "svdvals": svdvals}  # fmt: skip
