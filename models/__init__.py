"""Functions with parameters: layers, networks and losses. Knows nothing of optimisers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .activations import (
    ACTIVATIONS,
    celu,
    elu,
    gelu,
    gelu_tanh,
    hard_sigmoid,
    hard_swish,
    hardtanh,
    identity,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanh,
    threshold,
)
from .attention import (
    KeyValueCache,
    LearnedEncoding,
    MultiHeadAttention,
    RotaryEncoding,
    SinusoidalEncoding,
    TransformerBlock,
    TransformerLM,
    attention,
    rotary,
)
from .classification import cross_entropy, hinge, kl_divergence
from .convolution import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Flatten,
    GlobalAvgPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Upsample,
    avg_pool,
    conv,
    conv_transpose,
    global_avg_pool,
    max_pool,
    upsample,
)
from .initialisation import INITIALISERS
from .layers.batch_normalisation import BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d
from .layers.containers import Activation, Residual, Sequential
from .layers.dense import MLP, Linear
from .layers.dropout import Dropout
from .layers.embedding import Embedding
from .layers.features import FourierFeatures, PolynomialFeatures, RadialBasis
from .layers.normalisation import GroupNorm, LayerNorm, RMSNorm
from .losses import (
    absolute_error,
    binary_cross_entropy,
    huber,
    l1_penalty,
    l2_penalty,
    poisson,
    squared_error,
)
from .module import Module, parameter_mask, plain, state

if TYPE_CHECKING:
    from . import kernels
    from .graphs import (
        GCN,
        Graph,
        GraphAttention,
        GraphConv,
        SAGEConv,
        batch_graphs,
        global_max_pool,
        global_mean_pool,
        global_sum_pool,
        message_passing,
        normalised_adjacency,
        segment_max,
        segment_mean,
        segment_softmax,
        segment_sum,
    )
    from .kernels.gaussian_process import GaussianProcess, KernelRidge, log_marginal_likelihood
    from .recurrence import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
    from .torch_state import from_torch_state, to_torch_state

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "Embedding",
    "Flatten",
    "FourierFeatures",
    "GCN",
    "GRU",
    "GRUCell",
    "GaussianProcess",
    "GlobalAvgPool",
    "Graph",
    "GraphAttention",
    "GraphConv",
    "GroupNorm",
    "INITIALISERS",
    "KernelRidge",
    "KeyValueCache",
    "LSTM",
    "LSTMCell",
    "LayerNorm",
    "LearnedEncoding",
    "Linear",
    "MLP",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "MultiHeadAttention",
    "PolynomialFeatures",
    "RMSNorm",
    "RNN",
    "RNNCell",
    "RadialBasis",
    "Residual",
    "RotaryEncoding",
    "SAGEConv",
    "Sequential",
    "SinusoidalEncoding",
    "TransformerBlock",
    "TransformerLM",
    "Upsample",
    "absolute_error",
    "attention",
    "avg_pool",
    "batch_graphs",
    "binary_cross_entropy",
    "celu",
    "conv",
    "conv_transpose",
    "cross_entropy",
    "elu",
    "from_torch_state",
    "gelu",
    "gelu_tanh",
    "global_avg_pool",
    "global_max_pool",
    "global_mean_pool",
    "global_sum_pool",
    "hard_sigmoid",
    "hard_swish",
    "hardtanh",
    "hinge",
    "huber",
    "identity",
    "kernels",
    "kl_divergence",
    "l1_penalty",
    "l2_penalty",
    "leaky_relu",
    "log_marginal_likelihood",
    "log_sigmoid",
    "max_pool",
    "message_passing",
    "mish",
    "normalised_adjacency",
    "parameter_mask",
    "plain",
    "poisson",
    "relu",
    "relu6",
    "rotary",
    "segment_max",
    "segment_mean",
    "segment_softmax",
    "segment_sum",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "squared_error",
    "state",
    "tanh",
    "threshold",
    "to_torch_state",
    "upsample",
]

# Where names are that are read when they are first used: a dozen dataclasses take 10 ms to make
_LATER = {
    **dict.fromkeys(
        ("GaussianProcess", "KernelRidge", "log_marginal_likelihood"), ".kernels.gaussian_process"
    ),
    **dict.fromkeys(("GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell"), ".recurrence"),
    **dict.fromkeys(("from_torch_state", "to_torch_state"), ".torch_state"),
    **dict.fromkeys(
        (
            "GCN",
            "Graph",
            "GraphAttention",
            "GraphConv",
            "SAGEConv",
            "batch_graphs",
            "global_max_pool",
            "global_mean_pool",
            "global_sum_pool",
            "message_passing",
            "normalised_adjacency",
            "segment_max",
            "segment_mean",
            "segment_softmax",
            "segment_sum",
        ),
        ".graphs",
    ),
}


def __getattr__(name: str) -> Any:
    if name != "kernels" and name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    if name == "kernels":
        return importlib.import_module(".kernels", __name__)
    module = importlib.import_module(_LATER[name], __name__)
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
