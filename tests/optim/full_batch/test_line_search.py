"""Line searches: each keeps its conditions on 200 random functions, and says so where there is no step."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._line_search import CASES, along

xp, optim = pb.xp, pb.optim


@pytest.mark.parametrize("c", [1e-4, 0.3, 0.5])
def test_armijo_on_200_functions(c):
    """The step decreases enough, and the one before, twice as long, did not."""
    for f, x, g, d, first in CASES:
        found = optim.line_search(f, x, d, method=optim.Armijo(c), first=first)
        f0, slope0 = float(f(x)), float(g @ d)
        assert along(f, x, d, found.step)[0] <= f0 + c * found.step * slope0
        if found.step < first:
            with np.errstate(over="ignore"):
                assert not along(f, x, d, 2 * found.step)[0] <= f0 + c * 2 * found.step * slope0


def test_backtracking_on_200_functions():
    """``f(x − s∇f) ≤ f(x) − ½ s ‖∇f‖²``."""
    for f, x, g, _, first in CASES:
        found = optim.line_search(f, x, -g, method="backtracking", first=first)
        assert found.fun <= float(f(x)) - 0.5 * found.step * float(g @ g)
        assert math.log2(first / found.step) == round(math.log2(first / found.step))


def test_halving_on_200_functions():
    for f, x, _, d, first in CASES:
        found = optim.line_search(f, x, d, method="halving", first=first)
        assert found.fun < float(f(x))
        if found.step < first:
            assert not along(f, x, d, 2 * found.step)[0] < float(f(x))


def test_exact_on_200_functions():
    for f, x, g, d, first in CASES:
        found = optim.line_search(f, x, d, method="exact", first=first)
        assert found.fun <= float(f(x))
        slope = abs(along(f, x, d, found.step)[1])
        near = [abs(along(f, x, d, found.step * (1 + e))[1]) for e in (-1e-14, 1e-14)]
        # to the tolerance, or to the last digit of the step
        assert slope <= 1e-8 * abs(g @ d) or slope <= 2 * max(near)


def test_exact_finds_the_minimum_of_a_parabola():
    found = optim.line_search(
        lambda x: xp.sum((x - 3) ** 2), np.zeros(2), np.ones(2), method="exact"
    )
    np.testing.assert_allclose(found.step, 3, rtol=1e-8)


def test_pytrees_and_complex_numbers():
    f = lambda p: xp.abs(p["z"] - (1 + 2j)) ** 2 + xp.sum(p["w"] ** 2)
    x = {"z": np.asarray(0j), "w": np.ones(2)}
    d = {"z": np.asarray(1 + 2j), "w": -np.ones(2)}
    found = optim.line_search(f, x, d, method="exact")
    np.testing.assert_allclose(found.x["z"], 1 + 2j, rtol=1e-7)
    np.testing.assert_allclose(found.x["w"], 0, atol=1e-7)
    assert found.jac["z"].dtype == complex


def test_float32_stays():
    found = optim.line_search(
        lambda x: xp.sum(x**2), np.ones(3, np.float32), -np.ones(3, np.float32)
    )
    assert found.x.dtype == np.float32


NONE = {
    "wolfe, unbounded": ("wolfe", lambda x: xp.sum(-x), "no minimum"),
    "exact, unbounded": ("exact", lambda x: xp.sum(-x), "keeps decreasing"),
    "armijo, a wall": (
        "armijo",
        lambda x: xp.sum(-x) + xp.sum(xp.where(x > 0, 1.5, 0.0)),
        "not enough decrease",
    ),
    "halving, a wall": (
        "halving",
        lambda x: xp.sum(-x) + xp.sum(xp.where(x > 0, 1.5, 0.0)),
        "no decrease",
    ),
    "wolfe, a wall": ("wolfe", lambda x: xp.sum(-x) + xp.sum(xp.where(x > 0, 1.5, 0.0)), "Wolfe"),
    "fixed, out of the domain": (
        2.0,
        lambda x: xp.sum(-xp.log(1 + x) + xp.log(1 - x) - 4 * x),
        "objective is",
    ),
}


@pytest.mark.parametrize(("method", "f", "message"), NONE.values(), ids=NONE)
def test_where_there_is_no_step(method, f, message):
    with pytest.raises(optim.SearchError, match=message):
        optim.line_search(f, np.zeros(1), np.ones(1), method=method)


BAD = [
    (lambda: optim.FixedStep(0.0), "step"),
    (lambda: optim.FixedStep(math.nan), "step"),
    (lambda: optim.Armijo(1.0), "c="),
    (lambda: optim.Armijo(0.1, shrink=0.0), "shrink"),
    (lambda: optim.Backtracking(1.5), "shrink"),
    (lambda: optim.Halving(math.nan), "shrink"),
    (lambda: optim.Exact(0.0), "tol"),
    (lambda: optim.StrongWolfe(0.5, 0.1), "c1"),
    (lambda: optim.StrongWolfe(0.0), "c1"),
    (lambda: optim.line_search(xp.sum, np.ones(1), -np.ones(1), method="newton"), "choose one of"),
    (lambda: optim.line_search(xp.sum, np.ones(1), -np.ones(1), first=-1.0), "first"),
    (lambda: optim.line_search(xp.sum, np.ones(1), -np.ones(2)), "shape"),
    (
        lambda: optim.line_search(lambda p: xp.sum(p["a"]), {"a": np.ones(1)}, [np.ones(1)]),
        "structure",
    ),
    (lambda: optim.line_search(xp.sum, np.ones(1), np.asarray([math.nan])), "NaN"),
    (lambda: optim.line_search(lambda x: xp.sum(xp.log(-x)), np.ones(1), -np.ones(1)), "at x0"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
