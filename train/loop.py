"""Training with a validation part: `fit` keeps the best weights and always ends cleanly; prediction, evaluation."""

from __future__ import annotations

import math
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
from .epochs import Ending, Interrupt, Training, run_epochs
from .measure import evaluate, placed, raw_arrays, rows_at_once
from .optimizers import with_l1
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
        Called with the `Epoch` after every epoch, and once before the first.

    Returns
    -------
    Fit
        Also after Ctrl-C and after a loss that became NaN or infinite: with what was reached.

    Raises
    ------
    ValueError
        If a part has no rows, or not as many targets as inputs; for a loss that is not one number; for a precision that
        cannot be had, an unknown way of making batches, or an `l1` that is negative or not finite.
    TypeError
        If a part holds something that is no array; for a loss that is no function, or an `opt` that is no optimiser.
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
    if not callable(loss):
        raise TypeError(
            f"fit: loss={loss!r}; it is a function of (outputs, y), such as pb.models.cross_entropy"
        )
    if not hasattr(opt, "init") or not hasattr(opt, "step"):
        raise TypeError(f"fit: opt={opt!r}; it is an optimiser, such as pb.optim.Adam(1e-3)")
    check_batches("fit", batches)
    whole = batch_size is None
    _check_form(loss_of, batch_size, batches)
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

    of_one_epoch, a_epoch = _epochs_of(train, loss_of, batch_size, batches, home, least, random)
    steps = epochs * a_epoch
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
        run.seconds = time.perf_counter() - started
        if on_epoch is not None:
            on_epoch(run)

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


def _epochs_of(
    train: PyTree,
    loss_of: str,
    batch_size: int | None,
    batches: str,
    home: Backend,
    least: int,
    random: np.random.Generator,
) -> tuple[Callable[[], Iterator[tuple[Any, ...]]], int]:
    """A function that gives the batches of the epoch that begins, as a step takes them; and how many an epoch has."""

    def arguments(batch: PyTree) -> tuple[Any, ...]:
        return tuple(batch) if loss_of == "outputs" else (batch,)

    if batch_size is None:
        whole = arguments(placed(train, home))
        return lambda: iter([whole]), 1
    leaves, spec = tree.flatten(train)
    n = leaves[0].shape[0]
    order = orders(batches, n, batch_size, least, random)

    def of_one_epoch() -> Iterator[tuple[Any, ...]]:
        for batch in batches_of(tuple(leaves), order(), batch_size, home, least):
            yield arguments(tree.unflatten(spec, batch))

    return of_one_epoch, len(parts_of(n, batch_size, least))


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
