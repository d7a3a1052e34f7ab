"""NumPy: direct kernels for the hot functions.

array_api_compat's wrappers cost 0.3 to 9 µs over the call they wrap; a training step on small
arrays makes dozens of such calls. The functions here keep the standard's signatures.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from ..common import trials
from ..common.base import Backend, Namespace
from ..common.typing import DType
from ..generic import namespace as generic
from ..generic import norms, products, random
from ..generic import special as generic_special
from ..generic import vjp_kernels as generic_vjp_kernels
from . import fused, linalg, mkl, sparse, special, updates, vjp_kernels
from .kept_memory import is_only_view
from .networks import attention, convolution, pooling, recurrence, segments
from .short_rows import (
    LONGEST_EXTREME,
    LONGEST_SUM,
    extreme_of_rows,
    has_short_rows,
    sum_of_rows,
)
from .standard import STANDARD

# untyped: NumPy's stubs do not know the positional forms, which are the fast ones
_add_reduce: Any = np.add.reduce
_max_reduce: Any = np.maximum.reduce
_min_reduce: Any = np.minimum.reduce
_EXACT_MEAN = frozenset("fdFD")  # float16 and integers need np.mean's wider accumulators


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    """Sum by the ufunc itself, without NumPy's Python wrapper."""
    if axis is not None and dtype is None and has_short_rows(x, axis, LONGEST_SUM):
        return sum_of_rows(x, keepdims)
    return _add_reduce(x, axis, dtype, None, keepdims)


def max(x, /, *, axis=None, keepdims=False):
    """Maximum by the ufunc itself."""
    if axis is not None and has_short_rows(x, axis, LONGEST_EXTREME):
        return extreme_of_rows(_max_reduce, x, keepdims)
    return _max_reduce(x, axis, None, None, keepdims)


