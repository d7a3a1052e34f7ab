"""Gradients, models and optimisers against PyTorch, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ...cases._table import Case, collect, weights_for

torch = pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")

xp = pb.xp
# functions of the same name, arguments and meaning in torch
SAME = [
    "abs",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "exp",
    "expm1",
    "floor",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "matmul",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "reciprocal",
    "remainder",
    "round",
    "sigmoid",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "linalg.inv",
    "linalg.det",
    "linalg.solve",
    "linalg.cholesky",
    "linalg.eigvalsh",
    "linalg.svdvals",
    "linalg.matrix_power",
    "linalg.pinv",
]
ROWS = [
    c
    for c in collect()
    if c.name in SAME
    and "singular" not in c.label  # where torch's gradient of det is 0, and the cofactors are right
    and not c.settings
    and c.call is None
    and all(hasattr(a, "make") for a in c.args)
]


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c.id)
def test_gradients_are_torch_s(case: Case):
    arrays = case.arrays()
    function = torch
    for part in case.name.split("."):
        function = getattr(function, part)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    try:
        out = function(*tensors)
    except RuntimeError as error:
        if "same dtype" not in str(error) and "expected scalar type" not in str(error):
            raise
        pytest.skip("torch does not mix real and complex numbers here")
    if out.shape != case.numpy(arrays).shape or not np.allclose(out.detach(), case.numpy(arrays)):
        pytest.skip("torch reads these shapes otherwise than the standard")
    (w,) = weights_for([np.asarray(out.detach())])
    loss = (out * torch.tensor(w)).sum()
    (loss.real if loss.is_complex() else loss).backward()

    def ours(*xs):
        total = xp.sum(case.pullback(list(xs)) * w)
        return xp.real(total) if np.iscomplexobj(w) else total

    got = pb.grad(ours, argnums=tuple(range(len(arrays))))(*arrays)
    for g, t in zip(got, tensors, strict=True):
        expected = np.zeros(t.shape) if t.grad is None else t.grad.numpy()
        np.testing.assert_allclose(g, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: xp.max(x), lambda x: x.amax()),
        (lambda x: xp.sum(xp.max(x, axis=1)), lambda x: x.amax(1).sum()),
        (
            lambda x: xp.sum(xp.maximum(x, 1.0)),
            lambda x: torch.maximum(x, torch.tensor(1.0, dtype=x.dtype)).sum(),
        ),
        (lambda x: xp.sum(xp.abs(x)), lambda x: x.abs().sum()),
        (lambda x: xp.sum(xp.relu(x)), lambda x: torch.relu(x).sum()),
        (lambda x: xp.sum(x**2), lambda x: (x**2).sum()),
        (lambda x: xp.sum(x[np.array([0, 0, 1])] ** 3), lambda x: (x[[0, 0, 1]] ** 3).sum()),
        (lambda x: xp.sum(xp.logsumexp(x, axis=1)), lambda x: torch.logsumexp(x, 1).sum()),
        (
            lambda x: xp.sum(xp.log_softmax(x) * xp.softmax(x)),
            lambda x: (torch.log_softmax(x, -1) * torch.softmax(x, -1)).sum(),
        ),
        (
            lambda x: xp.sum(xp.softplus(x) ** 2),
            lambda x: (torch.nn.functional.softplus(x, threshold=1e9) ** 2).sum(),
        ),
    ],
    ids=[
        "max",
        "max-by-rows",
        "maximum",
        "abs",
        "relu",
        "square",
        "repeated-indices",
        "logsumexp",
        "softmaxes",
        "softplus",
    ],
)
def test_kinks_ties_and_sums_of_exponentials(ours, theirs):
    """Where several subgradients exist, torch's is ours."""
    x = np.array([[0.0, 1.0, 1.0], [2.0, -3.0, 2.0]])
    t = torch.tensor(x, requires_grad=True)
    theirs(t).backward()
    np.testing.assert_allclose(pb.grad(ours)(x), t.grad.numpy(), rtol=1e-12, atol=1e-14)


ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "silu": torch.nn.SiLU,
    "softplus": torch.nn.Softplus,
    "gelu": torch.nn.GELU,
    "gelu_tanh": lambda: torch.nn.GELU(approximate="tanh"),
    "identity": torch.nn.Identity,
}


