"""Tests of `autograd/numpy/sections/polynomials.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, P, R, X, Z, front

NO_EIG = {
    "array_api_strict": "it has no eigenvalues of general matrices",
    "cupy_standin": "CuPy has none either",
}
POINTS = X([0.0, 0.5, 1.3, 2.0, 3.1])
COMPLEX = {"compile": "in a program, eigenvalues are complex"}
COVARIANCE = {"float32": "of an inverse"}

ROWS = [
    front("polyval", R(4), R(2, 3)),
    front("polyval", [1.0, 2.0], R(3), _skip={"float32": "NumPy makes float64 of a list"}),
    front("polyval", Z(3), R(2)),
    front("polyadd", R(4), R(2)),
    front("polysub", R(2), R(3)),
    front("polymul", R(3), R(4)),
    front(
        "polymul",
        X([0.0, 0.0, 2.0, 1.0]),
        R(2),
        _skip={"gradients": "shapes depend on values", "compile": "so do they"},
    ),
    front("polydiv", P(4), P(2)),
    front("polydiv", P(2), P(3)),
    front("polydiv", P(3), P(1)),
    front("polyder", R(4)),
    front("polyder", R(4), 2),
    front("polyder", R(1)),
    front("polyint", R(3)),
    front("polyint", R(3), 2, K([0.5, 1.5])),
    front("polyint", R(3), m=2, k=R()),
    front("poly", R(3)),
    front("poly", Z(2)),
    front("poly", X([[2.0, 1.0], [0.5, 3.0]]), _rtol=1e-10, _skip=NO_EIG | COMPLEX),
    front("roots", X([1.0, -6.0, 11.0, -6.0]), _rtol=1e-10, _skip=NO_EIG | COMPLEX),
    front("roots", X([2.0, 1.0, 3.0]), _rtol=1e-10, _skip=NO_EIG),
    front("polyfit", POINTS, R(5), 2, _rtol=1e-10),
    front("polyfit", POINTS, R(5, 2), 1, w=P(5), _rtol=1e-10),
    front("polyfit", POINTS, R(5), 2, cov=True, _rtol=1e-9, _skip=COVARIANCE),
    front("polyfit", POINTS, R(5), 1, cov="unscaled", _rtol=1e-9, _skip=COVARIANCE),
]


def test_the_full_answer_of_a_fit():
    x, y = (
        np.asarray([0.0, 1.0, 2.0, 4.0]),
        np.asarray([[1.0, 2.0, 4.0, 3.0], [0.0, 1.0, 0.0, 2.0]]).T,
    )
    got, wanted = pullback.numpy.polyfit(x, y, 1, full=True), np.polyfit(x, y, 1, full=True)
    for u, v in zip(got, wanted, strict=True):
        np.testing.assert_allclose(pb.to_numpy(pb.xp.asarray(u)), v, rtol=1e-12, atol=1e-14)
    with pytest.warns(np.exceptions.RankWarning):
        pullback.numpy.polyfit([1.0, 1.0], [1.0, 2.0], 1)


def test_zeros_at_the_ends():
    for p in ([0.0, 0.0, 1.0, -2.0, 0.0, 0.0], [0.0, 0.0], [3.0], [3.0, 0.0, 0.0]):
        got, wanted = pullback.numpy.roots(p), np.roots(p)
        assert got.shape == wanted.shape
        np.testing.assert_allclose(pb.to_numpy(got), wanted)


def test_conjugate_pairs_make_real_coefficients():
    zeros = [1 + 2j, 1 - 2j, 3.0]
    got = pullback.numpy.poly(zeros)
    assert got.dtype == np.float64
    np.testing.assert_allclose(pb.to_numpy(got), np.poly(zeros))
    assert float(pullback.numpy.poly([])) == 1.0


def test_what_cannot_be():
    with pytest.raises(TypeError, match="coeffs"):
        pullback.numpy.polyval(np.poly1d([1.0, 2.0]), 1.0)
    with pytest.raises(ValueError, match="polyint"):
        pullback.numpy.polyder([1.0], -1)
    with pytest.raises(ValueError, match="polyder"):
        pullback.numpy.polyint([1.0], -1)
    with pytest.raises(ValueError, match="length"):
        pullback.numpy.polyint([1.0], 3, [1.0, 2.0])
    with pytest.raises(ValueError, match="vector"):
        pullback.numpy.roots(np.ones((2, 2)))
    with pytest.raises(TypeError, match="weights"):
        pullback.numpy.polyfit([1.0, 2.0], [1.0, 2.0], 1, w=[1.0])
    with pytest.raises(ValueError, match="deg"):
        pullback.numpy.polyfit([1.0, 2.0], [1.0, 2.0], -1)
    with pytest.raises(ValueError, match="points must exceed"):
        pullback.numpy.polyfit([1.0, 2.0], [1.0, 2.0], 1, cov=True)
