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
