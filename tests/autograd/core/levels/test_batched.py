"""Tests of `autograd/core/levels/batched.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.levels.batched import (
    Batched,
    BatchedFactor,
    all_rows,
    factor_of,
    key_level,
    newest_level,
)
from pullback.autograd.core.levels.level import BatchLevel
from pullback.autograd.solve.direct.dense import dense


def test_it_shows_one_row():
    x = Batched(np.zeros((3, 2, 5), np.float32), BatchLevel(3))
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 5), 2, 10, np.float32, 2)
    same = Batched(np.zeros((2, 5)), BatchLevel(3), mapped=False)
    assert (same.shape, same.ndim) == ((2, 5), 2)
    assert "the same for all rows" in repr(same)
    with pytest.raises(TypeError, match="len"):
        len(Batched(np.zeros(3), BatchLevel(3)))


def test_a_value_that_is_the_same_for_all_rows_is_read():
    level = BatchLevel(3)
    x = Batched(np.asarray(2.0), level, mapped=False)
    assert (float(x), int(x), bool(x), complex(x), x.item()) == (2.0, 2, True, 2 + 0j, 2.0)
    np.testing.assert_array_equal(np.asarray(Batched(np.ones(2), level, mapped=False)), np.ones(2))
    with pytest.raises(TypeError, match=r"x.tolist\(\) of an array of shape \(2,\) under vmap"):
        Batched(np.ones((3, 2)), level).tolist()
    with pytest.raises(TypeError, match="never written to in place"):
        Batched(np.ones((3, 2)), level)[0] = 1.0


def test_the_newest_level():
    old, new = BatchLevel(2), BatchLevel(2)
    a, b = Batched(np.zeros(2), old), Batched(np.zeros(2), new)
    assert newest_level([a, b, 1.0, Batched(np.zeros(2))]) is new
    assert newest_level([np.zeros(2)]) is None
    assert key_level((slice(None), a)) is old
    assert key_level(3) is None


def test_factors_of_all_rows_are_made_at_once():
    A = np.random.default_rng(0).standard_normal((3, 2, 2)) + 3 * np.eye(2)
    level = BatchLevel(3)
    factor = factor_of(dense("general"), Batched(A, level))
    assert type(factor) is BatchedFactor
    b = np.ones((3, 2, 1))
    np.testing.assert_allclose(
        dense("general").solve(factor.inner, b, False), np.linalg.solve(A, b)
    )
    assert (
        type(factor_of(dense("general"), Batched(A[0], level, mapped=False))) is not BatchedFactor
    )
    assert all_rows(Batched(Batched(A, BatchLevel(3)), level)) is A


def test_constants_of_rows_are_constants_at_the_bottom():
    """What `stop_gradient` gives under `vmap` is on no tape of an older level either."""

    def loss(x):
        return pb.xp.sum(pb.vmap(lambda row: row * pb.stop_gradient(row))(x))

    x = np.asarray([1.0, 2.0])
    np.testing.assert_array_equal(pb.grad(loss)(x), x)
    seen = []
    pb.grad(lambda x: pb.xp.sum(pb.vmap(lambda row: seen.append(row.traced) or row)(x)))(x)
    pb.vmap(lambda row: seen.append(row.traced) or row)(x)
    assert seen == [True, False]
