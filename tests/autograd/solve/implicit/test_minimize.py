"""`pb.implicit.argmin`: where it ends, the gradient is small and the Hessian is not indefinite; else it says why."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._minimize import chain, run, well

xp, implicit = pb.xp, pb.implicit
METHODS = ["newton", "newton by products", "lbfgs", "gradient"]
RNG = np.random.default_rng(0)
FAR, TINY = np.full(20, -1.2), 1e-8


def rosenbrock(v):
    return xp.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)


def himmelblau(v):
    return (v[0] ** 2 + v[1] - 11) ** 2 + (v[0] + v[1] ** 2 - 7) ** 2


def beale(v):
    x, y = v[0], v[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


# a function, a start, and the places of its minima (None: not listed here)
MINIMA = {
    "-cos from 3": (lambda v: -xp.cos(v), 3.0, [0.0]),
    "-cos from where it is straight": (lambda v: -xp.cos(v), math.pi / 2, None),
    "-cos from a maximum, to rounding": (lambda v: -xp.cos(v), math.pi, [0.0, 2 * math.pi]),
    "-cos + 10⁴ from a maximum": (lambda v: 1e4 - xp.cos(v - 1), 1.0 + math.pi, [1.0, 1 + 2 * math.pi]),
    "a double well from .1": (well, 0.1, [-(0.5**0.5), 0.5**0.5]),
    "a double well from its maximum": (well, 0.0, [-(0.5**0.5), 0.5**0.5]),
    "a double well from beside its maximum": (well, 1e-9, [-(0.5**0.5), 0.5**0.5]),
    "tanh² from 2": (lambda v: xp.tanh(v) ** 2, 2.0, [0.0]),
    "tanh² from 6": (lambda v: xp.tanh(v) ** 2, 6.0, [0.0]),
    "a Gaussian well from 3": (lambda v: -xp.exp(-(v**2) / 2), 3.0, [0.0]),
    "a Gaussian well from 8": (lambda v: -xp.exp(-(v**2) / 2), 8.0, [0.0]),
    "a Gaussian well lost in rounding": (lambda v: 1 - xp.exp(-(v**2) / 2), 8.0, [0.0]),
    "a Gaussian well of 5": (lambda v: -xp.exp(-xp.sum((v - 1) ** 2) / 2), np.full(5, -1.0), None),
    "v − log v": (lambda v: v - xp.log(v), 20.0, [1.0]),
    "√(1 + v²) from 100": (lambda v: xp.sqrt(1 + v**2), 100.0, [0.0]),
    "a saddle": (lambda v: v[0] ** 2 + well(v[1]), np.zeros(2), None),
    "beside a saddle": (lambda v: v[0] ** 2 + well(v[1]), np.asarray([1.0, 0.0]), None),
    "a hat of 7": (lambda v: (xp.sum(v * v) - 1) ** 2, np.zeros(7), None),
    "a product": (lambda v: (v[0] * v[1] - 1) ** 2, np.zeros(2), None),
    "Rosenbrock in 20": (rosenbrock, FAR, None),
    "Himmelblau from his maximum": (himmelblau, np.asarray([-0.270845, -0.923039]), None),
    "Beale": (beale, np.ones(2), None),
    "a chain from its maximum": (chain, np.zeros(10), None),
    "waves": (lambda v: xp.sum(v * v - 10 * xp.cos(6 * v)), np.full(10, 2.4), None),
    "a valley of minima": (lambda v: (v[0] + v[1] - 1) ** 2, np.asarray([3.0, 4.0]), None),
    "of 10⁸": (lambda v: 1e8 * well(v - 3), 3.0, None),
    "of 10⁻⁸": (lambda v: 1e-8 * well(v - 3), 3.0, None),
    "a constant": (lambda v: 0 * v + 3, 1.0, [1.0]),
}  # fmt: skip


def checked(f, v, start, loose):
    """The gradient in the problem's own scale, and the curvature, of NumPy arrays."""
    g, H = pb.grad(f)(v), np.atleast_2d(np.reshape(pb.hessian(f)(v), (np.size(v), -1)))
    values = np.linalg.eigvalsh(np.asarray(H, float))
    size = max(np.linalg.norm(v), np.linalg.norm(v - start), 1e-300)
    eps = np.finfo(np.asarray(v).dtype).eps
    assert np.linalg.norm(g) <= loose * np.max(np.abs(values)) * size + 1e-300
    assert values[0] >= -(eps**0.5) * np.max(np.abs(values))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", MINIMA)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # steps that are tried may leave the domain
