"""Moving elements of Dask arrays: chunks that fit, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._dask import counted, da, rows, same, tiles

xp = pb.xp
X = np.random.default_rng(0).normal(size=(6, 4))


def test_spread_cotangents_have_the_chunks_of_what_they_belong_to():
    x = da.ones((1000, 3), chunks=(10, 3))
    g = pb.grad(lambda x: xp.mean(x))(x)
    assert g.chunks == x.chunks
    assert not any("rechunk" in name for name in g.dask.layers)
    same(g, np.full((1000, 3), 1 / 3000))


@pytest.mark.parametrize("shape", [(24,), (-1,), (3, 8), (6, 1, 4), (2, 3, 2, 2), (4, 6)])
def test_reshapes_and_back(shape):
    f = lambda x: xp.sum(xp.reshape(xp.asarray(x) ** 2, shape) * xp.reshape(x, shape))
    same(pb.value_and_grad(f)(rows(X)), pb.value_and_grad(f)(X))


def test_one_element_is_not_stretched_by_a_reshape():
    with pytest.raises(ValueError, match="must be unchanged"):
        xp.reshape(da.ones(1), (2,))
    same(xp.reshape(da.ones((1, 1)), (-1,)), np.ones(1))
    same(xp.reshape(da.ones(()), (1, 1)), np.ones((1, 1)))


def test_uneven_reshapes_go_by_way_of_one_line():
    x = np.arange(20.0).reshape(4, 5)
    same(xp.reshape(da.from_array(x, chunks=(2, 3)), (5, 4)), x.reshape(5, 4))


def test_numbers_of_repeats_are_numpy_s():
    counts = np.asarray([1, 0, 2, 1, 0, 3])
    f = lambda x: xp.sum(xp.repeat(x, counts, axis=0) ** 3)
    same(pb.grad(f)(tiles(X)), pb.grad(f)(X))
    with pytest.raises(NotImplementedError, match=r"repeats\.compute\(\)"):
        xp.repeat(tiles(X), da.from_array(counts), axis=0)


def test_sorting_puts_lines_into_one_chunk():
    f = lambda x: xp.sum(xp.sort(x, axis=0) ** 2 * xp.asarray(X))
    with counted() as count:
        got = pb.grad(f)(tiles(X))
        assert count.computes == 0
    same(got, pb.grad(f)(X))
