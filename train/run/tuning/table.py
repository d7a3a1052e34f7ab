"""The trials as a table: on the terminal as wide as it is, and as CSV."""

from __future__ import annotations

import csv
import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...settings.config import Settings
from .trial import Trial
from .values import TUNABLE, in_words, value_text, varied

# The narrowest column of losses: "diverged".
_NUMBER = 8
# What a table of many settings can do without on a terminal; the file has it.
_DISPENSABLE = ("± error", "epochs")


@dataclass(frozen=True)
class TrialTable:
    """A table of trials that is not wider than a terminal.

    It has a column for each setting that varies; where those alone are too many, the settings stand beneath the
    numbers of their trial. Names of several words make a header of several lines where they are too wide.

    Attributes
    ----------
    settings : tuple of Settings
        All that there may be rows of.
    score_name : str
    rungs : tuple of str
        With halving the names of its rungs.
    width : int
        Of the terminal, in characters.
    """

    settings: tuple[Settings, ...]
    score_name: str
    rungs: tuple[str, ...] = ()
    width: int = 80

    @property
    def _keys(self) -> list[str]:
        return varied(self.settings)

    def _numbers(self) -> list[str]:
        losses = [f"{name} loss" for name in self.rungs] or ["validation loss"]
        return [*losses, "± error", self.score_name, "epochs"]

    def _columns(self, names: Sequence[str], broken: bool) -> list[tuple[list[str], int]]:
        """The lines of each header, and the width of each column."""
        out = []
        for name in names:
            lines = name.replace("_", "_ " if broken else "_").split(" ") if broken else [name]
            lines = [line.rstrip("_") for line in lines]
            if name in TUNABLE:
                cells = [value_text(getattr(s, name)) for s in self.settings]
            else:
                cells = ["0" * (4 if name == "epochs" else _NUMBER)]
            out.append((lines, max(map(len, [*lines, *cells]))))
        return out

    @property
    def _form(self) -> _Form:
        """The first of the forms that is not too wide; the last one is for those that have too many settings."""
        settings, numbers = self._keys, self._numbers()
        fewer = [name for name in numbers if name not in _DISPENSABLE]
        forms = [
            _Form(tuple(names), tuple(self._columns(names, broken)), gap)
            for names, broken, gap in (
                ([*settings, *numbers], False, 2),
                ([*settings, *numbers], True, 2),
                ([*settings, *numbers], True, 1),
                ([*settings, *fewer], True, 2),
                ([*settings, *fewer], True, 1),
                (numbers, True, 2),
                (fewer, True, 1),
            )
        ]
        return next((form for form in forms if form.width <= self.width), forms[-1])

    def header(self) -> list[str]:
        """The lines above the rows."""
        form = self._form
        height = max(len(lines) for lines, _ in form.columns)
        tall = [[""] * (height - len(lines)) + lines for lines, _ in form.columns]
        return [form.line([lines[i] for lines in tall]) for i in range(height)]

    def row(self, trial: Trial) -> list[str]:
        """The lines of a trial: one, or more where its settings stand beneath."""
        form = self._form
        losses = [_loss(loss) for loss in _filled(trial, self.rungs)] or [_loss(trial.loss)]
        numbers = [*losses, _number(trial.error), _number(trial.score)]
        numbers.append(f"{np.mean(trial.epochs):.0f}")
        cells = dict(zip(self._numbers(), numbers, strict=True))
        cells |= {key: value_text(getattr(trial.settings, key)) for key in self._keys}
        line = form.line([cells[name] for name in form.names])
        if self._keys[0] in form.names:
            return [line]
        beneath = textwrap.wrap(
            in_words(trial.settings, self._keys), self.width,
            initial_indent="  ", subsequent_indent="  ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        return [line, *beneath]


@dataclass(frozen=True)
class _Form:
    """Columns: their names, the lines of each header with its width, and the blanks between two."""

    names: tuple[str, ...]
    columns: tuple[tuple[list[str], int], ...]
    gap: int

    @property
    def width(self) -> int:
        return sum(width for _, width in self.columns) + self.gap * (len(self.columns) - 1)

    def line(self, cells: Sequence[str]) -> str:
        widths = [width for _, width in self.columns]
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        return (" " * self.gap).join(padded).rstrip()


def _filled(trial: Trial, rungs: Sequence[str]) -> list[float | None]:
    """The losses in all rungs, None for those in which the trial was not."""
    return [trial.rungs[i] if i < len(trial.rungs) else None for i in range(len(rungs))]


def _loss(value: float | None) -> str:
    if value is None:
        return ""
    return _number(value) if math.isfinite(value) else "diverged"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}"


def table_text(trials: Sequence[Trial], score_name: str, rungs: Sequence[str] = ()) -> str:
    """The trials as CSV: settings, mean, standard error, the mean of each rung, and every fold's validation loss.

    Parameters
    ----------
    trials : sequence of Trial
    score_name : str
    rungs : sequence of str
        With halving the names of its rungs, as ``"33 epochs"``: a column ``loss_33_epochs``, empty where a trial was
        not in that rung.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    names = ["loss", "standard_error", score_name.lower(), "epochs"]
    names += [f"loss_{rung.replace(' ', '_').replace(',', '')}" for rung in rungs]
    names += [f"loss_{i}" for i in range(1, len(trials[0].losses) + 1)]
    writer.writerow([*TUNABLE, *names])
    for trial in trials:
        found = [getattr(trial.settings, key) for key in TUNABLE]
        # what a network or an optimiser does not have is empty
        values = ["" if value is None else value_text(value) for value in found]
        numbers = [trial.loss, trial.error, trial.score, float(np.mean(trial.epochs))]
        writer.writerow([*values, *numbers, *_filled(trial, rungs), *trial.losses])
    return lines.getvalue()
