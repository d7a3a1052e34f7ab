"""Training with a validation part: `fit` keeps the best weights and always ends cleanly; prediction, evaluation."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..autograd.core.typing import PyTree
from ..autograd.functions.random import fold_in
from ..distributed import Communicator
from ..models.module import trains_differently
from ..optim import ReduceOnPlateau
from .data.device_data import backend_of_model
from .data.orders import check_batches
from .epochs import Ending, Training, run_epochs
from .fitting.agreed import AgreedInterrupt
from .fitting.callbacks import ASKED, FAILED, Callbacks, listed, progress_of, read_only
from .fitting.feeding import (
    check_form,
    check_places,
    check_training_loss,
    checked,
    epochs_of,
    least_rows,
)
from .fitting.keeping import Keeper, check_every
from .fitting.result import Fit, diverged
from .fitting.resuming import (
    all_done,
    as_table,
    check_epochs,
    check_structures,
    compare_versions,
    description,
    ended_before,
    restored,
    stored_at,
    versions,
    warm_up,
)
from .fitting.snapshot import Snapshot, write
from .measure import evaluate, evaluate_on_ranks, rows_at_once, warn_of_other_losses
from .optimizers import with_l1
from .parallel.ranks import Ranks, of_rank_0
from .parallel.sharding import on_ranks
from .replay import Forward, check_precision, kernels_pay, replayed_step, shape_of
from .schedules import note_loss, on_plateau
from .step import SummedTally, Tally, copy_leaves, key_of, scaled, training_step
from .stopping import Epoch, ValidationPatience


def fit(
    model: PyTree,
    loss: Callable[..., Any],
    train: PyTree,
    validation: PyTree | None,
    opt: Any,
    *,
    loss_of: str = "outputs",
    score: Callable[..., float] | None = None,
    epochs: int = 300,
    batch_size: int | None = 32,
    batches: str = "shuffled",
    patience: int = 50,
    training_loss: str = "measured",
    l1: float = 0.0,
    plateau: ReduceOnPlateau | None = None,
    seed: int = 0,
    compile: bool = True,
    fast: bool | None = None,
    precision: str = "float32",
    on_epoch: Callable[[Fit], None] | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool | Callable[[Fit], None] = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    every: float = 5.0,
    distributed: Communicator | None = None,
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
        ``(x, y)`` each, on the device where the model is; or NumPy arrays, which are transferred batch by batch; or one
        of each. Of a read-only memory map (``np.load(…, mmap_mode="r")``) little is in memory at any time. Both
        may be trees of arrays, with as many rows in each: a tuple x is several inputs, ``model(*x)``, as
        ``((tokens, lengths), (targets, mask))``; any other tree is one. `validation` may be None: then the training
        loss decides which weights are the best and when patience ends, and the losses and scores of validation are NaN.
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
    training_loss : {"measured", "steps"}
        What the history has as an epoch's training loss. "measured": that of its last weights, by a pass over the
        training part, which takes about a third of the epoch's time. "steps": the mean over the rows of its steps'
        losses, each by the weights before the step, as other libraries report it: nothing is computed for it, and the
        training score is NaN after the first line.
    l1 : float
        Strength of a penalty ``l1 Σ |W|`` on arrays of two dimensions or more, never on biases. With `SGD`, with or
        without momentum, each step ends with the proximal step, which makes weights exactly 0; other methods take its
        subgradient ``l1 sign W``, which leaves small numbers there. The losses that are reported do not contain it.
    plateau : ReduceOnPlateau, optional
        A rule that lowers the learning rate by the validation losses of the epochs, as
        ``pb.optim.ReduceOnPlateau(1e-2, patience=5)``: its `lr` is the first rate, in place of the optimiser's own.
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
        kernels that are worth the seconds of compiling, and of others where steps times parameters come to 10⁹.
    precision : {"float32", "tf32", "bfloat16", "float16"}
        To what the operands of the step's products are rounded, as in `pb.compile`; losses are measured in float32.
        With float16 the loss is scaled (`pb.optim.LossScaling`).
    on_epoch : callable, optional
        Called with the `Fit` so far after every epoch, and once before the first: as a function in `callbacks`.
    callbacks : list
        Functions of the `Fit` so far, called after every epoch and once before the first; and objects with some of the
        methods ``on_start``, ``on_step``, ``on_epoch`` and ``on_end``, each of the `Fit`. ``run.history[-1]`` has
        losses and scores, ``run.steps`` the steps, ``run.last`` the weights, to read. ``raise
        pb.train.StopTraining(why)`` ends the training after this step or epoch; another error too, and is raised when
        the state is in the checkpoint. A training that goes on calls them for its new epochs alone. On several ranks
        each calls its own, and one that stops or fails ends all.
    progress : bool or callable
        True for a bar on stderr, as that of `pullback train`; or one more function of the `Fit`.
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
    distributed : Communicator, optional
        Train on its ranks, as ``pb.distributed.init("mpi")`` gives it. Each rank calls `fit` with the same settings and
        all of the data, takes its share of each batch, and returns the same `Fit`: that of one process, up to rounding,
        whatever the number of ranks. All begin with the model of rank 0, which also writes the checkpoint; any number
        of ranks may go on from that. Dropout alone is another one for another number of ranks: each draws for its own
        rows.

    Returns
    -------
    Fit
        Also after a signal and after a loss that became NaN or infinite: with what was reached. Ctrl-C, and in the main
        thread SIGTERM and SIGHUP, unless the program has handlers of its own, end the epoch between two steps;
        a second one ends the program.

    Raises
    ------
    InputError
        For a checkpoint that is damaged, or of another model, optimiser, loss, score, data or setting: it says which.
    WriteError
        If the checkpoint cannot be written; the one before stays. If another training writes to it.
    ValueError
        If a part has no rows, or not as many targets as inputs; for a loss that is not one number; for a precision that
        cannot be had, an unknown way of making batches or kind of `training_loss`, or an `l1` that is negative or not
        finite; for fewer `epochs` than are done; for `resume` without a `checkpoint`.
    TypeError
        If a part holds something that is no array, or one of another library than the model's and NumPy; for a loss
        that is no function, an `opt` that is no optimiser, or a callback that is none.
    NotImplementedError
        If the model holds layers that train differently, and no method `training` that says how; for
        ``batch_size=None`` or ``training_loss="steps"`` on several ranks.
    DistributedError
        On every rank: if they differ in settings, in data, or after an epoch in a bit of the model; or if one fails.

    Notes
    -----
    A last batch of one row joins the one before where the model has a training mode: one row has no variance.

    On several ranks a batch is divided into consecutive rows, as many for each rank or one more; a batch of fewer rows
    than ranks is taken by all of them as a whole. Gradients are those of the mean over all rows
    (`pb.distributed.data_parallel`): the loss has to be such a mean, and a warning says where it is not. Losses and
    scores are measured in shares. What ends the training, a signal to one rank included, ends it on all of them at the
    same step. `BatchNorm` takes the statistics of all rows of the batch; other floating-point fields made by
    `pb.models.state` are averaged over the ranks, weighted by rows.

    Whether data are the same, as before or as on the other ranks, is told by all their bytes; of an array of more than
    64 MiB, by 256 of its rows.

    A training that goes on with other `epochs` rounds as one that had them from the start would, but where the number
    of steps decides whether the step is compiled, and with which kernels. On another backend, too, it goes on up to
    rounding; and with another version of pullback or NumPy, of which a warning tells.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> net = pb.models.MLP([1, 16, 1], activation="tanh", dtype="float64")
    >>> data = (x, x**2)
    >>> run = pb.train.fit(net, pb.models.squared_error, data, data, pb.optim.Adam(0.01))
    >>> run.best.validation_loss < 0.01
    True

    >>> class Every:
    ...     def __init__(self, epochs):
    ...         self.epochs = epochs
    ...     def on_epoch(self, run):
    ...         now = run.history[-1]
    ...         if now.epoch % self.epochs == 0:
    ...             print(f"epoch {now.epoch}: {now.validation_loss < 0.1}")
    ...         if now.validation_loss < 0.01:
    ...             raise pb.train.StopTraining("good enough")
    ...     def on_end(self, run):
    ...         print(run.why)
    >>> run = pb.train.fit(
    ...     net, pb.models.squared_error, data, data, pb.optim.Adam(0.01), callbacks=[Every(100)]
    ... )
    epoch 100: True
    good enough
    """
    if not callable(loss):
        raise TypeError(
            f"fit: loss={loss!r}; it is a function of (outputs, y), such as pb.models.cross_entropy"
        )
    if not hasattr(opt, "init") or not hasattr(opt, "step"):
        raise TypeError(f"fit: opt={opt!r}; it is an optimiser, such as pb.optim.Adam(1e-3)")
    check_batches("fit", batches)
    whole = batch_size is None
    check_form(loss_of, batch_size, batches)
    check_training_loss(training_loss, distributed)
    check_every(every)
    validated, summed = validation is not None, training_loss == "steps"
    train = checked("train", train, loss_of, whole)
    validation = checked("validation", validation, loss_of, whole) if validated else None
    home = backend_of_model(model, train)
    check_places(home, loss_of, train=train, validation=validation)
    random = np.random.default_rng([seed, 1])
    different = trains_differently(model)
    key, least = key_of(seed, home), least_rows(model)
    check_precision(precision, model, compile)
    opt = with_l1(scaled(on_ranks(opt, distributed, precision, checkpoint), precision), l1)
    opt = on_plateau(opt, plateau)

    def about() -> dict[str, str]:
        return description(
            model, loss, score, opt, train, validation, loss_of=loss_of, batch_size=batch_size, batches=batches,
            seed=seed, precision=precision, compile=compile, fast=fast, training_loss=training_loss,
        )  # fmt: skip

    ranks = Ranks.of(distributed, home, whole)
    if ranks is not None:
        ranks.check_settings(
            {**about(), "epochs": str(epochs), "patience": str(patience), "resume": str(resume)}
        )
        model, key = ranks.replicated(model), ranks.own_key(key)
        warn_of_other_losses(ranks, model, loss, train, loss_of)
    one_step = training_step(model, loss, opt, loss_of, ranks)

    def step(
        model: PyTree, state: PyTree, tally: Any, x: PyTree, *y: PyTree
    ) -> tuple[Any, Any, Any]:
        own = fold_in(key, tally.done) if different else None
        model, state, value = one_step(model, state, own, x, *y)
        return model, state, tally.after(value, shape_of(x)[0] if summed and not whole else 1)

    weighted = ranks is not None and different
    source = epochs_of(train, loss_of, batch_size, batches, home, least, random, ranks, weighted)
    steps = epochs * source.steps
    # The inputs alone say whether these are rows of a table: labels are integers in every one.
    inputs = train[0] if loss_of == "outputs" else train
    rows = None if batch_size is None else rows_at_once(inputs, batch_size)
    kernels = kernels_pay(model, steps) if fast is None else fast
    weighing = ranks.with_weights(step) if ranks is not None and different else step
    replay = replayed_step(weighing, home, precision, steps=steps, compile=compile, kernels=kernels)
    forward = Forward(kernels and not replay.eager and home.programs is None)

    def owned(model: PyTree) -> Any:
        # a replayed step writes into what it is given
        return model if replay.eager else copy_leaves(model)

    taken = evaluate if ranks is None else partial(evaluate_on_ranks, ranks)

    def measured_on(model: PyTree, part: PyTree) -> tuple[float, float]:
        if part is None:
            return math.nan, math.nan
        return taken(
            model, loss, part, score, loss_of=loss_of, rows=rows, whole=whole, call=forward
        )

    def measure(model: PyTree, epoch: int, steps: int) -> Epoch:
        if summed and epoch:
            found, score_found = training.tally.take(), math.nan
        else:
            found, score_found = measured_on(model, train)
        return Epoch(epoch, steps, found, score_found, *measured_on(model, validation))

    def report(moment: str) -> None:
        run.seconds = time.perf_counter() - started
        if calls.any:
            run.last = read_only(training.parameters)
            calls.call(moment, run)

    def after_step(count: int) -> None:
        run.steps = run.history[-1].steps + count
        report("on_step")
        if calls.wanted:
            interrupt.request(calls.wanted)

    def after_epoch(epoch: int) -> Ending | None:
        # the state is that between two steps of the epoch, and on disk
        if interrupt.number == FAILED:
            calls.wanted = FAILED
            return calls.ending
        ended = measured(epoch)
        if ended is not None and ended[0] == "diverged":
            run.stopped, run.why = ended
        return ended

    def measured(epoch: int) -> Ending | None:
        before = run.history[-1].steps
        run.steps, bad = training.tally.read()
        if bad is not None:
            return "diverged", f"the loss became {bad} at step {run.steps:,} (epoch {epoch})"
        if run.steps > before:
            if ranks is not None:
                ranks.check_model(training.parameters, epoch)
            now = measure(training.parameters, epoch, run.steps)
            run.history.append(now)
            if plateau is not None:
                note_loss(opt, training.state, rule.watched(now))
            if rule.note(now):
                run.model, run.best = owned(training.parameters), now
            report("on_epoch")
        if interrupt.number == ASKED:
            calls.wanted = max(calls.wanted, ASKED)
        calls.agreed()
        return ending(epoch)

    def ending(epoch: int) -> Ending | None:
        bad = diverged(run.history[-1], validated) or calls.ending
        if bad is None and interrupt.seen:
            return "interrupted", f"{interrupt} in epoch {epoch}"
        return bad or rule.ended(epoch)

    def keep(epoch: int, position: int, random_state: Any) -> None:
        # the structures that the training began with are those that it can go on with
        check_structures(training, model, opt)
        progress = {
            "epoch": epoch,
            "position": position,
            "random": random_state,
            "steps": run.steps if run.stopped == "diverged" else run.history[-1].steps,
            "best": run.best.epoch,
            "diverged": run.why if run.stopped == "diverged" else "",
            "calls": replay.calls,
            "versions": versions(),
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
    started, start = time.perf_counter(), (0, 0)
    # This function reports a loss that overflows in one line, and NumPy's warnings would repeat it.
    with (
        contextlib.ExitStack() as stack,
        AgreedInterrupt.of(ranks) as interrupt,
        np.errstate(all="ignore"),
    ):
        rank = 0 if ranks is None else ranks.group.rank
        shown = stack.enter_context(progress_of(progress, epochs, patience, rank))
        calls = Callbacks(listed(callbacks, on_epoch, shown), ranks)
        stored = of_rank_0(distributed, lambda: stored_at(checkpoint, resume, stack))
        tally = (SummedTally if summed else Tally).new(home)
        training: Training[Any] = Training(replay, owned(model), owned(opt.init(model)), tally)
        if stored is None:
            first = measure(model, 0, 0)
            run = Fit(model, first, [first])
            rule = ValidationPatience(patience, first, validated)
        else:
            described.update(about())
            # first what says most of a difference
            stored.tree("model", model, home, dtypes=True)
            stored.check(described)
            if ranks is None or ranks.group.rank == 0:
                compare_versions(stored)
            if ranks is None:
                warm_up(training, stored.progress.get("calls", []), source.samples())
            run, start = restored(stored, training, model, opt, home, random)
            rule = ValidationPatience(patience, run.best, validated)
            check_epochs(epochs, start)
            if forward.compiled:
                for own in (model, training.parameters)[: len(run.history)]:
                    measure(own, 0, 0)
            # it holds the whole file
            stored = None
        keeper = None
        if checkpoint is not None and (ranks is None or ranks.group.rank == 0):
            keeper = Keeper(keep, lambda: random.bit_generator.state, every)
        ended = ended_before(run, start, epochs, ending)
        # who is told of the run knows that there is nothing left to do
        run.stopped, run.why = ended or (run.stopped, run.why)
        report("on_start")
        if calls.agreed():
            ended = calls.ending
        elif ended is None:
            ended = run_epochs(
                training,
                epochs,
                source.epoch,
                after_epoch,
                interrupt,
                keeper,
                start,
                after_step if calls.has("on_step") else None,
            )
        elif keeper is not None and run.resumed is None:
            keeper.save(0, 0)
    run.stopped, run.why = ended or all_done(epochs)
    run.signal = interrupt.number if run.stopped == "interrupted" else 0
    run.eager = replay.eager
    run.last = training.parameters
    run.seconds = time.perf_counter() - started
    calls.call("on_end", run)
    calls.raise_error()
    return run
