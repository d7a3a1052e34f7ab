"""Rows for the private functions that rules of lengths and of inverse functions are made of."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from ._table import Case, P, R, X, Z, row
from .elementwise_trigonometric import CORNERS


def _front(name: str):
    return function_of(find(name))


def _leg(x1, x2, _):
    return _front("leg")(x1, x2, pb.stop_gradient(pb.xp.hypot(x1, x2)))


def _ray(x, _):
    return _front("ray")(x, pb.stop_gradient(pb.xp.abs(x)))


# (function, its formula, reals where it is smooth)
QUOTIENTS = [
    ("over_root_below", lambda x1, x2: x1 / (np.sqrt(-(x2 - 1)) * np.sqrt(x2 - (-1))), (-0.8, 0.8)),
    ("over_root_above", lambda x1, x2: x1 / (np.sqrt(x2 - 1) * np.sqrt(x2 - (-1))), (1.3, 3)),
    ("over_below", lambda x1, x2: x1 / ((1 - x2) * (1 + x2)), (-0.8, 0.8)),
    ("over_above", lambda x1, x2: x1 / ((x2 - 1j) * (x2 + 1j)), (-2, 2)),
]


def _real(f):
    return lambda x1, x2: np.real(f(x1, x2 + 0j)).astype(np.result_type(x1, x2))


def _quotients() -> list[Case]:
    cases = []
    for name, f, (low, high) in QUOTIENTS:
        call = _front(name)
        cases += [
            row(name, "plain", R(2, 3), R(2, 3, low=low, high=high), _call=call, _ref=_real(f), _order=3, _rtol=1e-6),
            row(name, "broadcast", R(2, 1), R(3, low=low, high=high), _call=call, _ref=_real(f)),
            row(name, "0-d", R(), R(low=low, high=high), _call=call, _ref=_real(f)),
            row(name, "complex", Z(8), CORNERS, _call=call, _ref=f, _rtol=1e-5),
        ]  # fmt: skip
    return cases


CASES = [
    *_quotients(),
    row("kink", "no zeros", R(2, 3), P(2, 3), _call=_front("kink"), _ref=lambda x1, x2: x1 + 0 * x2, _order=3),
    row("separate", "no equals", R(3), X([1.0, 2.0, -1.0]), _call=_front("separate"),
        _ref=lambda x1, x2: x1 + 0 * x2, _order=3),
    row("varied", "rows that vary", R(2, 3), R(2, 3), axis=1, _call=_front("varied"),
        _ref=lambda x1, x2, axis: x1 + 0 * x2),
    row("leg", "all quadrants", X([1.0, -2.0, 1.5, -0.5]), X([2.0, 1.0, -1.5, -2.0]), None, _call=_leg,
        _ref=lambda x1, x2, _: x1 / np.hypot(x1, x2), _order=3),
    row("leg", "on the axes", X([0.0, 1.0, -1.0]), X([1.0, 0.0, 0.0]), None, _call=_leg,
        _ref=lambda x1, x2, _: x1 / np.hypot(x1, x2), _order=3),
    row("ray", "plain", Z(2, 3), None, _call=_ray, _ref=lambda x, _: x / np.abs(x), _order=3, _rtol=1e-6),
]  # fmt: skip
