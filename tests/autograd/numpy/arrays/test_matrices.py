"""Tests of `autograd/numpy/arrays/matrices.py`; more are in test_creation.py."""

from __future__ import annotations

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, X, Z, front

DOUBLE = {"float32": "NumPy's is of double precision"}

ROWS = [
    front("diag", R(3)),
    front("diag", R(3), -1),
    front("diag", R(3, 4), k=1),
    front("diagflat", R(2, 2)),
    front("diagflat", R(3), 2),
    front("tril", R(3, 4)),
    front("tril", R(2, 3, 3), -1),
    front("triu", R(3), 1),
    front("triu", R(3, 3), k=-1),
    front("vander", R(3), _skip=DOUBLE),
    front("vander", X([0.0, 2.0]), 4, _skip=DOUBLE),
    front("vander", R(3), N=2, increasing=True, _skip=DOUBLE),
    front("vander", Z(2), 3, _skip=DOUBLE),
]

CONSTANTS = (
    "eye",
    "identity",
    "tri",
)
