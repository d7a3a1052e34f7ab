"""Lines for people: not wider than their terminal, and as they are in files and pipes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
from typing import TextIO

# Narrower terminals are written to as if they were so wide: else every word would stand on a line of its own.
_NARROWEST = 20


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at what is written there; False where it is closed."""
    try:
        return stream.isatty()
    # closed, or none at all
    except (AttributeError, ValueError):
        return False


def is_dumb() -> bool:
    """Whether terminals are said to obey no codes that move about on them."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def width_of(stream: TextIO) -> int | None:
    """The characters in a line of a terminal, by ``COLUMNS`` or as the terminal says; None for what is none."""
    if not is_terminal(stream):
        return None
    if os.environ.get("COLUMNS", "").isdigit():
        return max(shutil.get_terminal_size().columns, _NARROWEST)
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return max(columns or 80, _NARROWEST)


def fitted(line: str, width: int | None, indent: str = "  ") -> str:
    """A line broken at blanks so that no part is wider, the later parts indented; whole where width is None.

    A word that is wider, as a path may be, stays in one piece.

    Examples
    --------
    >>> print(fitted("files in runs/digits: model.safetensors, metrics.csv", 40))
    files in runs/digits: model.safetensors,
      metrics.csv
    """
    if width is None or len(line) <= width:
        return line
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def print_line(line: str) -> None:
    """Print a line on stdout, at once; where nobody reads any more, as after `head -1`, nothing is printed.

    The work goes on then: it is done for its files.
    """
    try:
        print(fitted(line, width_of(sys.stdout)), flush=True)
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Discard output that could not be written: Python would try again at exit, and complain."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
