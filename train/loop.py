"""Training with a validation part: `fit` keeps the best weights and always ends cleanly; prediction, evaluation."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.core.typing import PyTree
from ..autograd.functions.random import fold_in
from ..autograd.pytree import tree
from ..backend import Backend
from ..models.module import trains_differently
from .data.device_data import backend_of_model, parts_of
from .data.device_data import batches as batches_of
from .data.orders import check_batches, orders
from .epochs import Ending, Training, run_epochs
from .errors import InputError
from .keeping import Keeper, as_table, check_every, description, from_table, warm_up
from .measure import evaluate, placed, raw_arrays, rows_at_once
from .optimizers import with_l1
from .signals import Interrupt
from .snapshot import Snapshot, Stored, read, write
from .step import (
    Forward,
    Tally,
    check_precision,
    copy_leaves,
    kernels_pay,
    key_of,
    replayed_step,
    scaled,
    training_step,
)
from .stopping import Epoch, ValidationPatience


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
        Spent in the loop; before an interruption, too.
    stopped : {"epochs", "patience", "interrupted", "diverged"}
        Why it ended: all epochs done, no better validation loss for `patience` epochs, a signal (Ctrl-C, SIGTERM,
        SIGHUP), or a loss that is no finite number.
    why : str
        The reason in words.
    eager : str
        Why the step was not compiled; empty if it was.
    resumed : int or None
        The steps that were done when it went on from a checkpoint; None if it began anew.
    signal : int
        The number of the signal that interrupted it; 0 if none did.
    """

    model: PyTree
    best: Epoch
    history: list[Epoch]
    steps: int = 0
    seconds: float = 0.0
    stopped: str = "epochs"
    why: str = ""
    eager: str = ""
    resumed: int | None = None
    signal: int = 0


