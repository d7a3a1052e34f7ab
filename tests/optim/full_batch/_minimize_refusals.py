"""Helpers of `test_minimize_refusals.py` and the test files split from it."""

from __future__ import annotations

import math

import numpy as np

import pullback as pb

xp = pb.xp


def banana(x):
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def banana_residuals(x):
    return xp.concat([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


ONES = np.ones(2)


BAD = {
    "not scalar": (lambda x: x, ONES, {}, TypeError, "shape \\(2,\\)"),
    "not a number": (lambda x: "no", ONES, {}, TypeError, "str"),
    "complex": (lambda x: xp.sum(x * 1j), ONES, {}, TypeError, "complex"),
    "NaN at the start": (
        lambda x: xp.sum(xp.log(-x)),
        ONES,
        {},
        ValueError,
        "objective is nan at x0",
    ),
    "infinite at the start": (
        lambda x: xp.sum(x) / 0.0,
        ONES,
        {},
        ValueError,
        "objective is inf at x0",
    ),
    "gradient not finite": (
        lambda x: xp.sum(xp.sqrt(x)),
        np.zeros(2),
        {},
        ValueError,
        "gradient at x0",
    ),
    "x0 NaN": (banana, np.asarray([1.0, math.nan]), {}, ValueError, "x0 holds NaN"),
    "x0 infinite": (
        banana,
        {"w": np.asarray([math.inf])},
        {},
        ValueError,
        "w holds NaN or infinity",
    ),
    "x0 integers": (banana, np.ones(2, int), {}, TypeError, "int64.*floating-point"),
    "x0 of words": (banana, {"w": "no"}, {}, TypeError, "w is str"),
    "x0 empty": (banana, np.zeros(0), {}, ValueError, "no elements"),
    "x0 without leaves": (banana, {}, {}, ValueError, "no elements"),
    "method": (banana, ONES, {"method": "simplex"}, ValueError, "'simplex' is not one of"),
    "line search": (banana, ONES, {"line_search": "golden"}, ValueError, "choose one of"),
    "line search of SciPy's": (
        banana,
        ONES,
        {"method": "BFGS", "line_search": "wolfe"},
        ValueError,
        "of its own",
    ),
    "line search of LM": (
        banana_residuals,
        ONES,
        {"method": "levenberg-marquardt", "line_search": "armijo"},
        ValueError,
        "no line search",
    ),
    "line search, a list": (
        banana,
        ONES,
        {"line_search": [1]},
        TypeError,
        "a name, a step or a record",
    ),
    "step": (banana, ONES, {"line_search": -1.0}, ValueError, "step"),
    "gtol": (banana, ONES, {"gtol": -1.0}, ValueError, "gtol"),
    "ftol": (banana, ONES, {"ftol": math.nan}, ValueError, "ftol"),
    "maxiter": (banana, ONES, {"maxiter": 1.5}, ValueError, "maxiter"),
    "options": (banana, np.zeros(2), {"options": {"memmory": 3}}, ValueError, "'memmory'"),
    "memory": (banana, np.zeros(2), {"options": {"memory": 0}}, ValueError, "memory"),
    "method, a list": (banana, ONES, {"method": ["l-bfgs"]}, ValueError, "is not one of"),
    "first": (
        banana,
        np.zeros(2),
        {"method": "gradient-descent", "options": {"first": -1.0}},
        ValueError,
        "first=-1.0: it has to be positive",
    ),
    "first, Nesterov's": (
        banana,
        np.zeros(2),
        {"method": "nesterov", "options": {"first": math.nan}},
        ValueError,
        "first=nan",
    ),
    "products": (
        banana,
        np.zeros(2),
        {"method": "newton-cg", "options": {"products": 0}},
        ValueError,
        "products=0: an integer",
    ),
    "norm of the gradient": (
        lambda x: 1e200 * xp.sum(x**2),
        ONES,
        {},
        ValueError,
        "norm overflows in float64; scale",
    ),
    "shift": (
        banana,
        np.zeros(2),
        {"method": "newton", "options": {"shift": 0.0}},
        ValueError,
        "shift",
    ),
    "beta": (
        banana,
        np.zeros(2),
        {"method": "conjugate-gradient", "options": {"beta": "x"}},
        ValueError,
        "beta",
    ),
    "damping": (
        banana_residuals,
        np.zeros(2),
        {"method": "levenberg-marquardt", "options": {"damping": 0.0}},
        ValueError,
        "damping",
    ),
    "residuals": (lambda x: 3.0, ONES, {"method": "gauss-newton"}, TypeError, "residuals"),
}
