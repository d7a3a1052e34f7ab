"""Rows for the trigonometric and hyperbolic functions, their inverses, and the functions of two sides."""

from __future__ import annotations

import numpy as np

from ._table import Case, P, R, X, Z, row
from .elementwise import SITUATIONS

# (function, real interval where it is smooth, real parts of the complex rows)
UNARY = [
    ("tan", (-1.2, 1.2), (-2, 2)), ("asin", (-0.8, 0.8), (-2, 2)), ("acos", (-0.8, 0.8), (-2, 2)),
    ("atan", (-2, 2), (-2, 2)), ("asinh", (-2, 2), (-2, 2)), ("acosh", (1.3, 3), (-2, 2)),
    ("atanh", (-0.8, 0.8), (-2, 2)), ("sech2", (-2, 2), (-1, 1)),
]  # fmt: skip


# on both sides of every cut: these lie at |Re| > 1 or |Im| > 1 on the axes
CORNERS = X(
    [
        complex(sign * a, other * b)
        for a, b in ((1.7, 0.4), (0.4, 1.7))
        for sign in (1, -1)
        for other in (1, -1)
    ]
)


def _sech2(x):
    return np.asarray(1 / np.cosh(x) ** 2)


def _unary() -> list[Case]:
    cases = []
    for name, (low, high), (left, right) in UNARY:
        ref = _sech2 if name == "sech2" else None
        cases += [
            row(name, "plain", R(2, 3, low=low, high=high), _ref=ref, _order=3),
            row(name, "0-d", R(low=low, high=high), _ref=ref),
            row(name, "empty", R(0, 3), _ref=ref),
            row(name, "complex", Z(2, 2, low=left, high=right), _ref=ref, _rtol=1e-5, _order=1),
            row(
                name,
                "complex, beside the cuts",
                CORNERS,
                _ref=ref,
                _rtol=1e-5,
                _order=3 if name != "tan" else 2,
            ),
            row(name, "complex 0-d", X(0.4 - 0.3j), _ref=ref),
        ]
    return cases


def _binary(name: str) -> list[Case]:
    return [
        *(row(name, label, P(*a), P(*b)) for label, a, b in SITUATIONS),
        row(name, "number on the right", R(3), 1.7),
        row(name, "number on the left", 1.7, R(3)),
        row(name, "all quadrants", X([1.0, -2.0, 1.5, -0.5]), X([2.0, 1.0, -1.5, -2.0]), _order=3),
        row(name, "on the axes", X([0.0, 1.0, -1.0]), X([1.0, 0.0, 0.0])),
    ]


CASES = [
    *_unary(),
    *_binary("atan2"),
    *_binary("hypot"),
    row("sech2", "at 0", X([0.0, 1e-3]), _ref=_sech2, _order=3),
    row("tanh", "at 0", X([0.0, 1e-3]), _order=3),
    row("tanh", "complex, third order", Z(2, 2, low=-1, high=1), _order=3, _rtol=1e-5),
    row("sigmoid", "at 0", X([0.0, 1e-3]), _ref=lambda x: 1 / (1 + np.exp(-x)), _order=3),
    row("sin", "third order", R(2, 3), _order=3),
    row("sinh", "third order", R(2, 3), _order=3),
]
