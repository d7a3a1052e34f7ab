"""The two namespaces that a program runs in: pullback's, and NumPy's with what only pullback has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat.numpy
import numpy as np
import scipy.linalg
import scipy.special

import pullback as pb


class _Space:
    """A namespace with some names of its own in front of another's."""

    def __init__(self, under: Any, **own: Any) -> None:
        self.under = under
        vars(self).update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.under, name)


def _kept(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of SciPy's or NumPy's that always computes in double precision, back in that of its array."""

    def in_dtype(*args: Any) -> Any:
        dtype = next(x.dtype for x in args if hasattr(x, "dtype"))
        return np.asarray(f(*args)).astype(dtype)[()]

    return in_dtype


def _padded(x: np.ndarray, pads: Any) -> np.ndarray:
    """In C order: the order of elements in memory is nothing that `pad` promises."""
    return np.ascontiguousarray(np.pad(x, pads))


def _sorted(x: np.ndarray, **settings: Any) -> np.ndarray:
    """By array-api-compat, whose descending order is a reversed view, which NumPy has no function for."""
    return np.ascontiguousarray(array_api_compat.numpy.sort(x, **settings))


def _power(A: np.ndarray, n: int) -> np.ndarray:
    """An array of its own for n = 1 too, where NumPy hands on its argument."""
    return np.array(array_api_compat.numpy.linalg.matrix_power(A, n))


DOUBLE_ONLY = ("polygamma", "gammainc", "gammaincc", "betainc", "iv", "zeta")
NUMPY = _Space(
    array_api_compat.numpy,
    sigmoid=scipy.special.expit,
    softplus=lambda x: np.logaddexp(x, 0),
    relu=lambda x: np.maximum(x, 0),
    logsumexp=scipy.special.logsumexp,
    softmax=scipy.special.softmax,
    log_softmax=scipy.special.log_softmax,
    linear=lambda x, W, b: x @ W + b,
    expm=scipy.linalg.expm,
    create_diagonal=np.diag,
    checkpoint=lambda f: f,
    special=_Space(
        scipy.special, **{name: _kept(getattr(scipy.special, name)) for name in DOUBLE_ONLY}
    ),
    cov=_kept(np.cov),
    linalg=_Space(array_api_compat.numpy.linalg, matrix_power=_power),
    pad=_padded,
    sort=_sorted,
)
PULLBACK = _Space(pb.xp, checkpoint=pb.checkpoint)


def function_of(source: str, space: Any, name: str = "<program>") -> Callable[..., Any]:
    """The function `f` that a program's source defines, in one of the namespaces."""
    scope: dict[str, Any] = {"np": np, "xp": space}
    exec(compile(source, name, "exec"), scope)
    return scope["f"]
