"""Every layer against torch's (those of graphs against PyTorch Geometric's), filled by `from_torch_state`.

Outputs, gradients by inputs and by every parameter, running statistics, batches of one row and of none, float32.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
from ._layers import EDGES, ROWS  # noqa: E402 - torch may be missing

nn, F = torch.nn, torch.nn.functional
xp = pb.xp
M = pb.models


class Learned(nn.Module):
    """A row of parameters for each position."""

    def __init__(self, length, features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(length, features))

    def forward(self, x):
        return x + self.weight[: x.shape[-2]]


class Around(nn.Module):
    """x + inner(x)."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


class Transformer(nn.Module):
    """Embedded tokens, positions, encoder layers, a norm, and logits."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 8)
        self.positions = Learned(4, 8)
        self.blocks = nn.ModuleList([encoder(8, 2, 6, activation=F.silu) for _ in range(2)])
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 5, bias=False)

    def forward(self, tokens):
        x = self.positions(self.embedding(tokens))
        for block in self.blocks:
            x = block(x, src_mask=causal(x))
        return self.head(self.norm(x))


class Heads(nn.MultiheadAttention):
    """Self-attention, or to some of the same rows; the first result alone."""

    def forward(self, x, context=None, values=None):
        context = x if context is None else context
        values = context if values is None else values
        return super().forward(x, context, values, need_weights=False)[0]


def causal(x):
    return torch.triu(torch.full((x.shape[1],) * 2, -torch.inf, dtype=x.dtype), 1)


def encoder(features, heads, hidden, **settings):
    given = {"norm_first": True, "dropout": 0.0, "batch_first": True, **settings}
    return nn.TransformerEncoderLayer(features, heads, hidden, **given)


def decoder():
    return nn.TransformerDecoderLayer(4, 2, 5, 0.0, F.silu, norm_first=True, batch_first=True)


def first(module, x):
    return module(x)[0]


def to_context(module, x):
    return module(x, x[:, 1:])


def steps(cell, x):
    return cell(x, cell(0.5 * x))


def states(cell, x):
    h, c = cell(x, cell(0.5 * x))
    return h - 2 * c


def on_graph(module, x):
    return module(x, torch.tensor(EDGES))


def geometric(name, *sizes, **settings):
    def make():
        reason = "torch_geometric is not installed"
        return getattr(pytest.importorskip("torch_geometric.nn", reason=reason), name)(*sizes, **settings)  # fmt: skip

    return make, on_graph


def same_as(module):
    return module, lambda module, x: module(x)


# For each row of `_layers.py`: what makes torch's layer, and how it is called.
THEIRS = {
    # all of them: test_activations.py
    "Activation": same_as(nn.Mish),
    "AvgPool1d": same_as(lambda: nn.AvgPool1d(2)),
    "AvgPool1d, overlapping": same_as(lambda: nn.AvgPool1d(3, 2, 1)),
    "AvgPool2d": same_as(lambda: nn.AvgPool2d(2)),
    "AvgPool2d, padded": same_as(lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    "AvgPool2d, ceil": same_as(lambda: nn.AvgPool2d(2, ceil_mode=True)),
    "AvgPool3d": same_as(lambda: nn.AvgPool3d(2)),
    "BatchNorm": same_as(lambda: nn.BatchNorm1d(4)),
    "BatchNorm, not affine": same_as(lambda: nn.BatchNorm1d(4, affine=False, eps=0.1)),
    "BatchNorm1d": same_as(lambda: nn.BatchNorm1d(3)),
    "BatchNorm1d of features": same_as(lambda: nn.BatchNorm1d(3, momentum=0.3)),
    "BatchNorm2d": same_as(lambda: nn.BatchNorm2d(3)),
    "BatchNorm3d": same_as(lambda: nn.BatchNorm3d(2)),
    "Conv1d": same_as(lambda: nn.Conv1d(2, 3, 2)),
    "Conv1d, stride": same_as(lambda: nn.Conv1d(2, 4, 3, 2, 1, groups=2)),
    "Conv2d": same_as(lambda: nn.Conv2d(2, 3, 3)),
    "Conv2d, same": same_as(lambda: nn.Conv2d(2, 3, 3, padding="same", dilation=2)),
    "Conv2d, settings": same_as(
        lambda: nn.Conv2d(4, 2, (3, 2), (2, 1), (1, 2), (1, 2), groups=2, bias=False)
    ),
    "Conv3d": same_as(lambda: nn.Conv3d(1, 2, 2)),
    "ConvTranspose1d": same_as(lambda: nn.ConvTranspose1d(2, 3, 3, 2)),
    "ConvTranspose2d": same_as(lambda: nn.ConvTranspose2d(2, 3, 2)),
    "ConvTranspose2d, settings": same_as(
        lambda: nn.ConvTranspose2d(4, 2, 3, 2, 1, 1, groups=2, bias=False, dilation=2)
    ),
    "ConvTranspose3d": same_as(lambda: nn.ConvTranspose3d(1, 2, 2, (1, 2, 1))),
    "Dropout": same_as(lambda: nn.Dropout(0.0)),
    "Embedding": same_as(lambda: nn.Embedding(5, 3)),
    "Flatten": same_as(nn.Flatten),
    "Flatten, some axes": same_as(lambda: nn.Flatten(2, 3)),
    "GCN": geometric("GCN", 3, 4, 2, 2, act="tanh"),
    "GRU": (lambda: nn.GRU(3, 4, 2, bidirectional=True, batch_first=True), first),
    "GRUCell": (lambda: nn.GRUCell(3, 3), steps),
    "GlobalAvgPool": same_as(lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
    "GraphAttention": geometric("GATConv", 3, 2, heads=2),
    "GraphAttention, mean": geometric("GATConv", 3, 2, heads=2, concat=False),
    "GraphConv": geometric("GCNConv", 3, 4),
    "GroupNorm": same_as(lambda: nn.GroupNorm(2, 4)),
    "GroupNorm, not affine": same_as(lambda: nn.GroupNorm(2, 4, affine=False, eps=0.1)),
    "LSTM": (lambda: nn.LSTM(3, 4, batch_first=True), first),
    "LSTM, layers": (lambda: nn.LSTM(3, 2, 2, bidirectional=True, batch_first=True), first),
    "LSTMCell": (lambda: nn.LSTMCell(3, 3), states),
    "LayerNorm": same_as(lambda: nn.LayerNorm(4)),
    "LayerNorm of two axes": same_as(lambda: nn.LayerNorm((3, 4), eps=0.1, bias=False)),
    "LearnedEncoding": same_as(lambda: Learned(5, 4)),
    "Linear": same_as(lambda: nn.Linear(4, 3)),
    "Linear without bias": same_as(lambda: nn.Linear(4, 3, bias=False)),
    "MLP": same_as(lambda: nn.Sequential(nn.Linear(4, 5), nn.Softplus(), nn.Linear(5, 3))),
    "MaxPool1d": same_as(lambda: nn.MaxPool1d(2)),
    "MaxPool2d": same_as(lambda: nn.MaxPool2d(2)),
    "MaxPool2d, settings": same_as(lambda: nn.MaxPool2d(3, (2, 1), 1, 2, ceil_mode=True)),
    "MaxPool3d": same_as(lambda: nn.MaxPool3d(2)),
    "MultiHeadAttention": same_as(lambda: Heads(4, 2, batch_first=True)),
    "MultiHeadAttention, cross": (lambda: Heads(4, 2, bias=False, batch_first=True), to_context),
    "MultiHeadAttention, three": (
        lambda: Heads(4, 2, kdim=4, vdim=3, batch_first=True),
        lambda module, x: module(x, x[:, 1:], x[:, 1:, :3]),
    ),
    "RMSNorm": same_as(lambda: nn.RMSNorm(4, eps=1e-6)),
    "RNN": (lambda: nn.RNN(3, 4, batch_first=True), first),
    "RNN, relu": (
        lambda: nn.RNN(3, 2, nonlinearity="relu", bias=False, bidirectional=True, batch_first=True),
        first,
    ),
    "RNNCell": (lambda: nn.RNNCell(3, 3), steps),
    "Residual": same_as(lambda: Around(nn.Linear(4, 4))),
    "SAGEConv": geometric("SAGEConv", 3, 2),
    "Sequential": same_as(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3, 2)
        )
    ),
    "TransformerBlock": same_as(lambda: encoder(4, 2, 5, activation=F.silu)),
    "TransformerBlock, norm last": (
        lambda: encoder(4, 2, 5, norm_first=False),
        lambda module, x: module(x, src_mask=causal(x)),
    ),
    "TransformerBlock, cross": (decoder, to_context),
    "TransformerLM": same_as(Transformer),
    "Upsample": same_as(lambda: nn.Upsample(scale_factor=2)),
    "Upsample, bilinear": same_as(lambda: nn.Upsample(scale_factor=1.5, mode="bilinear")),
}  # fmt: skip

# Rows that torch has no layer for, and where they are compared with something else.
NOT_IN_TORCH = {
    "FourierFeatures": "layers/test_features.py, with the kernel that they approach",
    "PolynomialFeatures": "layers/test_features.py, with scikit-learn's",
    "RadialBasis": "layers/test_features.py, with the formula",
    "RotaryEncoding": "attention/test_encodings.py, with the formula",
    "SinusoidalEncoding": "attention/test_encodings.py, with the formula",
}


def test_every_row_is_here_or_has_a_reason():
    """A new layer is compared, or it is said why it cannot be."""
    assert set(ROWS) == set(THEIRS) | set(NOT_IN_TORCH)
    assert not set(THEIRS) & set(NOT_IN_TORCH)


def drawn(name, dtype):
    """Torch's layer with parameters and statistics that are drawn, for a whole table the same."""
    theirs = THEIRS[name][0]().to(getattr(torch, dtype)).train()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for key, value in theirs.state_dict().items():
            if value.is_floating_point():
                noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
                value.copy_(noise.abs() + 0.5 if key.endswith("running_var") else noise)
    return theirs


