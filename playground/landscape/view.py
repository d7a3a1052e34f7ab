"""The picture of a loss on a plane, with contours, and the paths that lead across it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    Div,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure
from bokeh.plotting.contour import contour_data

from .plane import Plane, aligned, extent_of, plane_of_path, share_shown
from .surface import Surface, flat, scale_of

LEVELS = np.linspace(0, 1, 17)[3:-1]
"""The heights at which contours are drawn."""

_LOW, _HIGH = (96, 140, 186), (250, 251, 253)
# from a blue at the lowest loss to almost white: every colour of a path is seen on it
PALETTE = [
    "#" + "".join(f"{round(a + (b - a) * k / 255):02x}" for a, b in zip(_LOW, _HIGH, strict=True))
    for k in range(256)
]
ORANGE = "#d55e00"


@dataclass(frozen=True)
class Line:
    """A path as it is drawn.

    Parameters
    ----------
    label : str
    coordinates : numpy.ndarray (K, 2)
        In the plane.
    losses : numpy.ndarray (K,)
        The loss at each of its points; NaN where it is not known.
    steps : numpy.ndarray (K,)
        The numbers of the steps.
    colour, dash : str
    """

    label: str
    coordinates: np.ndarray
    losses: np.ndarray
    steps: np.ndarray
    colour: str = ORANGE
    dash: str = "solid"


class LandscapeView:
    """A figure of a loss on a plane of parameters and of paths across it, and a sentence below it.

    Parameters
    ----------
    size : int
        The side of the figure's frame, in pixels.
    points : int
        Points of the grid along each side.
    paths : int
        How many paths there are room for before the page is there; more may come.

    Attributes
    ----------
    layout : bokeh.models.LayoutDOM
        What a page holds.
    figure : bokeh.plotting.figure
    note : bokeh.models.Div
        The sentence.
    plane : Plane or None
        The plane that was shown last.
    """

    def __init__(self, *, size: int = 420, points: int = 41, paths: int = 1) -> None:
        self.points = points
        self.plane: Plane | None = None
        self._known: tuple[Any, ...] = ()
        self._surface: Surface | None = None
        self._lines: list[Line] = []
        self.figure = figure(
            frame_width=size, frame_height=size, x_range=Range1d(-1, 1), y_range=Range1d(-1, 1),
            tools="tap,pan,wheel_zoom,reset", active_scroll=None, toolbar_location=None,
            title="The loss on a plane", output_backend="canvas",
        )  # fmt: skip
        self.figure.grid.visible = False
        self.figure.outline_line_color = None
        self._bar = _grid_glyphs(
            self.figure, grid := ColumnDataSource(), contours := _contours(self.figure)
        )
        self._grid, self._contours = grid, contours
        self._paths: list[tuple[ColumnDataSource, ColumnDataSource, list[Any]]] = []
        self._make_paths(paths)
        self.note = Div(text="", width=size + 90)
        self.layout = column(self.figure, self.note)

    def show(
        self,
        loss: Callable[..., Any],
        path: Sequence[Any] | np.ndarray,
        *data: Any,
        like: Any = None,
        steps: Any = None,
        losses: Any = None,
    ) -> None:
        """Draw a loss on the plane that shows most of a path, and the path.

        Parameters
        ----------
        loss : callable
            ``loss(params, *data)``, one real number. The same function is compiled once.
        path : sequence of pytrees, or array (K, P)
            Parameters, the latest last; all in one structure. With `like`, vectors of the elements of all leaves.
        *data : array
            What else the loss takes.
        like : pytree, optional
            Parameters in the structure of which the loss takes them, where the path is of vectors.
        steps, losses : array (K,), optional
            The number of the step, and the loss, at each point of the path, to be read under the mouse.
        """
        structure = flat(path[-1] if like is None else like)
        rows = [flat(params).vector for params in path] if like is None else path
        vectors = np.stack([np.asarray(row, structure.vector.dtype) for row in rows])
        plane = aligned(plane_of_path(vectors, structure.shapes), self.plane)
        if self._surface is None or (loss, structure.shapes) != self._known:
            self._known = (loss, structure.shapes)
            self._surface = Surface(loss, structure.unravel)
        coordinates = plane.coordinates(vectors)
        # with few steps taken, what lies around is more to look at than they are
        extent = extent_of(coordinates, least=0.5 * float(np.linalg.norm(vectors[-1])) or 2.0)
        origin = plane.origin.astype(vectors.dtype)
        values = self._surface(origin, plane.u, plane.v, extent, self.points, data)
        line = Line(
            "path",
            coordinates,
            np.full(len(path), np.nan) if losses is None else np.asarray(losses, float),
            np.arange(len(path)) if steps is None else np.asarray(steps),
        )
        self.draw(plane, values, extent, [line])
        share = share_shown(plane, vectors)
        self.note.text = note_of(plane, share, len(path), vectors.shape[1])

    def draw(
        self,
        plane: Plane,
        values: np.ndarray,
        extent: tuple[float, float, float, float],
        lines: Sequence[Line],
    ) -> None:
        """Draw losses (n, n) on a grid of a plane, and paths.

        Parameters
        ----------
        plane : Plane
        values : array (n, n)
            The first row at the bottom.
        extent : tuple of float
            Left, right, bottom, top.
        lines : sequence of Line
        """
        self.plane = plane
        left, right, bottom, top = extent
        scale = scale_of(values)
        heights = scale.heights(values)
        n = len(values)
        dx, dy = (right - left) / (n - 1), (top - bottom) / (n - 1)
        self._grid.data = {
            # a pixel's middle is its point of the grid
            "image": [np.nan_to_num(heights, nan=1.0).astype(np.float32)],
            "loss": [values],
            "x": [left - dx / 2], "y": [bottom - dy / 2],
            "dw": [right - left + dx], "dh": [top - bottom + dy],
        }  # fmt: skip
        x, y = np.linspace(left, right, n), np.linspace(bottom, top, n)
        levels = LEVELS if scale.span > 0 else LEVELS[:1]
        self._contours.set_data(
            contour_data(x, y, np.ma.masked_invalid(heights), levels, want_fill=False)
        )
        ticks = np.linspace(0, 1, 5)
        self._bar.major_label_overrides = {
            float(t): short(loss) for t, loss in zip(ticks, scale.losses(ticks), strict=True)
        }
        self.figure.x_range.update(start=left, end=right, reset_start=left, reset_end=right)
        self.figure.y_range.update(start=bottom, end=top, reset_start=bottom, reset_end=top)
        self.figure.xaxis.axis_label, self.figure.yaxis.axis_label = plane.names
        self.show_lines(lines)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw other paths on the same plane."""
        self._lines = list(lines)
        self._make_paths(len(lines))
        for (_, _, glyphs), line in zip(self._paths, lines, strict=False):
            for glyph in glyphs[1:]:
                glyph.glyph.update(line_color=line.colour)
            glyphs[1].glyph.line_dash = line.dash
            for glyph in glyphs[2:]:
                glyph.glyph.fill_color = line.colour
        self.walk(None)

    @property
    def path(self) -> ColumnDataSource:
        """The source of the first path."""
        return self._paths[0][0]

    def _make_paths(self, count: int) -> None:
        """Glyphs for so many paths. For each of them a document looks through all its models, unless it is frozen."""
        if len(self._paths) >= count:
            return  # a document that thaws looks through all of them too
        page = self.figure.document
        with page.models.freeze() if page is not None else nullcontext():
            while len(self._paths) < count:
                self._paths.append(_path_glyphs(self.figure))

    def walk(self, steps: int | None) -> None:
        """Show each path up to a step; all of them with None."""
        for k, (source, ends, _) in enumerate(self._paths):
            if k >= len(self._lines):
                source.data = ends.data = {name: [] for name in ("x", "y", "step", "loss", "label")}
                continue
            line = self._lines[k]
            taken = len(line.steps) if steps is None else int((line.steps <= steps).sum())
            source.data = {
                "x": line.coordinates[:taken, 0],
                "y": line.coordinates[:taken, 1],
                "step": line.steps[:taken],
                "loss": line.losses[:taken],
                "label": [line.label] * taken,
            }
            ends.data = {name: values[-1:] for name, values in source.data.items()}


