"""`pullback.numpy.linalg`: the functions of `numpy.linalg`, with NumPy's signatures.

Those that the array API standard has under the same name and signature are `pb.xp.linalg`'s, for lists and numbers,
too. Solves and inverses are in `linear_systems.py`, decompositions and norms in `decompositions.py`.

Examples
--------
>>> import pullback as pb, pullback.numpy as np
>>> pb.grad(lambda A: np.linalg.det(A))(np.asarray([[2.0, 1.0], [1.0, 4.0]])).round(6)
Array([[ 4., -1.],
       [-1.,  2.]], dtype=float64, device='cpu')
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.array import Array
from ..functions import namespace as xp
from ..functions.creation import as_floating
from .arguments import as_array
from .decompositions import (
    cholesky,
    cond,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    matrix_rank,
    norm,
    qr,
    svd,
    svdvals,
)
from .linear_systems import (
    det,
    inv,
    lstsq,
    matrix_power,
    multi_dot,
    pinv,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)
from .operands import arrays, of_one_dtype
from .refusals import missing
from .sections import products
from .sections.ufuncs import UFUNCS

LinAlgError = np.linalg.LinAlgError


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """The sums along a diagonal of the last two axes.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.trace([[1.0, 2.0], [3.0, 4.0]])
    Array(5., dtype=float64, device='cpu')
    """
    return products.trace(x, offset, -2, -1, dtype)


def diagonal(x: Any, /, *, offset: int = 0) -> Array:
    """A diagonal of the last two axes; a view.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.diagonal([[1.0, 2.0], [3.0, 4.0]])
    Array([1., 4.], dtype=float64, device='cpu')
    """
    return xp.linalg.diagonal(as_array(x), offset=offset)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Array:
    """The vector product of vectors of three components along an axis.

    Raises
    ------
    ValueError
        If there are more or fewer.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    Array([0., 0., 1.], dtype=float64, device='cpu')
    """
    x1, x2 = arrays(x1, x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            f"cross: vectors of {x1.shape[axis]} and {x2.shape[axis]} components; 3 are needed"
        )
    return products.cross(x1, x2, axis=axis)


def outer(x1: Any, x2: Any, /) -> Array:
    """``x1[i] x2[j]`` of two vectors.

    Raises
    ------
    ValueError
        If one is no vector.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.outer([1.0, 2.0], [3.0, 4.0])
    Array([[3., 4.],
           [6., 8.]], dtype=float64, device='cpu')
    """
    return xp.linalg.outer(*arrays(x1, x2))


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Array:
    """The sum over pairs of axes, as `pullback.numpy.tensordot`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.tensordot([1.0, 2.0], [3.0, 4.0], axes=1)
    Array(11., dtype=float64, device='cpu')
    """
    return products.tensordot(x1, x2, axes)


def matmul(x1: Any, x2: Any, /) -> Array:
    """The product of matrices (…, m, k) and (…, k, n), or of vectors.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.matmul([[1.0, 2.0]], [3.0, 4.0])
    Array([11.], dtype=float64, device='cpu')
    """
    return UFUNCS["matmul"](x1, x2)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Array:
    """The product of vectors along an axis, ``Σ conj(x1) x2``.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.vecdot([1.0, 2.0], [3.0, 4.0])
    Array(11., dtype=float64, device='cpu')
    """
    x1, x2 = (xp.moveaxis(x, axis, -1) for x in of_one_dtype(x1, x2))
    return xp.vecdot(x1, x2)


def matrix_transpose(x: Any, /) -> Array:
    """The last two axes swapped; a view.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.matrix_transpose([[1.0, 2.0]])
    Array([[1.],
           [2.]], dtype=float64, device='cpu')
    """
    return xp.matrix_transpose(as_array(x))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """The norm of matrices in the last two axes, as in `norm`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.matrix_norm([[3.0, 4.0]])
    Array(5., dtype=float64, device='cpu')
    """
    return norm(x, ord, (-2, -1), keepdims)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """The norm (Σ |x|ᵖ)^(1/p) of vectors along one axis or several, all of them by default; p is `ord`, None for 2.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.vector_norm([3.0, 4.0])
    Array(5., dtype=float64, device='cpu')
    """
    x, p = as_floating(as_array(x)), 2 if ord is None else ord
    return xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=p)


__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]


_missing = missing("linalg")


def __getattr__(name: str) -> Any:
    return _missing(name)


def __dir__() -> list[str]:
    return sorted(__all__)
