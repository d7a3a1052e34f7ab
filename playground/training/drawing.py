"""The figures of the tab, and what of them changes with the data and with the structure of the network."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure

from .data import CLASSIFICATION, EXTENT, Data
from .features import FEATURES
from .frame import pixels
from .network import EVERY, UNIT_SIDE, Training
from .settings import MOST_UNITS, Settings

# blue and orange, which differ for every eye (Okabe, Ito, 2008), through a light grey
NEGATIVE, POSITIVE, BETWEEN = "#d8700a", "#0072b2", "#eef0f2"
_INK, _SOFT, _GRID = "#1f2430", "#5a6272", "#e3e6eb"
UNIT_PIXELS = 36
_CURVE_POINTS = 16
_MOST_NAME = 30
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


def palette(steps: int = 255) -> list[str]:
    """Colours from −1 to 1.

    Examples
    --------
    >>> palette(3)
    ['#d8700a', '#eef0f2', '#0072b2']
    """
    ends = np.asarray(
        [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (NEGATIVE, BETWEEN, POSITIVE)]
    )
    along = np.linspace(-1, 1, steps)
    colours = [np.interp(along, [-1, 0, 1], ends[:, k]).round().astype(int) for k in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(*colours, strict=True)]


@dataclass(frozen=True)
class Figures:
    """The figures and the sources that they draw from: as many as there are at the start, whatever is drawn.

    Attributes
    ----------
    network, surface, curves, norms : figure
    lines, units, train, test, losses, gradients : ColumnDataSource
    shown : renderer
        Of the test data.
    """

    network: Any
    surface: Any
    curves: Any
    norms: Any
    lines: Any
    units: Any
    train: Any
    test: Any
    losses: Any
    gradients: Any
    shown: Any


def figures() -> Figures:
    """The figures, with nothing in them."""
    network, lines, units = _network()
    surface, train, test, shown = _surface()
    curves, losses = _curves()
    norms, gradients = _norms()
    return Figures(
        network, surface, curves, norms, lines, units, train, test, losses, gradients, shown
    )


def _plain(**settings: Any) -> Any:
    """A figure without tools, in the page's colours."""
    made = figure(toolbar_location=None, tools="", sizing_mode="stretch_width", **settings)
    made.outline_line_color = None
    made.grid.grid_line_color = _GRID
    return dressed(made)


def dressed(made: Any) -> Any:
    """A figure in the page's colours and letters."""
    made.background_fill_color = made.border_fill_color = None
    for axis in (*made.xaxis, *made.yaxis):
        axis.axis_line_color = axis.major_tick_line_color = "#9aa1ae"
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = _SOFT
        axis.major_label_text_font = axis.axis_label_text_font = _FONT
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px"
        axis.axis_label_text_font_style = "normal"
    return made


def _network() -> tuple[Any, Any, Any]:
    fig = _plain(
        height=400,
        x_range=Range1d(-0.5, 3.5),
        y_range=Range1d(MOST_UNITS - 0.5, -0.5),
        min_border=0,
    )
    fig.axis.visible = False
    fig.grid.visible = False
    # the page itself draws the weights and the pictures of units, under what Bokeh shows below the mouse
    lines = ColumnDataSource({"xs": [], "ys": [], "weight": [], "name": []})
    units = ColumnDataSource({"image": [], "x": [], "y": [], "name": [], "bias": [], "edge": []})
    drawn = fig.multi_line(
        "xs", "ys", source=lines, line_width=3, line_alpha=0.0, line_cap="round",
        hover_line_color=_INK, hover_line_alpha=1.0,
    )  # fmt: skip
    tip = [("", "@name"), ("weight", "@weight{+0.000}")]
    fig.add_tools(HoverTool(renderers=[drawn], tooltips=tip, line_policy="interp"))
    framed = fig.scatter(
        "x", "y", source=units, marker="square", size=UNIT_PIXELS + 2, fill_color="white",
        fill_alpha=0.0, line_color="edge", line_width=1.5, hover_line_color=_INK,
    )  # fmt: skip
    tip = [("", "@name"), ("bias", "@bias")]
    fig.add_tools(HoverTool(renderers=[framed], tooltips=tip))
    return fig, lines, units


def _surface() -> tuple[Any, ...]:
    fig = _plain(
        height=340,
        x_range=Range1d(-EXTENT, EXTENT),
        y_range=Range1d(-EXTENT, EXTENT),
        min_border=8,
        aspect_ratio=1,
    )
    fig.sizing_mode = "scale_width"
    for axis in (fig.xaxis, fig.yaxis):
        axis.ticker = FixedTicker(ticks=[-6, -3, 0, 3, 6])
    fig.grid.visible = False
    # the output itself is drawn by the page, under the points
    targets = LinearColorMapper(palette=palette(), low=-1, high=1)
    fill = {"field": "y", "transform": targets}
    sources = [ColumnDataSource({"x1": [], "x2": [], "y": []}) for _ in range(2)]
    drawn = [
        fig.scatter("x1", "x2", source=source, size=7.5, fill_color=fill, line_color=edge, line_width=1.2)
        for source, edge in zip(sources, ("white", _INK), strict=True)
    ]  # fmt: skip
    drawn[1].visible = False
    return fig, *sources, drawn[1]


