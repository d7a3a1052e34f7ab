"""The initial weights of torch's linear and attention layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.typing import DType
from ...backend import current
from ..layers.dense import Linear


def uniform(rng: np.random.Generator, bound: float, shape: Any, dtype: DType) -> Any:
    """Numbers drawn from [−bound, bound), on the active backend."""
    return current().asarray(rng.uniform(-bound, bound, shape).astype(dtype))


def xavier(rng: np.random.Generator, inputs: int, outputs: int, dtype: DType) -> Any:
    """Weights (inputs, outputs) with the bound √(6 / (inputs + outputs))."""
    return uniform(rng, math.sqrt(6 / (inputs + outputs)), (inputs, outputs), dtype)


def zeros(n: int, dtype: DType) -> Any:
    """Biases that are 0."""
    return current().asarray(np.zeros(n, dtype))


def linear(
    rng: np.random.Generator, inputs: int, outputs: int, *, bias: bool, dtype: DType
) -> Linear:
    """A layer whose weights and biases have the bound 1/√inputs."""
    bound = 1 / math.sqrt(inputs)
    W = uniform(rng, bound, (inputs, outputs), dtype)
    return Linear(W, uniform(rng, bound, outputs, dtype) if bias else None)
