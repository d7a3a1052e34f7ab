"""Averages and covariances: `average`, `cov`, `corrcoef`; and the names of its other files."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ...functions.creation import as_floating
from ..arguments import as_array
from ..operands import NO_VALUE, as_array_like, value_or
from . import moments, nan_reductions, quantiles
from .moments import *  # noqa: F403 - the names of the other files of this section
from .nan_reductions import *  # noqa: F403 - as above
from .quantiles import *  # noqa: F403 - as above

__all__ = [
    "average",
    "corrcoef",
    "cov",
    *moments.__all__,
    *nan_reductions.__all__,
    *quantiles.__all__,
]


def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = NO_VALUE,
) -> Any:
    """The weighted mean along axes, ``Σ w a / Σ w``, differentiable in the weights, too.

    Parameters
    ----------
    a
        An array.
    axis : int or tuple of int, optional
        The axes; all of them by default.
    weights
        Of the shape of `a`, or of its shape along `axis`.
    returned : bool
        Return the sums of the weights as well.
    keepdims : bool
        Keep the axes with length 1.

    Notes
    -----
    Where the weights sum to 0 the mean is NaN; NumPy raises, which would have to read a value.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.average([1.0, 3.0], weights=[3.0, 1.0])
    Array(1.5, dtype=float64, device='cpu')
    """
    a, keep = as_floating(as_array(a)), value_or(keepdims, False)
    if weights is not None:
        weights = as_array_like(weights, a)
        weights = weights if is_inexact(weights.dtype) else xp.astype(weights, a.dtype)
    return xp.average(a, axis, weights, returned, keepdims=keep)


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Array:
    """The covariance matrix of variables in rows, as `pb.xp.cov`; without `dtype`, float32 stays so.

    Raises
    ------
    ValueError
        If `ddof` is no integer, or the weights do not fit.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.cov([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    Array([[ 1., -1.],
           [-1.,  1.]], dtype=float64, device='cpu')
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: ddof={ddof} must be integer")
    m, y = _cast(m, dtype), None if y is None else _cast(y, dtype)
    fweights, aweights = (None if w is None else as_array_like(w, m) for w in (fweights, aweights))
    return xp.cov(m, y, rowvar, bias, ddof, fweights, aweights)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Array:
    """The correlation matrix of variables in rows, as `pb.xp.corrcoef`; without `dtype`, float32 stays so.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.corrcoef([0.0, 1.0, 2.0], [3.0, 2.0, 1.0])
    Array([[ 1., -1.],
           [-1.,  1.]], dtype=float64, device='cpu')
    """
    return xp.corrcoef(_cast(x, dtype), None if y is None else _cast(y, dtype), rowvar)


def _cast(x: Any, dtype: Any) -> Array:
    x = as_array(x)
    return x if dtype is None else xp.astype(x, np.dtype(dtype), copy=False)
