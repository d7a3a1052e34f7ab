"""Rows for Sylvester's equation, roots and logarithms of matrices, and linear filters, against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.signal

from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find
from pullback.scipy.linalg import logm, solve_sylvester, sqrtm
from pullback.scipy.signal import lfilter

from ._table import Case, R, X, Z, row

# whose modules register the primitives when they are loaded
PUBLIC = (logm, solve_sylvester, sqrtm, lfilter)


def _row(name: str, label: str, *args: Any, reference: Any, **settings: Any) -> Case:
    """A row of a primitive that is not in `pb.xp`."""
    return row(
        name,
        label,
        *args,
        _call=lambda *xs: function_of(find(name))(*xs),
        _ref=reference,
        **settings,
    )


RNG = np.random.default_rng(5)
NEAR_ONE = np.eye(3) + 0.25 * RNG.standard_normal((3, 3))
COMPLEX = NEAR_ONE + 0.2j * RNG.standard_normal((3, 3))
BATCH = np.stack([NEAR_ONE, NEAR_ONE @ NEAR_ONE])


def _logm(x: np.ndarray) -> np.ndarray:
    """SciPy's, in double precision: of less it warns."""
    wide = np.result_type(x.dtype, np.float64)
    return scipy.linalg.logm(x.astype(wide)).astype(x.dtype)


def _each(f: Any) -> Any:
    return lambda x: np.stack([f(part) for part in x]) if x.ndim == 3 else f(x)


CASES = [
    _row("sylvester", "real", X(NEAR_ONE), R(2, 2, low=1, high=2), R(3, 2), reference=scipy.linalg.solve_sylvester),
    _row("sylvester", "complex", X(COMPLEX), Z(2, 2, low=1, high=2), Z(3, 2), reference=scipy.linalg.solve_sylvester),
    *(
        _row(name, label, X(value), reference=_each(f))
        for name, f in (("sqrtm", scipy.linalg.sqrtm), ("logm", _logm))
        for label, value in (("real", NEAR_ONE), ("complex", COMPLEX), ("batch", BATCH))
    ),
    _row(
        "lfilter", "recursive", X([0.5, 0.2]), X([2.0, 0.5, -0.3]), R(2, 5), reference=lambda b, a, x:
        scipy.signal.lfilter(b, a, x)
    ),
    _row("lfilter", "finite", R(3), X([1.5]), R(4), reference=lambda b, a, x: scipy.signal.lfilter(b, a, x)),
    _row(
        "lfilter", "longer than the signal", R(4), X([1.0, 0.5, 0.3, 0.2]), R(2), reference=lambda b, a, x:
        scipy.signal.lfilter(b, a, x)
    ),
]  # fmt: skip
