"""Training with a validation part: `fit` keeps the best weights and always ends cleanly; prediction, evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.core.array import backend_array
from ..autograd.core.typing import PyTree, Value
from ..autograd.functions.namespace import asarray
from ..autograd.functions.random import fold_in
from ..models.module import trains_differently
from .data.device_data import backend_of_model, needs_transfer, parts_of, prefetch
from .data.device_data import batches as batches_of
from .data.orders import check_batches, orders
from .epochs import Ending, Interrupt, Training, run_epochs
from .optimizers import with_l1
from .step import (
    Tally,
    check_precision,
    copy_leaves,
    key_of,
    replayed_step,
    scaled,
    training_step,
)
from .stopping import Epoch, ValidationPatience

_ROWS_AT_ONCE = 8192


@dataclass
class Fit:
    """The result of a training run.

    Attributes
    ----------
    model : pytree
        The weights with the lowest validation loss.
    best : Epoch
        The epoch after which the model had them.
    history : list of Epoch
    steps : int
        Optimiser steps made.
    seconds : float
        Spent in the loop.
    stopped : {"epochs", "patience", "interrupted", "diverged"}
        Why it ended: all epochs done, no better validation loss for `patience` epochs, Ctrl-C, or a
        loss that is no finite number.
    why : str
        The reason in words.
    eager : str
        Why the step was not compiled; empty if it was.
    """

    model: PyTree
    best: Epoch
    history: list[Epoch]
    steps: int = 0
    seconds: float = 0.0
    stopped: str = "epochs"
    why: str = ""
    eager: str = ""


def fit(
    model: PyTree,
    loss: Callable[[Any, Any], Any],
    train: tuple[Any, Any],
    validation: tuple[Any, Any],
    opt: Any,
    *,
    score: Callable[[Any, Any], float] | None = None,
    epochs: int = 300,
    batch_size: int = 32,
    batches: str = "shuffled",
    patience: int = 50,
    l1: float = 0.0,
    seed: int = 0,
    compile: bool = True,
    precision: str = "float32",
    on_epoch: Callable[[Fit], None] | None = None,
) -> Fit:
    """Train a model on minibatches until the validation loss no longer falls.

    Parameters
    ----------
    model : callable pytree
        ``model(x)`` gives outputs. Its floating-point leaves are the parameters, but for what `pb.models.state` marks.
        Where it or a module in it has a training mode (dropout, batch statistics), the steps are those of
        ``outputs, model = model.training(x, key=key)``, and losses and scores are measured in inference mode, by
        ``model(x)``; best weights and running statistics are kept together.
    loss : callable
        ``loss(outputs, y)``, a 0-d array: the mean over rows.
    train, validation : tuple of arrays
        ``(x, y)`` each, on the device where the model is; or NumPy arrays, which are transferred batch by batch.
    opt : optimiser
        From `pb.optim`: its ``init`` and ``step``.
    score : callable, optional
        ``score(outputs, y)``, a float for the history, such as `accuracy`.
    epochs, batch_size, patience : int
        As in `Settings`.
    batches : {"shuffled", "once", "drawn"}
        How rows make batches: in a new order for each epoch; shuffled once and taken in that order in every epoch; or
        drawn anew for each step from all rows (without repetition within a batch; an epoch is then as many steps, but
        not every row comes in it).
    l1 : float
        Strength of a penalty ``l1 Σ |W|`` on arrays of two dimensions or more, never on biases. With `SGD`, with or
        without momentum, each step ends with the proximal step, which makes weights exactly 0; other methods take its
        subgradient ``l1 sign W``, which leaves small numbers there. The losses that are reported do not contain it.
    seed : int
        Of the batches' order, and of the keys that layers draw from: step t has
        ``pb.random.fold_in(key, t)``, whatever the batches and wherever the model is.
    compile : bool
        Record the step once and replay it (`pb.compile`): `model` and `loss` are then functions of arrays alone,
        called once for each size of a batch. Fewer than 50 steps, and what cannot be recorded, are run as they are;
        `Fit.eager` says why.
    precision : {"float32", "tf32", "bfloat16", "float16"}
        To what the operands of the step's products are rounded, as in `pb.compile`; losses are measured in float32.
        With float16 the loss is scaled (`pb.optim.LossScaling`).
    on_epoch : callable, optional
        Called with the `Epoch` after every epoch, and once before the first.

    Returns
    -------
    Fit
        Also after Ctrl-C and after a loss that became NaN or infinite: with what was reached.

    Raises
    ------
    ValueError
        If a part has no rows, or not as many targets as inputs; for a precision that cannot be had, an unknown
        way of making batches, or an `l1` that is negative or not finite.
    NotImplementedError
        If the model holds layers that train differently, and no method `training` that says how.

    Notes
    -----
    A last batch of one row joins the one before where the model has a training mode: one row has no variance.

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
    check_batches("fit", batches)
    train, validation = _checked("train", train), _checked("validation", validation)
    home = backend_of_model(model, train[0])
    random = np.random.default_rng([seed, 1])
    different = trains_differently(model)
    key, least = key_of(seed, home), 2 if different else 1
    check_precision(precision, model, compile)
    opt = with_l1(scaled(opt, precision), l1)
    one_step = training_step(model, loss, opt)

    def step(
        model: PyTree, state: PyTree, tally: Tally, x: Value, y: Value
    ) -> tuple[Any, Any, Tally]:
        own = fold_in(key, tally.done) if different else None
        model, state, value = one_step(model, state, own, x, y)
        return model, state, tally.after(value, x.shape[0])

    steps = epochs * len(parts_of(train[0].shape[0], batch_size, least))
    order = orders(batches, train[0].shape[0], batch_size, least, random)
    replay = replayed_step(step, home, precision, steps=steps, compile=compile)

    def owned(model: PyTree) -> Any:
        # a replayed step writes into what it is given
        return model if replay.eager else copy_leaves(model)

    def measure(model: PyTree, epoch: int, steps: int) -> Epoch:
        on_train = evaluate(model, loss, train, score)
        return Epoch(epoch, steps, *on_train, *evaluate(model, loss, validation, score))

    def report() -> None:
        run.seconds = time.perf_counter() - started
        if on_epoch is not None:
            on_epoch(run)

    def of_one_epoch() -> Iterator[tuple[Any, ...]]:
        return batches_of(train, order(), batch_size, home, least)

    def after_epoch(epoch: int) -> Ending | None:
        before = run.steps
        run.steps, bad = training.tally.read()
        if bad is not None:
            return "diverged", f"the loss became {bad} at step {run.steps:,} (epoch {epoch})"
        if run.steps > before:
            now = measure(training.parameters, epoch, run.steps)
            run.history.append(now)
            if rule.note(now):
                run.model, run.best = owned(training.parameters), now
            report()
        return ending(epoch)

    def ending(epoch: int) -> Ending | None:
        diverged = _diverged(run.history[-1])
        if diverged is None and interrupt.seen:
            return "interrupted", f"interrupted in epoch {epoch}"
        return diverged or rule.ended(epoch)

    started = time.perf_counter()
    # This function reports a loss that overflows in one line, and NumPy's warnings would repeat it.
    with Interrupt() as interrupt, np.errstate(all="ignore"):
        first = measure(model, 0, 0)
        run, rule = Fit(model, first, [first]), ValidationPatience(patience, first)
        model = owned(model)
        training = Training(replay, model, owned(opt.init(model)), Tally.new(home))
        report()
        ended = ending(0) or run_epochs(training, epochs, of_one_epoch, after_epoch, interrupt)
    run.stopped, run.why = ended or ("epochs", f"all {epochs:,} epochs done")
    run.eager = replay.eager
    run.seconds = time.perf_counter() - started
    return run


