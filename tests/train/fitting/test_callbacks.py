"""What callbacks see, and how they end a training: compiled and not, with a checkpoint, and when it goes on."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.train import loop
from pullback.train.fitting.callbacks import Callbacks, read_only

from .._loop import SQUARED, network, parabola, weights

MOMENTS = ["on_start", "on_step", "on_epoch", "on_end"]


def run(**more):
    """20 rows in batches of 4: 5 steps an epoch."""
    data = parabola(20)
    settings = {"batch_size": 4, "epochs": 12, "patience": 0, **more}
    return pb.train.fit(network(1, 4, 1), SQUARED, data, data, pb.optim.Adam(0.01), **settings)


class Seen:
    """A callback that notes all it is told, and may do something at one moment."""

    def __init__(self, at=None, count=1, act=None):
        self.told, self.at, self.count, self.act = [], at, count, act

    def note(self, moment, run):
        self.told.append((moment, run.history[-1].epoch, run.steps, run.stopped if run.why else ""))
        if moment == self.at and sum(t[0] == moment for t in self.told) == self.count:
            self.act(run)

    def on_start(self, run):
        self.note("on_start", run)

    def on_step(self, run):
        self.note("on_step", run)

    def on_epoch(self, run):
        self.note("on_epoch", run)

    def on_end(self, run):
        self.note("on_end", run)


def stop(run):
    raise pb.train.StopTraining("enough")


def fail(run):
    raise RuntimeError("no")


def same(a, b):
    assert [w.tobytes() for w in weights(a.model)] == [w.tobytes() for w in weights(b.model)]
    assert [w.tobytes() for w in weights(a.last)] == [w.tobytes() for w in weights(b.last)]
    assert repr(a.history) == repr(b.history)
    assert (a.steps, a.stopped, a.why) == (b.steps, b.stopped, b.why)


@pytest.mark.parametrize("compile", [True, False])
def test_every_moment_is_told_in_order_and_changes_nothing(compile):
    seen, functions, plain = Seen(), [], []
    told = run(
        compile=compile,
        epochs=10,
        callbacks=[seen, lambda run: functions.append(len(run.history))],
        on_epoch=lambda run: plain.append(len(run.history)),
    )
    wanted = [("on_start", 0, 0, "")]
    for epoch in range(10):
        wanted += [("on_step", epoch, 5 * epoch + k, "") for k in range(1, 6)]
        wanted.append(("on_epoch", epoch + 1, 5 * epoch + 5, ""))
    assert seen.told == [*wanted, ("on_end", 10, 50, "epochs")]
    assert functions == plain == list(range(1, 12))
    assert (told.eager == "") == compile
    same(told, run(compile=compile, epochs=10))


def test_only_the_methods_that_there_are_are_called(monkeypatch):
    class OnlyEnd:
        def on_end(self, run):
            self.why = run.why

    asked = []
    epochs = loop.run_epochs
    monkeypatch.setattr(loop, "run_epochs", lambda *a: asked.append(a[-1]) or epochs(*a))
    only = OnlyEnd()
    run(epochs=2, callbacks=[only])
    assert only.why == "all 2 epochs done"
    # without a callback after steps nothing is asked there
    assert asked == [None]


@pytest.fixture(scope="module")
def wholes():
    return {compile: run(compile=compile) for compile in (True, False)}


@pytest.mark.parametrize(
    ("at", "count", "steps", "kept", "compile", "act"),
    [
        ("on_start", 1, 0, None, False, stop),
        ("on_start", 1, 0, None, False, fail),
        ("on_step", 1, 1, (0, 1), False, stop),
        ("on_step", 7, 7, (1, 2), True, stop),
        ("on_step", 7, 7, (1, 2), True, fail),
        ("on_step", 10, 10, (1, 5), False, fail),
        ("on_epoch", 3, 15, (3, 0), True, stop),
        ("on_epoch", 3, 15, (3, 0), False, fail),
        ("on_epoch", 12, 60, (12, 0), False, stop),
    ],
)
def test_a_stop_and_an_error_leave_a_checkpoint_to_go_on_from(
    tmp_path, monkeypatch, wholes, at, count, steps, kept, compile, act
):
    pytest.importorskip("safetensors")
    # these files need not outlive the machine
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    path, whole = tmp_path / "c.safetensors", wholes[compile]
    seen, later = Seen(at, count, act), Seen()
    settings = {"compile": compile, "checkpoint": path, "every": 1000, "callbacks": [seen, later]}
    if act is fail:
        with pytest.raises(RuntimeError, match="no"):
            run(**settings)
        # whoever comes after it was not told of that moment, and nobody of what followed
        assert len(later.told) == len(seen.told) - 1
    else:
        told = run(**settings)
        assert (told.stopped, told.why, told.steps) == ("callback", "enough", steps)
        assert seen.told == later.told
        assert seen.told[-1][0] == "on_end"
    assert path.exists() == (kept is not None)
    assert [p.name for p in tmp_path.iterdir()] == ([path.name] if kept else [])
    if kept is not None:
        progress = pb.train.fitting.snapshot.read(path).progress
        assert (progress["epoch"], progress["position"]) == kept
    # callbacks are called for new epochs alone
    on = Seen()
    same(run(compile=compile, checkpoint=path, resume=True, callbacks=[on]), whole)
    done = kept[0] if kept else 0
    assert [t[1] for t in on.told if t[0] == "on_epoch"] == list(range(done + 1, 13))
    assert sum(t[0] == "on_step" for t in on.told) == 60 - steps


@pytest.mark.usefixtures("on_numpy")
def test_a_callback_sees_the_weights_and_cannot_write_to_them():
    kept, best = [], []

    def keep(run):
        for leaf in pb.tree.leaves(run.last):
            with pytest.raises(ValueError, match="read-only"):
                leaf[...] = 0
        kept.append(pb.tree.map(np.copy, run.last))
        best.append(run.best.epoch)

    told = run(epochs=10, callbacks=[keep])
    loss, _ = pb.train.evaluate(kept[4], SQUARED, parabola(20))
    assert loss == pytest.approx(told.history[4].validation_loss, rel=1e-12)
    # when the training is done they are the caller's
    told.last.layers[0].W[...] = 0
    assert np.any(told.model.layers[0].W)


def test_read_only_keeps_what_wraps_an_array():
    x = np.ones(3)
    raw, wrapped, number = read_only((x, pb.Array(x), 2.0))
    assert raw.base is x
    assert not raw.flags.writeable
    assert x.flags.writeable
    assert isinstance(wrapped, pb.Array)
    assert number == 2.0


class Keras:
    def on_epoch_end(self, epoch, logs=None):
        pass


class Odd:
    on_step = 3


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        (Seen(), "it is a list: callbacks=\\[...\\]"),
        (fail, "it is a list"),
        ([Seen], "Seen is a class: give an object of it, Seen()"),
        (
            [Keras()],
            "has on_epoch_end, which nothing calls here.*on_start, on_step, on_epoch, on_end",
        ),
        ([Odd()], "has on_step\\) is neither a function of a Fit"),
        ([3], "the callback 3 is neither"),
    ],
)
def test_what_is_no_callback_is_refused_before_a_step(callbacks, said):
    with pytest.raises(TypeError, match=said):
        run(callbacks=callbacks)


def test_exit_and_an_error_in_the_end_are_raised():
    def leave(run):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run(callbacks=[leave])
    with pytest.raises(RuntimeError, match="no"):
        run(epochs=1, callbacks=[Seen("on_end", 1, fail)])


class Agreeing:
    """Two ranks: the other one wants what `others` says."""

    def __init__(self, others):
        self.others, self.asked = iter(others), []
        self.group = self

    def agree(self, what, own):
        self.asked.append(own)
        return [own, next(self.others)]


def test_one_rank_that_stops_or_fails_ends_all():
    ranks = Agreeing([1, 0, 254])
    here = Callbacks([], ranks)
    assert [here.agreed(), here.agreed()] == [0, 254]
    assert here.ending == ("callback", "a callback of another rank asked to stop")
    here.raise_error()
    here = Callbacks([fail], Agreeing([0, 0, 254]))
    assert here.call("on_epoch", None) == here.agreed() == 255
    with pytest.raises(RuntimeError, match="no"):
        here.raise_error()
    there = Callbacks([], Agreeing([1, 255, 0]))
    assert there.agreed() == 255
    with pytest.raises(pb.distributed.DistributedError, match="a callback of another rank failed"):
        there.raise_error()
    # where nobody has any, nothing is exchanged after that
    nobody = Agreeing([0])
    Callbacks([], nobody).agreed()
    assert nobody.asked == [0]


def test_progress_is_a_bar_a_function_or_nothing(monkeypatch):
    pytest.importorskip("rich")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    for progress, lines in ((True, 1), (False, 0)):
        monkeypatch.setattr("sys.stderr", Terminal())
        run(epochs=3, progress=progress)
        assert sys.stderr.getvalue().count("epoch 3/3") == lines
    seen = []
    run(epochs=3, progress=lambda run: seen.append(run.history[-1].epoch))
    assert seen == [0, 1, 2, 3]
    with pytest.raises(TypeError, match="progress=1; it is True for a bar"):
        run(progress=1)
