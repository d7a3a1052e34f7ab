"""The tab that compares optimisers: one start, their paths on one picture, their losses step by step."""

from __future__ import annotations

from functools import cache, lru_cache
from html import escape
from typing import Any

import numpy as np
from bokeh.events import DocumentReady, Tap
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    CheckboxGroup,
    ColumnDataSource,
    Div,
    HoverTool,
    NumericInput,
    Range1d,
    Select,
    Slider,
    Span,
)
from bokeh.plotting import figure

from .functions import FUNCTIONS
from .methods import CHOICES, Run, run
from .network import DECAY, SAMPLES, UNITS, NetworkProblem, network_problem
from .plane import extent_of, plane_of_path, share_shown, whole_plane
from .summary import COLOURS, sentence_of, table_of
from .surface import Surface
from .view import LandscapeView, Line

FIRST = ("gd", "gd-exact", "momentum", "adam", "l-bfgs", "newton-cg")
_NETWORK = "network"
_NETWORK_RATES = (1.0, 0.1)
CARD = {
    "background": "#ffffff",
    "border": "1px solid #d9dde4",
    "border-radius": "8px",
    "padding": "8px",
    "max-width": "100%",
    "overflow-x": "auto",
}
"""A part of a tab: a white card, which scrolls where the window is narrower than it."""
WRAPPED = {"flex-wrap": "wrap", "max-width": "100%"}
"""What stands side by side where there is room."""
W = 100  # of a narrow field, in pixels
_FRAME = 40  # milliseconds from one step of the animation to the next
_MOST_STEPS = 500


def tab(document: Any) -> Any:
    """The tab's layout.

    Parameters
    ----------
    document : bokeh.document.Document
    """
    return Comparison(document).layout


