"""Functions with parameters: layers, networks and losses. Knows nothing of optimisers."""

from ._module import Module
from .activations import ACTIVATIONS, gelu, identity, relu, sigmoid, silu, softplus, tanh
from .initialisation import INITIALISERS
from .layers import MLP, Linear
from .losses import binary_cross_entropy, cross_entropy, squared_error

__all__ = [
    "ACTIVATIONS",
    "INITIALISERS",
    "MLP",
    "Linear",
    "Module",
    "binary_cross_entropy",
    "cross_entropy",
    "gelu",
    "identity",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "squared_error",
    "tanh",
]
