"""Tests of `optim/first_order/clipping.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._update_peers import W

optim = pb.optim


RNG = np.random.default_rng(0)


GRADS = {"a": RNG.standard_normal((3, 2)) * 3, "b": [RNG.standard_normal(4)], "n": None}


def test_clip_by_value(lib):
    for dtype in (np.float32, np.float64):
        grads = pb.tree.map(lambda g, dtype=dtype: lib.asarray(g, dtype), GRADS)
        clipped = optim.clip_by_value(grads, 0.5)
        for a, b in zip(pb.tree.leaves(clipped), pb.tree.leaves(GRADS), strict=True):
            assert lib.is_raw(a)
            assert lib.to_numpy(a).dtype == dtype
            np.testing.assert_array_equal(lib.to_numpy(a), np.clip(b.astype(dtype), -0.5, 0.5))


@pytest.mark.parametrize("limit", [0.1, 1.0, 1e3])
def test_clip_by_global_norm(lib, limit):
    flat = np.concatenate([g.ravel() for g in pb.tree.leaves(GRADS)])
    size = np.linalg.norm(flat)
    for dtype in (np.float32, np.float64):
        grads = pb.tree.map(lambda g, dtype=dtype: lib.asarray(g, dtype), GRADS)
        tolerance = 1e-6 if dtype == np.float32 else 1e-13
        norm = optim.global_norm(grads)
        assert float(lib.to_numpy(norm)) == pytest.approx(size, rel=tolerance)
        for a, b in zip(
            pb.tree.leaves(optim.clip_by_global_norm(grads, limit)),
            pb.tree.leaves(GRADS),
            strict=True,
        ):
            assert lib.is_raw(a)
            assert lib.to_numpy(a).dtype == dtype
            factor = min(1.0, limit / (size + 1e-6))
            np.testing.assert_allclose(lib.to_numpy(a), b * factor, rtol=10 * tolerance)


def test_norms_do_not_overflow(lib):
    for scale in (1e-30, 1e30):
        grads = [lib.asarray([3 * scale, 0.0], np.float32), lib.asarray(4 * scale, np.float32)]
        assert float(lib.to_numpy(optim.global_norm(grads))) == pytest.approx(5 * scale, rel=1e-6)
    clipped = optim.clip_by_global_norm([lib.asarray([3e30], np.float32)], 1.0)
    np.testing.assert_allclose(lib.to_numpy(clipped[0]), [1.0], rtol=1e-5)
    assert float(lib.to_numpy(optim.global_norm([lib.asarray([0.0, 0.0])]))) == 0
    for bad in (math.nan, math.inf):
        assert not math.isfinite(float(lib.to_numpy(optim.global_norm([lib.asarray([1.0, bad])]))))
    assert float(optim.global_norm({})) == 0


def test_clipped_by_value_and_then_by_norm():
    g = np.asarray([3.0, -4.0, 0.5])
    opt = optim.Clipped(optim.SGD(1.0), value=1.0, norm=0.5)
    new, _ = opt.step(np.zeros(3), g, opt.init(np.zeros(3)))
    np.testing.assert_allclose(-new, optim.clip_by_global_norm(np.clip(g, -1, 1), 0.5))


def test_bad_limits():
    for f in (optim.clip_by_value, optim.clip_by_global_norm):
        with pytest.raises(ValueError, match="limit"):
            f(np.ones(2), 0.0)


def test_a_norm_of_nan_spreads_instead_of_letting_the_rest_through(lib):
    grads = [lib.asarray([np.nan], np.float64), lib.asarray([1e6], np.float64)]
    for g in optim.clip_by_global_norm(grads, 1.0):
        assert np.all(np.isnan(pb.to_numpy(g)))


def test_clipping_by_norm_is_torch_s():
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    w = torch.tensor(W.copy(), requires_grad=True)
    w.grad = torch.tensor(W.copy())
    norm = torch.nn.utils.clip_grad_norm_([w], 0.7)
    np.testing.assert_allclose(optim.global_norm([W]), norm.item(), rtol=1e-14)
    np.testing.assert_allclose(optim.clip_by_global_norm([W], 0.7)[0], w.grad.numpy(), rtol=1e-14)
