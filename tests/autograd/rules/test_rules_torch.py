"""Gradients at special points, and of functions under other names, against PyTorch where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...cases._table import Case, collect, weights_for

torch = pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")

xp = pb.xp
X = [-1.5, 0.0, 2.0]
TIES = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
ZEROS = [[2.0, 0.0, 3.0, 0.5], [0.0, 1.0, 0.0, 2.0], [1.0, 2.0, 3.0, 4.0]]
COMPLEX = [1.5 + 0.5j, -0.3 - 2j, 0.7j - 2]
PLACES = np.asarray([[2, 0, 2], [1, 1, 0]])
MASK = np.asarray([True, False, True])


def index(values):
    return torch.tensor(np.asarray(values))


# name, pullback's function, PyTorch's, arguments
CASES = [
    ("abs at 0", xp.abs, torch.abs, [X]),
    ("abs of complex", xp.abs, torch.abs, [[0j, *COMPLEX]]),
    ("sign of complex", xp.sign, torch.sgn, [[0j, *COMPLEX]]),
    ("sign", xp.sign, torch.sign, [X]),
    ("clip at the bounds", lambda x: xp.clip(x, -1.5, 1.0), lambda x: torch.clamp(x, -1.5, 1.0), [[*X, 1.0]]),
    ("clip by arrays", xp.clip, torch.clamp, [X, [-2.0, 1.0, 0.0], [0.0, 2.0, 1.0]]),
    ("maximum with ties", xp.maximum, torch.maximum, [X, [-1.5, 1.0, 2.0]]),
    ("copysign at 0", lambda x: xp.copysign(x, -1.0), lambda x: torch.copysign(x, index(-1.0)), [X]),
    ("remainder", xp.remainder, torch.remainder, [[5.0, -5.0, 5.0, -5.0], [3.0, 3.0, -3.0, -3.0]]),
    ("floor_divide", xp.floor_divide, lambda x, y: torch.div(x, y, rounding_mode="floor"), [[5.0, -5.0], [3.0, 3.0]]),
    ("pow at 0", xp.pow, torch.pow, [[0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0]]),
    ("pow, base below 0", lambda x: x**3, lambda x: x**3, [X]),
    ("pow, complex", xp.pow, torch.pow, [COMPLEX, [2.0 + 0j, 0.5j, -1 + 1j]]),
    ("number to a power", lambda x: 2.5**x, lambda x: 2.5**x, [X]),
    ("hypot", xp.hypot, torch.hypot, [[3.0, -1.0, 0.0], [4.0, 0.0, 2.0]]),
    ("logaddexp far apart", xp.logaddexp, torch.logaddexp, [[800.0, -800.0, 0.0], [-800.0, 800.0, 0.0]]),
    ("sigmoid in the tails", xp.sigmoid, torch.sigmoid, [[-30.0, 0.0, 30.0]]),
    ("real of a product", lambda z: xp.real(z * z), lambda z: torch.real(z * z), [COMPLEX]),
    ("imag", xp.imag, torch.imag, [COMPLEX]),
    ("conj", lambda z: xp.conj(z) * z**2, lambda z: torch.conj(z) * z**2, [COMPLEX]),
    ("real by complex", lambda x, z: x * z, lambda x, z: x * z, [X, COMPLEX]),
    ("where", lambda x, y: xp.where(MASK, x, y), lambda x, y: torch.where(index(MASK), x, y), [X, [1.0, 2.0, 3.0]]),
    ("max of ties", lambda x: xp.max(x, axis=1), lambda x: torch.amax(x, 1), [TIES]),
    ("min of ties, all", xp.min, torch.amin, [TIES]),
    ("prod with zeros", xp.prod, torch.prod, [ZEROS[0]]),
    ("prod with zeros along an axis", lambda x: xp.prod(x, axis=1), lambda x: torch.prod(x, 1), [ZEROS]),
    ("cumulative_sum", lambda x: xp.cumulative_sum(x, axis=0), lambda x: torch.cumsum(x, 0), [ZEROS]),
    ("cumulative_prod with zeros", lambda x: xp.cumulative_prod(x, axis=1), lambda x: torch.cumprod(x, 1), [ZEROS]),
    ("var", lambda x: xp.var(x, axis=0, correction=1), lambda x: torch.var(x, 0), [ZEROS]),
    ("var, no correction", xp.var, lambda x: torch.var(x, correction=0), [ZEROS]),
    ("std", lambda x: xp.std(x, axis=1, correction=2), lambda x: torch.std(x, 1, correction=2), [ZEROS]),
    ("mean", lambda x: xp.mean(x, axis=(0, 1)), torch.mean, [ZEROS]),
    ("sort with ties", lambda x: xp.sort(x, axis=1), lambda x: torch.sort(x, dim=1, stable=True)[0], [TIES]),
    ("sort, descending", lambda x: xp.sort(x, descending=True),
     lambda x: torch.sort(x, descending=True, stable=True)[0], [TIES]),
    ("diff", lambda x, y: xp.diff(x, axis=0, n=2, prepend=y),
     lambda x, y: torch.diff(x, n=2, dim=0, prepend=y), [TIES, TIES[:1]]),
    ("tile", lambda x: xp.tile(x, (2, 1, 2)), lambda x: torch.tile(x, (2, 1, 2)), [TIES]),
    ("repeat", lambda x: xp.repeat(x, 2, axis=1), lambda x: torch.repeat_interleave(x, 2, 1), [TIES]),
    ("repeat by counts", lambda x: xp.repeat(x, xp.asarray([2, 0, 1]), axis=1),
     lambda x: torch.repeat_interleave(x, index([2, 0, 1]), 1), [TIES]),
    ("roll", lambda x: xp.roll(x, (1, -1), axis=(0, 1)), lambda x: torch.roll(x, (1, -1), (0, 1)), [TIES]),
    ("tril", lambda x: xp.tril(x, k=1), lambda x: torch.tril(x, 1), [ZEROS]),
    ("take", lambda x: xp.take(x, xp.asarray(PLACES[0]), axis=1),
     lambda x: torch.index_select(x, 1, index(PLACES[0])), [TIES]),
    ("take_along_axis", lambda x: xp.take_along_axis(x, xp.asarray(PLACES), axis=1),
     lambda x: torch.take_along_dim(x, index(PLACES), 1), [TIES]),
    ("indices and slice", lambda x: x[:, PLACES[0]], lambda x: x[:, index(PLACES[0])], [TIES]),
    ("mask", lambda x: x[:, MASK], lambda x: x[:, index(MASK)], [TIES]),
    ("linspace", lambda a, b: xp.linspace(a, b, 5),
     lambda a, b: a + (b - a) * torch.linspace(0, 1, 5, dtype=a.dtype), [1.0, 3.0]),
    ("meshgrid", lambda x, y: xp.meshgrid(x, y)[1],
     lambda x, y: torch.meshgrid(x, y, indexing="xy")[1], [X, [1.0, 2.0]]),
]  # fmt: skip

# PyTorch's second derivatives are NaN there
FIRST_ALONE = {"sign of complex", "copysign at 0", "pow at 0", "logaddexp far apart"}


def host(tensor):
    return tensor.detach().resolve_conj().numpy(force=True)


@pytest.mark.parametrize(("name", "ours", "theirs", "arguments"), CASES, ids=[c[0] for c in CASES])
def test_gradients_and_second_derivatives_are_torch_s(name, ours, theirs, arguments):
    arrays = [np.asarray(a) for a in arguments]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = theirs(*tensors)
    rng = np.random.default_rng(0)
    w = rng.standard_normal(out.shape) * (1 + 0.5j if out.is_complex() else 1)
    real, argnums = (torch.real if out.is_complex() else lambda y: y), tuple(range(len(arrays)))
    # retained twice: the product below needs the graph of the gradient
    first = torch.autograd.grad(
        real((out * torch.tensor(w)).sum()), tensors, create_graph=True, allow_unused=True
    )
    first = [torch.zeros_like(t) if g is None else g for g, t in zip(first, tensors, strict=True)]

    def loss(*xs):
        total = xp.sum(ours(*xs) * w)
        return xp.real(total) if xp.isdtype(total.dtype, "complex floating") else total

    got = pb.grad(loss, argnums=argnums)(*arrays)
    for g, t in zip(got, first, strict=True):
        np.testing.assert_allclose(g, host(t), rtol=1e-10, atol=1e-12)
    squares = sum((torch.abs(g + 3) ** 2).sum() for g in first)
    if not squares.requires_grad or name in FIRST_ALONE:
        return

    def of_gradient(*xs):
        return sum(xp.sum(xp.abs(g + 3) ** 2) for g in pb.grad(loss, argnums=argnums)(*xs))

    second = torch.autograd.grad(squares, tensors, allow_unused=True)
    for g, t in zip(pb.grad(of_gradient, argnums=argnums)(*arrays), second, strict=True):
        wanted = np.zeros(g.shape) if t is None else host(t)
        np.testing.assert_allclose(g, wanted, rtol=1e-9, atol=1e-10)


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
