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
from .classification import cross_entropy, hinge, kl_divergence
from .initialisation import INITIALISERS
from .layers.containers import Activation, Residual, Sequential
from .layers.dense import MLP, Linear
from .layers.dropout import Dropout
from .layers.embedding import Embedding
from .layers.features import FourierFeatures, PolynomialFeatures, RadialBasis
from .layers.normalisation import BatchNorm, LayerNorm, RMSNorm
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

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BatchNorm",
    "Dropout",
    "Embedding",
    "FourierFeatures",
    "GCN",
    "GaussianProcess",
    "Graph",
    "GraphAttention",
    "GraphConv",
    "INITIALISERS",
    "KernelRidge",
    "LayerNorm",
    "Linear",
    "MLP",
    "Module",
    "PolynomialFeatures",
    "RMSNorm",
    "RadialBasis",
    "Residual",
    "SAGEConv",
    "Sequential",
    "absolute_error",
    "batch_graphs",
    "binary_cross_entropy",
    "celu",
    "cross_entropy",
    "elu",
    "gelu",
    "gelu_tanh",
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
    "message_passing",
    "mish",
    "normalised_adjacency",
    "parameter_mask",
    "plain",
    "poisson",
    "relu",
    "relu6",
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
]

# Where names are that are read when they are first used: a dozen dataclasses take 10 ms to make
_LATER = {
    **dict.fromkeys(
        ("GaussianProcess", "KernelRidge", "log_marginal_likelihood"), ".kernels.gaussian_process"
    ),
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
