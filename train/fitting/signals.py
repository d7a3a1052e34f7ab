"""What asks a training to end: Ctrl-C, SIGTERM (schedulers, containers) and SIGHUP (a terminal that is closed)."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

TERMINATIONS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Terminated(KeyboardInterrupt):
    """The end of a program that a signal asked for, raised where the program was, as Ctrl-C is.

    Attributes
    ----------
    number : int
        Of the signal; a process that it ends has the exit code 128 + number.
    """

    number: int = signal.SIGINT

    @classmethod
    def by(cls, number: int) -> Terminated:
        """The end that a signal asked for."""
        error = cls(f"ended by {name_of(number)}")
        error.number = int(number)
        return error


def name_of(number: int) -> str:
    """The name of a signal.

    Examples
    --------
    >>> name_of(15)
    'SIGTERM'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def raise_terminated(number: int, frame: FrameType | None) -> None:
    """A handler that raises `Terminated`."""
    raise Terminated.by(number)


def _is_main_thread() -> bool:
    """Python delivers signals to the main thread, and sets handlers there alone."""
    return threading.current_thread() is threading.main_thread()


def started() -> None:
    """Put back the handlers that `_environment` replaced while the command line started."""
    for number in (signal.SIGINT, *TERMINATIONS):
        handler = signal.getsignal(number)
        if type(handler).__name__ == "EndOfStart":
            signal.signal(number, handler.before)  # type: ignore[union-attr]  # it is ours


def ended() -> None:
    """At the end of a command, when all is written and said, Ctrl-C needs no word any more, nor a traceback."""
    if _is_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def terminations_raised() -> Iterator[None]:
    """SIGTERM and SIGHUP raise `Terminated` meanwhile, where they would have killed the process without a word."""
    before: dict[int, Any] = {}
    if _is_main_thread():
        for number in TERMINATIONS:
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, raise_terminated)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _would_end(number: int) -> bool:
    """Whether the signal would end the process now: a handler of somebody else, or none at all, stays."""
    handler: Callable[..., Any] | int | None = signal.getsignal(number)
    if number == signal.SIGINT:
        return handler is signal.default_int_handler
    return handler in (signal.SIG_DFL, raise_terminated)


@dataclass
class Interrupt:
    """A note of the first signal, which would otherwise end the program at an arbitrary point; the second one does.

    Ctrl-C, SIGTERM and SIGHUP are taken only in the main thread, where Python delivers signals, and each of them only
    if it would end the program now.

    Attributes
    ----------
    seen : bool
    number : int
        Of the signal; 0 before.
    """

    seen: bool = False
    number: int = 0
    _before: dict[int, Any] = field(default_factory=dict, repr=False)

    def __enter__(self) -> Interrupt:
        if _is_main_thread():
            for number in (signal.SIGINT, *TERMINATIONS):
                if _would_end(number):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def asked(self) -> bool:
        """Whether to end, asked between two steps."""
        return self.seen

    def request(self, number: int) -> None:
        """Ask to end without a signal; the number is one that no signal has."""
        self.seen, self.number = True, number

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.seen, self.number = True, number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __exit__(self, *_: object) -> None:
        self._restore()

    def __str__(self) -> str:
        """What happened, in words."""
        if self.number in (0, signal.SIGINT):
            return "interrupted"
        return f"ended by {name_of(self.number)}"
