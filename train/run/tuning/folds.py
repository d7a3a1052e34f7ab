"""The runs of a tuning, one for each combination of settings and each fold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .... import backend
from ...data.split import Split
from ...fitting.signals import Terminated
from ...parallel.workers import stop_if_unwanted
from ...settings.config import Settings
from ..prepared import Source, fit_prepared


@dataclass(frozen=True)
class Folds:
    """Every run of a tuning, by the numbers of its combination and its fold; it is what travels to a worker.

    Attributes
    ----------
    source : Source
    parts : tuple of Split
        One a fold.
    trials_of : tuple of Settings
    backend : str
        The name of the backend to run on.
    """

    source: Source
    parts: tuple[Split, ...]
    trials_of: tuple[Settings, ...]
    backend: str

    @property
    def tasks(self) -> list[tuple[int, int]]:
        """The numbers of every run: the folds of the first combination first."""
        folds = range(len(self.parts))
        return [(trial, fold) for trial in range(len(self.trials_of)) for fold in folds]

    def __call__(self, trial: int, fold: int) -> tuple[float, float, int]:
        """Validation loss and score at the best epoch, and that epoch.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        """
        settings = self.trials_of[trial]
        with backend.use(self.backend):
            ready = self.source.prepare(settings, self.parts[fold], backend.current())
            run = fit_prepared(ready, on_epoch=stop_if_unwanted)
        if run.stopped == "interrupted":
            raise Terminated.by(run.signal)
        # a run that diverged is no setting to choose, however good it was before
        if run.stopped == "diverged":
            return math.inf, math.nan, run.best.epoch
        return run.best.validation_loss, run.best.validation_score, run.best.epoch
