"""The perceptrons' network: `pb.models.MLP`, or layers in a row where dropout or batch normalisation is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import models
from ...autograd import to_numpy
from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_inexact
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import PyTree
from ...autograd.pytree import tree
from ...backend import current
from ..data.device_data import to_device_if_it_fits
from ..measure import predict
from .arrays import moved
from .settings import ACTIVATIONS


@dataclass(frozen=True)
class Network:
    """The form of a network; two that are equal have models of one structure.

    Attributes
    ----------
    sizes : tuple of int
        Widths: inputs, hidden layers, outputs.
    activation : str
        Of the hidden layers, by scikit-learn's name or ours.
    dropout : float
        Probability that a hidden unit is left out in training.
    batch_norm : bool
        Normalise before each hidden activation.
    dtype : str
        Of the parameters.
    """

    sizes: tuple[int, ...]
    activation: str
    dropout: float
    batch_norm: bool
    dtype: str

    @property
    def stochastic(self) -> bool:
        """Whether training differs from prediction."""
        return self.dropout > 0 or self.batch_norm

    def init(self, seed: int) -> Any:
        """A new model."""
        name = ACTIVATIONS.get(self.activation, self.activation)
        plain = models.MLP(self.sizes, activation=name, init="glorot", seed=seed, dtype=self.dtype)
        if not self.stochastic:
            return plain
        *hidden, last = plain.layers
        layers: list[Any] = []
        for linear in hidden:
            layers.append(linear)
            if self.batch_norm:
                layers.append(models.BatchNorm.init(linear.b.shape[0], dtype=self.dtype))
            layers.append(models.Activation(name))
            if self.dropout:
                layers.append(models.Dropout(self.dropout))
        return models.Sequential(*layers, last)

    def linear_layers(self, model: PyTree) -> Iterator[Any]:
        """The affine maps of a model, from inputs to outputs."""
        return (layer for layer in model.layers if isinstance(layer, models.Linear))

    def weights(self, model: PyTree) -> list[Any]:
        """The weight matrices, on which the penalty is."""
        return [layer.W for layer in self.linear_layers(model)]

    def parameters(self, model: PyTree) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Weights (inputs, outputs) and biases of each affine map, on the host."""
        pairs = [
            (to_numpy(backend_array(layer.W)), to_numpy(backend_array(layer.b)))
            for layer in self.linear_layers(model)
        ]
        return [W for W, _ in pairs], [b for _, b in pairs]

    def outputs(self, model: PyTree, x: np.ndarray) -> np.ndarray:
        """Outputs (n, k) for prediction, computed on the active device in float64.

        In float32 the last digits of a row's outputs depend on how many other rows there are.
        """
        home = current()
        exact = moved(tree.map(_as_float64, model), home)
        (inputs,) = to_device_if_it_fits((np.ascontiguousarray(x, dtype=np.float64),), home)
        return to_numpy(predict(exact, inputs))


def _as_float64(leaf: PyTree) -> Any:
    values = backend_array(leaf)
    return (
        namespace_of(values).astype(values, np.dtype("float64"))
        if is_inexact(values.dtype)
        else values
    )
