"""`minimize`: every method finds the minimum, in the caller's kind, and says what stopped it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.optim.full_batch.minimize import METHODS, SCIPY

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._minimize import OURS, RNG, banana

xp, optim = pb.xp, pb.optim
LEAST_SQUARES = [m for m, entry in METHODS.items() if entry.residuals]


def banana_residuals(x):
    return xp.concat([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


A, LABELS = RNG.standard_normal((60, 4)), np.sign(RNG.standard_normal(60))


def logistic(p):
    """A penalised log loss of a tree: strictly convex."""
    score = A @ p["w"] + p["b"]
    data = xp.mean(xp.logaddexp(xp.zeros_like(score), -LABELS * score))
    return data + 0.05 * (xp.sum(p["w"] ** 2) + p["b"] ** 2)


LOGISTIC = {"w": np.zeros(4), "b": np.asarray(0.0)}


def wavy(x):
    """Not convex, indefinite at the start, minima of ¼ Σ(x² − 1)² + coupling at ±(1, 1, 1)."""
    return xp.sum((x * x - 1) ** 2) / 4 + 0.1 * (x[0] - x[1]) ** 2 + 0.1 * (x[1] - x[2]) ** 2


@pytest.mark.parametrize("method", [*OURS, *SCIPY])
def test_a_convex_problem_of_a_tree(method):
    """Every method ends at the same point, where the gradient is 0, with what it says counted and true."""
    result = optim.minimize(logistic, LOGISTIC, method=method, gtol=1e-7)
    value, slope = pb.value_and_grad(logistic)(result.x)
    assert result.success, result.message
    assert max(np.max(np.abs(g)) for g in pb.tree.leaves(slope)) < 1e-5
    assert result.fun == pytest.approx(float(value), rel=1e-15)
    for a, b in zip(pb.tree.leaves(result.jac), pb.tree.leaves(slope), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    assert result.nit > 0
    assert result.nfev >= result.nit
    assert result.fun == pytest.approx(0.6379999, rel=0.2)
    best = optim.minimize(logistic, LOGISTIC, method="newton", gtol=1e-12)
    for a, b in zip(pb.tree.leaves(result.x), pb.tree.leaves(best.x), strict=True):
        assert type(a) is np.ndarray
        np.testing.assert_allclose(a, b, atol=3e-4 if method in ("SLSQP", "TNC") else 1e-5)


@pytest.mark.parametrize(
    "method",
    [m for m in (*OURS, *SCIPY) if m not in ("gradient-descent", "nesterov", "ista", "TNC")],
)
def test_a_curved_valley(method):
    result = optim.minimize(banana, np.full(5, -0.5), method=method, gtol=1e-6)
    np.testing.assert_allclose(result.x, 1, atol=1e-4)
    assert result.success


@pytest.mark.parametrize("method", ["gradient-descent", "nesterov", "fista"])
def test_a_curved_valley_by_many_small_steps(method):
    options = {"restart": True} if method == "nesterov" else {}
    result = optim.minimize(
        banana, np.asarray([-0.5, 0.5]), method=method, gtol=1e-4, options=options
    )
    assert result.success
    np.testing.assert_allclose(result.x, 1, atol=1e-3)


@pytest.mark.parametrize("method", [m for m in OURS if m not in ("nesterov", "fista")])
def test_indefinite_at_the_start(method):
    """Negative curvature at the start: no saddle, no maximum, and a decrease in every step."""
    start = np.asarray([0.1, -0.2, 0.05])
    assert np.linalg.eigvalsh(pb.hessian(wavy)(start))[0] < 0
    result = optim.minimize(wavy, start, method=method, gtol=1e-8, history=True)
    assert result.success
    assert np.linalg.eigvalsh(pb.hessian(wavy)(result.x))[0] > 0
    assert np.all(np.diff(result.history["fun"]) <= 1e-15)


@pytest.mark.parametrize("method", [*OURS, "BFGS", "trust-ncg", "trust-exact"])
def test_every_device(method, lib):
    """Numbers, kind and place are the caller's, on a device that refuses implicit copies; float32 stays."""
    scale, centre = np.asarray([1.0, 4.0, 9.0]), np.asarray([3.0, -1.0, 2.0])
    for dtype in (np.float64, np.float32):
        scale_there, centre_there = lib.asarray(scale, dtype), lib.asarray(centre, dtype)

        def f(x, scale=scale_there, centre=centre_there):
            return (
                xp.sum((x[0] - centre) ** 2 * scale) + xp.sum((x[1] - 1) ** 4) + xp.sum(x[1] ** 2)
            )

        x0 = [lib.asarray([0.0, 0.0, 0.0], dtype), lib.asarray([[0.5]], dtype)]
        gtol = 1e-6 if dtype == np.float64 else 2e-3
        result = optim.minimize(f, x0, method=method, gtol=gtol)
        assert result.success, result.message
        for x in (*result.x, *result.jac):
            assert lib.is_raw(x)
            assert lib.to_numpy(x).dtype == dtype
        np.testing.assert_allclose(
            lib.to_numpy(result.x[0]), centre, atol=1e-5 if dtype == np.float64 else 2e-3
        )


