"""Bars, lines and points, as SVG whose text stays text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STYLE = Path(__file__).resolve().parents[3] / "examples" / "gallery.mplstyle"
Table = dict[str, dict[str, float]]

# A peer has its colour in every chart: Okabe and Ito's, blue for this library.
COLOURS = {
    "pullback": "#56B4E9",
    "pullback, compiled": "#0072B2",
    "PyTorch": "#D55E00",
    "PyTorch, channels last": "#E69F00",
    "PyTorch Geometric": "#D55E00",
    "fit": "#0072B2",
    "MLPClassifier": "#56B4E9",
    "fit, losses measured": "#CC79A7",
    "scikit-learn": "#E69F00",
    "JAX": "#009E73",
    "HIPS autograd": "#CC79A7",
    "MyGrad": "#F0E442",
    "NumPy by hand": "#7F7F7F",
    "products alone": "#BFBFBF",
    "a loop over rows": "#BFBFBF",
    "T × T matrix, compiled": "#BFBFBF",
}
DEFAULT = "#0072B2"


def save(draw: Callable[..., Any], values: Table, title: str, label: str, target: Path) -> None:
    """Draw with the gallery's style; a date in the file would make it differ from build to build."""
    import matplotlib
    from matplotlib import style
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        style.use(STYLE)
        matplotlib.rcParams.update(
            {"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "pullback"}
        )
        figure = Figure(figsize=(7.6, 3.8), layout="constrained")
        draw(figure, values, label)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
        figure.savefig(
            target,
            metadata={"Date": None} if target.suffix == ".svg" else None,
            bbox_inches="tight",
            pad_inches=0.12,
        )


def bars(figure: Any, values: Table, label: str) -> None:
    """Horizontal bars, a group under the other, on a logarithmic axis where they differ by much."""
    rows = [(g, peer, v) for g, row in values.items() for peer, v in row.items()]
    figure.set_figheight(max(1.6, 0.19 * len(rows) + 0.16 * len(values) + 0.9))
    axes = figure.subplots()
    place, ticks, seen = 0.0, [], set()
    largest = max(v for *_, v in rows)
    logarithmic = largest / min(v for *_, v in rows) > 8
    if logarithmic:
        axes.set_xscale("log")
    for group, row in values.items():
        start = place
        for peer, value in row.items():
            named = {"label": peer} if peer not in seen and len(row) > 1 else {}
            seen.add(peer)
            axes.barh(place, value, height=0.86, color=COLOURS.get(peer, DEFAULT), **named)
            axes.annotate(
                f"{value:.3g}",
                (value, place),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
            )
            place += 1
        ticks.append((0.5 * (start + place - 1), group))
        place += 0.8
    if "over" in label and "solve alone" not in label:
        axes.axvline(1.0, color="black", linewidth=0.8, zorder=0)
    _finish(axes, ticks, label)
    if logarithmic:
        low, high = axes.get_xlim()
        axes.set_xlim(low, high * 1.35)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    if seen and len(next(iter(values.values()))) > 1:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)


def sorted_bars(figure: Any, values: Table, label: str) -> None:
    """One bar a row, the shortest above."""
    rows = sorted(
        ((name, next(iter(row.values()))) for name, row in values.items()), key=lambda r: r[1]
    )
    figure.set_figheight(0.19 * len(rows) + 1.1)
    axes = figure.subplots()
    for place, (_, value) in enumerate(rows):
        axes.barh(place, value, height=0.8, color=DEFAULT)
        axes.annotate(
            f"{value:.2f}",
            (value, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
    axes.axvline(1.0, color="black", linewidth=0.8)
    _finish(axes, [(place, name) for place, (name, _) in enumerate(rows)], label)


def _finish(axes: Any, ticks: list[tuple[float, str]], label: str) -> None:
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(label, fontsize=9)
    axes.invert_yaxis()
    axes.margins(y=0.01)


def lines(figure: Any, values: Table, label: str) -> None:
    """A line for each peer over the numbers that the groups are."""
    y_label, x_label = label.split("|")
    axes = figure.subplots()
    at = np.asarray([float(g) for g in values])
    names = list(next(iter(values.values())))
    for i, peer in enumerate(names):
        colour = COLOURS.get(peer, list(COLOURS.values())[1 + i])
        axes.loglog(
            at,
            [row[peer] for row in values.values()],
            marker="o",
            markersize=4,
            color=colour,
            label=peer,
        )
    axes.set_xticks(at, [f"{x:g}" for x in at])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)


def against(figure: Any, values: Table, label: str) -> None:
    """What was measured over what was predicted, with the line on which both are equal."""
    figure.set_figheight(4.4)
    axes = figure.subplots()
    networks = list(dict.fromkeys(name.partition(",")[0] for name in values))
    everything = [v for row in values.values() for v in row.values()]
    ends = np.asarray([min(everything) * 0.8, max(everything) * 1.25])
    axes.loglog(ends, ends, color="black", linewidth=0.8)
    axes.fill_between(ends, ends / 1.25, ends * 1.25, color="0.9", label="within a quarter")
    for marker, network in zip("os^v", networks, strict=False):
        for ranks, colour in zip("124", ("#0072B2", "#D55E00", "#009E73"), strict=True):
            rows = [
                r for n, r in values.items() if n.startswith(network) and n.endswith(f" {ranks}")
            ]
            axes.plot(
                [r["predicted"] for r in rows], [r["measured"] for r in rows], marker, color=colour, markersize=6,
                label=f"{network}, {ranks} rank{'s' * (ranks != '1')}",
            )  # fmt: skip
    axes.set(xlabel=f"predicted, {label}", ylabel=f"measured, {label}")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(fontsize=8)
