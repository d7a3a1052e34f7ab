"""Tests of `autograd/scipy/optimize/roots.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import pullback as pb
from pullback.scipy import optimize

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
P = np.asarray([1.2, 0.7])


def system(x, p):
    return xp.stack([x[0] ** 2 + p[0] * x[1] - 2, x[1] ** 3 - p[1] * x[0]])


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov"])
def test_roots_of_systems(method):
    solve = lambda p: optimize.root(system, [1.0, 1.0], args=(p,), method=method, tol=1e-13)
    found = solve(P)
    np.testing.assert_allclose(pb.to_numpy(found.fun), 0, atol=1e-8)
    wanted = scipy.optimize.root(
        lambda x: [x[0] ** 2 + P[0] * x[1] - 2, x[1] ** 3 - P[1] * x[0]], [1.0, 1.0]
    ).x
    np.testing.assert_allclose(pb.to_numpy(found.x), wanted, rtol=1e-6)
    x = wanted
    jacobian = np.asarray([[2 * x[0], P[0]], [-P[1], 3 * x[1] ** 2]])
    slopes = -np.linalg.solve(jacobian, np.asarray([[x[1], 0.0], [0.0, -x[0]]]))
    np.testing.assert_allclose(pb.jacobian(lambda p: solve(p).x)(P), slopes, rtol=1e-6)


def test_second_derivatives_and_closures():
    pb.check_grads(
        lambda p: optimize.root(lambda x: system(x, p), [1.0, 1.0], tol=1e-13).x, (P,), order=2
    )
    pb.check_grads(lambda p: optimize.fsolve(system, [1.0, 1.0], (p,), xtol=1e-13), (P,), order=1)


def test_jacobians_that_are_given():
    def own(x, p):
        return xp.stack([xp.stack([2 * x[0], p[0]]), xp.stack([-p[1], 3 * x[1] ** 2])])

    counted = []

    def paired(x, p):
        counted.append(1)
        return system(x, p), own(x, p)

    for f, jac in ((system, own), (system, False)):
        found = optimize.root(f, [1.0, 1.0], args=(P,), jac=jac)
        assert found.success
        np.testing.assert_allclose(pb.to_numpy(found.fun), 0, atol=1e-8)


@pytest.mark.parametrize("method", ["brentq", "brenth", "ridder", "bisect"])
def test_roots_within_brackets(method):
    f = getattr(optimize, method)
    pb.check_grads(lambda p: f(lambda x, p: x**3 - p, 0.0, 5.0, args=(p,)), (2.0,), order=2)
    root, found = f(lambda x: x**3 - 2.0, 0.0, 5.0, full_output=True)
    assert found.converged
    np.testing.assert_allclose(float(root), 2 ** (1 / 3), rtol=1e-11)


def test_roots_from_a_start():
    for settings in (
        {"method": "newton"},
        {"method": "halley"},
        {"method": "secant", "x1": 2.0},
        {},
    ):
        pb.check_grads(
            lambda p, s=settings: optimize.root_scalar(lambda x: x**3 - p, x0=1.0, **s).root,
            (2.0,),
            order=2,
        )
    for settings in (
        {},
        {"x1": 2.0},
        {"fprime": lambda x: 3 * x**2},
        {"fprime": lambda x: 3 * x**2, "fprime2": lambda x: 6 * x},
    ):
        pb.check_grads(
            lambda p, s=settings: optimize.newton(lambda x: x**3 - p, 1.0, **s), (2.0,), order=1
        )
    with pytest.raises(RuntimeError, match=r"no convergence|Failed to converge"):
        optimize.newton(lambda x: x * x + 1.0, 0.3, maxiter=5)
    with pytest.raises(NotImplementedError, match=r"pb\.implicit\.root"):
        optimize.newton(lambda x: x, np.ones(2))


def test_fixed_points():
    pb.check_grads(lambda p: optimize.fixed_point(lambda x: xp.cos(p * x), [0.5]), (0.8,), order=2)
    np.testing.assert_allclose(float(optimize.fixed_point(xp.cos, 0.5)), 0.7390851332, rtol=1e-9)


def test_what_is_refused(lib):
    if lib.name != "numpy":
        with pytest.raises(
            NotImplementedError, match=r"SciPy's solver runs on the host; pb\.implicit\.root"
        ):
            optimize.root(lambda x: x, lib.asarray([1.0]))
        return
    with pytest.raises(NotImplementedError, match="complex"):
        optimize.root(lambda x: x, np.asarray([1j]))
    with pytest.raises(TypeError, match="the bracket or the start of a recorded array"):
        pb.compile(lambda a: optimize.brentq(lambda x: x - 1.0, a, 3.0))(np.asarray(0.0))
    with pytest.raises(ValueError, match="give a bracket, or x0"):
        optimize.root_scalar(lambda x: x)
    with pytest.raises(TypeError, match=r"the bracket or the start of a traced array"):
        pb.grad(lambda a: optimize.brentq(lambda x: x - 1.0, a, 3.0))(0.0)
    with pytest.raises(NotImplementedError, match="root returns all"):
        optimize.fsolve(lambda x: x, [1.0], full_output=1)