def min(x, /, *, axis=None, keepdims=False):
    """Minimum by the ufunc itself."""
    if axis is not None and has_short_rows(x, axis, LONGEST_EXTREME):
        return extreme_of_rows(_min_reduce, x, keepdims)
    return _min_reduce(x, axis, None, None, keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    """Mean as sum over count."""
    if x.dtype.char not in _EXACT_MEAN:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if axis is None:
        count = x.size
    elif type(axis) is int:
        count = x.shape[axis]
    else:
        count = math.prod(x.shape[i] for i in axis)
    if count == 0:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return sum(x, axis=axis, keepdims=keepdims) / count


def reshape(x, /, shape, *, copy=None):
    """Reshape by the method; `copy` as the standard has it."""
    if copy is None:
        return x.reshape(shape)
    return np.reshape(x, shape, copy=copy)


def permute_dims(x, /, axes):
    """Transpose by the method."""
    return x.transpose(axes)


def matrix_transpose(x, /):
    """Swap the last two axes by the attribute."""
    return x.mT


def expand_dims(x, /, axis=0):
    """Insert an axis of length 1 (a tuple of axes inserts several)."""
    return np.expand_dims(x, axis)


def broadcast_to(x, /, shape):
    """Broadcast without copying; a 0-d value is laid out by strides of 0 directly."""
    if x.shape == shape:
        return x
    if x.shape == () and type(shape) is tuple:
        return np.ndarray(shape, x.dtype, np.asarray(x), 0, (0,) * len(shape))
    return np.broadcast_to(x, shape)


def astype(x, dtype, /, *, copy=True, device=None):
    """Cast by the method."""
    if device not in (None, "cpu"):
        raise ValueError(f"astype: NumPy arrays live on device 'cpu', not {device!r}")
    return x.astype(dtype, copy=copy)


def clip(x, /, min=None, max=None):
    """NumPy's `clip`, by the ufunc where that keeps the dtype of `x`.

    array_api_compat writes through masks, which takes 20 times as long.
    """
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.dtype.kind == "f" and all(
        bound is None
        or type(bound) in (bool, int, float)
        or getattr(bound, "dtype", None) is x.dtype
        for bound in (min, max)
    ):
        return np.clip(x, min, max)
    return STANDARD.clip(x, min, max)


def take(x, indices, /, *, axis=None):
    """Elements along an axis, which may be left out for one-dimensional `x`."""
    if axis is None and x.ndim != 1:
        raise TypeError(f"take: axis is required for an array of {x.ndim} dimensions")
    return x.take(indices, axis)


def copy(x):
    """A fresh array."""
    return np.array(x)


def getitem(x, key):
    """``x[key]``."""
    return x[key]


def setitem(x, value, key):
    """A copy of `x` with ``[key]`` set to `value`."""
    out = np.array(x)
    out[key] = value
    return out


_DIRECT = {
    f.__name__: f
    for f in (
        sum, max, min, mean, reshape, permute_dims, matrix_transpose, expand_dims, broadcast_to, astype, take, copy,
        getitem, setitem, *fused.FUNCTIONS, *vjp_kernels.FUNCTIONS, *special.FUNCTIONS,
        *sparse.FUNCTIONS, *recurrence.FUNCTIONS, *attention.FUNCTIONS, *convolution.FUNCTIONS, *pooling.FUNCTIONS,
        *segments.FUNCTIONS,
    )
}  # fmt: skip

_NORMS = norms.bind_numpy(STANDARD)

XP: Namespace = generic.extend(
    STANDARD,
    **_DIRECT,
    cholesky_vjp=linalg.cholesky_vjp,
    clip=clip,
    factor=linalg.factor,
    linalg=Namespace(
        STANDARD.linalg,
        {
            "cholesky": linalg.standard_cholesky,
            "inv": linalg.inv,
            "matrix_norm": _NORMS["matrix_norm"],
            "outer": linalg.outer,
            "solve": linalg.solve,
            "vector_norm": _NORMS["vector_norm"],
        },
    ),
    lu_or_none=linalg.lu_or_none,
    convolve=np.convolve,
    einsum=products.einsum_numpy,
    expm=products.expm_scipy,
    in_rows=np.ascontiguousarray,
    fused_update=updates.update,
    matmul=np.matmul,
    random_bits=random.random_bits_in_place,
    sign=np.sign,
    sinc=np.sinc,
    std=_NORMS["std"],
    **generic_vjp_kernels.cheap_slopes(lambda: XP),
    special=lambda xp: generic_special.special_of(xp, special.SCIPY, polygamma=special.polygamma),
)


def asarray(host: Any, dtype: DType = None) -> np.ndarray:
    """`host` as an array, copied only where it must be."""
    return np.asarray(host, dtype=dtype)


def as_gradient(x: Any) -> np.ndarray:
    """`x` if it owns a writable buffer in C order, else such a copy (0-d scalars become arrays)."""
    if type(x) is np.ndarray and x.flags.carray and (x.base is None or is_only_view(x)):
        return x
    return np.array(x, order="C")


def lock(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Forbid writes to arrays; those to which they were allowed before.

    By `setflags`, in a quarter of the time that ``x.flags.writeable = False`` takes.
    """
    locked = []
    for x in arrays:  # one array may be there twice
        if x.flags.writeable:
            x.setflags(False)  # type: ignore[call-arg]  # the stubs want a keyword, twice as slow
            locked.append(x)
    return locked


def unlock(arrays: list[np.ndarray]) -> None:
    """Allow writes to arrays again.

    Raises
    ------
    ValueError
        For a view whose base cannot be written to.
    """
    for x in arrays:
        x.setflags(True)  # type: ignore[call-arg]  # as in `lock`


def _memory() -> dict[str, int]:
    try:
        pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return {"free": pages * size, "total": os.sysconf("SC_PHYS_PAGES") * size}
    except (AttributeError, ValueError, OSError):  # no sysconf on Windows, other names on macOS
        return {}


def _info() -> dict[str, str]:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "NumPy": np.__version__,
        "BLAS": f"{blas.get('name')} {blas.get('version')}",
        "MKL": mkl.describe(),
        "fastest here": trials.describe(),
    }


def backend(reason: str = "asked for") -> Backend:
    """The NumPy backend."""
    return Backend(
        name="numpy",
        xp=XP,
        array_type=np.ndarray,
        asarray=asarray,
        to_numpy=np.asarray,
        normalise=np.asarray,
        as_gradient=as_gradient,
        lock=lock,
        unlock=unlock,
        device="cpu",
        memory=_memory,
        info=_info,
        reason=reason,
    )
