"""Products of Dask arrays: all shapes, chunks along what is summed over, and memory."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._dask import counted, da, same, tiles

xp = pb.xp
RNG = np.random.default_rng(0)
SHAPES = [
    ((6,), (6,)),
    ((4, 6), (6,)),
    ((6,), (6, 3)),
    ((4, 6), (6, 3)),
    ((2, 4, 6), (6, 3)),
    ((2, 1, 4, 6), (5, 6, 3)),
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_in_chunks(shapes):
    x1, x2 = (RNG.normal(size=s) for s in shapes)
    f = lambda x1, x2: xp.sum(xp.matmul(x1, x2) ** 3)
    with counted() as count:
        got = pb.value_and_grad(f, argnums=(0, 1))(tiles(x1), tiles(x2))
        assert count.computes == 0
    same(got, pb.value_and_grad(f, argnums=(0, 1))(x1, x2), rtol=1e-8)


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="do not agree"):
        xp.matmul(da.ones((2, 3)), da.ones((2, 3)))


def test_layers_of_several_leading_axes():
    x, W, b = RNG.normal(size=(4, 3, 2)), RNG.normal(size=(2, 5)), RNG.normal(size=5)
    f = lambda W, b, x: xp.sum(xp.linear_relu(x, W, b) ** 2)
    for chunks in ((2, 3, 2), (2, 2, 1)):
        lazy = da.from_array(x, chunks=chunks)
        same(pb.grad(f, argnums=(0, 1))(W, b, lazy), pb.grad(f, argnums=(0, 1))(W, b, x))


def test_no_task_holds_more_than_a_few_blocks():
    x = da.ones((1000, 4), chunks=(10, 4))
    sizes = []
    note = lambda block: sizes.append(block.size) or block
    y = x.map_blocks(note, dtype=float, meta=np.ones((1, 1)))
    g = pb.grad(lambda w: xp.sum(xp.tanh(xp.matmul(y, w))))(da.ones(4))
    assert g.shape == (4,)
    same(g, np.full(4, 1000 / np.cosh(4.0) ** 2))
    assert max(sizes) <= 40