class Comparison:
    """The controls of the comparison, what they set, and its pictures.

    Parameters
    ----------
    document : bokeh.document.Document, optional
        Whose clock the animation runs by; without one there is none.

    Attributes
    ----------
    layout : bokeh.models.LayoutDOM
    runs : list of Run
        What is shown.
    """

    def __init__(self, document: Any = None) -> None:
        self._document = document
        self._clock: Any = None
        self._quiet = False
        self.runs: list[Run] = []
        self.view = LandscapeView(size=360, points=161, paths=len(FIRST))
        first = next(iter(FUNCTIONS.values()))
        self.function = Select(
            title="Function", value=next(iter(FUNCTIONS)), width=2 * W + 10,
            options=[*((name, f.title) for name, f in FUNCTIONS.items()), (_NETWORK, "A small network's loss")],
        )  # fmt: skip
        self.x = NumericInput(title="Start x", value=first.start[0], mode="float", width=W)
        self.y = NumericInput(title="Start y", value=first.start[1], mode="float", width=W)
        self.seed = NumericInput(
            title="Seed of the weights", value=0, mode="int", low=0, width=W, visible=False
        )
        self.gradient = NumericInput(
            title="Learning rate", value=first.rates[0], mode="float", low=1e-6, high=10, width=W
        )  # fmt: skip
        self.adaptive = NumericInput(
            title="Rate (adaptive)", value=first.rates[1], mode="float", low=1e-6, high=10, width=W
        )  # fmt: skip
        self.steps = NumericInput(
            title="Maximum steps", value=100, mode="int", low=1, high=_MOST_STEPS, width=W
        )
        self.methods = CheckboxGroup(
            labels=[choice.title for choice in CHOICES.values()],
            active=[list(CHOICES).index(name) for name in FIRST],
            width=2 * W + 10,
        )
        self.play = Button(label="▶ Play", button_type="primary", width=W)
        self.shown = Slider(title="Steps shown", start=0, end=100, value=100, step=1, width=300)
        self.formula, self.note, self.table = (
            Div(text="", width=w) for w in (2 * W + 10, 432, 432)
        )
        self._losses, self._curves = _loss_figure()
        self._mark = Span(
            dimension="height", line_color="#5a6272", line_dash="dotted", location=100
        )
        self._losses.add_layout(self._mark)
        self._marks = ColumnDataSource({"x": [], "y": []})
        self.view.figure.scatter(
            "x", "y", source=self._marks, marker="x", size=11, line_color="white", line_width=2.5, level="underlay"
        )  # fmt: skip
        self._connect()
        self.layout = self._arranged()
        if document is None:
            self._new_function()
        else:
            # the page is there first: the first comparison takes most of a second
            self._quiet = True
            self._new_function()
            document.on_event(DocumentReady, lambda event: self._begin())

    def _arranged(self) -> Any:
        controls = column(
            self.function, self.formula, row(self.x, self.y), self.seed, row(self.gradient, self.adaptive),
            self.steps, Div(text="<b>Optimisers</b>"), self.methods, styles=CARD,
        )  # fmt: skip
        walk = row(self.play, self.shown, styles=WRAPPED)
        # as wide as with the longest numbers at its colours, so that no number moves what stands beside it
        pictures = column(self.view.layout, walk, styles={**CARD, "width": "520px"})
        results = column(self._losses, self.note, self.table, styles=CARD)
        return row(controls, pictures, results, spacing=10, styles=WRAPPED)

    def _connect(self) -> None:
        self.function.on_change("value", lambda attr, old, new: self._new_function())
        for field in (self.x, self.y, self.seed, self.gradient, self.adaptive, self.steps):
            field.on_change("value", lambda attr, old, new: self._renew())
        self.methods.on_change("active", lambda attr, old, new: self._renew())
        self.shown.on_change("value", lambda attr, old, new: self._walk())
        self.play.on_click(lambda: self._toggle())
        self.view.figure.on_event(Tap, lambda event: self._start_at(event.x, event.y))

    # ── what the controls do ──────────────────────────────────────────────────────────────────

    def _new_function(self) -> None:
        """Draw another function, and begin where it is best begun."""
        network = self.function.value == _NETWORK
        self.x.visible = self.y.visible = not network
        self.seed.visible = network
        if network:
            self.formula.text = (
                f"<p>The mean cross-entropy of {SAMPLES} samples of two half-circles, for a network "
                f"{'-'.join(map(str, UNITS))} of tanh units, with a weight decay of {DECAY}.</p>"
                "<p>The picture is of the plane in which most of the paths lie.</p>"
            )
            self._marks.data = {"x": [], "y": []}
            self._set((self.gradient, _NETWORK_RATES[0]), (self.adaptive, _NETWORK_RATES[1]))
            return
        chosen = FUNCTIONS[self.function.value]
        self.formula.text = f"<p><i>{escape(chosen.formula)}</i></p><p>{escape(chosen.about)}</p>"
        self.view.figure.title.text = chosen.title
        x, y = zip(*chosen.minima, strict=True)
        self._marks.data = {"x": x, "y": y}
        values = _values(self.function.value, self.view.points)
        self.view.draw(whole_plane(), values, chosen.extent, [])
        self.view.note.text = "Click on the picture to start there. A white × is a minimum."
        self._set(
            (self.x, chosen.start[0]), (self.y, chosen.start[1]),
            (self.gradient, chosen.rates[0]), (self.adaptive, chosen.rates[1]),
        )  # fmt: skip

    def _begin(self) -> None:
        """Run for the first time."""
        self._quiet = False
        self._renew()

    def _start_at(self, x: float, y: float) -> None:
        """Start from where the mouse was."""
        if self.function.value == _NETWORK:
            return
        self._set((self.x, float(f"{x:.3g}")), (self.y, float(f"{y:.3g}")))

    def _set(self, *values: tuple[Any, float]) -> None:
        """Set several fields, and run once."""
        before, self._quiet = self._quiet, True
        for field, value in values:
            field.value = value
        self._quiet = before
        self._renew()

    def _renew(self) -> None:
        """Run all chosen optimisers from the start, and show them."""
        if self._quiet:
            return
        network = self.function.value == _NETWORK
        begin = (self.seed,) if network else (self.x, self.y)
        missing = [
            f.title for f in (*begin, self.gradient, self.adaptive, self.steps) if f.value is None
        ]
        if missing:
            self.note.text = f"<p>{escape(missing[0])} needs a number.</p>"
            return
        # which a page keeps to by itself, and whoever speaks to the server in its place does not
        for f in (self.seed, self.gradient, self.adaptive, self.steps):
            low, high = 0 if f.low is None else f.low, 2**31 if f.high is None else f.high
            if not low <= f.value <= high:
                self.note.text = f"<p>{escape(f.title)} is between {low:g} and {high:g}.</p>"
                return
        names = [list(CHOICES)[k] for k in sorted(self.methods.active)]
        problem = network_problem(self.seed.value) if network else None
        begin_at = tuple(field.value for field in begin)
        rates = {"gradient": self.gradient.value, "adaptive": self.adaptive.value, "": 0.0}
        try:
            self.runs = [
                _found(
                    self.function.value, begin_at, name, self.steps.value, rates[CHOICES[name].rate]
                )
                for name in names
            ]
        except ValueError as error:
            self.note.text = f"<p>{escape(str(error))}</p>"
            return
        if problem is None:
            self.view.show_lines([_line(r, r.path) for r in self.runs])
        else:
            self._draw_network(problem)
        _fill(self._losses, self._curves, self.runs)
        longest = max((len(r.path) - 1 for r in self.runs), default=0)
        self._quiet = True
        self.shown.update(end=max(longest, 1), value=max(longest, 1))
        self._quiet = False
        self._mark.location = longest
        self.table.text = table_of(self.runs)
        self.note.text = f"<p>{escape(sentence_of(self.runs))}</p>"

    def _draw_network(self, problem: NetworkProblem) -> None:
        """Draw the loss of the network on the plane that shows most of all paths, and these."""
        start = problem.parameters.vector
        kept = [r for r in self.runs if not r.ending.startswith("diverged")]
        best = min(kept, key=lambda r: r.losses[-1]).path if kept else start[None]
        together = np.concatenate([*(r.path for r in kept), best])
        plane = plane_of_path(together, problem.parameters.shapes)
        extent = extent_of(
            plane.coordinates(together), margin=0.1, least=float(np.linalg.norm(start))
        )
        surface = Surface(problem.loss_on, lambda w: w)
        values = surface(plane.origin, plane.u, plane.v, extent, 61, (problem.X, problem.y))
        self.view.draw(
            plane, values, extent, [_line(r, plane.coordinates(r.path)) for r in self.runs]
        )
        shares = [share_shown(plane, r.path) for r in kept if len(r.path) > 1]
        self.view.figure.title.text = "The loss on a plane of the network's parameters"
        self.view.note.text = (
            f"This plane in the space of {len(start)} parameters shows {100 * min(shares):.0f} to "
            f"{100 * max(shares):.0f} % of each path's length; other points are drawn at the nearest point of it."
            if shares else "No path to show."
        )  # fmt: skip

    def _walk(self) -> None:
        """Show the paths up to the step of the slider."""
        if not self._quiet:
            self.view.walk(self.shown.value)
            self._mark.location = self.shown.value

    def _toggle(self) -> None:
        """Play, or pause."""
        if self._document is None:
            return
        if self._clock is not None:
            self._pause()
            return
        if self.shown.value >= self.shown.end:
            self.shown.value = 0
        self.play.label = "❚❚ Pause"
        self._clock = self._document.add_periodic_callback(self._tick, _FRAME)

    def _pause(self) -> None:
        self._document.remove_periodic_callback(self._clock)
        self._clock = None
        self.play.label = "▶ Play"

    def _tick(self) -> None:
        if self.shown.value >= self.shown.end:
            self._pause()
        else:
            self.shown.value += 1


