"""Tests of `autograd/scipy/optimize/minima.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import pullback as pb
from pullback.scipy import optimize

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
P = np.asarray([1.2, 0.7])
X = np.linspace(0.0, 1.0, 9)


def cost(x, p):
    return xp.sum((x - p) ** 2 * xp.cosh(x)) + 0.3 * x[0] * x[1]


EXACT = np.asarray(
    scipy.optimize.minimize(
        lambda x: np.sum((x - P) ** 2 * np.cosh(x)) + 0.3 * x[0] * x[1], P, tol=1e-13
    ).x
)
METHODS = [
    None,
    "BFGS",
    "L-BFGS-B",
    "CG",
    "Newton-CG",
    "trust-ncg",
    "trust-krylov",
    "trust-exact",
    "SLSQP",
    "TNC",
    "trust-constr",
    "Nelder-Mead",
    "Powell",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings(
    "ignore::UserWarning:scipy.optimize"
)  # trust-constr of a quadratic model
def test_every_method(method):
    options = {"xatol": 1e-12, "fatol": 1e-14, "maxiter": 4000} if method == "Nelder-Mead" else None
    solve = lambda p: optimize.minimize(
        cost, [0.1, 0.2], args=(p,), method=method, tol=1e-12, options=options
    )
    found = solve(P)
    np.testing.assert_allclose(pb.to_numpy(found.x), EXACT, rtol=1e-5)
    slope = pb.grad(lambda p: solve(p).fun)(P)
    wanted = pb.grad(lambda p: cost(pb.asarray(EXACT), p))(P)  # by the envelope theorem
    np.testing.assert_allclose(slope, wanted, rtol=1e-5)
    reference = pb.jacobian(lambda p: pb.implicit.argmin(cost, np.zeros(2), p))(P)
    np.testing.assert_allclose(pb.jacobian(lambda p: solve(p).x)(P), reference, rtol=2e-4)


def test_second_derivatives():
    solve = lambda p: (
        optimize.minimize(cost, [0.1, 0.2], args=(p,), method="trust-exact", tol=1e-10).x
    )
    pb.check_grads(solve, (P,), order=2, rtol=1e-4, atol=1e-4)


def test_an_active_bound_carries_the_solution():
    def solve(p, low):
        return optimize.minimize(
            cost, [1.5, 0.6], args=(p,), bounds=[(low, None), (None, 5.0)], tol=1e-13
        )

    found = solve(P, 1.4)
    assert float(found.x[0]) == 1.4
    pb.check_grads(lambda p, low: solve(p, low).x, (P, 1.4), order=1, rtol=1e-5, atol=1e-5)
    inactive = pb.grad(lambda low: solve(P, low).x[0])(0.2)
    assert inactive == 0
    bounds = scipy.optimize.Bounds([1.4, -np.inf], [np.inf, 5.0])
    np.testing.assert_allclose(
        pb.to_numpy(optimize.minimize(cost, [1.5, 0.6], args=(P,), bounds=bounds, tol=1e-13).x),
        pb.to_numpy(found.x),
        rtol=1e-6,
    )


def test_derivatives_that_are_given():
    gradient = pb.grad(cost)
    found = optimize.minimize(
        cost, [0.1, 0.2], args=(P,), jac=lambda x, p: gradient(x, p), tol=1e-12
    )
    np.testing.assert_allclose(pb.to_numpy(found.x), EXACT, rtol=1e-6)
    found = optimize.minimize(
        lambda x, p: (cost(x, p), gradient(x, p)), [0.1, 0.2], args=(P,), jac=True, tol=1e-12
    )
    np.testing.assert_allclose(pb.to_numpy(found.x), EXACT, rtol=1e-6)
    hessian = lambda x, p: pb.hessian(lambda x: cost(x, p))(x)
    found = optimize.minimize(
        cost, [0.1, 0.2], args=(P,), method="trust-exact", hess=hessian, tol=1e-10
    )
    np.testing.assert_allclose(pb.to_numpy(found.x), EXACT, rtol=1e-6)
    product = lambda x, v, p: hessian(x, p) @ v
    found = optimize.minimize(
        cost, [0.1, 0.2], args=(P,), method="trust-ncg", hessp=product, tol=1e-10
    )
    np.testing.assert_allclose(pb.to_numpy(found.x), EXACT, rtol=1e-6)


def test_constraints_of_constants_alone():
    line = {"type": "eq", "fun": lambda x: x[0] - x[1]}
    found = optimize.minimize(lambda x: xp.sum((x - P) ** 2), [0.0, 0.0], constraints=line)
    np.testing.assert_allclose(pb.to_numpy(found.x), 0.95, rtol=1e-5)
    with pytest.raises(NotImplementedError, match="Karush"):
        pb.grad(
            lambda p: optimize.minimize(
                lambda x: xp.sum((x - p) ** 2), [0.0, 0.0], constraints=line
            ).x[0]
        )(P)


@pytest.mark.parametrize(
    "settings", [{}, {"bracket": (0.0, 1.0)}, {"bounds": (-3.0, 5.0)}, {"method": "golden"}]
)
def test_one_unknown(settings):
    solve = lambda p: optimize.minimize_scalar(lambda x: (x - p) ** 2 + x**4 / 4, **settings)
    x = float(solve(2.0).x)
    np.testing.assert_allclose(pb.grad(lambda p: solve(p).x)(2.0), 2 / (2 + 3 * x * x), rtol=1e-5)
    np.testing.assert_allclose(pb.grad(lambda p: solve(p).fun)(2.0), -2 * (x - 2.0), rtol=1e-4)


def test_one_unknown_at_an_end():
    solve = lambda p: optimize.minimize_scalar(lambda x: x * p, bounds=(1.0, 2.0))
    assert pb.grad(lambda p: solve(p).x)(3.0) == 0.0


def test_what_is_refused(lib):
    if lib.name != "numpy":
        with pytest.raises(
            NotImplementedError, match=r"pb\.implicit\.argmin \(or pb\.optim\.minimize\)"
        ):
            optimize.minimize(lambda x: xp.sum(x), lib.asarray([1.0]))


def test_what_has_no_derivative_runs_on_constants():
    found = optimize.differential_evolution(
        lambda x: float(np.sum(x * x)), [(-1, 2), (-1, 2)], rng=0
    )
    np.testing.assert_allclose(pb.to_numpy(found.x), 0, atol=1e-6)
    assert optimize.Bounds is scipy.optimize.Bounds
    with pytest.raises(TypeError, match=r"scipy\.optimize\.linprog of a traced array"):
        pb.grad(lambda c: optimize.linprog(c).x[0])(np.ones(2))
    with pytest.raises(AttributeError, match="nor has SciPy"):
        optimize.nothing  # noqa: B018 - asking for it raises
    np.testing.assert_allclose(
        float(optimize.rosen([1.0, 2.0, 3.0])), scipy.optimize.rosen([1.0, 2.0, 3.0])
    )
