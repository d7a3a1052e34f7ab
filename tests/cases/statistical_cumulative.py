"""Rows for products, cumulative sums and products, and variances."""

from __future__ import annotations

import numpy as np

from ._table import Case, P, R, X, Z, row
from .statistical import SITUATIONS

FLOAT64 = {"float32": "asks for float64"}
COMPLEX128 = {"float32": "asks for complex128"}


def _cumulative(name: str) -> list[Case]:
    return [
        row(name, "vector", R(5), _order=3),
        row(name, "axis 0", R(3, 2), axis=0),
        row(name, "axis −1", R(2, 7), axis=-1),
        row(name, "middle axis", R(2, 6, 2), axis=1),
        row(name, "initial", R(3), include_initial=True),
        row(name, "initial, axis 0", R(3, 2), axis=0, include_initial=True),
        row(name, "dtype", R(3), dtype=np.float64, _skip=FLOAT64),
        row(
            name, "dtype complex", R(3), dtype=np.complex128, include_initial=True, _skip=COMPLEX128
        ),
        row(name, "one element", R(1)),
        row(name, "two elements", R(2)),
        row(name, "size-1 axis", R(2, 1), axis=1, include_initial=True),
        row(name, "empty", R(0)),
        row(name, "empty, initial", R(0), include_initial=True),
        row(name, "empty beside the axis", R(0, 3), axis=1),
        row(name, "complex", Z(2, 3), axis=1),
        row(
            name,
            "zeros",
            X([[2.0, 0.0, 3.0, 0.0, 1.5], [0.0, 1.0, 2.0, 3.0, -1.0]]),
            axis=1,
            _order=3,
        ),
        row(name, "long", R(33, low=0.8, high=1.2)),
    ]


def _spread(name: str) -> list[Case]:
    shapes = [(label, shape, settings) for label, shape, settings in SITUATIONS
              if label not in ("0-d", "size-1 axis", "no axes")]  # fmt: skip
    return [
        *(row(name, label, R(*shape), **settings) for label, shape, settings in shapes),
        row(name, "correction 1", R(2, 3), axis=1, correction=1),
        row(name, "correction 0.5, kept", R(2, 3), axis=0, correction=0.5, keepdims=True),
        row(name, "correction below 0", R(4), correction=-1.0, _order=3),
        row(name, "empty beside the axis", R(0, 3), axis=1),
        row(
            name, "complex", Z(2, 3), axis=1, _skip={"array_api_strict": "takes real numbers only"}
        ),
    ]


CASES = [
    *(row("prod", label, R(*shape), **settings) for label, shape, settings in SITUATIONS),
    row("prod", "vector", R(4), _order=3),
    row("prod", "empty", R(0, 3)),
    row("prod", "over an empty axis", R(0, 3), axis=0),
    row("prod", "complex", Z(2, 3), axis=0),
    row("prod", "one zero", X([2.0, 0.0, 3.0, -1.0]), _order=3),
    row("prod", "two zeros", X([2.0, 0.0, 3.0, 0.0]), _order=3),
    row("prod", "three zeros", X([0.0, 0.0, 3.0, 0.0]), _order=3),
    row("prod", "all zeros", X([[0.0, 0.0], [0.0, 1.0]]), axis=1, _order=3),
    row("prod", "dtype", R(2, 3), axis=0, dtype=np.float64, _skip=FLOAT64),
    row("prod", "dtype complex", R(3), dtype=np.complex128, _skip=COMPLEX128),
    row("prod", "negative axes of four", P(2, 3, 2, 2), axis=(-1, 1)),
    *_cumulative("cumulative_sum"),
    *_cumulative("cumulative_prod"),
    *_spread("var"),
    *_spread("std"),
    row("var", "0-d", R()),
    row("var", "size-1 axis", R(2, 1), axis=1),
    row("mean", "many", R(70)),
]
