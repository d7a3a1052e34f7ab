"""NumPy's kernels of derivative rules against the generic ones, at the numbers where they take another way."""

from __future__ import annotations

import array_api_compat.numpy
import numpy as np
import pytest

import pullback as pb

from ._vjp_kernels import RNG

xp = pb.xp

X = RNG.standard_normal((4, 3))
# numbers of both signs, ties, zeros, infinities, NaN, numbers near the ends of the range
NAN, INF = np.nan, np.inf
CT = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0, 4.0, 0.0])
ODD = np.array([0.0, -0.0, NAN, INF, -INF, 1.0, -2.0, 0.5])
OTHER = np.array([-0.0, 0.0, 1.0, INF, INF, 1.0, NAN, 0.25])
POSITIVE = np.array([0.5, 1.0, 2.0, 0.1, 3.0, 0.25, 1.5, 0.75])
SMALL, HUGE = 1e-30 * POSITIVE, 1e30 * POSITIVE
WIDE = np.concatenate([X.ravel()] * 8).reshape(8, 12)  # ties in every column
PRODUCT, CT2 = 0.5 + np.abs(X), np.arange(12.0).reshape(4, 3) - 3
LONG = RNG.uniform(0.9, 1.1, (20, 30))


def _extreme(x, axis):
    top = np.max(x, axis=axis, keepdims=True)
    return RNG.standard_normal(top.shape), x, top, axis


def _product(x, axis):
    out = np.prod(x, axis=axis, keepdims=True)
    return RNG.standard_normal(out.shape), x, out, axis


def _holed(x, value):
    x = x.copy()
    x[1, 1] = value
    return x


def _kernels():
    """Name and arguments of each call."""
    return [
        *(("masked", (x, m)) for x in (CT, ODD, X.T[0]) for m in (CT[: x.size] > 0,)),
        ("masked", (X[:, :1], X > 0)),
        ("masked", (X.T, X.T > 0)),
        *(("chosen", (CT, a, b)) for a, b in ((ODD, OTHER), (OTHER, ODD), (POSITIVE, CT), (ODD, 0.0))),
        ("chosen", (np.asarray(2.0), np.asarray(1.0), np.asarray(1.0))),
        ("chosen", (X, X, X[0])),
        ("chosen", (X.T, X.T, -X.T)),
        ("chosen", (ODD, POSITIVE, CT)),
        *(
            ("with_sign", (c, x))
            for c, x in ((CT, ODD), (ODD, POSITIVE), (CT, -POSITIVE), (X.T, -X.T), (X[0], X))
        ),
        ("with_sign", (CT, ODD, np.abs(ODD))),
        ("with_sign", (CT[:0], CT[:0])),
        ("with_sign", (np.asarray(2.0), np.asarray(-1.0))),
        ("twice", (CT, POSITIVE)),
        ("twice", (np.asarray(2.0), np.asarray(-1.0))),
        *(
            ("over_root_below", (CT, x))
            for x in (0.1 * CT, np.full(8, 0.999999), np.array([1.0, -1, 0, 2, NAN, 0, 0, 0]))
        ),
        *(("root_above_one", (x,)) for x in (CT, X.T, CT[:0], ODD, 1e200 * CT, np.asarray(2.0))),
        *(
            (name, (CT, x))
            for name in ("over_below", "over_above")
            for x in (0.1 * CT, np.full(8, 0.999999), np.array([1.0, -1, 0, 2, NAN, 1e200, 0, 0]))
        ),
        *(("leg", (a, b, np.hypot(a, b))) for a, b in ((CT, POSITIVE), (ODD, OTHER), (0 * CT, CT), (0 * CT, 0 * CT))),
        *(
            ("softmax_vjp", (X, np.exp(x) / np.sum(np.exp(x), axis=a, keepdims=True), a))
            for x in (X, 60 * X)
            for a in (0, -1, (0, 1))
        ),
        *(("over_cosh2", (CT, x)) for x in (CT, 40 * CT, 1000 * CT, ODD)),
        *(
            ("power_slope", (a, b, a**b))
            for a, b in (
                (POSITIVE, CT), (ODD, OTHER), (ODD, 0 * CT), (SMALL, 2 + 0 * CT), (HUGE, 2 + 0 * CT), (CT, 3 + 0 * CT),
            )
        ),
        *(("log_nonzero", (x,)) for x in (POSITIVE, ODD, CT[:0])),
        *(
            ("whole_quotient", (a, b, np.remainder(a, b)))
            for a, b in ((9 * CT, POSITIVE), (-CT, POSITIVE), (ODD, OTHER), (CT, ODD))
        ),
        *(
            ("extreme_share", _extreme(x, axis))
            for x in (WIDE, WIDE[::-1].T, LONG, _holed(LONG, NAN))
            for axis in (None, 0, -1, (0, 1))
        ),
        ("extreme_share", _extreme(np.zeros((20, 30)), None)),
        *(
            ("prod_vjp", _product(x, axis))
            for x in (PRODUCT, LONG, -LONG, LONG.T, _holed(LONG, 0.0), _holed(LONG, NAN), _holed(LONG, INF))
            for axis in (None, 0, -1, (0, 1), ())
        ),
        *(
            ("cumulative_prod_vjp", (c, x, np.cumulative_prod(x, axis=axis), axis))
            for c, x in ((X - 0.1, PRODUCT), (CT2, PRODUCT), (LONG, -LONG), (LONG, _holed(LONG, 0.0)))
            for axis in (0, 1)
        ),
        *(
            ("softmax_of", (x, np.log(np.sum(np.exp(x), axis=a, keepdims=True)), a))
            for x in (X, _holed(X, -INF))
            for a in (0, None)
        ),
        ("softmax_of", (np.full((2, 3), -INF), np.full((2, 1), -INF), 1)),
        *(("sinc_derivative", (x, n)) for x in (X, 0.01 * X.T, np.array([0.0, 1.0, 0.3])) for n in (0, 1, 2)),
    ]  # fmt: skip