def host(tensor):
    return tensor.detach().numpy()


def close(ours, theirs, rtol=1e-10, atol=1e-11):
    np.testing.assert_allclose(pb.to_numpy(xp.asarray(ours)), host(theirs), rtol=rtol, atol=atol)


def compared(name, theirs, ours, x, **tolerance):
    """Our gradients, and our model with its new state, after a comparison in the mode that torch's module is in."""
    row, call = ROWS[name], THEIRS[name][1]
    floating = x.dtype.kind == "f"
    leaf = torch.tensor(x, requires_grad=floating)
    theirs.zero_grad()
    y = call(theirs, leaf)
    weights = np.cos(np.arange(y.numel()) ** 2 + 1.0).reshape(y.shape).astype(host(y).dtype)
    (y * torch.tensor(weights)).sum().backward()
    plain = theirs.training and row.training and row.call is ROWS["Linear"].call

    def loss(model, x):
        out, new = model.training(x, key=pb.random.key(0)) if plain else (row.call(model, x), model)
        return xp.sum(out * weights), (out, new)

    argnums = (0, 1) if floating else (0,)
    (_, (out, new)), grads = pb.value_and_grad(loss, argnums, has_aux=True)(ours, x)
    close(out, y, **tolerance)
    if floating:
        close(grads[1], leaf.grad, **tolerance)
    by_key = M.to_torch_state(grads[0])
    parameters = dict(theirs.named_parameters())
    # statistics have gradients too, which are zeros
    assert set(by_key) >= set(parameters)
    for key, got in by_key.items():
        wanted = parameters[key].grad if key in parameters else None
        close(got, torch.zeros(got.shape, dtype=leaf.dtype) if wanted is None else wanted, **tolerance)  # fmt: skip
    return grads, M.plain(new)


