"""One row or more for each layer of `pb.models`: how it is made, and what it is called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb

M = pb.models
EDGES = np.asarray([[0, 1, 2, 3, 3, 1], [1, 2, 0, 0, 1, 4]])


def plain(model: Any, x: Any) -> Any:
    return model(x)


@dataclass(frozen=True)
class Row:
    """A layer with settings.

    Attributes
    ----------
    make : callable
        From a dtype to the layer.
    shape : tuple of int
        Of its inputs, beginning with the batch.
    call : callable
        The output for the layer and its inputs, one array.
    integers : int
        For inputs that are integers, the number of values that they may have.
    batch : bool
        Whether rows of the first axis are apart from one another, so that any number of them is taken.
    training : bool
        Whether ``layer.training(x)`` is to be compared too.
    """

    make: Callable[[str], Any]
    shape: tuple[int, ...]
    call: Callable[[Any, Any], Any] = plain
    integers: int = 0
    batch: bool = True
    training: bool = True

    def inputs(self, rows: int | None = None, dtype: str = "float64", seed: int = 0) -> np.ndarray:
        """Drawn inputs, of another number of rows where that is given."""
        rng = np.random.default_rng(seed)
        shape = self.shape if rows is None else (rows, *self.shape[1:])
        if self.integers:
            return rng.integers(0, self.integers, shape)
        return rng.standard_normal(shape).astype(dtype)


def made(layer: str, *sizes: Any, **settings: Any) -> Callable[[str], Any]:
    """``Layer.init(*sizes, **settings, dtype=dtype)``."""
    return lambda dtype: getattr(M, layer).init(*sizes, **settings, dtype=dtype)


def bare(layer: str, *settings: Any, **more: Any) -> Callable[[str], Any]:
    """A layer without arrays."""
    return lambda dtype: getattr(M, layer)(*settings, **more)


def states(cell: Any, x: Any) -> Any:
    """Both parts of an LSTM's state as one array, after two steps."""
    h, c = cell(x, cell(0.5 * x))
    return h - 2 * c


def steps(cell: Any, x: Any) -> Any:
    return cell(x, cell(0.5 * x))


def to_context(layer: Any, x: Any) -> Any:
    """Cross attention, to some of the same rows."""
    return layer(x, x[:, 1:, :])


def on_graph(layer: Any, x: Any) -> Any:
    return layer(x, pb.asarray(EDGES))


def sequential(dtype: str) -> Any:
    return M.Sequential(
        M.Conv2d.init(2, 3, 2, dtype=dtype),
        M.BatchNorm2d.init(3, dtype=dtype),
        "silu",
        M.AvgPool2d(2),
        M.Flatten(),
        M.Linear.init(3, 2, dtype=dtype),
    )


