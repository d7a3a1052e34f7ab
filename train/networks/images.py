"""A convolutional network for images of any size."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ... import models
from ...autograd.core.typing import DType

_FIRST, _MOST = 16, 128
_SMALLEST, _MOST_POOLS = 4, 5


def plan(height: int, width: int) -> tuple[int, int, int]:
    """Convolutions, how many of them (the last ones) are followed by pooling, and the size of their kernels.

    Sides are halved while 4 pixels are left; there are two convolutions or more.

    Examples
    --------
    >>> plan(8, 8), plan(28, 28), plan(32, 48)
    ((2, 1, 3), (2, 2, 5), (3, 3, 5))
    """
    side = min(height, width)
    pools = min(max(int(math.log2(side / _SMALLEST)), 0), _MOST_POOLS) if side >= _SMALLEST else 0
    return max(2, pools), pools, 5 if side >= 16 else 3


def channels(convolutions: int) -> list[int]:
    """Channels of the convolutions: 16, doubled from each to the next, 128 at most.

    Examples
    --------
    >>> channels(5)
    [16, 32, 64, 128, 128]
    """
    return [min(_FIRST << i, _MOST) for i in range(convolutions)]


def flat_features(image: tuple[int, int, int]) -> int:
    """The numbers that the convolutions leave of an image (channels, height, width).

    Examples
    --------
    >>> flat_features((1, 8, 8)), flat_features((3, 28, 28))
    (512, 1568)
    """
    _, height, width = image
    count, pools, _ = plan(height, width)
    return channels(count)[-1] * (height >> pools) * (width >> pools)


def build_cnn(
    image: tuple[int, int, int],
    hidden: tuple[int, ...],
    outputs: int,
    *,
    activation: str = "relu",
    dropout: float = 0.0,
    seed: int = 0,
    dtype: DType = "float32",
) -> models.Sequential:
    """Convolutions and pooling, then linear layers (LeCun, Bottou, Bengio, Haffner, 1998), as large as the image asks.

    Parameters
    ----------
    image : tuple of int
        Channels, height, width.
    hidden : tuple of int
        Widths of the layers between the convolutions and the outputs.
    outputs : int
    activation : str
    dropout : float
        Before each linear layer.
    seed, dtype
        As in the layers' `init`.

    Examples
    --------
    >>> model = build_cnn((1, 8, 8), (32,), 10)
    >>> model.summary((5, 1, 8, 8)).splitlines()[-1]
    '21546 parameters'
    """
    depth, height, width = image
    count, pools, kernel = plan(height, width)
    random = np.random.default_rng(seed)
    layers: list[Any] = []
    for i, out in enumerate(channels(count)):
        layers += [
            models.Conv2d.init(depth, out, kernel, padding="same", seed=random, dtype=dtype),
            activation,
        ]
        if i >= count - pools:
            layers.append(models.MaxPool2d(2))
        depth = out
    layers.append(models.Flatten())
    widths = [flat_features(image), *hidden, outputs]
    for i in range(len(widths) - 1):
        if i:
            layers.append(activation)
        if dropout:
            layers.append(models.Dropout(dropout))
        init = "he" if i < len(hidden) else "lecun"
        layers.append(
            models.Linear.init(widths[i], widths[i + 1], init=init, seed=random, dtype=dtype)
        )
    return models.Sequential(*layers)


def count_cnn(image: tuple[int, int, int], hidden: tuple[int, ...], outputs: int, **_: Any) -> int:
    """How many numbers the network has."""
    depth, height, width = image
    count, _pools, kernel = plan(height, width)
    convolutions = [depth, *channels(count)]
    widths = [flat_features(image), *hidden, outputs]
    return sum((a * kernel * kernel + 1) * b for a, b in itertools.pairwise(convolutions)) + sum(
        (a + 1) * b for a, b in itertools.pairwise(widths)
    )
