"""Special functions beyond the table's rows: tails, edges, precision, and PyTorch and JAX as judges."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb
from pullback.backend.generic import special as _special
from pullback.backend.numpy import backend as _numpy

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

S = pb.xp.special
xp = pb.xp


def derivatives(f, x, order: int) -> list[np.ndarray]:
    """The first derivatives of an elementwise function, each by differentiating the one before."""
    out = []
    for _ in range(order):

        def f(x, f=f):
            return pb.grad(lambda x: xp.sum(f(x)))(x)

        out.append(f(np.asarray(x)))
    return out


# ── the namespace ─────────────────────────────────────────────────────────────────────────────


def test_it_is_found_from_either_side():
    assert pb.autograd.special is xp.special
    assert set(dir(S)) >= {"erf", "expit", "logsumexp", "psi"}
    assert not [name for name in dir(S) if name.startswith("_")]
    for name in dir(S):
        assert callable(getattr(S, name)), name


def test_a_name_that_is_not_there():
    with pytest.raises(
        AttributeError, match=r"pb\.special has no function 'nothing'; it has .*betaln"
    ):
        S.nothing  # noqa: B018 - asking for it raises


@pytest.mark.parametrize("name", dir(S))
def test_every_name_is_scipy_s(name):
    assert hasattr(sps, name)


@pytest.mark.parametrize("v", [0, 1, 2, 5])
def test_bessel_functions_from_orders_0_and_1(v):
    x = np.asarray([-300.0, -9.0, -1.0, 1e-3, 0.5, 7.9, 8.1, 10.1, 40.0])
    np.testing.assert_allclose(_special.ive(_numpy.XP, v, x), sps.ive(v, x), rtol=4e-15)
    np.testing.assert_allclose(_special.iv(_numpy.XP, v, x), sps.iv(v, x), rtol=1e-12)
    assert _special.ive(_numpy.XP, v, np.float32(x)).dtype == np.float32
    assert _special.ive(_numpy.XP, v, np.asarray(0.0)) == (v == 0)


def test_bessel_functions_of_fractional_and_large_orders():
    x = np.asarray([1e-3, 0.5, 7.9, 29.0, 31.0, 200.0, 2000.0])
    for v in (-1.5, -0.5, 0.3, 0.5, 2.5, 30, 60.5):
        np.testing.assert_allclose(_special.ive(_numpy.XP, v, x), sps.ive(v, x), rtol=3e-13)
    assert np.isnan(_special.ive(_numpy.XP, 0.5, np.asarray([-1.0]))).all()
    assert _special.ive(_numpy.XP, 0.5, np.asarray([0.0])) == 0


def test_student_s_distribution_by_the_beta_function():
    t = np.asarray([-3.0, -0.1, 0.0, 2.0])
    np.testing.assert_allclose(_special.stdtr(_numpy.XP, 2.5, t), sps.stdtr(2.5, t), rtol=1e-14)


# ── every order, every precision ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["erf", "erfc", "erfcx", "ndtr", "log_ndtr", "gamma", "loggamma", "rgamma", "sinc"]
)
def test_complex(name):
    """First derivatives of holomorphic functions; SciPy's sinc is NumPy's."""
    z = np.asarray([0.7 + 0.4j, -0.3 + 0.8j])
    pb.check_grads(getattr(S, name), (z,))


# ── tails and edges ───────────────────────────────────────────────────────────────────────────
# The numbers were computed by mpmath with 50 digits.


def test_log_ndtr_in_the_left_tail():
    got = derivatives(S.log_ndtr, [-1e4, -40.0, -12.0, -1.0, 2.0], 3)
    first = [
        10000.000099999997,
        40.02496884720726,
        12.082214175254284,
        1.525135276160981,
        0.055247862678989956,
    ]
    second = [
        -0.9999999900000006,
        -0.9993773316214086,
        -0.9933292736641541,
        -0.8009023344296512,
        -0.11354805168857644,
    ]
    third = [
        1.99999976000003e-12,
        3.101744039648625e-05,
        0.0010686026960367542,
        0.11693119540604884,
        0.1843948150324776,
    ]
    np.testing.assert_allclose(got[0], first, rtol=1e-15)
    np.testing.assert_allclose(got[1], second, rtol=1e-13)
    np.testing.assert_allclose(got[2], third, rtol=1e-7)


def test_log_ndtr_in_the_right_tail():
    for g in derivatives(S.log_ndtr, [40.0, 1e3], 3):
        np.testing.assert_array_equal(g, 0.0)


def test_log_ndtr_in_single_precision():
    x = np.asarray([-100.0, -40.0, 20.0], np.float32)
    first, second = derivatives(S.log_ndtr, x, 2)
    np.testing.assert_allclose(first, [100.00999, 40.02497, 0.0], rtol=1e-6)
    np.testing.assert_allclose(second, [-0.99990006, -0.99937733, 0.0], rtol=1e-6)


def test_erfcx_on_both_sides_of_its_border():
    got = derivatives(S.erfcx, [-3.0, 0.5, 9.9, 10.1, 30.0, 1e4], 2)
    np.testing.assert_allclose(
        got[0],
        [
            -97237.06150316462, -0.5126888229025867, -0.005670519706633622, -0.005451329508867118,
            -0.0006258354105074841, -5.641895750849127e-09,
        ],
        rtol=1e-12,
    )  # fmt: skip
    np.testing.assert_allclose(
        got[1],
        [
            615834.3467269868, 0.718691865483265, 0.0011286236863188082, 0.001064117939363972, 4.165309238445888e-05,
            1.1283791332441388e-12,
        ],
        rtol=1e-10,
    )  # fmt: skip


def test_sinc_beside_zero():
    got = derivatives(xp.sinc, [0.0, 1e-8, 1e-3, 3.0], 4)
    wanted = [
        [0.0, -3.2898681336964526e-08, -0.0032898648867278964, -1 / 3],
        [-3.2898681336964526, -3.289868133696452, -3.289858392793072, 2 / 9],
        [0.0, 1.9481818206800485e-07, 0.01948179531659038, 3.0676459114742305],
        [19.48181820680048, 19.48181820680048, 19.48174953618773, -4.090194548632308],
    ]
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-30)


def test_bessel_functions_at_zero_and_far_out():
    wanted = [
        [0.5, 0.5476947599595309],
        [0.0, 0.1940820070354198],
        [0.375, 0.4147799393105973],
        [0.0, 0.16201105230782673],
    ]
    np.testing.assert_allclose(derivatives(S.i1, [0.0, 0.5], 4), wanted, rtol=1e-13)
    first, second = derivatives(S.i0e, [-1e6, 1e6, 0.0], 2)
    slope = 1.994712e-10  # e^(−x) I_0(x) ≈ (2πx)^(−1/2), whose terms cancel to a millionth
    np.testing.assert_allclose(first, [slope, -slope, 0.0], rtol=1e-6)
    np.testing.assert_allclose(second[:2], 1.5 * slope / 1e6, rtol=1e-6)


def test_logistic_functions_in_both_tails():
    x = np.asarray([-700.0, -40.0, 40.0, 700.0])
    np.testing.assert_allclose(derivatives(S.expit, x, 1)[0], np.exp(-np.abs(x)), rtol=1e-14)
    np.testing.assert_allclose(
        derivatives(S.log_expit, x, 1)[0], [1.0, 1.0, np.exp(-40), np.exp(-700)], rtol=1e-14
    )
    np.testing.assert_allclose(derivatives(S.log_expit, x, 2)[1], -np.exp(-np.abs(x)), rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2])
def test_products_with_a_logarithm_at_zero(order):
    """x log y is constant, 0, at x = 0."""
    for f, ys in ((S.xlogy, [0.0, -1.0, 2.0]), (S.xlog1py, [-1.0, -2.0, 1.0])):
        x, y = np.zeros(3), np.asarray(ys)
        g = pb.grad(lambda x, y, f=f: xp.sum(f(x, y)), argnums=(0, 1))
        assert float(xp.sum(f(x, y))) == 0.0
        np.testing.assert_allclose(g(x, y)[0], [0.0, 0.0, np.log(2)])
        np.testing.assert_array_equal(g(x, y)[1], 0.0)
        if order == 2:
            mixed = pb.grad(lambda y, x=x, g=g: xp.sum(g(x, y)[0]))(y)
            np.testing.assert_allclose(mixed, [np.nan, 0.0, 0.5])  # 1/y at y = 0, which is no 0


def test_nan_goes_through_products_with_a_logarithm():
    y = np.asarray([np.nan])
    assert np.isnan(pb.to_numpy(S.xlogy(np.zeros(1), y))).all()
    assert np.isnan(pb.grad(lambda y: xp.sum(S.xlogy(1.0, y)))(y)).all()


def test_entropies_at_the_edges():
    x, y = np.asarray([0.0, 0.0, 1.0, 1.0]), np.asarray([0.0, 1.0, 0.0, 1.0])
    for f, wanted_x, wanted_y in (
        (S.rel_entr, [1.0, -np.inf, np.inf, 1.0], [0.0, 0.0, -np.inf, -1.0]),
        (S.kl_div, [0.0, -np.inf, np.inf, 0.0], [1.0, 1.0, -np.inf, 0.0]),
    ):
        with np.errstate(divide="ignore"):
            gx, gy = pb.grad(lambda x, y, f=f: xp.sum(f(x, y)), argnums=(0, 1))(x, y)
        np.testing.assert_array_equal(gx, wanted_x)
        np.testing.assert_array_equal(gy, wanted_y)
    with np.errstate(divide="ignore"):
        assert pb.grad(S.entr)(0.0) == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_betaln_of_a_large_and_a_moderate_number(dtype):
    """ψ(a) − ψ(a + 3) is exactly −(1/a + 1/(a+1) + 1/(a+2)), of which a difference keeps no digit in float32."""
    a = np.asarray([1.0, 15.9, 16.1, 1e5, 1e7], dtype)
    wide = a.astype(np.float64)
    wanted = -(1 / wide + 1 / (wide + 1) + 1 / (wide + 2))
    second = 1 / wide**2 + 1 / (wide + 1) ** 2 + 1 / (wide + 2) ** 2
    got = derivatives(lambda a: S.betaln(a, 3.0), a, 2)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(got[0], wanted, rtol=100 * eps)
    np.testing.assert_allclose(got[1], second, rtol=1000 * eps)


def test_inverse_functions_at_the_ends():
    for f, ends in ((S.erfinv, [-1.0, 1.0]), (S.erfcinv, [0.0, 2.0]), (S.ndtri, [0.0, 1.0])):
        for end in ends:
            assert np.isinf(pb.grad(f)(end))


# ── arguments ─────────────────────────────────────────────────────────────────────────────────


def test_polygamma_wants_a_whole_number():
    with pytest.raises(TypeError, match="integer"):
        S.polygamma(1.5, np.ones(2))
    assert float(S.polygamma(xp.asarray(1), xp.asarray(1.0))) == pytest.approx(np.pi**2 / 6)


def test_orders_as_arrays():
    v, x = np.asarray([0.0, 1.0, 2.5]), np.asarray([0.5, 1.0, 2.0])
    np.testing.assert_allclose(pb.to_numpy(S.iv(v, x)), sps.iv(v, x))
    pb.check_grads(lambda x: S.iv(v, x), (x,), order=2)
    pb.check_grads(lambda x: S.ive(v, x), (x,), order=2)


def test_integers_are_taken_and_not_differentiated():
    n = xp.asarray([1, 2, 3])
    assert S.gammaln(n).dtype == np.float64
    x = np.asarray([0.5, 1.0, 1.5])
    pb.check_grads(lambda x: S.xlogy(n, x), (x,), order=2)


# ── sums of exponentials ──────────────────────────────────────────────────────────────────────

A = np.asarray([[0.1, -1.0, 2.0], [3.0, 0.5, -0.3]])
B = np.asarray([[0.5, 1.5, 1.0], [-2.0, 1.0, 30.0]])


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_with_factors(axis, keepdims):
    settings = {"axis": axis, "keepdims": keepdims}
    for b in (np.abs(B), B[:, :1] ** 2, B):
        got = S.logsumexp(A, b=b, return_sign=True, **settings)
        for y, wanted in zip(got, sps.logsumexp(A, b=b, return_sign=True, **settings), strict=True):
            assert y.shape == np.shape(wanted)
            np.testing.assert_allclose(pb.to_numpy(y), wanted, rtol=1e-13)
        pb.check_grads(
            lambda a, b: S.logsumexp(a, b=b, return_sign=True, **settings)[0], (A, b), order=2
        )
    pb.check_grads(lambda a: S.logsumexp(a, **settings), (A,), order=3, rtol=1e-5)


def test_logsumexp_at_the_edges():
    none = np.full(2, -np.inf)
    with np.errstate(divide="ignore"):
        assert float(S.logsumexp(none)) == -np.inf
        for y, wanted in zip(S.logsumexp(none, return_sign=True), (-np.inf, 0.0), strict=True):
            assert float(y) == wanted
        np.testing.assert_array_equal(pb.grad(S.logsumexp)(none), 0.0)
    np.testing.assert_array_equal(pb.grad(lambda a: S.logsumexp(a, b=np.ones(2)))(none), 0.0)
    assert np.isnan(float(S.logsumexp(np.zeros(2), b=np.asarray([1.0, -2.0]))))
    assert float(S.logsumexp(np.asarray([1e3, 0.0]), b=np.asarray([0.0, 1.0]))) == 0.0
    ga, gb = pb.grad(lambda a, b: S.logsumexp(a, b=b), argnums=(0, 1))(
        np.asarray([1.0, 0.0]), np.asarray([0.0, 1.0])
    )
    np.testing.assert_allclose(ga, [0.0, 1.0])
    np.testing.assert_allclose(gb, [np.e, 1.0])


def test_logsumexp_of_integers_and_lists():
    assert float(S.logsumexp([0, 0])) == pytest.approx(np.log(2))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_with_scipy_s_default(name, axis):
    f, reference = getattr(S, name), getattr(sps, name)
    np.testing.assert_allclose(pb.to_numpy(f(A)), reference(A), rtol=1e-14)
    np.testing.assert_allclose(pb.to_numpy(f(A, axis)), reference(A, axis), rtol=1e-14)
    pb.check_grads(lambda a: f(a, axis=axis), (A,), order=3, rtol=1e-5)


# ── other judges ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["betaln", "xlogy", "xlog1py", "rel_entr", "kl_div", "polygamma", "zeta"]
)
def test_functions_of_two_are_jax_s(name):
    jax = pytest.importorskip("jax", reason="JAX is a peer, not a dependency")
    x, y = np.asarray([1.0, 2.0, 3.0]), np.asarray([0.5, 1.5, 4.0])
    x = x.astype(int) if name == "polygamma" else x
    places = (1,) if name in ("polygamma", "zeta") else (0, 1)
    if name == "zeta":
        x = x + 1
    with jax.enable_x64(True):
        wanted = jax.grad(
            lambda x, y: getattr(jax.scipy.special, name)(x, y).sum(), argnums=places
        )(x, y)
    if name == "polygamma":  # its order is one number here
        pairs = zip((1, 2, 3), y, strict=True)
        got = (np.asarray([pb.grad(lambda y, n=n: S.polygamma(n, y))(v) for n, v in pairs]),)
    else:
        got = pb.grad(lambda x, y: xp.sum(getattr(S, name)(x, y)), argnums=places)(x, y)
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-8)