def fit(
    model: PyTree,
    loss: Callable[..., Any],
    train: PyTree,
    validation: PyTree,
    opt: Any,
    *,
    loss_of: str = "outputs",
    score: Callable[..., float] | None = None,
    epochs: int = 300,
    batch_size: int | None = 32,
    batches: str = "shuffled",
    patience: int = 50,
    l1: float = 0.0,
    seed: int = 0,
    compile: bool = True,
    fast: bool | None = None,
    precision: str = "float32",
    on_epoch: Callable[[Fit], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    every: float = 5.0,
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
        ``(x, y)`` each, on the device where the model is; or NumPy arrays, which are transferred batch by batch. Both
        may be trees of arrays, with as many rows in each: a tuple x is several inputs, ``model(*x)``, as
        ``((tokens, lengths), (targets, mask))``; any other tree is one.
    opt : optimiser
        From `pb.optim`: its ``init`` and ``step``.
    loss_of : {"outputs", "model"}
        With "model" a batch is any tree of arrays, and the loss is ``loss(model, batch)``, which calls the model as it
        likes; likewise ``score(model, batch)``. Where the model has a training mode (a dropout of 0 is none), it is
        ``loss(model, batch, key=key)``, which returns the loss and the model with its new state; when losses are
        measured, `key` is None: then it is to call ``model(x)``. Measured losses and scores are means of
        the batches', weighted by their rows.
    score : callable, optional
        ``score(outputs, y)``, a float for the history, such as `accuracy`.
    epochs, patience : int
        As in `Settings`.
    batch_size : int or None
        Rows of a step. None: everything is one batch in every step, as for the nodes of a graph,
        ``((x, edges), (y, mask))``, and the arrays need not have as many rows.
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
    fast : bool, optional
        Whether the compiled step, and then the measuring too, has numba's kernels on a CPU, where it is installed. By
        default in 500 steps or more of models with convolutional, recurrent or attention layers, for which there are
        kernels that are worth the seconds of compiling.
    precision : {"float32", "tf32", "bfloat16", "float16"}
        To what the operands of the step's products are rounded, as in `pb.compile`; losses are measured in float32.
        With float16 the loss is scaled (`pb.optim.LossScaling`).
    on_epoch : callable, optional
        Called with the `Fit` so far after every epoch, and once before the first.
    checkpoint : path, optional
        A .safetensors file for the whole state of the training (parameters, optimiser, step count, running statistics,
        the order of the batches and the place in it, best weights, history), renamed into place at epoch ends, between
        the steps of long epochs, and at the end. Its folder must exist. `Fit.model` is not read from it by
        `pb.train.load`: save that with `pb.train.save`.
    resume : bool
        Go on from the checkpoint, if there is one; begin anew if there is none. `model` is then only what says the
        structure. The result has the same bits as that of a training that was never interrupted, wherever it
        was; `epochs` may be larger than they were, and `patience` another.
    every : float
        Seconds from one checkpoint to the next, more where writing would take over 2 % of the time; 0 for one after
        every step.

    Returns
    -------
    Fit
        Also after a signal and after a loss that became NaN or infinite: with what was reached. Ctrl-C, and in the main
        thread SIGTERM and SIGHUP, unless the program has handlers of its own, end the epoch between two steps;
        a second one ends the program.

    Raises
    ------
    InputError
        For a checkpoint that is damaged, or of another model, optimiser, loss, data or setting: it says which.
    WriteError
        If the checkpoint cannot be written; the one before stays.
    ValueError
        If a part has no rows, or not as many targets as inputs; for a loss that is not one number; for a precision that
        cannot be had, an unknown way of making batches, or an `l1` that is negative or not finite; for fewer `epochs`
        than are done; for `resume` without a `checkpoint`.
    TypeError
        If a part holds something that is no array; for a loss that is no function, or an `opt` that is no optimiser.
    NotImplementedError
        If the model holds layers that train differently, and no method `training` that says how.

    Notes
    -----
    A last batch of one row joins the one before where the model has a training mode: one row has no variance.

    A training that goes on with other `epochs` rounds as one that had them from the start would, but where the number
    of steps decides whether the step is compiled, and with which kernels; and so it does on another backend.

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
    if not callable(loss):
        raise TypeError(
            f"fit: loss={loss!r}; it is a function of (outputs, y), such as pb.models.cross_entropy"
        )
    if not hasattr(opt, "init") or not hasattr(opt, "step"):
        raise TypeError(f"fit: opt={opt!r}; it is an optimiser, such as pb.optim.Adam(1e-3)")
    check_batches("fit", batches)
    whole = batch_size is None
    _check_form(loss_of, batch_size, batches)
    stored = _stored(checkpoint, resume, every)
    train, validation = (
        _checked(name, part, loss_of, whole)
        for name, part in (("train", train), ("validation", validation))
    )
    home = backend_of_model(model, train)
    random = np.random.default_rng([seed, 1])
    different = trains_differently(model)
    key, least = key_of(seed, home), 2 if different else 1
    check_precision(precision, model, compile)
    opt = with_l1(scaled(opt, precision), l1)
    one_step = training_step(model, loss, opt, loss_of)

    def step(
        model: PyTree, state: PyTree, tally: Tally, x: PyTree, *y: PyTree
    ) -> tuple[Any, Any, Tally]:
        own = fold_in(key, tally.done) if different else None
        model, state, value = one_step(model, state, own, x, *y)
        return model, state, tally.after(value, 1)

    source = _epochs_of(train, loss_of, batch_size, batches, home, least, random)
    steps = epochs * source.steps
    rows = None if batch_size is None else rows_at_once(train, batch_size)
    kernels = kernels_pay(model, steps) if fast is None else fast
    replay = replayed_step(step, home, precision, steps=steps, compile=compile, kernels=kernels)
    forward = Forward(kernels and not replay.eager and home.programs is None)

    def owned(model: PyTree) -> Any:
        # a replayed step writes into what it is given
        return model if replay.eager else copy_leaves(model)

    def measure(model: PyTree, epoch: int, steps: int) -> Epoch:
        losses = (
            evaluate(
                model, loss, part, score, loss_of=loss_of, rows=rows, whole=whole, call=forward
            )
            for part in (train, validation)
        )
        return Epoch(epoch, steps, *next(losses), *next(losses))

    def report() -> None:
        run.seconds = before + time.perf_counter() - started
        if on_epoch is not None:
            on_epoch(run)

    def after_epoch(epoch: int) -> Ending | None:
        ended = measured(epoch)
        if ended is not None and ended[0] == "diverged":
            run.stopped, run.why = ended
        return ended

    def measured(epoch: int) -> Ending | None:
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
            return "interrupted", f"{interrupt} in epoch {epoch}"
        return diverged or rule.ended(epoch)

    def about() -> dict[str, str]:
        return description(
            model, loss, opt, train, validation, loss_of=loss_of, batch_size=batch_size, batches=batches,
            seed=seed, precision=precision, compile=compile, fast=fast,
        )  # fmt: skip

    def keep(epoch: int, position: int, random_state: Any) -> None:
        # the structures that the training began with are those that it can go on with
        _check_structures(training, model, opt)
        progress = {
            "epoch": epoch,
            "position": position,
            "random": random_state,
            "steps": run.steps,
            "best": run.best.epoch,
            "seconds": before + time.perf_counter() - started,
            "diverged": run.why if run.stopped == "diverged" else "",
            "calls": replay.calls,
        }
        trees = {
            "model": training.parameters,
            "state": training.state,
            "tally": training.tally,
            "best": run.model,
            "history": as_table(run.history),
        }
        if not described:
            described.update(about())
        write(str(checkpoint), Snapshot(described, progress, trees), home)

    described: dict[str, str] = {}
    before, started, start = 0.0, time.perf_counter(), (0, 0)
    # This function reports a loss that overflows in one line, and NumPy's warnings would repeat it.
    with Interrupt() as interrupt, np.errstate(all="ignore"):
        training = Training(replay, owned(model), owned(opt.init(model)), Tally.new(home))
        if stored is None:
            first = measure(model, 0, 0)
            run, rule = Fit(model, first, [first]), ValidationPatience(patience, first)
        else:
            described.update(about())
            stored.check(described)
            warm_up(training, stored.progress["calls"], source.samples())
            run, start = _restored(stored, training, model, opt, home)
            random.bit_generator.state = stored.progress["random"]
            before, rule = run.seconds, ValidationPatience(patience, run.best)
            _check_epochs(epochs, start)
            if forward.compiled:
                for own in (model, training.parameters)[: len(run.history)]:
                    measure(own, 0, 0)
        keeper = None
        if checkpoint is not None:
            keeper = Keeper(keep, lambda: random.bit_generator.state, every)
        ended = _ended(run, start, epochs)
        if ended is None and not start[1]:
            ended = ending(start[0])
        # who is told of the run knows that there is nothing left to do
        run.stopped, run.why = ended or (run.stopped, run.why)
        report()
        if ended is None:
            ended = run_epochs(
                training, epochs, source.epoch, after_epoch, interrupt, keeper, start
            )
        elif keeper is not None and stored is None:
            keeper.save(0, 0)
    run.stopped, run.why = ended or _all_done(epochs)
    run.signal = interrupt.number if run.stopped == "interrupted" else 0
    run.eager = replay.eager
    run.seconds = before + time.perf_counter() - started
    return run


def _stored(checkpoint: Any, resume: bool, every: float) -> Stored | None:
    """The checkpoint to go on from, if that is asked for and there is one.

    Raises
    ------
    InputError
        For a file that is none.
    ValueError
        For `resume` without a path; for seconds that are none.
    """
    check_every(every)
    if checkpoint is None:
        if resume:
            raise ValueError("fit: resume=True needs the path of a checkpoint: checkpoint=...")
        return None
    folder = os.path.dirname(os.path.abspath(checkpoint))
    if not os.path.isdir(folder):
        raise InputError(f"fit: checkpoint={os.fspath(checkpoint)!r}: there is no folder {folder}")
    return read(checkpoint) if resume and os.path.lexists(checkpoint) else None


def _restored(
    stored: Stored, training: Training[Tally], model: PyTree, opt: Any, home: Backend
) -> tuple[Fit, tuple[int, int]]:
    """The training as it was, what was reported of it, and the epochs and steps of the next one that are done.

    Raises
    ------
    InputError
        For a checkpoint of another structure.
    """
    training.parameters = stored.tree("model", model, home, dtypes=True)
    training.state = stored.tree("state", opt.init(model), home)
    training.tally = stored.tree("tally", Tally.new(home), home)
    progress = stored.progress
    try:
        history = from_table(stored.tensors["history:"])
        best = next(row for row in history if row.epoch == progress["best"])
        start = int(progress["epoch"]), int(progress["position"])
        run = Fit(
            stored.tree("best", model, home, dtypes=True),
            best,
            history,
            int(progress["steps"]),
            float(progress["seconds"]),
            resumed=training.tally.read()[0],
        )
        if progress["diverged"]:
            run.stopped, run.why = "diverged", str(progress["diverged"])
    except (KeyError, TypeError, ValueError, IndexError, StopIteration):
        raise InputError(
            f"{stored.path} does not say how far it is: remove it to start anew"
        ) from None
    return run, start


def _ended(run: Fit, start: tuple[int, int], epochs: int) -> Ending | None:
    """What a run that goes on had ended by already, but for patience, which may be another now."""
    if run.stopped == "diverged":
        return run.stopped, run.why
    return _all_done(epochs) if start == (epochs, 0) else None


def _all_done(epochs: int) -> Ending:
    return "epochs", f"all {epochs:,} epochs done"


def _check_structures(training: Training[Tally], model: PyTree, opt: Any) -> None:
    """Refuse to write what could not be read again.

    Raises
    ------
    ValueError
    """
    for what, now, first in (
        ("model", training.parameters, model),
        ("optimiser's state", training.state, opt.init(model)),
    ):
        if tree.flatten(now)[1] != tree.flatten(first)[1]:
            raise ValueError(
                f"fit: the structure of the {what} is another than at the start, so that a checkpoint could not be "
                "read again: keep the structure, or train without a checkpoint"
            )


def _check_epochs(epochs: int, start: tuple[int, int]) -> None:
    """Refuse fewer epochs than there were.

    Raises
    ------
    ValueError
    """
    done = start[0] + (start[1] > 0)
    if epochs < done:
        raise ValueError(
            f"fit: epochs={epochs}, and the checkpoint is in epoch {done}: they may be raised, not lowered"
        )


def _check_form(loss_of: str, batch_size: int | None, batches: str) -> None:
    """Refuse a form of losses or batches that there is not.

    Raises
    ------
    ValueError
    """
    if loss_of not in ("outputs", "model"):
        raise ValueError(f"fit: loss_of={loss_of!r}; there are 'outputs' and 'model'")
    if batch_size is None:
        if batches != "shuffled":
            raise ValueError(
                f"fit: batches={batches!r} with batch_size=None, where everything is one batch"
            )
    elif (
        isinstance(batch_size, bool)
        or not isinstance(batch_size, int | np.integer)
        or batch_size < 1
    ):
        raise ValueError(
            f"fit: batch_size={batch_size!r}; it is an integer of at least 1, or None for all rows"
        )


@dataclass(frozen=True)
class _Batches:
    """The batches of a training, as its step takes them.

    Attributes
    ----------
    steps : int
        How many an epoch has.
    epoch : callable
        ``epoch(first=0)``: those of the epoch that begins, from that one on.
    samples : callable
        A batch of each size that there is, of the first and the last rows.
    """

    steps: int
    epoch: Callable[..., Iterator[tuple[Any, ...]]]
    samples: Callable[[], Iterator[tuple[Any, ...]]]


def _epochs_of(
    train: PyTree,
    loss_of: str,
    batch_size: int | None,
    batches: str,
    home: Backend,
    least: int,
    random: np.random.Generator,
) -> _Batches:
    """The batches that the settings ask for."""

    def arguments(batch: PyTree) -> tuple[Any, ...]:
        return tuple(batch) if loss_of == "outputs" else (batch,)

    if batch_size is None:
        whole = arguments(placed(train, home))
        return _Batches(1, lambda first=0: iter([whole][first:]), lambda: iter([whole]))
    leaves, spec = tree.flatten(train)
    n = leaves[0].shape[0]
    order = orders(batches, n, batch_size, least, random)
    steps = len(parts_of(n, batch_size, least))

    def chosen(order: np.ndarray, first: int) -> Iterator[tuple[Any, ...]]:
        for batch in batches_of(tuple(leaves), order, batch_size, home, least, first):
            yield arguments(tree.unflatten(spec, batch))

    def epoch(first: int = 0) -> Iterator[tuple[Any, ...]]:
        # a generator: the order is drawn with the first batch
        yield from chosen(order(), first)

    def samples() -> Iterator[tuple[Any, ...]]:
        for first in sorted({0, steps - 1}):
            yield next(chosen(np.arange(n), first))

    return _Batches(steps, epoch, samples)


def _checked(name: str, part: PyTree, loss_of: str, whole: bool) -> Any:
    """A part of the data with raw arrays as leaves, as many rows in each of them unless it is one batch."""
    if loss_of == "outputs":
        if not isinstance(part, tuple | list) or len(part) != 2:
            found = f"{len(part)} parts" if isinstance(part, tuple | list) else type(part).__name__
            raise ValueError(
                f"fit: {name} has to be a pair (x, y), not {found}; several inputs are a tuple themselves, as in "
                "((a, b), y); with loss_of='model' it is whatever the loss takes"
            )
        part = tuple(
            raw_arrays(own, f"fit: {name}, {what},")
            for own, what in zip(part, ("x", "y"), strict=True)
        )
    else:
        part = raw_arrays(part, f"fit: {name}")
    if whole:
        return part
    rows = [leaf.shape[0] if leaf.ndim else None for leaf in tree.leaves(part)]
    if None in rows:
        raise ValueError(
            f"fit: {name} holds a 0-d array, which has no rows to make batches of; with batch_size=None everything "
            "is one batch"
        )
    if rows[0] == 0 or len(set(rows)) > 1:
        numbers = [f"{n:,}" for n in rows if n is not None]
        numbers = numbers if len(numbers) <= 4 else list(dict.fromkeys(numbers))
        sizes = " and ".join(numbers[:4]) + (" and more" if len(numbers) > 4 else "")
        raise ValueError(
            f"fit: {name} has arrays of {sizes} rows; it needs one or more, and as many of each "
            "(with batch_size=None everything is one batch, and they may differ)"
        )
    return part


def _diverged(now: Epoch) -> Ending | None:
    """The ending of a run whose losses over a part of the data are not finite any more."""
    for part, value in (("", now.loss), ("validation ", now.validation_loss)):
        if not math.isfinite(value):
            why = f"the {part}loss became {value} at step {now.steps:,} (epoch {now.epoch})"
            return "diverged", why
    return None
