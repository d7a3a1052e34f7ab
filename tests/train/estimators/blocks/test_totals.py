"""Sums over blocks: two derivatives, one computation for value and gradient, none of third order."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

da = pytest.importorskip("dask.array", reason="the extra `dask`")

from pullback.train.estimators.blocks.rows import Rows  # noqa: E402 - after dask
from pullback.train.estimators.blocks.totals import BlockGradient, BlockTotal, pack  # noqa: E402 - after dask

from ._counting import computations  # noqa: E402 - after dask

RNG = np.random.default_rng(0)
N, D = 240, 4
X, Y = RNG.normal(size=(N, D)), RNG.normal(size=N)


def cubic(p, x, y):
    x, y = pb.xp.asarray(x), pb.xp.asarray(y)
    return pb.xp.sum(pb.xp.tanh(x @ p["w"] - y) ** 2) + pb.xp.sum(p["b"] ** 3)


def test_a_sum_over_blocks_has_two_derivatives():
    rows = Rows(da.from_array(X, chunks=(60, D)), da.from_array(Y, chunks=60))
    at = {"w": RNG.normal(size=D) / 9, "b": RNG.normal(size=2)}
    total = BlockTotal(cubic, rows, at)

    def whole(p):
        return sum(cubic(p, X[i : i + 60], Y[i : i + 60]) for i in range(0, N, 60))

    with computations() as times:
        value, slope = pb.value_and_grad(lambda p: 2 * total(p))(at)
        assert len(times) == 1
    expected, expected_slope = pb.value_and_grad(lambda p: 2 * whole(p))(at)
    assert value == pytest.approx(expected)
    direction = {"w": np.ones(D), "b": np.ones(2)}
    found, wanted = (pb.hvp(f, at, direction) for f in (total, whole))
    for key in at:
        np.testing.assert_allclose(slope[key], expected_slope[key], rtol=1e-10)
        np.testing.assert_allclose(found[key], wanted[key], rtol=1e-9)
    with pytest.raises(TypeError, match="third derivatives"):
        pb.grad(lambda p: pb.xp.sum(pb.hvp(total, p, direction)["w"]))(at)


def test_a_block_of_a_device_is_differentiated_there(lib):
    at = {"w": np.linspace(0, 1, D), "b": np.ones(2)}
    there, here = (
        BlockGradient(cubic, at)(x, y, pack(at)) for x, y in ((lib.asarray(X), Y), (X, Y))
    )
    assert type(there) is np.ndarray
    np.testing.assert_allclose(there, here, rtol=1e-10)
