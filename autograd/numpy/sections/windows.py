"""Windows: `bartlett`, `blackman`, `hamming`, `hanning` and `kaiser`, in double precision on the active backend."""

from __future__ import annotations

import math
from typing import Any

from ...core.array import Array
from ...functions import namespace as xp
from ...functions.creation import as_number
from ..operands import beside

__all__ = [
    "bartlett",
    "blackman",
    "hamming",
    "hanning",
    "kaiser",
]


def _steps(M: Any) -> tuple[Array, float]:
    """The numbers 1 − M, 3 − M, …, M − 1, and M − 1; for M < 2 what makes the window ones."""
    M = as_number(M)
    return xp.arange(1.0 - M, float(M), 2.0) if M > 1 else xp.zeros(max(int(M), 0)), max(
        M - 1.0, 1.0
    )


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
    """The window ``I₀(β √(1 − (n / (M − 1))²)) / I₀(β)``, differentiable in β.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(lambda beta: np.kaiser(3, beta)[0])(1.0)
    -0.352580...
    """
    n, width = _steps(M)
    beta = beside(beta, n) * 1.0
    ratio = n / width
    shape = xp.sqrt((1 - ratio) * (1 + ratio))
    return xp.special.i0(beta * shape) / xp.special.i0(beta)