def note_of(plane: Plane, share: float, points: int, size: int) -> str:
    """Which plane the picture shows, in a sentence."""
    if size == 2:
        return "The plane has all points of the two parameters."
    if points < 2:
        return f"A random plane of {size} parameters, with filter-normalised directions: no step is taken yet."
    if "random" in plane.names[1]:
        return f"The path is straight so far: the plane shows all of it, and a random direction of {size} parameters."
    return f"The plane of {size} parameters nearest to the path: {100 * share:.0f} % of its length lies in it."


def short(x: float) -> str:
    """A number in at most three digits, as people write it.

    Examples
    --------
    >>> short(2510.3), short(0.01234), short(2.1e-29)
    ('2510', '0.0123', '2.1e-29')
    """
    return f"{x:.0f}" if 100 <= abs(x) < 1e6 else f"{x:.3g}"


def _grid_glyphs(plot: Any, grid: ColumnDataSource, contours: Any) -> ColorBar:
    """Put the image under the contours of a figure, and a bar of its colours beside it."""
    grid.data = {
        "image": [np.zeros((2, 2))],
        "loss": [np.zeros((2, 2))],
        "x": [-1],
        "y": [-1],
        "dw": [2],
        "dh": [2],
    }
    mapper = LinearColorMapper(palette=PALETTE, low=0, high=1)
    image = plot.image(
        image="image", x="x", y="y", dw="dw", dh="dh", source=grid, color_mapper=mapper, level="image"
    )  # fmt: skip
    contours.level = "underlay"
    plot.add_tools(
        HoverTool(
            renderers=[image],
            tooltips=[("at", "$x{0.000}, $y{0.000}"), ("loss", "@loss{0.0000}")],
            attachment="horizontal",
        )
    )
    bar = ColorBar(
        color_mapper=mapper, ticker=FixedTicker(ticks=np.linspace(0, 1, 5).tolist()), width=10,
        title="loss", major_tick_line_color=None, padding=4,
    )  # fmt: skip
    plot.add_layout(bar, "right")
    return bar


