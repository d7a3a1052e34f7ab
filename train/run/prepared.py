"""What every run needs, whichever data it is on: checked and on the device, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...autograd.core.typing import PyTree
from ...backend import Backend
from ..data.split import Split, Standardizer
from ..networks.architecture import Architecture
from ..optimizers import make_optimizer
from .config import Settings
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
        What is to be told beside `start`, each in a line.
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
        """The optimiser that the settings ask for."""
        settings = self.settings
        return make_optimizer(
            settings.optimizer, float(settings.learning_rate or 0.0), float(settings.l2 or 0.0)
        )

    @property
    def title(self) -> str:
        """Data and network, for pictures."""
        return f"{self.metadata['data']}: {self.network}"


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

    def split(self, seed: int) -> Split:
        """Training, validation and test rows."""

    def folds(self, k: int, seed: int) -> list[Split]:
        """The rows of k-fold cross-validation."""

    def prepare(self, settings: Settings, rows: Split, active: Backend) -> Prepared:
        """The parts of a run on these rows, on the device, and the first model."""
