"""The bars of the command line on stderr: the epochs of `pullback train`, the folds of `pullback tune`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import extra
from ..fitting.result import Fit
from ..parallel.launch import width_of_launcher
from .config import Settings


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


class TrainingBar:
    """The arguments `say` and `progress` of `train`; there is no bar where `bar` is None.

    Parameters
    ----------
    bar : rich.progress.Progress or None
    task
        The number of its line.
    """

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task, self._shown = bar, task, False

    def say(self, line: str) -> None:
        """Print a line on stdout, clear of the bar."""
        if self._bar is not None:
            self._bar.stop()
        print_line(line)

    def show(self, run: Fit, settings: Settings) -> None:
        """Move the bar to the last epoch of the run."""
        if self._bar is None:
            return
        now = run.history[-1]
        if not self._shown:
            self._bar.start()
            self._shown = True
        self._bar.update(
            self._task,
            completed=now.epoch,
            losses=f"loss {now.loss:.4f}  validation {now.validation_loss:.4f}  "
            f"best {run.best.validation_loss:.4f} (epoch {run.best.epoch})",
        )


@contextlib.contextmanager
def training_bar(epochs: int, rank: int = 0) -> Iterator[TrainingBar]:
    """The bar of `train`; none where stderr is no terminal, and on other ranks than 0."""
    width = width_of_launcher()
    if rank or not (width or sys.stderr.isatty()):
        yield TrainingBar(None, None)
        return
    progress = extra("rich.progress", "the progress bar")
    console = extra("rich.console", "the progress bar").Console(
        stderr=True, force_terminal=bool(width) or None, width=width or None
    )
    bar = progress.Progress(
        progress.TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        progress.BarColumn(bar_width=24),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[losses]}"),
        console=console,
        transient=not width,  # a launcher mixes both outputs, and what is cleared may be a line of the other one
    )
    task = bar.add_task("epochs", total=epochs, losses="")
    try:
        yield TrainingBar(bar, task)
    finally:
        bar.stop()
