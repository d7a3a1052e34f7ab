"""Fixtures of the tests of training."""

from __future__ import annotations

import signal

import pytest

from pullback.train import Evaluated

NUMBERS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Runs end without the picture of their evaluation, which takes 0.2 s to draw.

    evaluation/test_pictures.py draws it, and so does every run in a process of its own, as in cli/test_exit_codes.py.
    """
    monkeypatch.setattr(Evaluated, "picture", lambda own: None if own.y is None else b"\x89PNG")


@pytest.fixture
def terminal_signals():
    """The handlers that a program has in a terminal.

    A shell that starts the tests in the background has them ignore Ctrl-C, and nohup SIGHUP.
    """
    before = {number: signal.getsignal(number) for number in NUMBERS}
    for number in NUMBERS:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