@pytest.mark.parametrize("name", THEIRS)
def test_outputs_gradients_and_state(name):
    """In training mode, then, where statistics have moved, as inference."""
    row, call = ROWS[name], THEIRS[name][1]
    theirs = drawn(name, "float64")
    ours = M.from_torch_state(row.make("float64"), theirs.state_dict())
    x = row.inputs()
    for scale in (1, 2):
        _, ours = compared(name, theirs, ours, x if row.integers else scale * x)
    expected = {k: v for k, v in theirs.state_dict().items() if "num_batches" not in k}
    state = M.to_torch_state(ours)
    assert set(state) == set(expected)
    for key, value in expected.items():
        close(state[key], value)
    close(row.call(ours, x), call(theirs.eval(), torch.tensor(x)))


@pytest.mark.parametrize("rows", [1, 0])
@pytest.mark.parametrize("name", [name for name in THEIRS if ROWS[name].batch])
def test_batches_of_one_row_and_of_none(name, rows):
    """Those whose statistics make no sense in training are compared in inference: of no row, torch's become NaN."""
    theirs = drawn(name, "float64")
    ours = M.from_torch_state(ROWS[name].make("float64"), theirs.state_dict())
    x = ROWS[name].inputs(rows)
    if any("running_mean" in key for key in theirs.state_dict()):
        theirs.eval()
        if rows == 0:
            with pytest.raises(ValueError, match="a training batch of shape"):
                ours.training(x)
    compared(name, theirs, ours, x)


@pytest.mark.parametrize("name", THEIRS)
def test_float32(name):
    """The same numbers to single precision, and no other dtype."""
    theirs = drawn(name, "float32")
    ours = M.from_torch_state(ROWS[name].make("float32"), theirs.state_dict())
    x = ROWS[name].inputs(dtype="float32")
    grads, new = compared(name, theirs, ours, x, rtol=2e-3, atol=2e-4)
    assert all(leaf.dtype == np.float32 for leaf in pb.tree.leaves((grads, new)))
