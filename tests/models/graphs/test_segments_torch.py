"""Segments against PyTorch's scatters: values and gradients, ties among them."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")

M = pb.models
NUMBERS = np.random.default_rng(0).integers(0, 5, 40)
# of few values, so that maxima are attained several times
X = np.random.default_rng(1).integers(-3, 4, (40, 3)).astype(float)


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax"])
def test_reductions_are_torch_s(reduce):
    ours = {"sum": M.segment_sum, "mean": M.segment_mean, "amax": M.segment_max}[reduce]
    out, pull = pb.vjp(lambda x: ours(x, NUMBERS, num_segments=5), X)
    ct = np.random.default_rng(2).standard_normal((5, 3))
    x = torch.tensor(X, requires_grad=True)
    index = torch.tensor(NUMBERS)[:, None].expand(-1, 3)
    wanted = torch.zeros(5, 3, dtype=torch.float64).scatter_reduce(
        0, index, x, reduce, include_self=False
    )
    wanted.backward(torch.tensor(ct))
    np.testing.assert_allclose(pb.to_numpy(out), wanted.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(pull(ct)[0], x.grad.numpy(), rtol=1e-13)


def test_softmax_is_torch_s_of_each_segment():
    out, pull = pb.vjp(lambda x: M.segment_softmax(x, NUMBERS, num_segments=5), X)
    ct = np.random.default_rng(2).standard_normal((40, 3))
    slope = pull(ct)[0]
    for s in range(5):
        mine = s == NUMBERS
        x = torch.tensor(X[mine], requires_grad=True)
        wanted = torch.softmax(x, dim=0)
        wanted.backward(torch.tensor(ct[mine]))
        np.testing.assert_allclose(pb.to_numpy(out)[mine], wanted.detach().numpy(), rtol=1e-13)
        np.testing.assert_allclose(slope[mine], x.grad.numpy(), rtol=1e-11, atol=1e-14)
