"""A perceptron with dropout or batch normalisation; the plain one is `pullback.models.MLP`."""

from __future__ import annotations

import itertools
from typing import Any

from ... import models
from ...autograd.core.typing import DType


def build_mlp(
    features: int,
    hidden: tuple[int, ...],
    outputs: int,
    *,
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    seed: int = 0,
    dtype: DType = "float32",
) -> models.Sequential:
    """Linear layers; between them batch normalisation, the activation, and dropout, in this order.

    Parameters
    ----------
    features : int
        Columns of the inputs.
    hidden : tuple of int
        Widths of the layers before the last one.
    outputs : int
    activation : str
    dropout : float
        Probability with which a unit of a hidden layer is left out in training.
    batch_norm : bool
        Whether hidden layers are normalised, before their activation (Ioffe, Szegedy, 2015).
    seed, dtype
        As in the layers' `init`: the weights are those of `pullback.models.MLP` with this seed.

    Examples
    --------
    >>> build_mlp(4, (8,), 3, dropout=0.5, batch_norm=True).summary((5, 4)).splitlines()[-1]
    '83 parameters, and 16 numbers of state'
    """
    plain = models.MLP((features, *hidden, outputs), activation=activation, seed=seed, dtype=dtype)
    layers: list[Any] = []
    for linear, width in zip(plain.layers, hidden, strict=False):
        layers.append(linear)
        if batch_norm:
            layers.append(models.BatchNorm.init(width, dtype=dtype))
        layers.append(activation)
        if dropout:
            layers.append(models.Dropout(dropout))
    layers.append(plain.layers[-1])
    return models.Sequential(*layers)


def count_mlp(
    features: int, hidden: tuple[int, ...], outputs: int, *, batch_norm: bool, **_: Any
) -> int:
    """How many numbers the network has, running statistics included."""
    linear = sum((n + 1) * m for n, m in itertools.pairwise((features, *hidden, outputs)))
    return linear + (4 * sum(hidden) if batch_norm else 0)
