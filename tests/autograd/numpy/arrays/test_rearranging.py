"""Tests of `autograd/numpy/arrays/rearranging.py`; more are in test_manipulation.py."""

from __future__ import annotations

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, R, front

ROWS = [
    front("tile", R(2), 3),
    front("tile", R(2, 3), (2, 1, 2)),
    front("repeat", R(2, 3), 2),
    front("repeat", R(2, 3), 2, axis=1),
    front("repeat", R(2, 3), [1, 0, 2], axis=-1),
    front("append", R(3), 4.0, _skip={"float32": "NumPy makes float64 of a list of numbers"}),
    front("append", R(2, 3), R(2)),
    front("append", R(2, 3), R(1, 3), axis=0),
    front("insert", R(5), 2, R()),
    front("insert", R(5), [1, 1, 3], R(3)),
    front("insert", R(2, 3), 1, R(), axis=1),
    front("insert", R(2, 3), 1, R(3), axis=0),
    front("insert", R(2, 3), 1, R(2), axis=1),
    front("insert", R(2, 3), [1], R(2, 1), axis=1),
    front("insert", R(2, 3), [0, 2], R(2), axis=1),
    front("insert", R(6), slice(1, 4), R(3)),
    front("insert", R(2, 3), -1, R()),
    front("insert", R(3), K([True, False, True]), R()),
    front("delete", R(5), 2),
    front("delete", R(5), [0, -1]),
    front("delete", R(3, 4), slice(0, 3, 2), axis=1),
    front("delete", R(2, 2), [True, False, False, True]),
    front("resize", R(2, 3), (3, 3)),
    front("resize", R(2, 3), (2, 2)),
    front("resize", R(3), 7),
    front("flip", R(2, 3)),
    front("flip", R(2, 3), 1),
    front("flip", R(2, 3), (0, -1)),
    front("flipud", R(2, 3)),
    front("fliplr", R(2, 3)),
    front("roll", R(2, 3), 2),
    front("roll", R(2, 3), -1, axis=1),
    front("roll", R(2, 3), (1, 2), axis=(0, 1)),
    front("roll", R(2, 3), 1, axis=(0, 1)),
    front("rot90", R(2, 3)),
    front("rot90", R(2, 3), 2),
    front("rot90", R(2, 3), -1, (1, 0)),
    front("rot90", R(2, 3, 4), 3, axes=(1, 2)),
    front("rot90", R(2, 3), 4),
]

CONSTANTS = ("trim_zeros",)