# ── what stops it ─────────────────────────────────────────────────────────────────────────────


def test_each_way_to_stop():
    start = np.asarray([-1.2, 1.0])
    small = optim.minimize(banana, start, gtol=1e-3)
    assert (small.status, small.success) == (0, True)
    assert np.linalg.norm(small.jac) < 1e-3
    flat = optim.minimize(banana, start, gtol=0.0, ftol=1e-2, history=True)
    assert (flat.status, flat.success) == (1, True)
    values = flat.history["fun"]
    assert values[-2] - values[-1] <= 1e-2 * max(abs(values[-2]), abs(values[-1]), 1)
    early = optim.minimize(banana, start, maxiter=3)
    assert (early.status, early.success, early.nit) == (2, False, 3)
    none = optim.minimize(banana, start, maxiter=0)
    assert (none.status, none.nit) == (2, 0)
    np.testing.assert_array_equal(none.x, start)


@pytest.mark.parametrize(
    "method",
    ["l-bfgs", "gradient-descent", "newton", "BFGS", "L-BFGS-B", "SLSQP", "TNC", "trust-constr"],
)
def test_callbacks_and_history(method):
    seen = []

    def callback(result):
        seen.append((result.nit, result.fun, np.array(result.x)))
        np.testing.assert_allclose(result.fun, float(banana(result.x)), rtol=1e-12)
        if len(seen) == 4:
            raise StopIteration

    result = optim.minimize(
        banana, np.asarray([-1.2, 1.0]), method=method, callback=callback, history=True
    )
    assert (result.status, result.success) == (99, False)
    assert "StopIteration" in result.message
    assert [nit for nit, *_ in seen] == [1, 2, 3, 4]
    np.testing.assert_array_equal(result.x, seen[-1][2])
    assert result.history["fun"][0] == pytest.approx(24.2)
    np.testing.assert_allclose(result.history["fun"][1:], [fun for _, fun, _ in seen])
    assert len(result.history["norm"]) == len(result.history["step"]) == 5


def test_l_bfgs_has_two_spellings():
    """As for `pb.implicit.argmin`."""
    results = [optim.minimize(banana, np.zeros(2), method=m) for m in ("l-bfgs", "lbfgs")]
    assert results[0].success
    np.testing.assert_array_equal(results[0].x, results[1].x)
    assert results[0].nfev == results[1].nfev


def test_errors_of_the_callback_are_not_hidden():
    def callback(result):
        raise KeyError("mine")

    for method in ("l-bfgs", "BFGS"):
        with pytest.raises(KeyError, match="mine"):
            optim.minimize(banana, np.zeros(2), method=method, callback=callback)


FAILURES = {
    "unbounded": (
        "l-bfgs",
        None,
        lambda x: xp.sum(-x),
        "no further step: no step satisfies the Wolfe",
    ),
    "unbounded, exact": ("gradient-descent", "exact", lambda x: xp.sum(-x), "keeps decreasing"),
    "fixed step too long": (
        "gradient-descent",
        10.0,
        lambda x: xp.sum(x**4),
        "not finite after a step of 10",
    ),
    "nesterov, fixed step too long": ("nesterov", 10.0, lambda x: xp.sum(x**4), "objective is"),
    "a wrong slope": (
        "gradient-descent",
        "armijo",
        lambda x: xp.sum(xp.stop_gradient(x) ** 2 * 10 - 2 * x),
        "not enough decrease",
    ),
    "wrong residuals": (
        "levenberg-marquardt",
        None,
        lambda x: xp.stop_gradient(x) * 10 - x,
        "no damping",
    ),
}


@pytest.mark.parametrize(("method", "search", "f", "message"), FAILURES.values(), ids=FAILURES)
def test_searches_that_fail_are_told_in_the_result(method, search, f, message):
    """The last good point comes back, success is False, and the message says what is wrong."""
    result = optim.minimize(f, np.asarray([2.0, 1.0]), method=method, line_search=search)
    assert (result.status, result.success) == (3, False)
    assert message in result.message
    assert math.isfinite(result.fun)
    assert np.all(np.isfinite(result.x))


