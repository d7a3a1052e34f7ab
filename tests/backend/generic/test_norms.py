"""Tests of `backend/generic/norms.py`."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import pullback as pb

from ...autograd.rules.test_linalg_norms import MATRIX_ORDERS

xp = pb.xp


la = pb.xp.linalg


pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")


SIZES = [("float64", s) for s in (1e200, 1e-200, 1e307, 1e-310)] + [
    ("float32", s) for s in (1e30, 1e-30, 3e37, 1e-39)
] + [("complex128", 1e200), ("complex128", 1e-200), ("complex64", 1e30)]  # fmt: skip


POINT = np.asarray([[3.0, -4.0, 0.5], [1.0, 2.0, -2.0]])


SCALED = {
    **{f"vector_norm {o}": lambda x, o=o: la.vector_norm(x, ord=o) for o in (2, 3, 4, 1.5, 1, math.inf)},
    "vector_norm axis": lambda x: la.vector_norm(x, axis=1, keepdims=True),
    "vector_norm -1": lambda x: la.vector_norm(x, ord=-1, axis=(0, 1)),
    "vector_norm 0.5": lambda x: la.vector_norm(x, ord=0.5, axis=0),
    **{f"matrix_norm {o}": lambda x, o=o: la.matrix_norm(x, ord=o) for o in MATRIX_ORDERS},
    "std": xp.std,
    "std axis": lambda x: xp.std(x, axis=1, correction=1),
    "hypot": lambda x: xp.hypot(x[0, :], x[1, :]),
}  # fmt: skip


@pytest.mark.parametrize(("dtype", "size"), SIZES)
@pytest.mark.parametrize("name", SCALED)
def test_lengths_neither_overflow_nor_underflow(name, dtype, size, lib):
    """Of degree 1: the value grows with the size, the gradient does not change."""
    if "complex" in dtype and (name == "hypot" or (lib.name != "numpy" and "std" in name)):
        pytest.skip("of real numbers")
    if lib.name != "numpy" and size in (1e-310, 1e-39) and name == "vector_norm -1":
        pytest.skip("1/|x| is infinite, in a plain array library")
    if lib.name == "cupy" and size in (1e-310, 1e-39):
        pytest.skip("CuPy's kernels take subnormal numbers for 0")
    f = SCALED[name]
    unit = POINT * (1 + 0.5j) if "complex" in dtype else POINT
    x = (unit * 0.25).astype(dtype)
    real = np.finfo(dtype).dtype.type
    large = (x * real(size)).astype(dtype)
    value = lib.to_numpy(pb.xp.asarray(f(pb.xp.asarray(lib.asarray(large)))).value)
    expected = pb.to_numpy(
        f(pb.xp.asarray(x.astype("complex128" if "complex" in dtype else "float64")))
    )
    with np.errstate(under="ignore"):
        tolerance = 1e-4 if size in (1e-310, 1e-39) else 200 * np.finfo(dtype).eps
        np.testing.assert_allclose(value.astype(float) / size, expected, rtol=tolerance)
        # the largest and smallest of several, and what divides by them, differ by roundings alone
        got = lib.to_numpy(pb.grad(lambda x: xp.sum(f(x)))(lib.asarray(large)))
    want = pb.grad(lambda x: xp.sum(f(x)))(x)
    np.testing.assert_allclose(got, want, rtol=100 * tolerance, atol=100 * tolerance)


@pytest.mark.parametrize(
    "bad", [[math.inf, 1.0], [-math.inf, 1e200], [math.nan, 1.0], [math.inf, math.nan]]
)
@pytest.mark.parametrize("ord", [2, 3, 1.5, 1, math.inf])
def test_infinities_and_nan_are_numpys(bad, ord, lib):
    x = np.asarray(bad)
    got = lib.to_numpy(la.vector_norm(pb.xp.asarray(lib.asarray(x)), ord=ord).value)
    np.testing.assert_array_equal(got, np.linalg.norm(x, ord=ord))
    assert np.isnan(lib.to_numpy(xp.std(pb.xp.asarray(lib.asarray(x))).value))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_norms_of_nothing(shape, lib):
    x = pb.xp.asarray(lib.asarray(np.zeros(shape)))
    for axis in (None, 0, -1):
        want = (
            np.linalg.norm(np.zeros(shape), axis=axis)
            if axis is not None or len(shape) == 1
            else 0.0
        )
        np.testing.assert_array_equal(lib.to_numpy(la.vector_norm(x, axis=axis).value), want)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.all(np.isnan(lib.to_numpy(xp.std(x).value)))


def test_no_warning_at_the_ends_of_the_range():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for size in (1e200, 1e-200):
            x = pb.xp.asarray(POINT * size)
            la.vector_norm(x), la.matrix_norm(x), xp.std(x)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("ord", ["fro", "nuc"])
def test_an_order_of_matrices_is_refused_of_vectors_as_by_numpy(ord, dtype, lib):
    with pytest.raises(ValueError, match="order"):
        np.linalg.vector_norm(np.ones(3, dtype), ord=ord)
    with pytest.raises(ValueError, match=f"vector_norm: ord='{ord}' is an order of matrix_norm"):
        pb.xp.linalg.vector_norm(lib.asarray(np.ones(3), dtype), ord=ord)