def _checked(name: str, part: tuple[Any, Any]) -> tuple[Any, Any]:
    """Inputs and targets as raw arrays, as many of one as of the other."""
    x, y = (backend_array(a) for a in part)
    if x.shape[0] == 0 or x.shape[0] != y.shape[0]:
        raise ValueError(
            f"fit: {name} has {x.shape[0]:,} rows and {y.shape[0]:,} targets; it needs one or more, "
            "and as many of each"
        )
    return x, y


def _diverged(now: Epoch) -> Ending | None:
    """The ending of a run whose losses over a part of the data are not finite any more."""
    for part, value in (("", now.loss), ("validation ", now.validation_loss)):
        if not math.isfinite(value):
            why = f"the {part}loss became {value} at step {now.steps:,} (epoch {now.epoch})"
            return "diverged", why
    return None


def predict(model: PyTree, x: Value) -> Any:
    """The model's outputs, shape (n, k), as a raw array on its device; some rows at a time, for memory's sake."""
    home = backend_of_model(model, x)
    chunks = parts_of(x.shape[0], _ROWS_AT_ONCE) or [slice(0, 0)]
    rows = prefetch(((x[chunk, ...],) for chunk in chunks), x, home)
    parts = [backend_array(model(part)) for (part,) in rows]
    return parts[0] if len(parts) == 1 else home.xp.concat(parts)


def evaluate(
    model: PyTree,
    loss: Callable[[Any, Any], Any],
    part: tuple[Any, Any],
    score: Callable[[Any, Any], float] | None = None,
) -> tuple[float, float]:
    """Loss and score of a model over all rows of a part of the data, ``(x, y)``; NaN without a `score`."""
    x, y = part
    outputs = predict(model, x)
    home = backend_of_model(model, x)
    y = home.asarray(y) if needs_transfer(y, home) else y
    # the loss gets an `Array`, as in training
    value = float(loss(asarray(outputs), y))
    return value, math.nan if score is None else score(outputs, y)