@pytest.mark.parametrize(
    "method",
    ["gradient-descent", "conjugate-gradient", "l-bfgs", "newton", "newton-cg", "gauss-newton"],
)
@pytest.mark.parametrize(
    "search", ["halving", "backtracking", "armijo", "exact", "wolfe", optim.StrongWolfe(0.1, 0.2)]
)
def test_every_line_search_with_every_method(method, search):
    if method == "gauss-newton":
        f, tolerance = lambda x: xp.concat([x - 1, 0.1 * (x - 1) ** 2, x[:1] * x[1:] - 1]), 1e-5
    else:
        f, tolerance = (
            lambda x: xp.sum((x - 1) ** 2) + xp.sum((x - 1) ** 4) + x[0] * x[1] - x[0] - x[1],
            1e-5,
        )
    result = optim.minimize(
        f, np.asarray([3.0, -1.0]), method=method, line_search=search, gtol=1e-6
    )
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1, atol=tolerance)


def test_options():
    start = np.asarray([-1.2, 1.0])
    for options in ({"beta": "hager-zhang"}, {"beta": "polak-ribiere"}):
        assert optim.minimize(banana, start, method="conjugate-gradient", options=options).success
    one, ten = (
        optim.minimize(banana, np.full(8, -1.0), options={"memory": m}).nit for m in (1, 10)
    )
    assert ten < one
    short = optim.minimize(banana, np.full(8, -1.0), method="newton-cg", options={"products": 1})
    assert short.nit > optim.minimize(banana, np.full(8, -1.0), method="newton-cg").nit


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("start", [1.0, 3.0], ids=["at the minimum", "elsewhere"])
def test_a_gradient_of_zero_ends_it_whatever_the_tolerance(method, start):
    found = optim.minimize(
        lambda x: xp.sum((x - 1) ** 2), np.full(2, start), method=method, gtol=0.0
    )
    assert (found.status, found.success) == (0, True)
    np.testing.assert_array_equal(found.x, [1, 1])


def test_numbers_of_steps_may_be_numpys():
    found = optim.minimize(
        banana, np.zeros(2), maxiter=np.int64(2), options={"memory": np.int64(3)}
    )
    assert (found.nit, found.status) == (2, 2)


# ── within other transforms ───────────────────────────────────────────────────────────────────────

ROWS, TARGET = np.array([[2.0, 1.0], [1.0, 3.0], [0.0, 1.0]]), np.array([1.0, 2.0, 3.0])


def distance(x, b):
    return xp.sum((ROWS @ x - b) ** 2)


@pytest.mark.parametrize("method", ["l-bfgs", "newton", "BFGS", "levenberg-marquardt"])
def test_a_compiled_function_says_what_to_use(method):
    """Of the start and of the objective, whichever it records."""
    f = (lambda x, b: ROWS @ x - b) if method == "levenberg-marquardt" else distance
    for given in (np.zeros(2), None):

        def fit(b, given=given):
            start = np.zeros(2) if given is None else pb.xp.zeros_like(b[:2])
            return optim.minimize(f, start, method=method, args=(b,)).x

        with pytest.raises(
            pb.TraceError, match=r"pb\.optim\.minimize or line_search .*implicit\.argmin"
        ):
            pb.compile(fit)(TARGET)
    instead = pb.compile(lambda b: pb.implicit.argmin(distance, np.zeros(2), b))
    np.testing.assert_allclose(pb.to_numpy(instead(TARGET)), [-0.2, 1.0], atol=1e-12)
    outside = optim.minimize(pb.compile(distance), np.zeros(2), args=(TARGET,))
    np.testing.assert_allclose(outside.x, [-0.2, 1.0], atol=1e-5)


def test_a_compiled_line_search_says_what_to_use():
    with pytest.raises(pb.TraceError, match=r"pb\.optim\.minimize or line_search looks at"):
        pb.compile(lambda b: optim.line_search(distance, np.zeros(2), np.ones(2), args=(b,)).x)(
            TARGET
        )


def test_what_a_compiled_function_does_not_record_is_a_constant_of_it():
    @pb.compile
    def shifted(x):
        return x + optim.minimize(distance, np.zeros(2), args=(TARGET,)).x

    np.testing.assert_allclose(pb.to_numpy(shifted(np.ones(2))), [0.8, 2.0], atol=1e-5)


def test_no_derivative_is_cut_at_a_minimum():
    with pytest.raises(TypeError, match=r"minimize or line_search .*traced .*pb\.implicit\.argmin"):
        pb.grad(lambda b: xp.sum(optim.minimize(distance, np.zeros(2), args=(b,)).x))(TARGET)


def test_rows_of_vmap_have_minima_of_their_own():
    targets = np.stack([TARGET, 2 * TARGET])
    got = pb.vmap(lambda b: optim.minimize(distance, np.zeros(2), args=(b,)).x)(targets)
    np.testing.assert_allclose(got, [[-0.2, 1.0], [-0.4, 2.0]], atol=1e-5)
