"""Rows for reductions."""

from __future__ import annotations

import numpy as np

from ._table import Case, R, Z, row

SITUATIONS = [
    ("all", (2, 3), {}),
    ("first axis", (2, 3), {"axis": 0}),
    ("last axis", (2, 3), {"axis": -1}),
    ("kept", (2, 3), {"axis": 1, "keepdims": True}),
    ("all kept", (2, 3), {"keepdims": True}),
    ("two axes", (2, 3, 4), {"axis": (0, 2)}),
    ("two axes kept", (2, 3, 4), {"axis": (-1, 0), "keepdims": True}),
    ("0-d", (), {}),
    ("size-1 axis", (2, 1), {"axis": 1}),
    ("no axes", (2, 3), {"axis": ()}),
]


def _reductions(name: str, *, empty: bool, complex_too: bool) -> list[Case]:
    cases = [row(name, label, R(*shape), **settings) for label, shape, settings in SITUATIONS]
    cases.append(row(name, "empty beside the axis", R(0, 3), axis=1))
    if empty:
        cases += [row(name, "empty", R(0, 3)), row(name, "over an empty axis", R(0, 3), axis=0)]
    if complex_too:
        cases += [
            row(name, "complex", Z(2, 3)),
            row(name, "complex axis", Z(2, 3), axis=0, keepdims=True),
        ]
    return cases


CASES = [
    *_reductions("sum", empty=True, complex_too=True),
    *_reductions("mean", empty=False, complex_too=True),
    *_reductions("max", empty=False, complex_too=False),
    *_reductions("min", empty=False, complex_too=False),
    row("sum", "dtype", R(2, 3), axis=0, dtype=np.float64, _skip={"float32": "asks for float64"}),
    row(
        "sum", "dtype complex", R(3), dtype=np.complex128, _skip={"float32": "asks for complex128"}
    ),
]
