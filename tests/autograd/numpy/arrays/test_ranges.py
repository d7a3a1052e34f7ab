"""Tests of `autograd/numpy/arrays/ranges.py`; more are in test_creation.py."""

from __future__ import annotations

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import P, R, X, Z, front

ROWS = [
    front("linspace", R(), R(), 5),
    front("linspace", R(2), R(), 4, endpoint=False),
    front("linspace", R(2, 1), R(3), 4, axis=-1),
    front("linspace", R(2), R(2), 3, axis=1, retstep=True),
    front("linspace", 0.0, R(), 1),
    front("linspace", R(), 1.0, 0),
    front("linspace", Z(), Z(), 3),
    front("logspace", R(), R(), 4),
    front("logspace", R(2), 1.0, 3, base=2.0),
    front("logspace", R(), R(), 3, base=P()),
    front("logspace", R(), R(2), 3, base=P(2), axis=1),
    front("geomspace", P(), P(), 4),
    front("geomspace", P(2), P(2), 3, axis=1),
    front("geomspace", X(-1.0), X(-8.0), 4, endpoint=False),
    front("geomspace", Z(), Z(), 4, _rtol=1e-10),
    front("geomspace", P(), P(), 1),
    front("meshgrid", R(2), R(3)),
    front("meshgrid", R(2), R(3), R(2), indexing="ij"),
    front("meshgrid", R(2), R(3), sparse=True),
    front("meshgrid", R(2), R(), copy=False),
]

CONSTANTS = (
    "arange",
    "indices",
)
