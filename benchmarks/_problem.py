"""What is trained in `mlp.py`, the same for every peer, and what a peer gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Size:
    """Widths of a network, from input to classes, and the batch it is trained on."""

    widths: tuple[int, ...]
    batch: int


SIZES = {
    "small": Size((64, 100, 10), 32),
    "digits": Size((64, 128, 64, 10), 128),
    "mnist": Size((784, 512, 512, 10), 128),
    "big": Size((784, 1024, 1024, 10), 1024),
}
ON_GPU = SIZES | {"wide": Size((4096, 4096, 4096, 10), 4096)}  # what fills a large device
OPTIMIZERS = ("sgd", "adam")


@dataclass
class Problem:
    """Initial parameters [W1, b1, W2, b2, …], one batch (x, y) a learning rate, and "sgd" or "adam"."""

    params: list[np.ndarray]
    x: np.ndarray
    y: np.ndarray
    lr: float
    optimizer: str = "sgd"


@dataclass
class Step:
    """`run` trains one step and returns the loss, `params` gives copies, `wait` ends all work."""

    run: Callable[[], Any]
    params: Callable[[], list[np.ndarray]]
    wait: Callable[[], None] = lambda: None
    versions: dict[str, str] = field(default_factory=dict)


def problem(size: Size, lr: float, seed: int = 0, optimizer: str = "sgd") -> Problem:
    """He-initialised weights, small random biases and a random batch, the same for every peer."""
    rng = np.random.default_rng(seed)
    params = []
    for n_in, n_out in zip(size.widths, size.widths[1:], strict=False):
        params.append((rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)).astype(np.float32))
        params.append((rng.standard_normal(n_out) * 0.1).astype(np.float32))
    x = rng.standard_normal((size.batch, size.widths[0])).astype(np.float32)
    y = rng.integers(0, size.widths[-1], size.batch)
    return Problem(params, x, y, lr, optimizer)


def flops(size: Size) -> int:
    """Floating point operations of a step's products: 2·batch·in·out forward, and for both gradients of a layer.

    The first layer's input needs no gradient.
    """
    layers = [a * b for a, b in zip(size.widths, size.widths[1:], strict=False)]
    return 2 * size.batch * (3 * sum(layers) - layers[0])


def version_of(name: str) -> str:
    """The installed version of a distribution, CuPy's wheels for CUDA 12 and 13 included."""
    for dist in (name, f"{name}-cuda13x", f"{name}-cuda12x"):
        try:
            return version(dist)
        except PackageNotFoundError:
            continue
    return "unknown"
