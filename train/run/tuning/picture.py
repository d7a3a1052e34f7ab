"""The picture of a tuning: the validation loss against the settings that vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...plots.style import (
    LINES,
    MARK,
    MARKERS,
    TRAINING,
    colour,
    new_figure,
    open_axes,
    plain,
    plain_log_ticks,
    png,
    wrapped,
)
from .trial import Trial
from .values import value_text, varied

# More lines than these have no legend that can be read: the settings get a panel each.
_MOST_LINES = 8
_MOST_PANELS = 9
_ACROSS = 3
_LOSS = "validation loss, mean over folds"
# Beyond this ratio a linear axis presses the smaller values together.
_WIDE = 10.0


def tuning_png(
    trials: Sequence[Trial],
    *,
    best: Trial,
    title: str,
    grid: bool = True,
    rungs: Sequence[str] = (),
    remarks: dict[str, str] | None = None,
) -> bytes:
    """Validation loss and its standard error against the settings, as a PNG file's bytes.

    Parameters
    ----------
    trials : sequence of Trial
    best : Trial
        It is marked.
    title : str
    grid : bool
        Whether the trials are a whole grid: lines then, if there are few. Else points, in a panel for each setting
        that varies.
    rungs : sequence of str
        With halving what each rung had: another panel, of the losses from rung to rung.
    remarks : dict of str to str
        Settings whose best value is at the edge of those given.
    """
    keys = varied([t.settings for t in trials])
    finite = [t for t in trials if math.isfinite(t.loss)]
    across = _first_numeric(keys, finite)
    others = [key for key in keys if key != across]
    labels = {_label(trial, others) for trial in finite}
    if grid and not rungs and len(labels) <= _MOST_LINES:
        figure = new_figure(7.0, 4.6)
        _draw_lines(figure.subplots(), finite, best, across, others)
        shown = [across]
    else:
        panels = min(len(keys) + bool(rungs), _MOST_PANELS)
        columns = min(panels, _ACROSS)
        lines = math.ceil(panels / columns)
        figure = new_figure(1.2 + 3.8 * columns, 0.9 + 3.5 * lines)
        axes = list(figure.subplots(lines, columns, squeeze=False).flat)
        for spare in axes[panels:]:
            spare.remove()
        if rungs:
            _draw_rungs(axes.pop(0), finite, best, rungs)
        shown = keys[: panels - bool(rungs)]
        for panel, key in zip(axes, shown, strict=False):
            _draw_points(panel, finite, best, key, rungs)
        for panel in figure.axes[1:]:
            if panel.get_subplotspec().colspan.start:
                panel.set_ylabel("")
    notes = [text for key, text in (remarks or {}).items() if key in shown]
    inches, _ = figure.get_size_inches()
    figure.suptitle(wrapped("\n".join([title, *notes]), round(11 * inches)), fontsize=11)
    return png(figure)


def _first_numeric(keys: Sequence[str], trials: Sequence[Trial]) -> str:
    """The setting along the axis: the first that is a number, else the first."""
    numeric = (k for k in keys if all(_is_number(getattr(t.settings, k)) for t in trials))
    return next(numeric, keys[0])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _label(trial: Trial, keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {value_text(getattr(trial.settings, key))}" for key in keys)


def _draw_lines(
    axes: Any, trials: Sequence[Trial], best: Trial, across: str, others: Sequence[str]
) -> None:
    place = _placed(axes, trials, across)
    lines: dict[str, list[Trial]] = {}
    for trial in trials:
        lines.setdefault(_label(trial, others), []).append(trial)
    for i, (label, group) in enumerate(lines.items()):
        group = sorted(group, key=place)
        axes.errorbar(
            [place(t) for t in group],
            [t.loss for t in group],
            yerr=[t.error for t in group],
            marker=MARKERS[i % len(MARKERS)],
            linestyle=LINES[i % len(LINES)],
            capsize=3,
            label=plain(label) or None,
            color=colour(i),
        )
    _mark(axes, place(best), best, across)
    _dress(axes, across)


def _draw_points(
    axes: Any, trials: Sequence[Trial], best: Trial, key: str, rungs: Sequence[str]
) -> None:
    place = _placed(axes, trials, key)
    groups = {max(len(t.rungs), 1) for t in trials}
    for reached in sorted(groups):
        group = [t for t in trials if max(len(t.rungs), 1) == reached]
        axes.errorbar(
            [place(t) for t in group],
            [t.loss for t in group],
            yerr=[t.error for t in group],
            linestyle="none",
            marker="o",
            markersize=5,
            elinewidth=0.8,
            color=_shade(reached, len(rungs)),
            label=f"out after {rungs[reached - 1]}" if 0 < reached < len(rungs) else None,
        )
    _mark(axes, place(best), best, key)
    _dress(axes, key)


def _draw_rungs(axes: Any, trials: Sequence[Trial], best: Trial, rungs: Sequence[str]) -> None:
    for trial in sorted(trials, key=lambda t: len(t.rungs)):
        own = trial is best or trial == best
        axes.plot(
            range(len(trial.rungs)),
            trial.rungs,
            marker="o",
            markersize=4,
            linewidth=2.0 if own else 1.0,
            color="black" if own else _shade(len(trial.rungs), len(rungs)),
            label="best" if own else None,
            zorder=3 if own else 2,
        )
    axes.set_xticks(range(len(rungs)), rungs, fontsize=8)
    axes.set_xlim(-0.3, len(rungs) - 0.7)
    _dress(axes, "rung")


def _shade(reached: int, rungs: int) -> Any:
    """Darker for those that went further, the last of all in the colour of a whole trial."""
    if reached >= rungs:
        return TRAINING
    return str(0.8 - 0.4 * (reached - 1) / max(rungs - 1, 1))


def _placed(axes: Any, trials: Sequence[Trial], key: str) -> Any:
    """Give the axis the setting's scale, and return where a trial is on it."""
    values = [getattr(t.settings, key) for t in trials]
    different = dict.fromkeys(values)
    numeric = all(map(_is_number, different))
    if numeric and (min(different) > 0 or len(different) > 8):
        low, high = min(different), max(different)
        if low > 0 and high / low >= _WIDE:
            axes.set_xscale("log")
            axes.set_xlim(low / 1.3, high * 1.3)
            plain_log_ticks(axes, "x")
        elif len(different) <= 8:
            axes.set_xticks(sorted(different), [value_text(v) for v in sorted(different)])
        return lambda trial: getattr(trial.settings, key)
    # values without a scale, and a few with 0 among them, stand side by side
    order = sorted(different) if len({type(v) for v in different}) == 1 else [*different]
    turned = len(order) > 3 or max(len(value_text(v)) for v in order) > 8
    axes.set_xticks(
        range(len(order)), [value_text(v) for v in order],
        rotation=30 if turned else 0, ha="right" if turned else "center", fontsize=9,
    )  # fmt: skip
    axes.set_xlim(-0.5, len(order) - 0.5)
    return lambda trial: order.index(getattr(trial.settings, key))


def _mark(axes: Any, x: float, best: Trial, key: str) -> None:
    text = f"best: {value_text(getattr(best.settings, key))}"
    axes.axvline(x, color=MARK, linestyle=":", linewidth=1.2, label=text)
    axes.plot(
        [x],
        [best.loss],
        marker="*",
        markersize=15,
        color="black",
        markeredgecolor="white",
        zorder=4,
    )


def _dress(axes: Any, key: str) -> None:
    if axes.dataLim.intervaly[0] > 0:
        axes.set_yscale("log")
        plain_log_ticks(axes)
    axes.set_xlabel(key.replace("_", " "))
    axes.set_ylabel(_LOSS)
    open_axes(axes)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=8)
