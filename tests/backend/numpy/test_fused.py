"""NumPy's own kernels against the generic ones, which are written in the standard."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._fused import RNG

X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 5)), RNG.standard_normal(5)
LABELS = np.array([0, 2, 1, 2])
KERNELS = [
    ("linear", (X, W, B)),
    ("linear", (X[0], W, B)),
    ("linear", (X[None], W, B)),
    ("linear_relu", (X, W, B)),
    ("linear_relu", (X[0], W, B)),
    ("linear_relu", (X[:, :2], W[:2, :1], B[0])),
    ("relu", (X,)),
    ("relu", (X[0, 0],)),
    ("relu_vjp", (X, np.abs(X))),
    ("sigmoid", (X * 50,)),
    ("softplus", (X * 50,)),
    ("sech2", (X * 50,)),
    ("sech2", (np.asarray(2.0),)),
    ("linear_vjp_W", (X, X)),
    ("linear_vjp_W", (X[0], X[1])),
    ("linear_vjp_W", (X[None], X[None])),
    ("sum_to_shape", (X, (3,))),
    ("sum_to_shape", (X, (4, 1))),
    ("sum_to_shape", (X, ())),
    ("sum_to_shape", (X, (4, 3))),
    ("sum_to_shape", (X[None], (1, 1, 3))),
    ("sum_to_shape", (X[:0], (3,))),
    ("scatter_add", ((4, 3), (slice(1, 3), 0), X[:2, 0])),
    ("scatter_add", ((4,), np.array([1, 1, 3]), X[0])),
    ("logsumexp", (X, 0, True)),
    ("log_softmax", (X, -1)),
    ("softmax", (X, 0)),
]


@pytest.mark.parametrize(("name", "args"), KERNELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels_of_numpy_are_the_generic_ones(name, args, dtype):
    """In value, shape and dtype."""
    import array_api_compat.numpy

    generic = pb.backend.extend(array_api_compat.numpy)
    cast = [
        a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args
    ]
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in cast]
    got = np.asarray(getattr(pb.backend.resolve("numpy").xp, name)(*cast))
    wanted = np.asarray(getattr(generic, name)(*cast))
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-30)
    for a, b in zip(cast, before, strict=True):
        np.testing.assert_array_equal(a, b) if isinstance(a, np.ndarray) else None


@pytest.mark.parametrize("logits", [X, X[None], X.astype(np.float32), 1e4 * X])
def test_softmax_cross_entropy_of_numpy_is_the_generic_one(logits):
    import array_api_compat.numpy

    generic, direct = pb.backend.extend(array_api_compat.numpy), pb.backend.resolve("numpy").xp
    labels = LABELS if logits.ndim == 2 else LABELS[None]
    one, slope = generic.softmax_cross_entropy(logits, labels)
    other, direct_slope = direct.softmax_cross_entropy(logits, labels)
    assert other.dtype == logits.dtype
    tolerance = {
        "rtol": 1e-5 if logits.dtype == np.float32 else 1e-12,
        "atol": 1e-7 if logits.dtype == np.float32 else 1e-14,
    }
    np.testing.assert_allclose(other, one, **tolerance)
    assert direct_slope.dtype == logits.dtype
    np.testing.assert_allclose(direct_slope, slope, **tolerance)
    np.testing.assert_allclose(
        direct_slope.sum(axis=-1), 0, atol=1e-6
    )  # a softmax less a one-hot row


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logistic_functions_of_many_numbers(dtype):
    """What is computed by vectorised functions of many numbers, against SciPy's and NumPy's of each."""
    import scipy.special

    ours = pb.backend.resolve("numpy").xp
    eps = 4 * np.finfo(dtype).eps
    body = np.random.default_rng(0).normal(size=2000) * 10
    tails = np.array([-1e4, -745.2, -709.0, -104.0, -88.0, -1e-9, 0.0, -0.0, 1e-9, 30.0, 90.0, 1e4])
    for odd in ([], [np.nan], [np.inf, -np.inf]):
        for x in (body, np.concatenate([body, tails]), np.concatenate([body, tails, odd])):
            x = x.astype(dtype)
            wide = x.astype(np.float64)
            expected = scipy.special.expit(wide)
            got = ours.sigmoid(x)
            assert got.dtype == dtype
            np.testing.assert_allclose(
                got, expected, rtol=eps, atol=np.finfo(dtype).smallest_subnormal
            )
            with np.errstate(invalid="ignore"):
                expected = np.logaddexp(wide, 0)
                np.testing.assert_allclose(ours.softplus(x), expected, rtol=eps, atol=1e-45)
                for y in (np.flip(x), x, np.zeros_like(x), -x):
                    got = ours.logaddexp(x, y)
                    expected = np.logaddexp(wide, y.astype(np.float64))
                    np.testing.assert_allclose(got, expected, rtol=eps, atol=40 * eps)
    matrix = body.astype(dtype).reshape(40, 50).T
    np.testing.assert_allclose(ours.softplus(matrix), np.logaddexp(matrix, 0), rtol=2 * eps)
    np.testing.assert_allclose(ours.sigmoid(matrix), scipy.special.expit(matrix), rtol=2 * eps)