@lru_cache(maxsize=128)
def _found(function: str, begin: tuple[Any, ...], name: str, steps: int, rate: float) -> Run:
    """The run of one optimiser: another box that is ticked, or another page, runs nothing anew."""
    rates = {"gradient": rate, "adaptive": rate}
    if function == _NETWORK:
        problem = network_problem(begin[0])
        return run(name, problem.loss, problem.parameters.vector, steps=steps, rates=rates)
    return run(name, FUNCTIONS[function].f, np.asarray(begin, float), steps=steps, rates=rates)


@cache
def _values(function: str, points: int) -> np.ndarray:
    """A function of two variables on the grid of its picture."""
    chosen, plane = FUNCTIONS[function], whole_plane()
    return Surface(chosen.f, lambda w: w)(plane.origin, plane.u, plane.v, chosen.extent, points)


def _line(r: Run, coordinates: np.ndarray) -> Line:
    return Line(
        CHOICES[r.name].title, coordinates, r.losses, np.arange(len(r.path)), *COLOURS[r.name]
    )


def _loss_figure() -> tuple[Any, dict[str, tuple[ColumnDataSource, Any]]]:
    """The figure of losses by steps, with a hidden curve for each optimiser."""
    plot = figure(
        frame_width=345, frame_height=220, y_axis_type="log", tools="", toolbar_location=None,
        title="Loss above the lowest that was found", x_axis_label="step",
        x_range=Range1d(0, 100), y_range=Range1d(1e-12, 1),
    )  # fmt: skip
    plot.outline_line_color = None
    curves = {}
    for name, choice in CHOICES.items():
        source = ColumnDataSource({"step": [], "gap": [], "loss": []})
        colour, dash = COLOURS[name]
        curve = plot.line(
            "step", "gap", source=source, line_color=colour, line_dash=dash, line_width=2.2
        )
        plot.add_tools(
            HoverTool(
                renderers=[curve], tooltips=[("", choice.title), ("step", "@step"), ("loss", "@loss{0.000000}")]
            )
        )  # fmt: skip
        curves[name] = (source, curve)
    return plot, curves


def _fill(plot: Any, curves: dict[str, tuple[ColumnDataSource, Any]], runs: list[Run]) -> None:
    """Put the losses of runs into their curves, and empty the others."""
    lowest = min((float(r.losses.min()) for r in runs), default=0.0)
    highest = max((float(r.losses[0]) for r in runs), default=1.0) - lowest
    least = max(highest * 1e-12, 1e-300)
    by_name = {r.name: r for r in runs}
    for name, (source, _) in curves.items():
        r = by_name.get(name)
        losses = np.empty(0) if r is None else r.losses
        source.data = {
            "step": np.arange(len(losses)),
            "gap": np.maximum(losses - lowest, least),
            "loss": losses,
        }
    plot.x_range.end = max((len(r.losses) - 1 for r in runs), default=1) or 1
    plot.y_range.update(start=least, end=max(highest * 3, 10 * least))
