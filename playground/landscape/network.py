"""A small network whose loss optimisers are compared on, as one function of a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import models
from ...autograd.functions import namespace as xp
from .surface import Flat, flat

UNITS = (2, 8, 1)
SAMPLES = 120
DECAY = 0.001


@dataclass(frozen=True)
class NetworkProblem:
    """The loss of a network as a function of a vector.

    Parameters
    ----------
    parameters : Flat
        Where it starts.
    X : numpy.ndarray (N, 2)
    y : numpy.ndarray (N, 1)
        Zeros and ones.
    """

    parameters: Flat
    X: np.ndarray
    y: np.ndarray

    def loss(self, vector: Any) -> Any:
        """The mean cross-entropy of the network whose parameters are a vector (P,), and ``½ DECAY ‖w‖²``."""
        return self.loss_on(vector, self.X, self.y)

    def loss_on(self, vector: Any, X: Any, y: Any) -> Any:
        """The same on data that are where the vector is, as on a GPU."""
        z = self.parameters.unravel(vector)(X)
        return xp.mean(xp.softplus(z) - z * y) + 0.5 * DECAY * xp.sum(vector * vector)


def network_problem(seed: int) -> NetworkProblem:
    """Two interleaving half-circles, and a network 2-8-1 of hyperbolic tangents that shall tell them apart.

    Parameters
    ----------
    seed : int
        For the first parameters; the data are always the same.
    """
    rng = np.random.default_rng(0)
    angle = np.pi * rng.random(SAMPLES)
    upper = np.arange(SAMPLES) % 2 == 0
    X = np.where(
        upper[:, None],
        np.stack([np.cos(angle), np.sin(angle)], axis=1),
        np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1),
    )
    X = X + 0.3 * rng.normal(size=X.shape) - np.asarray([0.5, 0.25])
    model = models.MLP(list(UNITS), activation="tanh", seed=seed, dtype="float64")
    return NetworkProblem(flat(model), X, upper[:, None].astype(float))
