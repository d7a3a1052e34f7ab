"""What comes before all other imports: OpenBLAS's setting, and Ctrl-C while the command line starts."""

from __future__ import annotations

import os
import sys
from typing import Any


def prepare() -> None:
    """Set what the user has not set."""
    if "numpy" in sys.modules:
        return
    # OpenBLAS threads spin for 0.1 s after each product before they sleep; NumPy's and SciPy's pools disturb each
    # other so, and small products take up to ten times as long on a busy machine.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")


def is_command() -> bool:
    """Whether this process is the command `pullback`, or ``python -m pullback``."""
    program = os.path.basename((getattr(sys, "argv", None) or [""])[0])
    if program == "-m":
        words = sys.orig_argv
        return "-m" in words and words[words.index("-m") + 1 :][:1] == ["pullback"]
    return os.path.splitext(program)[0] in ("pullback", "pullback-script")


class EndOfStart:
    """A handler for signals that come while the command line imports what it needs: one line, no traceback.

    Attributes
    ----------
    before : handler
        What it stands for; `train.cli.main` puts it back.
    """

    def __init__(self, before: Any) -> None:
        self.before = before

    def __call__(self, number: int, frame: Any) -> None:
        """End the process, which has begun nothing yet."""
        os.write(2, b"pullback: interrupted while it started\n")
        os._exit(128 + number)


def end_in_one_line() -> None:
    """Install `EndOfStart` for Ctrl-C, SIGTERM and SIGHUP, where they would end the process."""
    import signal

    ends = (signal.default_int_handler, signal.SIG_DFL)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and (before := signal.getsignal(number)) in ends:
            try:
                signal.signal(number, EndOfStart(before))
            except ValueError:  # not in the main thread
                return


prepare()
if is_command():
    end_in_one_line()
