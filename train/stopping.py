"""The rules that end a training before its last epoch: patience with the validation loss, and scikit-learn's."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..autograd.core.typing import PyTree


@dataclass(frozen=True)
class Epoch:
    """The losses and scores after an epoch, over all rows of each part of the data; epoch 0 is before training."""

    epoch: int
    steps: int
    loss: float
    score: float
    validation_loss: float
    validation_score: float


@dataclass
class ValidationPatience:
    """The end after `patience` epochs without a lower validation loss.

    Attributes
    ----------
    patience : int
        0 for never.
    best : Epoch
        That with the lowest validation loss so far.
    validated : bool
        False where there is no validation part: then the training loss is watched in its place.
    """

    patience: int
    best: Epoch
    validated: bool = True

    def watched(self, epoch: Epoch) -> float:
        """The loss by which epochs are told apart."""
        return epoch.validation_loss if self.validated else epoch.loss

    def note(self, now: Epoch) -> bool:
        """Take in an epoch, and return whether it is the best so far."""
        better = self.watched(now) < self.watched(self.best)
        if better:
            self.best = now
        return better

    def ended(self, epoch: int) -> tuple[str, str] | None:
        """The reason to end after this epoch, if there is one."""
        if self.patience and epoch - self.best.epoch >= self.patience:
            which = "validation loss" if self.validated else "loss"
            return "patience", f"no better {which} for {self.patience} epochs"
        return None


@dataclass
class Improvement:
    """The end after more than `patience` epochs without an improvement by `tol`: scikit-learn's rule.

    Attributes
    ----------
    tol : float
        An epoch is idle that is not better by so much than the best one before it: in its loss, or with early stopping
        in its validation score.
    patience : float
        `n_iter_no_change`, which may be infinite.
    losses : list of float
        Mean training loss of each epoch.
    scores : list of float
        Validation score after each epoch, with early stopping.
    idle : int
        Idle epochs in a row.
    model : pytree
        The best weights, with early stopping.
    """

    tol: float
    patience: float = float("inf")
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = float("inf")
    best_score: float = float("-inf")
    idle: int = 0
    model: PyTree = None

    def note(self, loss: float, score: float | None) -> bool:
        """Take in an epoch's loss (and score), and return whether the score is the best so far."""
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

    def ended(self, epoch: int) -> tuple[str, str] | None:
        """The reason to end after this epoch, if there is one."""
        if self.idle > self.patience:
            return "idle", f"no improvement by {self.tol:g} for {self.idle} epochs (epoch {epoch})"
        return None
