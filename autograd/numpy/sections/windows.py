"""Windows: `bartlett`, `blackman`, `hamming`, `hanning` and `kaiser`, in double precision.

They are made on the active backend, but for Kaiser's, which is made where its β is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...functions import namespace as xp
from ...functions.creation import as_number
from ..conversions import arange_on_device_of, as_array_in, cast, library_of
from .elementwise import i0

__all__ = [
    "bartlett",
    "blackman",
    "hamming",
    "hanning",
    "kaiser",
]


def _steps(M: Any) -> tuple[Array, float]:
    """The numbers 1 − M, 3 − M, …, M − 1, and M − 1; for M < 2 what makes the window ones."""
    M = _length(M)
    return xp.arange(1.0 - M, float(M), 2.0) if M > 1 else xp.zeros(max(int(M), 0)), max(
        M - 1.0, 1.0
    )


def _length(M: Any) -> Any:
    """The number of points, which is read.

    Raises
    ------
    TypeError
        If a derivative is being taken through it, which would be cut.
    """
    if type(M) is Array:
        M.refuse_if_traced("the number of points of a window, as a value")
    return as_number(M)


def bartlett(M: Any) -> Array:
    """The triangular window ``1 − |n| / (M − 1)``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.bartlett(5)
    Array([0. , 0.5, 1. , 0.5, 0. ], dtype=float64, device='cpu')
    """
    n, width = _steps(M)
    return 1 - xp.abs(n) / width


def blackman(M: Any) -> Array:
    """The window ``0.42 + 0.5 cos(π n / (M − 1)) + 0.08 cos(2π n / (M − 1))``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.blackman(4).round(2)
    Array([-0.  ,  0.63,  0.63, -0.  ], dtype=float64, device='cpu')
    """
    n, width = _steps(M)
    return 0.42 + 0.5 * xp.cos(math.pi * n / width) + 0.08 * xp.cos(2 * math.pi * n / width)


def hamming(M: Any) -> Array:
    """The window ``0.54 + 0.46 cos(π n / (M − 1))``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.hamming(3)
    Array([0.08, 1.  , 0.08], dtype=float64, device='cpu')
    """
    n, width = _steps(M)
    return 0.54 + 0.46 * xp.cos(math.pi * n / width)


def hanning(M: Any) -> Array:
    """The window ``0.5 + 0.5 cos(π n / (M − 1))``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.hanning(5)
    Array([0. , 0.5, 1. , 0.5, 0. ], dtype=float64, device='cpu')
    """
    n, width = _steps(M)
    return 0.5 + 0.5 * xp.cos(math.pi * n / width)


def kaiser(M: Any, beta: Any) -> Array:
    """The window ``I₀(β √(1 − (n / (M − 1))²)) / I₀(β)``, differentiable in β, where β is.

    Raises
    ------
    ValueError
        If β is not one number.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(lambda beta: np.kaiser(3, beta)[0])(1.0)
    -0.352580...
    """
    M, beta = _length(M), as_array_in(beta, library_of(beta))
    if beta.ndim:
        raise ValueError(
            f"kaiser: beta is one number, not an array of shape {beta.shape}; make a window for each of its elements, "
            "as pb.vmap(lambda b: np.kaiser(M, b))(beta) does"
        )
    if not is_complex(beta.dtype):  # which `i0` refuses
        beta = cast(beta, np.float64)
    n = cast(arange_on_device_of(max(math.ceil(M), 0), beta), np.float64)
    if M == 1:
        return n + 1.0
    half = (M - 1) / 2.0
    ratio = (n - half) / half
    shape = generated.sqrt((1 - ratio) * (1 + ratio))
    return i0(beta * shape) / i0(beta)
