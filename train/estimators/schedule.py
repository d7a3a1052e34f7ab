"""When an estimator's training ends, and how its learning rate falls: scikit-learn's rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """What happened so far, by epoch.

    Attributes
    ----------
    losses : list of float
        Mean training loss of each epoch, the penalty included.
    scores : list of float
        Validation score after each epoch, with early stopping.
    idle : int
        Epochs in a row that were no better than the best before them by more than `tol`.
    model : pytree
        The best weights, with early stopping.
    """

    tol: float
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = float("inf")
    best_score: float = float("-inf")
    idle: int = 0
    model: Any = None

    def note(self, loss: float, score: float | None) -> bool:
        """One more epoch: its loss, with early stopping its validation score; whether that is the best so far."""
        self.losses.append(loss)
        best = False
        if score is None:
            better = loss <= self.best_loss - self.tol
        else:
            self.scores.append(score)
            better = score >= self.best_score + self.tol
            best = score > self.best_score
            self.best_score = max(self.best_score, score)
        self.best_loss = min(self.best_loss, loss)
        self.idle = 0 if better else self.idle + 1
        return best