def twin(model):
    """The same network in torch."""
    layers = []
    for layer in model.layers:
        theirs = torch.nn.Linear(*layer.W.shape).to(torch.from_numpy(layer.W).dtype)
        with torch.no_grad():
            theirs.weight.copy_(torch.from_numpy(layer.W.T.copy()))
            theirs.bias.copy_(torch.from_numpy(layer.b))
        layers += [theirs, ACTIVATIONS[model.activation]()]
    return torch.nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_of_a_four_layer_mlp(activation):
    rng = np.random.default_rng(0)
    model = pb.models.MLP([6, 8, 7, 5, 4], activation=activation, dtype="float64", seed=1)
    net, x, y = twin(model), rng.standard_normal((9, 6)), rng.integers(0, 4, 9)
    loss = torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    value, g = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
    assert abs(float(value) - loss.item()) <= 1e-12
    for layer, theirs in zip(
        g.layers, [m for m in net if isinstance(m, torch.nn.Linear)], strict=True
    ):
        for ours, p in ((layer.W.T, theirs.weight), (layer.b, theirs.bias)):
            assert np.abs(ours - p.grad.numpy()).max() <= 1e-10 * max(np.abs(ours).max(), 1e-3)


def test_hessian_vector_product():
    rng = np.random.default_rng(0)
    W, v, x = rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.standard_normal((5, 4))
    f = lambda W: xp.mean(xp.logsumexp(xp.tanh(x @ W), axis=1))
    ours = pb.grad(lambda W: xp.sum(pb.grad(f)(W) * v))(W)
    t = torch.tensor(W, requires_grad=True)
    loss = torch.logsumexp(torch.tanh(torch.tensor(x) @ t), 1).mean()
    (g,) = torch.autograd.grad(loss, t, create_graph=True)
    (theirs,) = torch.autograd.grad((g * torch.tensor(v)).sum(), t)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-11, atol=1e-14)


OPTIMISERS = [
    (pb.optim.SGD(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    (pb.optim.SGD(0.05, momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    (
        pb.optim.SGD(0.05, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
    ),
    (
        pb.optim.SGD(0.05, momentum=0.8, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, weight_decay=0.1),
    ),
    (pb.optim.Adam(0.01), lambda p: torch.optim.Adam(p, 0.01)),
    (
        pb.optim.Adam(0.01, b1=0.8, b2=0.95, eps=1e-3),
        lambda p: torch.optim.Adam(p, 0.01, betas=(0.8, 0.95), eps=1e-3),
    ),
    (pb.optim.Adam(0.01, weight_decay=0.1), lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.1)),
    (pb.optim.AdamW(0.01), lambda p: torch.optim.AdamW(p, 0.01)),
    (
        pb.optim.AdamW(0.01, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.3),
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), OPTIMISERS, ids=[repr(o) for o, _ in OPTIMISERS])
def test_first_20_iterates_of_optimisers(ours, theirs):
    """On a matrix, which decays in both."""
    rng = np.random.default_rng(0)
    A, W = rng.standard_normal((6, 4)), rng.standard_normal((4, 3))
    t = torch.tensor(W, requires_grad=True)
    optimiser, state = theirs([t]), ours.init(W)
    for _ in range(20):
        g = pb.grad(lambda W: xp.sum(xp.tanh(A @ W) ** 2))(W)
        W, state = ours.step(W, g, state)
        optimiser.zero_grad()
        (torch.tanh(torch.tensor(A) @ t) ** 2).sum().backward()
        optimiser.step()
        np.testing.assert_allclose(W, t.detach().numpy(), rtol=1e-10, atol=1e-12)
