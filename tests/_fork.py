"""A forked process that does one thing, and is not waited for without end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no forks")
# Seconds after which a child is taken to wait for a thread that it does not have.
LIMIT = 60.0
# Seconds between two looks: a child takes a few milliseconds at the least.
PAUSE = 0.005


def exit_code(work: Callable[[], object]) -> int:
    """Of a fork of this process: 0 if `work` was true there, 1 if not, 2 if it raised, and -9 if it never ended."""
    child = os.fork()
    if not child:
        code = 2
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    end = time.monotonic() + LIMIT
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            end = float("inf")
        time.sleep(PAUSE)
