"""Signals that ask a training to end: noted between steps by `fit`, raised elsewhere on the command line."""

from __future__ import annotations

import os
import pickle
import signal
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.train.fitting.signals import (
    TERMINATIONS,
    Interrupt,
    Terminated,
    ended,
    name_of,
    raise_terminated,
    terminations_raised,
)

ALL = (signal.SIGINT, *TERMINATIONS)


pytestmark = pytest.mark.usefixtures("terminal_signals")


@pytest.mark.parametrize("number", ALL)
def test_the_first_signal_is_noted_and_the_second_would_end(number):
    before = {n: signal.getsignal(n) for n in ALL}
    with Interrupt() as interrupt:
        assert not interrupt.seen
        os.kill(os.getpid(), number)
        assert (interrupt.seen, interrupt.number) == (True, number)
        assert {n: signal.getsignal(n) for n in ALL} == before
    words = str(interrupt)
    assert words == ("interrupted" if number == signal.SIGINT else f"ended by {name_of(number)}")


def test_handlers_of_the_program_itself_stay():
    heard = []
    for number in ALL:
        signal.signal(number, lambda number, frame: heard.append(number))
    with Interrupt() as interrupt:
        for number in ALL:
            os.kill(os.getpid(), number)
    assert (heard, interrupt.seen) == (list(ALL), False)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
    assert not interrupt.seen


def test_other_threads_take_no_signals():
    found = []

    def work():
        with Interrupt() as interrupt, terminations_raised():
            found.append((interrupt.seen, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, signal.SIG_DFL)]


@pytest.mark.parametrize("number", TERMINATIONS)
def test_elsewhere_on_the_command_line_they_are_raised(number):
    with terminations_raised():
        with Interrupt() as interrupt:
            os.kill(os.getpid(), number)
        assert interrupt.number == number
        assert signal.getsignal(number) is raise_terminated
        with pytest.raises(Terminated) as error:
            os.kill(os.getpid(), number)
    assert error.value.number == number
    assert isinstance(error.value, KeyboardInterrupt)
    assert signal.getsignal(number) == signal.SIG_DFL


def test_terminated_pickles():
    error = pickle.loads(pickle.dumps(Terminated.by(15)))
    assert (type(error), error.number, Terminated().number) == (Terminated, 15, 2)
    assert (name_of(15), name_of(99)) == ("SIGTERM", "signal 99")


@pytest.mark.parametrize("number", ALL)
def test_fit_ends_between_two_steps_and_says_by_what(number, tmp_path):
    pytest.importorskip("safetensors", reason="checkpoints need it")
    x = np.linspace(-1, 1, 40)[:, None]
    model = pb.models.MLP([1, 3, 1], activation="tanh", dtype="float64")
    settings = {"epochs": 6, "batch_size": 8, "checkpoint": tmp_path / "c.safetensors"}
    calls = []

    def loss(outputs, y):
        calls.append(1)
        if len(calls) == 20:
            os.kill(os.getpid(), number)
        return pb.models.squared_error(outputs, y)

    def fit(**more):
        return pb.train.fit(model, loss, (x, x), (x, x), pb.optim.Adam(0.1), **{**settings, **more})

    run = fit()
    assert (run.stopped, run.signal) == ("interrupted", number)
    assert run.steps < 30
    assert run.why.startswith("interrupted in" if number == signal.SIGINT else "ended by SIG")
    # the rest, as if there had been no signal
    whole, on = fit(checkpoint=None), fit(resume=True)
    assert on.resumed == run.steps
    assert repr(on.history) == repr(whole.history)
    assert on.signal == 0


def test_at_the_end_of_a_command_ctrl_c_needs_no_traceback():
    before = signal.getsignal(signal.SIGINT)
    try:
        for handler, after in (
            (signal.default_int_handler, signal.SIG_DFL),
            (signal.SIG_IGN, signal.SIG_IGN),
        ):
            signal.signal(signal.SIGINT, handler)
            ended()
            assert signal.getsignal(signal.SIGINT) == after
    finally:
        signal.signal(signal.SIGINT, before)
