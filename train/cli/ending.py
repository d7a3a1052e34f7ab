"""How a command ends: exit codes, and the one line on stderr that says why."""

from __future__ import annotations

import sys
import time

from ...distributed import rank as rank_of_world
from ...distributed import size as size_of_world
from ..errors import one_line
from ..parallel.launch import launched
from ..terminal import fitted, width_of

DIVERGED, BAD_INPUT, SIGNALLED = 1, 2, 128
_SECONDS_TO_SPEAK = 2.0


def rank() -> int:
    """Which rank of a run on several this process is."""
    return max(launched()[0], rank_of_world())


def report_error(message: str, code: int, *, alone: bool = False) -> int:
    """Print a message on stderr, in one line whatever it holds; on rank 0, unless a rank alone has met it.

    A terminal that is narrower has it broken between words.

    Parameters
    ----------
    message : str
    code : int
        The exit code.
    alone : bool
        Whether this rank may be the only one that knows.

    Returns
    -------
    int
        The exit code.
    """
    if alone or rank() == 0:
        line = fitted("pullback: " + one_line(message), width_of(sys.stderr))
        print(line, file=sys.stderr, flush=True)
    elif size_of_world() == 1:
        # the launcher kills all when one ends so, and rank 0 is to have spoken: it may be slower
        time.sleep(_SECONDS_TO_SPEAK)
    return code
