"""Initial weights: variance-preserving draws for each class of activation."""

from __future__ import annotations

import math

import numpy as np

INITIALISERS = ("he", "glorot", "lecun")
# relu and its relatives halve the second moment, which He's factor 2 restores
DEFAULT_FOR = dict.fromkeys(
    [
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "celu",
        "silu",
        "hard_swish",
        "gelu",
        "gelu_tanh",
        "mish",
        "softplus",
    ],
    "he",
) | {"selu": "lecun"}  # which is derived for weights of variance 1 / fan_in


def variance(name: str, fan_in: int, fan_out: int) -> float:
    """The variance of the weights' distribution.

    He 2 / fan_in (He et al., 2015); Glorot 2 / (fan_in + fan_out) (Glorot, Bengio, 2010); LeCun 1 / fan_in (LeCun et
    al., 1998).

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if name not in INITIALISERS:
        raise ValueError(
            f"unknown initialisation {name!r}: choose one of {', '.join(INITIALISERS)}"
        )
    fan = {"he": fan_in / 2, "glorot": (fan_in + fan_out) / 2, "lecun": fan_in}[name]
    return 1.0 / max(fan, 0.5)


def draw(name: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Weights (fan_in, fan_out), uniform with mean 0 and the variance of `name`, float64 on the host.

    Drawn on the host, so that a seed gives the same model on every backend.
    """
    bound = math.sqrt(3 * variance(name, *shape))
    return rng.uniform(-bound, bound, shape)


def check_sizes(name: str, **sizes: int) -> None:
    """Refuse widths that are no integers of at least 1.

    Raises
    ------
    ValueError
        The message names the layer and the setting.
    """
    for setting, n in sizes.items():
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"{name}: {setting}={n!r}; it has to be an integer of at least 1")
