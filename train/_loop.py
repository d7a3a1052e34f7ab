"""The training loop: minibatches, early stopping with the best weights kept, always a clean end."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from ..autograd import value_and_grad
from ..autograd.namespace import asarray
from ._feeding import batches, fed, home_of, is_fed

# Losses stay on the device, unread, for so many steps: reading one waits for the device.
_UNREAD = 100
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Epoch:
    """What was measured after an epoch, on whole parts of the data; epoch 0 is before training."""

    epoch: int
    steps: int
    loss: float
    score: float
    validation_loss: float
    validation_score: float


@dataclass
class Fit:
    """What a training run gave.

    Attributes
    ----------
    model : pytree
        The weights with the lowest validation loss.
    best : Epoch
        When that was.
    history : list of Epoch
    steps : int
        Optimiser steps made.
    seconds : float
        Spent in the loop.
    stopped : {"epochs", "patience", "interrupted", "diverged"}
        Why it ended: all epochs done, no better validation loss for `patience` epochs, Ctrl-C, or a
        loss that is no finite number.
    why : str
        The same in words.
    """

    model: Any
    best: Epoch
    history: list[Epoch]
    steps: int = 0
    seconds: float = 0.0
    stopped: str = "epochs"
    why: str = ""


@dataclass
class Interrupt:
    """Notes the first Ctrl-C instead of raising at an arbitrary place; the second one raises.

    Only in the main thread, where Python delivers signals, and only if Ctrl-C would raise now.
    """

    seen: bool = False
    _before: Any = field(default=None, repr=False)

    def __enter__(self) -> Interrupt:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def fit(
    model: Any,
    loss: Callable[[Any, Any], Any],
    train: tuple[Any, Any],
    validation: tuple[Any, Any],
    opt: Any,
    *,
    score: Callable[[Any, Any], float] | None = None,
    epochs: int = 300,
    batch_size: int = 32,
    patience: int = 50,
    seed: int = 0,
    on_epoch: Callable[[Fit], None] | None = None,
) -> Fit:
    """Train a model on minibatches until the validation loss no longer falls.

    Parameters
    ----------
    model : callable pytree
        ``model(x)`` gives outputs; its leaves are the parameters.
    loss : callable
        ``loss(outputs, y)``, a 0-d array: the mean over rows.
    train, validation : tuple of arrays
        ``(x, y)`` each, whole, on the device where the model is; or NumPy arrays, which are fed to it batch by batch.
    opt : optimiser
        From `pb.optim`: its ``init`` and ``step``.
    score : callable, optional
        ``score(outputs, y)``, a float for the history, such as `accuracy`.
    epochs, batch_size, patience : int
        As in `Settings`.
    seed : int
        Of the batches' order.
    on_epoch : callable, optional
        Called with the record after every epoch, and once before the first.

    Returns
    -------
    Fit
        Also after Ctrl-C and after a loss that became NaN or infinite: with what was reached.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> net = pb.models.MLP([1, 16, 1], activation="tanh", dtype="float64")
    >>> data = (x, x**2)
    >>> run = pb.train.fit(net, pb.models.squared_error, data, data, pb.optim.Adam(0.01))
    >>> run.best.validation_loss < 0.01
    True
    """
    home = home_of(model, train[0])
    random = np.random.default_rng([seed, 1])
    gradient = value_and_grad(lambda model, x, y: loss(model(x), y))

    def step(model: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        value, grads = gradient(model, x, y)
        return *opt.step(model, grads, state), value

    def measure(model: Any, epoch: int, steps: int) -> Epoch:
        on_train = evaluate(model, loss, train, score)
        return Epoch(epoch, steps, *on_train, *evaluate(model, loss, validation, score))

    def tell(run: Fit) -> None:
        run.seconds = time.perf_counter() - started
        if on_epoch is not None:
            on_epoch(run)

    started = time.perf_counter()
    # A loss that overflows is told in one line by this function, and not by NumPy's warnings.
    with Interrupt() as interrupt, np.errstate(all="ignore"):
        first = measure(model, 0, 0)
        run = Fit(model, first, [first])
        state = opt.init(model)
        tell(run)
        epoch, ended = 0, _ended(run, 0, epochs, patience, interrupt.seen)
        while ended is None:
            epoch += 1
            order = random.permutation(train[0].shape[0])
            parts = batches(train, order, batch_size, home)
            model, state, steps, bad = _one_epoch(step, model, state, parts, interrupt)
            run.steps += steps
            if bad is not None:
                ended = "diverged", f"the loss became {bad} at step {run.steps:,} (epoch {epoch})"
                break
            if steps:
                now = measure(model, epoch, run.steps)
                run.history.append(now)
                if now.validation_loss < run.best.validation_loss:
                    run.model, run.best = model, now
                tell(run)
            ended = _ended(run, epoch, epochs, patience, interrupt.seen)
    run.stopped, run.why = ended
    run.seconds = time.perf_counter() - started
    return run


def _one_epoch(
    step: Callable[..., tuple[Any, Any, Any]],
    model: Any,
    state: Any,
    parts: Iterator[tuple[Any, ...]],
    interrupt: Interrupt,
) -> tuple[Any, Any, int, float | None]:
    """Go through the batches; also the steps done, and the last one's loss if it is not finite."""
    done, unread = 0, []
    for x, y in parts:
        if interrupt.seen:
            break
        model, state, value = step(model, state, x, y)
        unread.append(value)
        if len(unread) == _UNREAD:
            done, bad = _read(unread, done)
            if bad is not None:
                return model, state, done, bad
            unread = []
    done, bad = _read(unread, done)
    return model, state, done, bad


def _read(unread: list[Any], done: int) -> tuple[int, float | None]:
    """The number of steps up to and with the first loss that is not finite, and that loss."""
    for value in map(float, unread):
        done += 1
        if not math.isfinite(value):
            return done, value
    return done, None


def _ended(
    run: Fit, epoch: int, epochs: int, patience: int, interrupted: bool
) -> tuple[str, str] | None:
    """Why the run ends after this epoch, if it does."""
    now = run.history[-1]
    for part, value in (("", now.loss), ("validation ", now.validation_loss)):
        if not math.isfinite(value):
            return (
                "diverged",
                f"the {part}loss became {value} at step {now.steps:,} (epoch {now.epoch})",
            )
    if interrupted:
        return "interrupted", f"interrupted in epoch {epoch}"
    if patience and epoch - run.best.epoch >= patience:
        return "patience", f"no better validation loss for {patience} epochs"
    return ("epochs", f"all {epochs:,} epochs done") if epoch == epochs else None


def predict(model: Any, x: Any) -> Any:
    """The model's outputs, shape (n, k), as a raw array on its device; some rows at a time, for memory's sake."""
    home = home_of(model, x)
    starts = range(0, x.shape[0], _ROWS_AT_ONCE)
    rows = fed(((x[start : start + _ROWS_AT_ONCE],) for start in starts), x, home)
    parts = [model(part).value for (part,) in rows]
    return parts[0] if len(parts) == 1 else home.xp.concat(parts)


def evaluate(
    model: Any,
    loss: Callable[[Any, Any], Any],
    part: tuple[Any, Any],
    score: Callable[[Any, Any], float] | None = None,
) -> tuple[float, float]:
    """Loss and score of a model on a whole part of the data, ``(x, y)``; NaN without a `score`."""
    x, y = part
    outputs = predict(model, x)
    home = home_of(model, x)
    y = home.asarray(y) if is_fed(y, home) else y
    value = float(loss(asarray(outputs), y))  # an `Array`, as in training
    return value, math.nan if score is None else score(outputs, y)
