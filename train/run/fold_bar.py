"""The bar of `pullback tune` on stderr: how many folds are done, of how many."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from ..errors import extra


def print_line(line: str) -> None:
    """Print a line on stdout, at once."""
    print(line, flush=True)


@contextlib.contextmanager
def fold_bar() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None] | None]]:
    """The arguments `say` and `progress` of `tune`; no bar where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield print_line, None
        return
    progress = extra("rich.progress", "the progress bar")
    console = extra("rich.console", "the progress bar").Console(stderr=True)
    bar = progress.Progress(
        progress.TextColumn("fold {task.completed:.0f}/{task.total:.0f}"),
        progress.BarColumn(bar_width=24),
        progress.TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("folds", total=1)

    def say(line: str) -> None:
        # a line is printed clear of the bar, which comes again with the next fold
        bar.stop()
        print_line(line)

    def show(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        bar.start()

    try:
        yield say, show
    finally:
        bar.stop()
