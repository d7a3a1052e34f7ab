"""The network that trains: its data, its parameters and their history, step by step. It knows nothing of the page."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd import asarray, to_numpy, tree
from ...optim import SearchError
from ...optim.full_batch.line_search import Backtracking, chosen
from ...optim.full_batch.minimize import METHODS
from ...optim.full_batch.problem import Problem
from ...train import InputError
from .data import EXTENT, Data, draw, split
from .features import columns
from .programs import network, programs
from .settings import CONSTANT, OWN, SEARCHES, Settings

OUTPUT_SIDE, EVERY = 81, 3
"""Points a side at which the output is drawn, and of which every third is taken for a unit."""

UNIT_SIDE = len(range(0, OUTPUT_SIDE, EVERY))
_MOST_KEPT = 400
# changes after which the parameters, with their history, are drawn anew
_ANEW = frozenset(
    ("problem", "dataset", "noise", "share", "seed", "features", "hidden", "activation")
)
_SMALL = 1e-9


@dataclass(frozen=True)
class Measured:
    """How good the network is.

    Attributes
    ----------
    train, test : float
        The loss.
    train_score, test_score : float
        The share of points that are classified correctly, or R² of a regression.
    norms : array (layers,)
        Of the gradient of the objective on the training data.
    """

    train: float
    test: float
    train_score: float
    test_score: float
    norms: Any = field(repr=False)


class History:
    """Values of all epochs, or of every second, fourth, … of them, so that they never are more than `most`.

    Examples
    --------
    >>> history = History(most=4)
    >>> for epoch in range(9):
    ...     history.add(epoch, float(epoch))
    >>> history.epochs, history.values
    ([0, 4, 8], [0.0, 4.0, 8.0])
    """

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self.most, self.every = most, 1
        self.epochs: list[int] = []
        self.values: list[Any] = []

    def add(self, epoch: int, value: Any) -> None:
        """Keep a value, if it is the turn of its epoch."""
        if epoch % self.every:
            return
        self.epochs.append(epoch)
        self.values.append(value)
        if len(self.epochs) > self.most:
            self.every *= 2
            kept = [k for k, old in enumerate(self.epochs) if old % self.every == 0]
            self.epochs = [self.epochs[k] for k in kept]
            self.values = [self.values[k] for k in kept]


class Training:
    """A network with its data, and how far it has come.

    Parameters
    ----------
    settings : Settings, optional
    own : Data, optional
        The user's own data set.

    Attributes
    ----------
    train, test : Data
    params : MLP
    programs : Programs
    epoch : int
        Passes through the training data; steps, where each is of all of them.
    ended : str
        Why no further step can be taken; empty while one can.
    losses : History
        Of pairs: the loss on training and test data.
    path : History
        Of the parameters, as vectors.

    Examples
    --------
    >>> training = Training(Settings(hidden=(4,), rate=0.1))
    >>> before = training.measured.train
    >>> for _ in range(5):
    ...     training.advance()
    >>> training.epoch, training.measured.train < before
    (5, True)
    """

    def __init__(self, settings: Settings | None = None, own: Data | None = None) -> None:
        self.settings, self.own = settings or Settings(), own
        self._prepare()
        self.reset()

    # ── what is chosen ────────────────────────────────────────────────────────────────────────

    def change(self, name: str, value: Any) -> None:
        """Change a setting. Those of data and structure begin anew; others go on from where the network is.

        Raises
        ------
        InputError
            For a setting or a value that there is not.
        """
        self._use(self.settings.changed(name, value, self.own), name)

    def bring(self, own: Data) -> None:
        """Train on data of one's own."""
        self.own = own
        self._use(self.settings.changed("dataset", OWN, own), "dataset")

    def _use(self, new: Settings, name: str) -> None:
        old, self.settings = self.settings, new
        if name in _ANEW:
            self._prepare()
            self.reset()
        elif new != old:
            self.programs = programs(new)
            self._begin(keep_state=new.optimiser == old.optimiser and _penalised(new) == _penalised(old))  # fmt: skip
            self.measured = self._measure()

    def reset(self) -> None:
        """Back to the parameters before the first step."""
        self.programs = programs(self.settings)
        self.params = network(self.settings)
        self.epoch = 0
        self.losses, self.path = History(), History()
        self._order = np.random.default_rng(self.settings.seed + 1)
        self._begin(keep_state=False)
        self._note()

    def _prepare(self) -> None:
        s = self.settings
        if s.dataset == OWN:
            if self.own is None:
                raise InputError("there are no data of your own yet: choose a file")
            data = self.own
        else:
            data = draw(s.dataset, noise=s.noise, seed=s.seed)
        self.train, self.test = split(data, s.share, s.seed)
        self._arrays = [self._on_device(part) for part in (self.train, self.test)]
        self._grid = columns(asarray(grid()), s.features)

    def _on_device(self, data: Data) -> tuple[Any, Any]:
        X, y = asarray(data.X.astype(np.float64)), asarray(data.y.astype(np.float64))
        return columns(X, self.settings.features), y

    def _begin(self, *, keep_state: bool) -> None:
        """Whatever steps begins anew from the parameters that there are."""
        self.ended = ""
        self._left: Iterator[tuple[Any, Any]] = iter(())
        self._rate = asarray(self.settings.rate)
        self._run: Iterator[Any] | None = None
        if not self.settings.full_batch and not keep_state:
            self._state = self.programs.init(self.params)

    # ── steps ─────────────────────────────────────────────────────────────────────────────────

    def advance(self, seconds: float = math.inf) -> None:
        """Train for one epoch, or one step of all data; after so many seconds the rest is left to the next call.

        Where the loss is no longer finite, or no further step is found, `ended` says so.
        """
        if self.ended:
            return
        with np.errstate(all="ignore"):  # a loss that overflows is told, and no warning
            if self.settings.full_batch:
                self._step_of_all()
            elif not self._steps(time.perf_counter() + seconds):
                self.measured = self._measure()
                self._judge()
                return
            self.epoch += 1
            self._note()
        self._judge()

    def _steps(self, until: float) -> bool:
        """Steps by minibatches; whether the epoch is at its end."""
        while time.perf_counter() < until:
            batch = next(self._left, None)
            if batch is None:
                self._left = self._batches()
                batch = next(self._left)
            self.params, self._state = self.programs.step(
                self.params, self._state, *batch, self._rate
            )
            if self._at_end:
                return True
        return False

    def _batches(self) -> Iterator[tuple[Any, Any]]:
        """The training data in an order drawn anew; points that fill no batch are left out this time."""
        X, y = self._arrays[0]
        n = len(self.train.y)
        size = min(self.settings.batch, n)
        order = asarray(self._order.permutation(n))
        X, y = X[order], y[order]
        count = n // size
        for k in range(count):
            self._at_end = k == count - 1
            rows = slice(k * size, (k + 1) * size)
            yield X[rows], y[rows]

    def _step_of_all(self) -> None:
        try:
            if self._run is None:
                self._run = self._method()
            point = next(self._run)
        except (SearchError, ValueError) as error:
            self.ended = f"no further step: {error}"
            return
        self.params = self._problem.result(point.x)
        if point.norm < _SMALL:
            self.ended = "the gradient is zero: this is a stationary point"

    def _method(self) -> Iterator[Any]:
        """A method of `pb.optim.minimize` that is asked for one point after another."""
        s = self.settings
        entry = METHODS[s.optimiser]
        search = s.rate if s.search == CONSTANT else SEARCHES[s.search]
        self._problem = Problem(self.programs.objective, self.params, self._arrays[0])
        run = entry.method(self._problem, self._problem.start(), chosen(search, Backtracking()), {})
        next(run)  # where it starts
        return run

    def _judge(self) -> None:
        if not math.isfinite(self.measured.train):
            self.ended = "the loss is no longer finite: choose a smaller learning rate, then reset"

    # ── what there is to see ──────────────────────────────────────────────────────────────────

    def _measure(self) -> Measured:
        with np.errstate(all="ignore"):
            train, train_score, norms = self.programs.measure(self.params, *self._arrays[0])
            test, test_score, _ = self.programs.measure(self.params, *self._arrays[1])
        return Measured(
            float(to_numpy(train)),
            float(to_numpy(test)),
            float(to_numpy(train_score)),
            float(to_numpy(test_score)),
            np.asarray(to_numpy(norms)),
        )

    def _note(self) -> None:
        self.measured = self._measure()
        self.losses.add(self.epoch, (self.measured.train, self.measured.test))
        self.path.add(self.epoch, self.vector())

    def vector(self) -> np.ndarray:
        """The parameters as one vector: of each layer the weights by rows, then the biases."""
        return np.concatenate([np.ravel(to_numpy(leaf)) for leaf in tree.leaves(self.params)])

    def surfaces(self) -> np.ndarray:
        """All hidden units and the output on the grid, between −1 and 1: (units + 1, side, side), from below."""
        with np.errstate(all="ignore"):
            values = to_numpy(self.programs.surfaces(self.params, self._grid))
        return values.T.reshape(-1, OUTPUT_SIDE, OUTPUT_SIDE)

    def feature_surfaces(self) -> np.ndarray:
        """The features on the grid, each scaled to −1 … 1: (features, side, side), from below."""
        values = to_numpy(self._grid)
        values = values / np.abs(values).max(axis=0)
        return values.T.reshape(-1, OUTPUT_SIDE, OUTPUT_SIDE)

    @property
    def training_arrays(self) -> tuple[Any, Any]:
        """Features and targets of the training data, as the programs take them."""
        return self._arrays[0]


def grid() -> np.ndarray:
    """The points of the plane at which surfaces are drawn, row by row from below: (side², 2)."""
    along = np.linspace(-EXTENT, EXTENT, OUTPUT_SIDE)
    x1, x2 = np.meshgrid(along, along)
    return np.stack([x1.ravel(), x2.ravel()], axis=1)


def _penalised(settings: Settings) -> bool:
    """Whether the optimiser's state is that of one with a proximal step."""
    return settings.regularisation == "l1" and settings.strength > 0
