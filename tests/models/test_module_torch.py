"""Layers against torch: outputs and gradients by inputs and parameters, to 1e-10 in float64."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
xp = pb.xp
M = pb.models
RNG = np.random.default_rng(12)
X = RNG.standard_normal((7, 4))
WIDE = RNG.standard_normal((3, 5, 4))
D = {"dtype": torch.float64}
nn = torch.nn


def filled(theirs):
    """A torch module whose parameters are drawn."""
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(RNG.standard_normal(tuple(p.shape))))
    return theirs.double()


def host(t):
    return None if t is None else t.detach().numpy().copy()


def linear(theirs):
    return M.Linear(host(theirs.weight).T.copy(), host(theirs.bias))


def batch_norm(theirs):
    parts = (theirs.weight, theirs.bias, theirs.running_mean, theirs.running_var)
    return M.BatchNorm(*map(host, parts), theirs.momentum, theirs.eps)


def layer_norm(theirs):
    return M.LayerNorm(
        host(theirs.weight), host(theirs.bias), tuple(theirs.normalized_shape), theirs.eps
    )


CASES = {
    "linear": (nn.Linear(4, 3), linear, X),
    "linear of three axes": (nn.Linear(4, 3), linear, WIDE),
    "linear without bias": (nn.Linear(4, 3, bias=False), linear, X),
    "batch norm": (nn.BatchNorm1d(4), batch_norm, X),
    "batch norm, its settings": (nn.BatchNorm1d(4, momentum=0.35, eps=0.2), batch_norm, X),
    "batch norm, not affine": (nn.BatchNorm1d(4, affine=False), batch_norm, X),
    "layer norm": (nn.LayerNorm(4), layer_norm, X),
    "layer norm of two axes": (nn.LayerNorm((5, 4), eps=0.1), layer_norm, WIDE),
    "layer norm without bias": (nn.LayerNorm(4, bias=False), layer_norm, X),
    "layer norm, not affine": (nn.LayerNorm(4, elementwise_affine=False), layer_norm, X),
    "rms norm": (nn.RMSNorm(4, eps=1e-3), lambda t: M.RMSNorm(host(t.weight), t.eps), X),
    "embedding": (nn.Embedding(6, 3), lambda t: M.Embedding(host(t.weight)), np.array([[0, 5], [5, 2]])),
    "sequential": (
        nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Linear(6, 2)),
        lambda t: M.Sequential(linear(t[0]), batch_norm(t[1]), "gelu", linear(t[3])),
        X,
    ),
}  # fmt: skip


def same(ours, theirs):
    np.testing.assert_allclose(pb.to_numpy(xp.asarray(ours)), host(theirs), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_layers_against_torch(name):
    """Three training steps' outputs, gradients and running statistics, then inference."""
    theirs, convert, x = CASES[name]
    theirs = filled(theirs)
    ours = convert(theirs)
    floating = x.dtype.kind == "f"
    for scale in (1, 3, -2):
        inputs = x * scale if floating else x
        leaf = torch.tensor(inputs, requires_grad=floating)
        theirs.zero_grad()
        y = theirs(leaf)
        weigh = RNG.standard_normal(tuple(y.shape))
        (y * torch.tensor(weigh)).sum().backward()

        def loss(model, inputs, weigh=weigh):
            out, new = model.training(inputs)
            return xp.sum(out * weigh), (out, new)

        argnums = (0, 1) if floating else (0,)
        (_, (out, new)), grads = pb.value_and_grad(loss, argnums, has_aux=True)(ours, inputs)
        same(out, y)
        if floating:
            same(grads[1], leaf.grad)
        check_gradients(grads[0], ours, theirs, convert)
        ours = M.plain(new)
        expected = convert(theirs)
        for a, b in zip(pb.tree.leaves(ours), pb.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    theirs.eval()
    same(ours(x), theirs(torch.tensor(x)))


def check_gradients(grads, ours, theirs, convert):
    """Ours, against theirs arranged as a model of ours."""
    held = {k: v.detach().clone() for k, v in theirs.state_dict().items()}
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(p.grad)
    expected = convert(theirs)
    theirs.load_state_dict(held)
    rows = zip(
        pb.tree.leaves(grads),
        pb.tree.leaves(expected),
        pb.tree.leaves(M.parameter_mask(ours)),
        strict=True,
    )
    for got, wanted, own in rows:
        np.testing.assert_allclose(got, wanted if own else 0 * got, rtol=1e-10, atol=1e-12)
