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
    from .kernels.gaussian_process import GaussianProcess, KernelRidge, log_marginal_likelihood

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BatchNorm",
    "Dropout",
    "Embedding",
    "FourierFeatures",
    "GaussianProcess",
    "INITIALISERS",
    "KernelRidge",
    "KeyValueCache",
    "LayerNorm",
    "LearnedEncoding",
    "Linear",
    "MLP",
    "Module",
    "MultiHeadAttention",
    "PolynomialFeatures",
    "RMSNorm",
    "RadialBasis",
    "Residual",
    "RotaryEncoding",
    "Sequential",
    "SinusoidalEncoding",
    "TransformerBlock",
    "TransformerLM",
    "absolute_error",
    "attention",
    "binary_cross_entropy",
    "celu",
    "cross_entropy",
    "elu",
    "gelu",
    "gelu_tanh",
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
    "mish",
    "parameter_mask",
    "plain",
    "poisson",
    "relu",
    "relu6",
    "rotary",
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

# Read when a name is first used: a dozen dataclasses take 10 ms to make
_GAUSSIAN_PROCESS = ("GaussianProcess", "KernelRidge", "log_marginal_likelihood")


def __getattr__(name: str) -> Any:
    if name != "kernels" and name not in _GAUSSIAN_PROCESS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    if name == "kernels":
        return importlib.import_module(".kernels", __name__)
    module = importlib.import_module(".kernels.gaussian_process", __name__)
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
