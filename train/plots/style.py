"""What all pictures share: figures without pyplot, colours that everybody can tell apart, names that do not overlap."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import extra

# Okabe and Ito, "Color Universal Design", 2008, without yellow, which white paper swallows
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# as many as are no multiple of the colours, so that pairs repeat late: grey prints tell lines by these
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
TRAINING, VALIDATION, MARK = OKABE_ITO[0], OKABE_ITO[1], "#777777"
_GRID = 0.25


def new_figure(width: float, height: float, *, layout: str | None = "constrained") -> Any:
    """A figure of its own, so that no display and no global state of pyplot is touched."""
    figure = extra("matplotlib.figure", "a plot").Figure
    return figure(figsize=(width, height), dpi=110, layout=layout)


def panel(figure: Any, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place of the figure, in inches: to find the places by themselves costs as long as to draw."""
    wide, tall = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / tall, width / wide, height / tall))


def axes_or_new(ax: Any, width: float, height: float) -> Any:
    """The axes that were given, or those of a new figure of this size in inches."""
    return new_figure(width, height).subplots() if ax is None else ax


def png(figure: Any) -> bytes:
    """The figure as a PNG file's bytes; a character that the font lacks is drawn as a box, without a warning."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def open_axes(ax: Any) -> None:
    """A faint grid, and no lines above and on the right."""
    ax.grid(alpha=_GRID)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def colour(i: int) -> str:
    """The colour of the i-th of several lines or classes."""
    return OKABE_ITO[i % len(OKABE_ITO)]


def plain(text: Any) -> str:
    r"""A text that matplotlib draws as it stands: "$" would start a formula, a line break another line.

    Examples
    --------
    >>> plain("cost in $\n")
    'cost in \\$'
    """
    return " ".join(str(text).split()).replace("$", r"\$")


def shortened(name: Any, most: int = 28) -> str:
    """A name for a tick or a legend, cut off where it is long.

    Examples
    --------
    >>> shortened("a very long name", 10)
    'a very lo…'
    """
    text = " ".join(str(name).split())
    return plain(text if len(text) <= most else text[: most - 1] + "…")


def wrapped(title: str, width: int) -> str:
    """A title in at most three lines of so many characters."""
    lines = [line for part in title.splitlines() for line in textwrap.wrap(part, width)]
    if len(lines) > 3:
        lines = [*lines[:2], lines[2][: width - 1] + "…"]
    return "\n".join(plain(line) for line in lines)


def legend_beside(ax: Any, count: int, *, most: int = 48, **settings: Any) -> None:
    """A legend inside the axes where it is short, else to the right of them, in columns."""
    handles, labels = ax.get_legend_handles_labels()
    if not labels:
        return
    if count <= 8:
        ax.legend(**{"frameon": False, "fontsize": 8, **settings})
        return
    if len(labels) > most:
        handles = handles[: most - 1]
        labels = [*labels[: most - 1], f"and {len(labels) - most + 1} more"]
        handles.append(extra("matplotlib.lines", "a plot").Line2D([], [], linestyle="none"))
    ax.legend(
        handles,
        labels,
        frameon=False,
        fontsize=7,
        ncols=math.ceil(len(labels) / 24),
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )


def name_ticks(axis: Any, names: Sequence[str], *, most: int, font: float, rotate: bool) -> None:
    """Name the positions 0, 1, … of an axis: all of them, or each second, fifth, … where there are more than `most`."""
    count = len(names)
    step = next(
        s * 10**e for e in range(9) for s in (1, 2, 5) if math.ceil(count / (s * 10**e)) <= most
    )
    ticks = range(0, count, step)
    shown = [shortened(names[i], 20) for i in ticks]
    axis.set_ticks(ticks, shown, fontsize=font)
    if rotate and turned(shown):
        for label in axis.get_ticklabels():
            label.set_rotation(90)


def turned(names: Sequence[str]) -> bool:
    """Whether these names, side by side below axes, have to be turned to be read."""
    return max(min(len(name), 20) for name in names) * len(names) > 40


def room_for(names: Sequence[str]) -> float:
    """The inches that such names want below axes."""
    return 0.075 * max(min(len(name), 20) for name in names) if turned(names) else 0.0


def plain_log_ticks(ax: Any, axis: str = "y") -> None:
    """Label a logarithmic axis 0.2 and 0.5 rather than 2 × 10⁻¹; between powers of ten only where those are few."""
    ticker = extra("matplotlib.ticker", "a plot")
    low, high = ax.get_ylim() if axis == "y" else ax.get_xlim()
    decades = math.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 2 else (1.0,)
    of = ax.yaxis if axis == "y" else ax.xaxis
    if decades < 0.4:
        # less than a factor of 2.5: a power of ten may not be among them
        of.set_major_locator(ticker.MaxNLocator(5))
    else:
        of.set_major_locator(ticker.LogLocator(subs=subs))
    of.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    of.set_minor_formatter(ticker.NullFormatter())


def finite(values: Any) -> np.ndarray:
    """The finite ones of some numbers, in float64."""
    found = np.asarray(values, np.float64).ravel()
    return found[np.isfinite(found)]
