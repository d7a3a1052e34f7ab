"""Tests of `backend/generic/finite.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...autograd.solve._not_finite import DIAGONAL, GOOD

xp = pb.xp


la = pb.linalg


pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NaN


@pytest.mark.parametrize("order", [3, 40])
@pytest.mark.parametrize("kind", GOOD)
def test_of_a_batch_the_others_stay(kind, order, lib):
    good = np.eye(order) * 5
    good[:3, :3] = GOOD[kind]
    if kind == "circulant":
        good = np.eye(order) * 5 + np.roll(np.eye(order), 1, axis=0)
    if kind == "unit lower":
        good[np.arange(order), np.arange(order)] = 1
    bad = good.copy()
    bad[DIAGONAL.get(kind, (1, 1))] = np.inf
    A, b = lib.asarray(np.stack([good, bad, good])), lib.asarray(np.ones((3, order, 2)))
    v = lib.to_numpy(la.solve(A, b, assume=kind).value)
    assert np.isnan(v[1]).all()
    np.testing.assert_allclose(
        v[[0, 2]], np.linalg.solve(np.stack([good] * 2), np.ones((2, order, 2))), rtol=1e-9
    )
    g = lib.to_numpy(pb.grad(lambda A: xp.sum(la.solve(A, b, assume=kind)))(A))
    assert np.isfinite(g[[0, 2]]).all()
    assert np.isnan(g[1]).any()
    singular = np.stack([good * 0, bad])  # the bad one does not hide that the other is singular
    if kind not in ("unit lower",):
        with pytest.raises(np.linalg.LinAlgError):
            la.solve(lib.asarray(singular), lib.asarray(np.ones((2, order, 1))), assume=kind)


def test_determinants_are_numpys():
    for A in (
        np.diag([np.inf, 1.0, 2.0]),
        np.asarray([[1.0, np.inf], [1, 1]]),
        np.diag([np.nan, 1.0]),
    ):
        for got, wanted in zip(la.factorize(A).slogdet(), np.linalg.slogdet(A), strict=True):
            np.testing.assert_array_equal(got, wanted)
        assert np.isnan(pb.grad(lambda A: xp.linalg.slogdet(A)[1])(A)).all()
