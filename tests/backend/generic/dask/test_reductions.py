"""Reductions of Dask arrays over chunks, and cross entropy."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._dask import counted, da, rows, same, tiles

xp = pb.xp
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), np.asarray([0, 3, 1, 1, 2, 0])


@pytest.mark.parametrize("axis", [0, 1, (0, 1), None])
def test_logsumexp_over_chunks(axis):
    f = lambda x: xp.sum(xp.logsumexp(100 * xp.asarray(x), axis=axis) ** 2)
    same(pb.value_and_grad(f)(tiles(X)), pb.value_and_grad(f)(X))


@pytest.mark.parametrize("layout", [rows, tiles])
def test_logsumexp_with_its_axis_kept(layout):
    f = lambda x: xp.logsumexp(xp.asarray(x), axis=1, keepdims=True)
    assert f(layout(X)).shape == (6, 1)
    same(f(layout(X)), f(X))
    g = pb.grad(lambda x: xp.sum(f(x) * x))
    same(g(layout(X)), g(X))


def test_cross_entropy_in_any_chunks():
    for layout in (rows, tiles):
        with counted() as count:
            got = pb.value_and_grad(pb.models.cross_entropy)(layout(X), layout(Y))
            assert count.computes == 0
        same(got, pb.value_and_grad(pb.models.cross_entropy)(X, Y))


def test_labels_that_are_no_classes_are_an_error_where_they_are_computed():
    value = pb.models.cross_entropy(rows(X), rows(Y + 2))
    with pytest.raises(IndexError):
        np.asarray(value.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype):
    x = tiles(X.astype(dtype))
    for f in (
        xp.mean,
        xp.std,
        lambda x: xp.sum(xp.cumulative_sum(x, axis=0, include_initial=True)),
    ):
        value, gradient = pb.value_and_grad(f)(x)
        assert value.dtype == gradient.dtype == dtype
        assert np.asarray(value).dtype == np.asarray(gradient).dtype == dtype


def test_means_of_nothing_are_nan():
    assert np.isnan(np.asarray(xp.mean(da.ones((0, 3)).rechunk(-1)).value))


def test_counts_along_axes():
    same(
        xp.count_nonzero(tiles(X > 0), axis=0, keepdims=True),
        np.count_nonzero(X > 0, axis=0, keepdims=True),
    )


@pytest.mark.parametrize("name", ["max", "min", "var", "std"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64])
def test_reductions_of_our_own_are_those_of_numpy(name, dtype):
    if (name, dtype) in ((n, np.complex128) for n in ("max", "min")) or (
        dtype is np.int64 and name in ("var", "std")
    ):
        pytest.skip("the standard's are real, and floating")
    x = (10 * RNG.normal(size=(5, 4, 3))).astype(dtype)
    if dtype is np.complex128:
        x += 1j * RNG.normal(size=x.shape)
    lazy = da.from_array(x, chunks=((1, 3, 1), (2, 2), (1, 2)))
    for axis in (None, 0, 2, -2, (0, 2), (0, 1, 2)):
        for keepdims in (False, True):
            got = getattr(xp, name)(xp.asarray(lazy), axis=axis, keepdims=keepdims).value
            wanted = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
            assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
            same(got, wanted, rtol=1e-5 if dtype is np.float32 else 1e-11)


def test_extremes_of_no_rows_are_an_error_and_nan_is_kept():
    x = da.from_array(np.asarray([1.0, 2.0, 3.0, np.nan]), chunks=2)
    assert np.isnan(np.asarray(xp.max(x).value))
    assert np.isnan(np.asarray(xp.min(x).value))
    none = xp.max(x[x > 5])
    with pytest.raises(ValueError, match="zero-size"):
        np.asarray(none.value)
    assert np.isnan(np.asarray(xp.var(x[x > 5]).value))
    assert np.isnan(np.asarray(xp.var(da.ones(2, chunks=1), correction=2).value))


def test_variances_keep_their_digits_far_from_zero():
    x = 1e8 + RNG.normal(size=1000)
    same(xp.var(da.from_array(x, chunks=10)), np.var(x), rtol=1e-6)
