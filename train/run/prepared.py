"""What every run needs, whichever data it is on: checked and on the device, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ...autograd.core.typing import PyTree
from ...backend import Backend
from ...distributed import Communicator
from ...optim import ReduceOnPlateau
from ..data.split import Split, Standardizer
from ..errors import InputError
from ..fitting.feeding import steps_of_epoch
from ..fitting.result import Fit
from ..loop import fit
from ..networks.architecture import Architecture
from ..optimizers import make_optimizer
from ..schedules import make_schedule
from ..settings.config import Settings
from ..settings.defaults import plateau_patience
from .tasks import Task


def _nothing(loss: float) -> str:
    return ""


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs.

    Attributes
    ----------
    settings : Settings
    task : Task
        Loss and score.
    parts : dict
        Training, validation and test part by name, as `fit` takes them.
    model : pytree
        Untrained.
    start : str
        What the data are, in a line.
    network : str
        What the network is, in a few words.
    picture : callable
        ``picture(model, title)``: a PNG file's bytes, of the first weights.
    metadata : mapping
        What the model's file has to say, so that predictions can be made with it.
    built_by : Architecture or None
        What built the model, where it is no MLP.
    resolved : mapping
        Settings that only the data told, to be written with the others.
    report : callable
        ``report(loss)``: what a loss means, for the last line.
    notes : tuple of str
        Lines to print after `start`.
    """

    settings: Settings
    task: Task
    parts: dict[str, PyTree]
    model: Any
    start: str
    network: str
    picture: Callable[[Any, str], bytes]
    metadata: Mapping[str, Any]
    built_by: Architecture | None = None
    resolved: Mapping[str, Any] = field(default_factory=dict)
    report: Callable[[float], str] = _nothing
    notes: tuple[str, ...] = ()

    @property
    def optimizer(self) -> Any:
        """The optimiser that the settings ask for.

        Raises
        ------
        InputError
            For a schedule that the number of steps does not allow.
        """
        settings = self.settings
        steps = settings.epochs * steps_of_epoch(
            self.model, self.parts["train"], settings.batch_size
        )
        rate = float(settings.learning_rate or 0.0)
        try:
            schedule = make_schedule(settings.schedule, rate, steps, settings.warmup)
        except ValueError as error:
            raise InputError(str(error)) from None
        method = settings.optimizer
        if method == "sgd" and settings.momentum:
            method = "momentum"
        given = {"momentum": settings.momentum, "b1": settings.beta1, "b2": settings.beta2}
        return make_optimizer(
            method,
            schedule,
            float(settings.l2 or 0.0),
            clip=float(settings.clip),
            **{key: float(value) for key, value in given.items() if value is not None},
        )

    @property
    def plateau(self) -> ReduceOnPlateau | None:
        """The rule that lowers the learning rate by the validation loss, if the settings ask for it."""
        settings = self.settings
        if settings.schedule != "plateau":
            return None
        rate = float(settings.learning_rate or 0.0)
        return ReduceOnPlateau(rate, patience=plateau_patience(settings.model))

    @property
    def title(self) -> str:
        """Data and network, for pictures."""
        return f"{self.metadata['data']}: {self.network}"


def fit_prepared(
    prepared: Prepared,
    *,
    on_epoch: Callable[[Fit], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    every: float = 5.0,
    distributed: Communicator | None = None,
) -> Fit:
    """Train what was prepared, as its settings say: the one place where settings become arguments of `fit`.

    The other arguments are those of `fit`.
    """
    settings = prepared.settings
    return fit(
        prepared.model,
        prepared.task.loss,
        prepared.parts["train"],
        prepared.parts["validation"],
        prepared.optimizer,
        score=prepared.task.score,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        batches=settings.batches,
        l1=settings.l1,
        plateau=prepared.plateau,
        patience=settings.patience,
        seed=settings.seed,
        compile=settings.compile,
        precision=settings.precision,
        on_epoch=on_epoch,
        checkpoint=checkpoint,
        resume=resume,
        every=every,
        distributed=distributed,
    )


def numbers(standardizer: Standardizer) -> dict[str, list[float]]:
    """A scale for JSON."""
    return {"mean": standardizer.mean.tolist(), "scale": standardizer.scale.tolist()}


class Source(Protocol):
    """Data of one kind, and how runs are made of them."""

    @property
    def name(self) -> str:
        """Of the data."""

    @property
    def score_name(self) -> str:
        """Of what is counted as right."""

    @property
    def told(self) -> tuple[str, ...]:
        """What was found in the data and decided about them, in lines for people."""

    @property
    def labels(self) -> np.ndarray | None:
        """The class of every row, where rows have one class each."""

    def split(self, seed: int) -> Split:
        """Training, validation and test rows."""

    def folds(self, k: int, seed: int) -> list[Split]:
        """The rows of k-fold cross-validation."""

    def prepare(self, settings: Settings, rows: Split, active: Backend) -> Prepared:
        """The parts of a run on these rows, on the device, and the first model."""