def test_ends_at_a_minimum(name, method, dtype):
    f, v0, known = MINIMA[name]
    start = np.asarray(v0, dtype)
    v = pb.to_numpy(run(f, start, method, maxiter=5000))
    assert v.dtype == dtype
    assert v.shape == start.shape
    exact = method.startswith("newton")
    checked(
        f, v, start, {"float64": 1e-9 if exact else 1e-5, "float32": 1e-4 if exact else 2e-2}[dtype]
    )
    if known is not None:
        near = {"float64": 1e-7 if exact else 1e-4, "float32": 1e-3 if exact else 2e-2}[dtype]
        assert min(abs(float(v) - place) for place in known) <= near * max(1, abs(v0))


NO_MINIMUM = {
    "a line": (lambda v: v, 0.0),
    "−v²": (lambda v: -(v**2), 1.0),
    "v³": (lambda v: v**3, 1.0),
    "v³ from its saddle": (lambda v: v**3, 0.0),
    "exp(−v), which underflows": (lambda v: xp.exp(-v), 0.0),
    "1 / v": (lambda v: 1 / v, 1.0),
    "a ramp beside a bowl": (lambda v: v[0] ** 2 - v[1], np.ones(2)),
    "NaN at the start": (lambda v: xp.sqrt(v - 1), 0.0),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NO_MINIMUM)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what runs away overflows
def test_what_has_no_minimum_is_an_error(name, method, dtype):
    f, v0 = NO_MINIMUM[name]
    with pytest.raises(pb.linalg.ConvergenceError, match="not converged after"):
        run(f, np.asarray(v0, dtype), method, maxiter=300)


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_at_the_minimum_found(method):
    """Of v⁴ − p v² from its maximum: v = √(p / 2), dv/dp = 1 / √(8 p)."""

    def place(p):
        return xp.abs(run(lambda v: v**4 - p * v**2, 0.0, method, rtol=None))

    near = {"rtol": 1e-6}
    np.testing.assert_allclose(place(2.0), 1.0, **near)
    np.testing.assert_allclose(pb.grad(place)(2.0), 0.25, **near)
    np.testing.assert_allclose(pb.grad(pb.grad(place))(2.0), -1 / 16, **near)
    well_at = lambda p: run(
        lambda v: -xp.exp(-xp.sum((v - p) ** 2)), np.asarray([1.5, 0.0]), method
    )[0]
    np.testing.assert_allclose(pb.grad(well_at)(np.asarray([0.0, 1.0])), [1, 0], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_pytrees_from_a_maximum(method):
    f = lambda v: xp.sum(well(v["a"])) + (v["b"][0] - v["a"][0]) ** 2
    v = run(f, {"a": np.zeros(2), "b": [np.float64(0.0)]}, method)
    np.testing.assert_allclose(np.abs(v["a"]), 0.5**0.5, rtol=1e-5)
    np.testing.assert_allclose(v["b"][0], v["a"][0], rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_other_libraries(method, lib):
    v = run(chain, lib.asarray(np.zeros(3)), method)
    np.testing.assert_allclose(np.abs(lib.to_numpy(v.value)), 0.5**0.5, rtol=1e-5)


def test_a_loose_tolerance_ends_early():
    seen = []
    f = lambda v: (seen.append(1), xp.cosh(v - 1) ** 2)[1]
    counts = []
    for rtol in (1e-1, None):
        seen.clear()
        implicit.argmin(f, 3.0, rtol=rtol)
        counts.append(len(seen))
    assert counts[0] < counts[1]


# ── roots and fixed points from far away: a step is small beside where it is, not where it came from ────────────