def _contours(plot: Any) -> Any:
    x = np.asarray([-1.0, 1.0])
    flat_grid = np.asarray([[0.0, 0.0], [1.0, 1.0]])
    return plot.contour(
        x, x, flat_grid, [0.5], line_color="#3c5a7c", line_width=0.7, line_alpha=0.55
    )


def _path_glyphs(plot: Any) -> tuple[ColumnDataSource, ColumnDataSource, list[Any]]:
    """The sources of a path and of its end, and their glyphs: a white edge, the line, its points, the end."""
    empty: dict[str, Any] = {name: [] for name in ("x", "y", "step", "loss", "label")}
    source, ends = ColumnDataSource(empty), ColumnDataSource(dict(empty))
    white = plot.line("x", "y", source=source, line_color="white", line_width=4.5, line_alpha=0.75)
    line = plot.line("x", "y", source=source, line_width=2.2)
    points = plot.scatter("x", "y", source=source, size=3.8, line_width=0)
    end = plot.scatter("x", "y", source=ends, size=11, line_width=1.5, marker="diamond")
    # over what it lies on: white around the end
    plot.add_tools(
        HoverTool(
            renderers=[points], tooltips=[("", "@label"), ("step", "@step"), ("loss", "@loss{0.0000}")]
        )
    )  # fmt: skip
    return source, ends, [white, line, points, end]