ROWS: dict[str, Row] = {
    "Activation": Row(bare("Activation", "mish"), (3, 4)),
    "AvgPool1d": Row(bare("AvgPool1d", 2), (2, 3, 6)),
    "AvgPool1d, overlapping": Row(bare("AvgPool1d", 3, 2, 1), (2, 3, 6)),
    "AvgPool2d": Row(bare("AvgPool2d", 2), (2, 3, 4, 5)),
    "AvgPool2d, padded": Row(bare("AvgPool2d", 3, 2, 1, count_include_pad=False), (2, 2, 5, 4)),
    "AvgPool2d, ceil": Row(bare("AvgPool2d", 2, ceil_mode=True), (2, 2, 5, 3)),
    "AvgPool3d": Row(bare("AvgPool3d", 2), (2, 1, 4, 2, 3)),
    "BatchNorm": Row(made("BatchNorm", 4), (5, 4)),
    "BatchNorm, not affine": Row(made("BatchNorm", 4, affine=False, eps=0.1), (5, 4)),
    "BatchNorm1d": Row(made("BatchNorm1d", 3), (4, 3, 2)),
    "BatchNorm1d of features": Row(made("BatchNorm1d", 3, momentum=0.3), (4, 3)),
    "BatchNorm2d": Row(made("BatchNorm2d", 3), (2, 3, 2, 3)),
    "BatchNorm3d": Row(made("BatchNorm3d", 2), (2, 2, 2, 1, 3)),
    "Conv1d": Row(made("Conv1d", 2, 3, 2), (2, 2, 5)),
    "Conv1d, stride": Row(made("Conv1d", 2, 4, 3, stride=2, padding=1, groups=2), (2, 2, 6)),
    "Conv2d": Row(made("Conv2d", 2, 3, 3), (2, 2, 4, 5)),
    "Conv2d, same": Row(made("Conv2d", 2, 3, 3, padding="same", dilation=2), (2, 2, 4, 5)),
    "Conv2d, settings": Row(
        made("Conv2d", 4, 2, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2, bias=False),
        (2, 4, 5, 4),
    ),
    "Conv3d": Row(made("Conv3d", 1, 2, 2), (2, 1, 3, 2, 3)),
    "ConvTranspose1d": Row(made("ConvTranspose1d", 2, 3, 3, stride=2), (2, 2, 4)),
    "ConvTranspose2d": Row(made("ConvTranspose2d", 2, 3, 2), (2, 2, 3, 4)),
    "ConvTranspose2d, settings": Row(
        made("ConvTranspose2d", 4, 2, 3, stride=2, padding=1, output_padding=1, dilation=2, groups=2, bias=False),
        (2, 4, 3, 2),
    ),
    "ConvTranspose3d": Row(made("ConvTranspose3d", 1, 2, 2, stride=(1, 2, 1)), (2, 1, 2, 2, 2)),
    "Dropout": Row(bare("Dropout", 0.0), (3, 4)),
    "Embedding": Row(made("Embedding", 5, 3), (3, 2), integers=5),
    "Flatten": Row(bare("Flatten"), (2, 3, 2, 2)),
    "Flatten, some axes": Row(bare("Flatten", 2, 3), (2, 3, 2, 2)),
    "FourierFeatures": Row(made("FourierFeatures", 3, 6), (4, 3)),
    "GCN": Row(
        lambda dtype: M.GCN([3, 4, 2], activation="tanh", dtype=dtype), (5, 3), on_graph, batch=False, training=False
    ),
    "GRU": Row(made("GRU", 3, 4, bidirectional=True, layers=2), (2, 3, 3)),
    "GRUCell": Row(made("GRUCell", 3, 3), (2, 3), steps),
    "GlobalAvgPool": Row(bare("GlobalAvgPool"), (2, 3, 3, 2)),
    "GraphAttention": Row(made("GraphAttention", 3, 2, heads=2), (5, 3), on_graph, batch=False, training=False),
    "GraphAttention, mean": Row(
        made("GraphAttention", 3, 2, heads=2, concat=False), (5, 3), on_graph, batch=False, training=False
    ),
    "GraphConv": Row(made("GraphConv", 3, 4), (5, 3), on_graph, batch=False, training=False),
    "GroupNorm": Row(made("GroupNorm", 2, 4), (2, 4, 3, 2)),
    "GroupNorm, not affine": Row(made("GroupNorm", 2, 4, affine=False, eps=0.1), (2, 4, 3)),
    "LSTM": Row(made("LSTM", 3, 4), (2, 4, 3)),
    "LSTM, layers": Row(made("LSTM", 3, 2, layers=2, bidirectional=True), (2, 3, 3)),
    "LSTMCell": Row(made("LSTMCell", 3, 3), (2, 3), states),
    "LayerNorm": Row(made("LayerNorm", 4), (3, 4)),
    "LayerNorm of two axes": Row(made("LayerNorm", (3, 4), eps=0.1, bias=False), (2, 3, 4)),
    "LearnedEncoding": Row(made("LearnedEncoding", 5, 4), (2, 3, 4)),
    "Linear": Row(made("Linear", 4, 3), (3, 4)),
    "Linear without bias": Row(made("Linear", 4, 3, bias=False), (2, 3, 4)),
    "MLP": Row(lambda dtype: M.MLP([4, 5, 3], activation="softplus", dtype=dtype), (3, 4)),
    "MaxPool1d": Row(bare("MaxPool1d", 2), (2, 3, 6)),
    "MaxPool2d": Row(bare("MaxPool2d", 2), (2, 3, 4, 5)),
    "MaxPool2d, settings": Row(bare("MaxPool2d", 3, (2, 1), 1, 2, ceil_mode=True), (2, 2, 6, 7)),
    "MaxPool3d": Row(bare("MaxPool3d", 2), (2, 1, 4, 2, 3)),
    "MultiHeadAttention": Row(made("MultiHeadAttention", 4, 2), (2, 3, 4)),
    "MultiHeadAttention, cross": Row(made("MultiHeadAttention", 4, 2, bias=False), (2, 3, 4), to_context),
    "MultiHeadAttention, three": Row(
        made("MultiHeadAttention", 4, 2, keys=4, values=3),
        (2, 3, 4),
        lambda layer, x: layer(x, x[:, 1:, :], x[:, 1:, :3]),
        training=False,
    ),
    "PolynomialFeatures": Row(bare("PolynomialFeatures", 3), (4, 2)),
    "RMSNorm": Row(made("RMSNorm", 4), (3, 4)),
    "RNN": Row(made("RNN", 3, 4), (2, 3, 3)),
    "RNN, relu": Row(made("RNN", 3, 2, nonlinearity="relu", bias=False, bidirectional=True), (2, 3, 3)),
    "RNNCell": Row(made("RNNCell", 3, 3), (2, 3), steps),
    "RadialBasis": Row(
        lambda dtype: M.RadialBasis(np.linspace(-1, 1, 6).reshape(3, 2).astype(dtype), np.ones(3, dtype)), (4, 2)
    ),
    "Residual": Row(lambda dtype: M.Residual(M.Linear.init(4, 4, dtype=dtype)), (3, 4)),
    "RotaryEncoding": Row(bare("RotaryEncoding"), (2, 3, 4)),
    "SAGEConv": Row(made("SAGEConv", 3, 2), (5, 3), on_graph, batch=False, training=False),
    "Sequential": Row(sequential, (2, 2, 3, 3)),
    "SinusoidalEncoding": Row(made("SinusoidalEncoding", 5, 4), (2, 3, 4)),
    "TransformerBlock": Row(made("TransformerBlock", 4, 2, hidden=5, activation="silu"), (2, 3, 4)),
    "TransformerBlock, norm last": Row(
        made("TransformerBlock", 4, 2, hidden=5, norm_first=False, causal=True, activation="relu"), (2, 3, 4)
    ),
    "TransformerBlock, cross": Row(
        made("TransformerBlock", 4, 2, hidden=5, cross=True, activation="silu"), (2, 3, 4), to_context, training=False
    ),
    "TransformerLM": Row(made("TransformerLM", 5, 8, 2, 2, length=4, hidden=6, activation="silu"), (2, 3), integers=5),
    "Upsample": Row(bare("Upsample", 2), (2, 1, 3, 2)),
    "Upsample, bilinear": Row(bare("Upsample", 1.5, mode="bilinear"), (2, 1, 4, 3)),
}  # fmt: skip

# Classes of modules that are no layers, each with its reason.
NO_LAYERS = {
    "GaussianProcess": "a regression, which is fitted: test_gaussian_process.py",
    "KernelRidge": "a regression, which is fitted: test_gaussian_process.py",
    "Module": "the class of all of them",
}


def classes() -> set[str]:
    """The names of all public classes of modules."""
    found = {name: getattr(M, name) for name in M.__all__}
    return {
        name
        for name, cls in found.items()
        if inspect.isclass(cls) and (issubclass(cls, M.Module) or hasattr(cls, "predict"))
    }


def randomised(model: Any, seed: int = 1) -> Any:
    """The layer with other numbers in all its arrays, so that none is 0 or 1; variances stay above 0."""
    rng = np.random.default_rng(seed)

    def other(x: np.ndarray, own: bool) -> np.ndarray:
        noise = 0.3 * rng.standard_normal(x.shape)
        return (x + noise if own else np.abs(x) + np.abs(noise) + 0.1).astype(x.dtype)

    return pb.tree.map(other, model, M.parameter_mask(model))
