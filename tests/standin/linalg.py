"""CuPy's linear algebra over LAPACK: nothing is raised unless `cupyx.errstate(linalg="raise")` asks for it.

A singular solve gives infinities and NaN, a matrix that is not positive definite the half-made factor that LAPACK
leaves, NaN passes through; `solve` does not broadcast batches, and batches are checked by cuBLAS's flags alone.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs

from ._surface import FUNCTIONS
from .array import quiet, unwrap, wrap
from .functions import _function, cupy, linalg
from .memory import SYNCHRONISATIONS, _ndarray_base, host

_mode: contextvars.ContextVar[str] = contextvars.ContextVar("errstate", default="ignore")


@contextlib.contextmanager
def errstate(*, linalg: str | None = None, **_: Any) -> Iterator[None]:
    """`cupyx.errstate`: "ignore", as it is by default, or "raise"."""
    if linalg not in (None, "ignore", "raise"):
        raise NotImplementedError(f"linalg={linalg!r}")
    token = _mode.set(_mode.get() if linalg is None else linalg)
    try:
        yield
    finally:
        _mode.reset(token)


def _checked(name: str, flags: Any) -> None:
    if _mode.get() == "raise":
        SYNCHRONISATIONS[0] += 1
        if np.any(np.asarray(flags) != 0):
            raise np.linalg.LinAlgError(f"Error reported by {name} in cuSOLVER. devInfo = {flags}.")


def _matrices(*arrays: Any) -> None:
    for a in arrays:
        if not isinstance(a, _ndarray_base):
            raise np.linalg.LinAlgError("cupy.linalg only supports cupy.ndarray")


def _square(a: Any) -> None:
    if a.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{a.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    if a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")


def common(*arrays: Any) -> np.dtype:
    """The dtype that CuPy computes in; float16 is refused."""
    if any(a.dtype == np.float16 for a in arrays):
        raise TypeError("float16 is unsupported in linalg")
    return np.result_type(*(a.dtype if a.dtype.kind in "fc" else np.float64 for a in arrays))


def lapack(name: str, dtype: Any) -> Any:
    return get_lapack_funcs(name, dtype=np.dtype(dtype))


def getrf(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """LAPACK's factor, pivots from 0, and cuSOLVER's flag: the first pivot, from 1, that is zero *or NaN*."""
    factor, pivots, _ = lapack("getrf", a.dtype)(a)
    d = factor.diagonal()
    wrong = np.flatnonzero((d == 0) | (d != d))
    return factor, pivots, int(wrong[0]) + 1 if len(wrong) else 0


def potrf(a: np.ndarray, lower: bool = True) -> tuple[np.ndarray, int]:
    """LAPACK's half-made factor, and cuSOLVER's flag: the first minor, from 1, that is not positive, or NaN."""
    c, flag = lapack("potrf", a.dtype)(a, lower=lower, clean=False)
    d = c.diagonal().real
    wrong = np.flatnonzero(d != d)
    return c, int(flag or (wrong[0] + 1 if len(wrong) else 0))


def _gesv(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int]:
    """One system by getrf and getrs, whose division by a zero pivot nobody stops."""
    factor, pivots, flag = getrf(a)
    if flag:
        return np.full(b.shape, np.nan, b.dtype), flag
    return lapack("getrs", a.dtype)(factor, pivots, b)[0], flag


def solve(a, b):
    _matrices(a, b)
    _square(a)
    if b.ndim == 0:
        raise ValueError("b must have at least one dimension")
    if b.ndim == 1:
        if a.shape[-1] != b.size:
            raise ValueError(
                "a must have (..., M, M) shape and b must have (M,) for one-dimensional b"
            )
        b = cupy.broadcast_to(b, a.shape[:-1])
    elif a.shape[:-1] != b.shape[:-1]:
        raise ValueError(
            "a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b"
        )
    dtype = common(a, b)
    A, B = host(a).astype(dtype), host(b).astype(dtype)
    out, flags = np.empty(B.shape, dtype), np.zeros(A.shape[:-2], int)
    if A.size:
        for i in np.ndindex(A.shape[:-2]):
            if B.size:
                out[i], flags[i] = _gesv(A[i], B[i])
            else:
                flags[i] = getrf(A[i])[2]
    _checked("getrf", flags)
    return wrap(out)


def inv(a):
    _matrices(a)
    _square(a)
    dtype = common(a)
    A = host(a).astype(dtype)
    out, flags = np.empty(A.shape, dtype), np.zeros(A.shape[:-2], int)
    if A.size:
        for i in np.ndindex(A.shape[:-2]):
            eye = np.eye(A.shape[-1], dtype=dtype)
            out[i], flags[i] = _gesv(A[i], eye)
            if flags[i] and i:  # cuBLAS writes nothing for it: here, what looks best
                out[i] = eye
    _checked("getrf", flags)
    return wrap(out)


def cholesky(a):
    _matrices(a)
    _square(a)
    dtype = common(a)
    A = host(a).astype(dtype)
    out, flags = np.zeros(A.shape, dtype), np.zeros(A.shape[:-2], int)
    if A.size:
        for i in np.ndindex(A.shape[:-2]):
            c, flags[i] = potrf(A[i])
            out[i] = np.tril(c)
            if (
                flags[i] and a.ndim > 2
            ):  # of a batch: the root of what is negative, and what follows from it
                out[i][flags[i] - 1 :, flags[i] - 1 :] = np.nan
    _checked("potrf", flags)
    return wrap(out)


def _or_nan(name: str, shapes: Callable[[tuple[int, ...]], Any]) -> Callable[..., Any]:
    """A decomposition that NumPy refuses of NaN, and CuPy does not."""
    on_host = getattr(np.linalg, name)

    def run(*args: Any, **settings: Any) -> Any:
        _matrices(args[0])
        common(args[0])
        try:
            return wrap(quiet(on_host, *map(unwrap, args), **settings))
        except np.linalg.LinAlgError as error:
            if "converge" not in str(error):
                raise
            with np.errstate(all="ignore"):
                made = on_host(np.zeros_like(unwrap(args[0])), *map(unwrap, args[1:]), **settings)
            parts = made if isinstance(made, tuple) else (made,)
            out = tuple(wrap(np.full_like(np.asarray(p), np.nan)) for p in parts)
            return type(made)(*out) if isinstance(made, tuple) else out[0]

    return run


def eigh(a, UPLO="L"):
    return tuple(_or_nan("eigh", tuple)(a, UPLO=UPLO))


def eigvalsh(a, UPLO="L"):
    return _or_nan("eigvalsh", tuple)(a, UPLO=UPLO)


def svd(a, full_matrices=True, compute_uv=True):
    out = _or_nan("svd", tuple)(a, full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(out) if compute_uv else out


def _complex(x: Any) -> Any:
    return x.astype(np.result_type(x.dtype, np.complex64))


def eig(a):
    w, v = _or_nan("eig", tuple)(a)
    return _complex(w), _complex(v)


def eigvals(a):
    return _complex(_or_nan("eigvals", tuple)(a))


def lstsq(a, b, rcond=None):
    return tuple(wrap(np.asarray(v)) for v in np.linalg.lstsq(unwrap(a), unwrap(b), rcond))


def pinv(a, rcond=1e-15):
    return wrap(np.linalg.pinv(unwrap(a), unwrap(rcond)))


_WRITTEN: dict[str, Any] = {
    f.__name__: f for f in (solve, inv, cholesky, eigh, eigvalsh, svd, eig, eigvals, lstsq, pinv)
}
for _name, _text in FUNCTIONS["cupy.linalg"].items():
    setattr(
        linalg, _name, _WRITTEN.get(_name) or _function(_name, _text, getattr(np.linalg, _name))
    )
linalg.matmul = cupy.matmul
linalg.LinAlgError = np.linalg.LinAlgError
linalg.__all__ = [n for n in vars(linalg) if not n.startswith("_")]
cupy.fft.__all__ = [n for n in vars(cupy.fft) if not n.startswith("_")]
