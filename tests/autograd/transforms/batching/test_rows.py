"""Tests of `autograd/transforms/batching/rows.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.core.levels.batched import Batched
from pullback.autograd.transforms.batching.rows import plain, row_by_row, stacked

M = np.random.default_rng(0).standard_normal((3, 2, 2))


def test_a_function_for_each_row():
    got = row_by_row("linalg.svd")(Batched(M))
    np.testing.assert_allclose(got.S.value, np.linalg.svd(M).S)
    assert type(got).__name__ == "SVDResult"


def test_settings_and_lists_have_rows_too():
    got = row_by_row("concat")([Batched(M), M[0]], axis=1)
    np.testing.assert_array_equal(got.value, np.stack([np.concat([m, M[0]], axis=1) for m in M]))


def test_the_namespace_of_arrays_comes_first():
    assert plain("exp", [M, pb.xp.asarray(M)]) is pb.xp.exp
    assert plain("exp", [M]) is not pb.xp.exp
    assert type(stacked([M[0], pb.xp.asarray(M[1])]).value) is pb.Array
