"""Imports that no signal breaks off: a package that is half imported reports something else, or loses the signal."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


def whole_import(module: str) -> Any:
    """A module by its name; signals that come while it is imported are handled as soon as it is there.

    Raised in the middle, Ctrl-C would leave the caller as an ImportError of some extension, or be lost in a callback.

    Raises
    ------
    ModuleNotFoundError
        As `importlib.import_module`.
    """
    if module in sys.modules:
        return importlib.import_module(module)
    with signals_later():
        return importlib.import_module(module)


@contextlib.contextmanager
def signals_later() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP are handled at the end, if one of these came; at once after a second one.

    Handlers that are the system's own stay.
    """
    before: dict[int, Any] = {}
    came: list[int] = []

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            handler = before[number]
            restore()
            handler(number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, note)
    try:
        yield
    finally:
        handlers = dict(before)
        restore()
        if len(came) == 1:
            handlers[came[0]](came[0], None)
