"""Tests of `autograd/numpy/sections/windows.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import P, front

_SKIP = {
    "array_api_strict": "it has no special functions",
    "float32": "NumPy's windows are in double precision, whatever beta is in",
}
ROWS = [front("kaiser", M, P(), _skip=_SKIP) for M in (1, 2, 5, 6)]
CONSTANTS = ("bartlett", "blackman", "hamming", "hanning", "kaiser")


@pytest.mark.parametrize("M", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("window", CONSTANTS)
def test_numpys_numbers(window, M, backend):
    if window == "kaiser" and backend.name == "array_api_strict":
        pytest.skip("it has no special functions")
    more = (3.5,) if window == "kaiser" else ()
    got, wanted = getattr(pullback.numpy, window)(M, *more), getattr(np, window)(M, *more)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("window", CONSTANTS)
def test_no_derivative_is_cut_at_the_number_of_points(window):
    more = (3.5,) if window == "kaiser" else ()
    function = getattr(pullback.numpy, window)
    with pytest.raises(TypeError, match="the number of points of a window, as a value of a traced"):
        pb.grad(lambda M: function(M, *more).sum())(5.0)
    np.testing.assert_array_equal(
        pb.to_numpy(function(pb.xp.asarray(5), *more)), pb.to_numpy(function(5, *more))
    )


@pytest.mark.parametrize("beta", [3, True, 0.0, -2.5, np.float32(1.5), np.float16(1.5)])
@pytest.mark.parametrize("M", [-1, 0, 1, 2, 6, 4.5])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # at the last point of M = 4.5
def test_kaisers_window_of_numbers(M, beta):
    for given in (beta, pb.xp.asarray(beta)):
        got, wanted = pullback.numpy.kaiser(M, given), np.kaiser(M, beta)
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13)


def test_kaisers_window_is_where_its_beta_is(lib):
    if lib.name == "array_api_strict":
        pytest.skip("it has no special functions")
    window = pullback.numpy.kaiser(6, lib.asarray(3.5, "float32"))
    assert (window.device, window.dtype) == (lib.device, np.float64)
    assert lib.is_raw(window.value)
    np.testing.assert_allclose(pb.to_numpy(window), np.kaiser(6, 3.5), rtol=1e-13)
    slope = pb.grad(lambda beta: pullback.numpy.kaiser(6, beta).sum())(lib.asarray(3.5, "float32"))
    assert lib.is_raw(slope)
    assert slope.dtype == lib.asarray(3.5, "float32").dtype


def test_kaisers_window_under_vmap():
    betas = np.array([0.5, 3.5])
    got = pb.vmap(lambda beta: pullback.numpy.kaiser(5, beta))(betas)
    np.testing.assert_allclose(got, [np.kaiser(5, b) for b in betas], rtol=1e-13)


@pytest.mark.parametrize("beta", [np.ones(1), np.ones((5,)), [1.0, 2.0, 3.0, 4.0, 5.0]])
def test_kaisers_window_of_several_betas_is_refused_as_by_numpy(beta):
    with pytest.raises(ValueError, match="inhomogeneous"):
        np.kaiser(5, beta)
    with pytest.raises(ValueError, match=r"beta is one number, not an array of shape \(\d,\)"):
        pullback.numpy.kaiser(5, beta)


@pytest.mark.parametrize(
    ("beta", "why"),
    [
        (1.0 + 2.0j, "i0 not supported for complex values"),
        (None, "dtype object"),
        ("a", "dtype <U1"),
    ],
)
def test_kaisers_window_of_what_is_no_real_number_is_refused(beta, why):
    with pytest.raises(TypeError, match=why):
        pullback.numpy.kaiser(5, beta)


def test_numpys_own_says_what_to_use_where_beta_is_recorded():
    """NumPy's `kaiser` puts its arguments into an array of NumPy's without asking them."""
    with pytest.raises(TypeError, match=r"numpy\.kaiser\(M, x\).*pullback\.numpy"):
        pb.grad(lambda beta: np.kaiser(5, beta).sum())(3.5)
    with pytest.raises(pb.TraceError, match=r"in kaiser: .*numpy\.kaiser\(M, x\).*pullback\.numpy"):
        pb.compile(lambda beta: np.kaiser(5, beta))(np.asarray(3.5))