def _curves() -> tuple[Any, Any]:
    fig = _plain(height=150, min_border=4)
    fig.yaxis.ticker.desired_num_ticks = 3
    fig.xaxis.ticker.desired_num_ticks = 5
    fig.xgrid.visible = False
    fig.xaxis.axis_label = "epoch"
    # moved by the page: ranges that follow the data would be sent back to the server at each frame
    fig.x_range, fig.y_range = Range1d(0, 1), Range1d(0, 1)
    losses = ColumnDataSource({"epoch": [], "train": [], "test": []})
    fig.line("epoch", "train", source=losses, line_color=_INK, line_width=2)
    fig.line("epoch", "test", source=losses, line_color="#cc79a7", line_width=2)
    return fig, losses


def _norms() -> tuple[Any, Any]:
    fig = _plain(height=150, min_border=4, y_axis_type="log", y_range=Range1d(1e-6, 10))
    fig.x_range = Range1d(0.4, 3.6)
    fig.yaxis.ticker = FixedTicker(ticks=[1e-6, 1e-4, 1e-2, 1])
    fig.xaxis.ticker = FixedTicker(ticks=list(range(1, 8)))
    fig.xgrid.visible = False
    fig.xaxis.axis_label = "layer"
    gradients = ColumnDataSource({"layer": [], "norm": []})
    bars = fig.vbar("layer", top="norm", bottom=1e-9, width=0.6, source=gradients, color="#009e73")
    fig.add_tools(HoverTool(renderers=[bars], tooltips=[("layer", "@layer"), ("norm", "@norm")]))
    return fig, gradients


# ── what changes ──────────────────────────────────────────────────────────────────────────────


def show_data(figures: Figures, train: Data, test: Data) -> None:
    """Put other points on the surface."""
    for source, data in ((figures.train, train), (figures.test, test)):
        y = 2 * data.y - 1 if data.problem == CLASSIFICATION else data.y
        source.data = {"x1": data.X[:, 0], "x2": data.X[:, 1], "y": y}
    own = train.columns != Data.columns
    for axis, name in zip(
        (figures.surface.xaxis, figures.surface.yaxis), train.columns, strict=True
    ):
        # columns of one's own are moved and scaled into the square
        axis.axis_label = f"{name[:_MOST_NAME]}, scaled" if own else name


def show_structure(figures: Figures, training: Training) -> None:
    """Lay out other features, layers or units; the next frame fills them in."""
    settings = training.settings
    places = columns_of(settings)
    names = _names(settings)
    figures.network.x_range.end = len(places) - 0.5
    images = list(pixels(training.feature_surfaces()[:, ::EVERY, ::EVERY]))
    empty = np.full((UNIT_SIDE, UNIT_SIDE), 127, np.uint8)
    units = [(x, y) for x, column in enumerate(places) for y in column]
    # arrays of their own, since the page writes into them
    images = [np.ascontiguousarray(image) for image in images]
    images += [empty.copy() for _ in range(len(units) - len(images))]
    flat = [name for column in names for name in column]
    figures.units.data = {
        "image": images,
        "x": [x for x, _ in units],
        "y": [y for _, y in units],
        "name": flat,
        "bias": ["none"] * len(places[0]) + ["0"] * (len(units) - len(places[0])),
        "edge": ["#8a919e"] * len(units),
    }
    figures.lines.data = _lines(places, names)
    layers = len(places) - 1
    figures.norms.x_range.end = layers + 0.6
    figures.gradients.data = {"layer": list(range(1, layers + 1)), "norm": [1e-9] * layers}


def columns_of(settings: Settings) -> list[list[float]]:
    """Where the units of each layer are, from above, each layer around the middle.

    Examples
    --------
    >>> columns_of(Settings(hidden=(3,)))
    [[3.0, 4.0], [2.5, 3.5, 4.5], [3.5]]
    """
    middle = (MOST_UNITS - 1) / 2
    return [[middle + i - (n - 1) / 2 for i in range(n)] for n in settings.widths]


def _names(settings: Settings) -> list[list[str]]:
    features = [FEATURES[name].symbol for name in settings.features]
    hidden = [
        [f"layer {k}, unit {i + 1}" for i in range(units)]
        for k, units in enumerate(settings.hidden, 1)
    ]
    return [features, *hidden, ["output"]]


def _lines(places: list[list[float]], names: list[list[str]]) -> dict[str, Any]:
    """A line for each weight, in the order of the weights: by layers, and by rows of each matrix."""
    t = np.linspace(0, 1, _CURVE_POINTS)
    bend = t * t * (3 - 2 * t)
    found: dict[str, Any] = {"xs": [], "ys": [], "name": []}
    for k, (left, right) in enumerate(itertools.pairwise(places)):
        for i, a in enumerate(left):
            for j, b in enumerate(right):
                found["xs"].append(k + t)
                found["ys"].append(a + (b - a) * bend)
                found["name"].append(f"{names[k][i]} → {names[k + 1][j]}")
    count = len(found["name"])
    return {**found, "weight": np.zeros(count)}
