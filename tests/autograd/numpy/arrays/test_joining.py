"""Tests of `autograd/numpy/arrays/joining.py`; more are in test_manipulation.py."""

from __future__ import annotations

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, Z, front

ROWS = [
    front("concatenate", [R(2, 3), R(1, 3)]),
    front("concatenate", (R(2, 3), R(2, 2)), axis=1),
    front("concatenate", [R(2, 3), R(2)], axis=None),
    front(
        "concatenate",
        [R(2), [1.0, 2.0]],
        _skip={"float32": "NumPy makes float64 of a list of numbers"},
    ),
    front("concatenate", R(3, 2)),
    front(
        "concat",
        [R(2), Z(3)],
        axis=-1,
        _skip={"array_api_strict": "it does not mix real and complex"},
    ),
    front("stack", [R(2, 3), R(2, 3)], axis=1),
    front("stack", [R(), R(), 2.0], _skip={"float32": "NumPy makes float64 of a list of numbers"}),
    front("hstack", [R(2), R(3)]),
    front("hstack", (R(2, 1), R(2, 2))),
    front("vstack", [R(3), R(2, 3)]),
    front("dstack", [R(3), R(3)]),
    front("dstack", [R(2, 3), R(2, 3, 2)]),
    front("column_stack", [R(3), R(3, 2)]),
    front("block", [R(2), R(3)]),
    front("block", [[R(2, 2), R(2, 1)], [R(1, 3)]]),
    front("block", R(2, 3)),
    front("block", [[[R(2)]], [[R(2)]]]),
    front("array_split", R(7), 3),
    front("array_split", R(2, 5), [1, 3], axis=1),
    front("split", R(6), 3),
    front("split", R(2, 5), (2, 7), axis=-1),
    front("hsplit", R(2, 4), 2),
    front("hsplit", R(4), [1]),
    front("vsplit", R(4, 2), 2),
    front("dsplit", R(2, 2, 4), 2),
    front("unstack", R(2, 3), axis=1),
]