with np.errstate(all="ignore"):
    KERNELS = _kernels()


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize(("name", "args"), KERNELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels_of_rules_are_the_generic_ones(name, args, dtype):
    """In value, also at zeros, ties, infinities and NaN; in dtype; and nothing that was given is written to."""
    generic, direct = pb.backend.extend(array_api_compat.numpy), pb.backend.resolve("numpy").xp
    cast = [
        a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args
    ]
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in cast]
    settings = {"n": cast.pop()} if name == "sinc_derivative" else {}
    with np.errstate(all="ignore"):
        got = np.asarray(getattr(direct, name)(*cast, **settings))
        wanted = np.asarray(getattr(generic, name)(*cast, **settings))
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    rtol, atol = (3e-5, 1e-37) if dtype == np.float32 else (1e-12, 1e-300)
    if name in ("prod_vjp", "cumulative_prod_vjp", "sinc_derivative"):
        atol = rtol  # sums of numbers of both signs
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=atol)
    for a, b in zip(cast, before, strict=False):
        np.testing.assert_array_equal(a, b) if isinstance(a, np.ndarray) else None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("x1", "x2"), [(ODD, OTHER), (POSITIVE, CT), (CT, 0.5), (X, X[0]), (X.T, X.T.copy())]
)
def test_the_rest_of_a_share(x1, x2, dtype):
    """Both shares of a cotangent, one made from the other, are those made one by one; infinite ones too."""
    direct = pb.backend.resolve("numpy").xp
    x1, x2 = np.asarray(x1, dtype), x2 if isinstance(x2, float) else np.asarray(x2, dtype)
    ct = np.asarray(RNG.standard_normal(x1.shape), dtype)
    ct.reshape(-1)[0] = np.inf
    shares = direct.shares(ct, x1, x2)
    np.testing.assert_array_equal(shares[0], direct.chosen(ct, x1, x2))
    np.testing.assert_array_equal(direct.rest(ct, shares, x2, x1), direct.chosen(ct, x2, x1))


@pytest.mark.parametrize("fast", [False, True])
def test_ties_that_a_compiled_program_was_recorded_without(fast):
    """What `shares` returns is of one kind whatever the values are, or a recorded program has only one kind."""
    x1 = np.arange(8.0)
    x2 = x1 + np.where(x1 % 3 > 0, 1.0, -1.0)
    gradient = lambda x1, x2: pb.grad(lambda xs: xp.sum(xp.maximum(*xs) ** 2))((x1, x2))
    compiled = pb.compile(gradient, fast=fast)
    for pair in ((x1, x2), (x1, x1), (x1, np.where(x1 > 4, x1, x2)), (x2, x1)):
        for a, b in zip(compiled(*pair), gradient(*pair), strict=True):
            np.testing.assert_array_equal(a, b)


def test_products_that_lose_digits_on_the_way_are_not_divided():
    """1e-200 · 1e-120 has three digits left, whatever comes after."""
    x = np.array([1e-200, 1e-120, 1e300, 1.0])
    np.testing.assert_allclose(pb.grad(xp.prod)(x)[0], 1e180, rtol=1e-14)
    f = pb.grad(lambda x: xp.sum(xp.cumulative_prod(x)[-1:]))
    np.testing.assert_allclose(f(x)[0], 1e180, rtol=1e-14)
    np.testing.assert_allclose(
        pb.grad(lambda x: 1e-200 * xp.prod(x))(np.array([1e-200, 1e-20])), [1e-220, 0], rtol=1e-14
    )


@pytest.mark.parametrize("name", ["masked", "with_sign", "chosen"])
def test_results_are_given_away_without_a_copy(name):
    """A view on integers would be copied before the caller gets it."""
    args = {"masked": (X, X > 0), "with_sign": (X, X), "chosen": (X, X, -X)}[name]
    assert getattr(pb.backend.resolve("numpy").xp, name)(*args).base is None
