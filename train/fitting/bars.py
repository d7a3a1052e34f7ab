"""How far a command is, on stderr: a bar on a terminal, now and then a line in a file.

A bar shows as much as the terminal is wide, and leaves nothing behind. A file gets at most a line a minute: when a
fiftieth of the work is done since the last one, or ten minutes have passed. A run of less than a minute writes nothing.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from ..errors import extra
from ..parallel.launch import width_of_launcher
from ..terminal import is_dumb, is_terminal, print_line
from .result import Fit

# Characters of the bar itself, and the blanks between two pieces of its line.
_SHORTEST, _LONGEST, _GAP = 8, 40, 2
# Between two lines in a file: at least so many seconds, and then so large a part of the work or so many seconds.
_LEAST_SECONDS, _PART, _MOST_SECONDS = 60.0, 0.02, 600.0

# Stands for the bar among the pieces of a line.
BAR = "━"


def duration(seconds: float) -> str:
    """A time in hours, minutes and seconds.

    Examples
    --------
    >>> duration(75.2), duration(100_000)
    ('0:01:15', '1 day, 3:46:40')
    """
    whole = max(round(seconds), 0)
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} day{'s' if days != 1 else ''}, {clock}" if days else clock


def number(value: float) -> str:
    """A loss, in not many characters.

    Examples
    --------
    >>> number(0.12345), number(123456.7)
    ('0.1235', '1.235e+05')
    """
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}"


def line_of(
    forms: Sequence[Sequence[str]], width: int, *, done: float
) -> tuple[str, int, int, str]:
    """The first of several forms of a line that is not wider, as what stands before the bar, and behind it.

    Parameters
    ----------
    forms : sequence of sequence of str
        Pieces of the line, `BAR` among them where it has one; empty pieces are left out.
    width : int
        Of the terminal.
    done : float
        From 0 to 1.

    Returns
    -------
    before, full, blank, after : str, int, int, str
        The texts, and how many characters of the bar between them are full and blank.

    Examples
    --------
    >>> line_of([["epoch 5/10", BAR, "loss 0.25"], ["epoch 5/10"]], 40, done=0.5)
    ('epoch 5/10  ', 8, 8, '  loss 0.25')
    >>> line_of([["epoch 5/10", BAR, "loss 0.25"], ["epoch 5/10"]], 20, done=0.5)
    ('epoch 5/10', 0, 0, '')
    """
    for form in forms:
        pieces = [piece for piece in form if piece]
        taken = sum(len(p) for p in pieces if p != BAR) + _GAP * (len(pieces) - 1)
        bar = BAR in pieces
        if taken + (_SHORTEST if bar else 0) <= width:
            break
    if not bar:
        return (" " * _GAP).join(pieces)[:width], 0, 0, ""
    at, gap = pieces.index(BAR), " " * _GAP
    # the last column stays free: some terminals break the line there
    length = max(min(width - taken - 1, _LONGEST), _SHORTEST)
    full = round(length * min(max(done, 0.0), 1.0))
    before = gap.join([*pieces[:at], ""])
    return before, full, length - full, gap.join(["", *pieces[at + 1 :]])


class Clock:
    """The time that is left, by how long the work took until now.

    Parameters
    ----------
    now : callable
        Gives seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic):
        self._now = now
        self._start = now()
        self._first: tuple[float, float] | None = None
        self._last = (self._start, 0.0)

    def begin(self) -> None:
        """Nothing is done yet; else what is done begins with the first `note`."""
        self._first = (self._start, 0.0)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._now() - self._start

    def note(self, done: float) -> None:
        """Take in what part is done, from 0 to 1."""
        self._last = (self._now(), done)
        if self._first is None:
            # reading the data is over, and a run that goes on has a part already
            self._first = self._last

    @property
    def left(self) -> float | None:
        """Seconds until all is done; None before anything is."""
        if self._first is None or self._last[1] <= self._first[1]:
            return None
        (start, began), (then, done) = self._first, self._last
        return max((1 - done) * (then - start) / (done - began) - (self._now() - then), 0.0)


class _View:
    """What `rich` draws again and again: the line of a bar, made for the width that there is."""

    def __init__(self, pieces: Callable[[], tuple[Sequence[Sequence[str]], float]]):
        self._pieces = pieces

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        text = extra("rich.text", "the progress bar").Text
        forms, done = self._pieces()
        before, full, blank, after = line_of(forms, options.max_width, done=done)
        coloured = console.color_system is not None and not console.no_color
        mark = "-" if options.ascii_only else BAR
        # without colours only blanks tell what is to come
        rest = mark if coloured else " "
        yield text.assemble(
            before, (mark * full, "bar.complete"), (rest * blank, "bar.back"), after,
            no_wrap=True, overflow="crop",
        )  # fmt: skip


