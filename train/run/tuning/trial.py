"""The result of one combination of settings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...settings.config import Settings


@dataclass(frozen=True)
class Trial:
    """A combination of settings, and the results of its k folds.

    Attributes
    ----------
    settings : Settings
    losses, scores : tuple of float, one a fold
        Validation loss and score at the epoch of the lowest validation loss; infinite and NaN for a run
        that diverged. With halving they are of the last rung in which the combination was.
    epochs : tuple of int
        Those epochs.
    rungs : tuple of float
        With halving the mean validation loss of each rung in which the combination was; else empty.
    """

    settings: Settings
    losses: tuple[float, ...]
    scores: tuple[float, ...]
    epochs: tuple[int, ...]
    rungs: tuple[float, ...] = ()

    @property
    def loss(self) -> float:
        """The mean over the folds."""
        return float(np.mean(self.losses))

    @property
    def score(self) -> float:
        """The mean over the folds."""
        return float(np.mean(self.scores))

    @property
    def error(self) -> float:
        """The standard error of the mean loss."""
        if not math.isfinite(self.loss):
            return math.nan
        return float(np.std(self.losses, ddof=1) / math.sqrt(len(self.losses)))
