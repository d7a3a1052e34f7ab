"""Signals while a package is imported."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from pullback.train.fitting.signals import Terminated, raise_terminated
from pullback.train.importing import signals_later, whole_import

SOURCE = """
import os, signal
try:
    os.kill(os.getpid(), {number})
    for _ in range({more}):
        os.kill(os.getpid(), {number})
    # a signal that is raised here would be another error, or none
except BaseException as error:
    raise ImportError("half a package") from error
whole = True
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A module that sends its process a signal while it is imported."""
    monkeypatch.syspath_prepend(tmp_path)
    number, before = signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler)

    def write(name, number, more=0):
        (tmp_path / f"{name}.py").write_text(SOURCE.format(number=int(number), more=more))
        return name

    yield write
    signal.signal(number, before)


def test_it_is_whole_before_ctrl_c_is_raised(package):
    name = package("interrupted_import", signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        whole_import(name)
    assert sys.modules[name].whole
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    # what is there is not imported again
    assert whole_import(name) is sys.modules[name]


def test_a_second_signal_does_not_wait(package):
    name = package("interrupted_twice", signal.SIGINT, more=1)
    with pytest.raises(ImportError, match="half a package"):
        whole_import(name)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_terminations_too(package):
    name = package("terminated_import", signal.SIGTERM)
    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        with pytest.raises(Terminated):
            whole_import(name)
        assert signal.getsignal(signal.SIGTERM) is raise_terminated
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_and_the_systems_own_handlers_are_left_alone():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with signals_later():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        found = []

        def elsewhere():
            with signals_later():
                found.append(signal.getsignal(signal.SIGINT))

        thread = threading.Thread(target=elsewhere)
        own = signal.getsignal(signal.SIGINT)
        thread.start()
        thread.join()
        assert found == [own]
    finally:
        signal.signal(signal.SIGTERM, before)
