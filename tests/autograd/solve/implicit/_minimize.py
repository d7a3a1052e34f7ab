"""Helpers of `test_minimize.py` and the test files split from it."""

from __future__ import annotations

import pullback as pb

xp = pb.xp


implicit = pb.implicit


def well(v):
    return v**4 - v**2


def chain(v):
    return xp.sum(well(v)) + xp.sum((v[1:] - v[:-1]) ** 2)


def run(f, v0, method, **how):
    if method == "newton by products":
        return implicit.argmin(f, v0, linear_solver="cg", **how)
    return implicit.argmin(f, v0, method=method, **how)