class Progress:
    """How far a command is; `say` and `move` are for the commands that report.

    Parameters
    ----------
    live : rich.live.Live or None
        A bar on a terminal.
    write : callable or None
        Takes lines for a file, where there is no bar. Neither for no word at all.
    quiet : bool
        Whether nothing is said either.
    now : callable
        Gives seconds.
    """

    def __init__(
        self,
        live: Any = None,
        write: Callable[[str], None] | None = None,
        *,
        quiet: bool = False,
        now: Callable[[], float] = time.monotonic,
    ):
        self._live, self._write, self._quiet = live, write, quiet
        self.clock = Clock(now)
        self._told = (0.0, 0.0)
        self._forms: Callable[[], Sequence[Sequence[str]]] = lambda: [[""]]
        self._done = 0.0

    def pieces(self) -> tuple[Sequence[Sequence[str]], float]:
        """The forms of the line as it is now, and how much is done."""
        return self._forms(), self._done

    def say(self, line: str) -> None:
        """Print a line on stdout, clear of the bar, which comes again when it moves."""
        if self._live is not None:
            self._live.stop()
        if not self._quiet:
            print_line(line)

    def move(
        self, done: float, forms: Callable[[], Sequence[Sequence[str]]], line: Callable[[], str]
    ) -> None:
        """Show that a part is done, from 0 to 1: by forms of the line with the bar, or a line for a file."""
        self._forms, self._done = forms, done
        self.clock.note(done)
        if self._live is not None:
            self._live.start()
        elif self._write is not None:
            seconds = self.clock.elapsed - self._told[0]
            enough = done - self._told[1] >= _PART or seconds >= _MOST_SECONDS
            if seconds >= _LEAST_SECONDS and enough:
                self._told = (self.clock.elapsed, done)
                self._write(line())

    def time_left(self, before: str) -> str:
        """The time that is left in words, with `before` before it; empty where nothing is known, and at the end."""
        left = self.clock.left
        return "" if left is None or self._done >= 1 else f"{before}{duration(left)} left"

    @property
    def elapsed(self) -> str:
        """The time since the start in words."""
        return duration(self.clock.elapsed)


class Patient(Protocol):
    """Settings of a training that may end before its last epoch."""

    @property
    def patience(self) -> int:
        """The epochs without a better one after which it ends; 0 for none."""


class TrainingProgress:
    """The arguments `say` and `progress` of `train`.

    Parameters
    ----------
    progress : Progress
    epochs : int
        At most so many.
    """

    def __init__(self, progress: Progress, epochs: int):
        self._progress, self._epochs = progress, epochs
        self.say = progress.say

    def show(self, run: Fit, settings: Patient) -> None:
        """Move to the last epoch of the run."""
        now, best, progress = run.history[-1], run.best, self._progress
        # a run that is patient may end earlier
        before = "at most " if settings.patience else ""
        head = f"epoch {now.epoch:,}/{self._epochs:,}"
        # without a validation part its loss is NaN, and the training loss decides
        validated = best.validation_loss == best.validation_loss
        loss = f"loss {number(now.loss)}"
        validation = f"validation {number(now.validation_loss)}" if validated else loss
        lowest = number(best.validation_loss if validated else best.loss)

        def forms() -> Sequence[Sequence[str]]:
            left, passed = progress.time_left(before), progress.elapsed
            return [
                [
                    head,
                    BAR,
                    passed,
                    left,
                    *dict.fromkeys([loss, validation]),
                    f"best {lowest} (epoch {best.epoch:,})",
                ],
                [head, BAR, passed, left, validation, f"best {lowest}"],
                [head, BAR, left or passed, validation, f"best {lowest}"],
                [head, BAR, left or passed, validation],
                [head, BAR, left or passed],
                [head, left or passed],
                [head],
            ]

        def line() -> str:
            times = ", ".join(filter(None, [progress.elapsed, progress.time_left(before)]))
            losses = ", ".join(dict.fromkeys([loss, validation]))
            return f"{head}: {losses}, best {lowest} (epoch {best.epoch:,}); {times}"

        progress.move(now.epoch / self._epochs, forms, line)


class FoldProgress:
    """The arguments `say` and `progress` of `tune`.

    Parameters
    ----------
    progress : Progress
    percent : bool
        Whether parts are told in percent, where they are no folds.
    """

    def __init__(self, progress: Progress, *, percent: bool = False):
        self._progress, self._percent = progress, percent
        self.say = progress.say
        progress.clock.begin()

    def show(self, done: int, total: int) -> None:
        """Move to where so many folds are done."""
        progress, part = self._progress, done / total
        head = f"{100 * done // total} %" if self._percent else f"fold {done:,}/{total:,}"

        def forms() -> Sequence[Sequence[str]]:
            left, passed = progress.time_left("about "), progress.elapsed
            return [[head, BAR, passed, left], [head, BAR, passed], [head, passed], [head]]

        def line() -> str:
            times = ", ".join(filter(None, [progress.elapsed, progress.time_left("about ")]))
            return f"{head}: {times}"

        progress.move(part, forms, line)


@contextlib.contextmanager
def _progress(*, rank: int = 0, quiet: bool = False) -> Iterator[Progress]:
    """A bar where stderr is a terminal that can show one, else lines; nothing on other ranks than 0, and if quiet."""
    if rank or quiet:
        yield Progress(quiet=quiet)
        return
    width = width_of_launcher()
    if not width and (is_dumb() or not is_terminal(sys.stderr)):
        yield Progress(write=_write_line)
        return
    console = extra("rich.console", "the progress bar").Console(
        stderr=True, force_terminal=bool(width) or None, width=width or None
    )
    progress = Progress()
    live = extra("rich.live", "the progress bar").Live(
        _View(progress.pieces),
        console=console,
        auto_refresh=True,
        refresh_per_second=8,
        # a launcher mixes both outputs, and what is cleared may be a line of the other one
        transient=not width,
    )
    progress._live = live
    try:
        yield progress
    finally:
        live.stop()


def _write_line(line: str) -> None:
    # a log that cannot be written is no reason to end the work
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def training_bar(epochs: int, rank: int = 0, *, quiet: bool = False) -> Iterator[TrainingProgress]:
    """How far `train` is."""
    with _progress(rank=rank, quiet=quiet) as progress:
        yield TrainingProgress(progress, epochs)


@contextlib.contextmanager
def fold_bar(*, percent: bool = False, quiet: bool = False) -> Iterator[FoldProgress]:
    """How far `tune` is."""
    with _progress(quiet=quiet) as progress:
        yield FoldProgress(progress, percent=percent)
