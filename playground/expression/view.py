"""The picture of a graph: boxes with values and error signals, edges with what goes back along them."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from .graph import Evaluation, Node, written
from .layout import HEIGHT, WIDTH, Picture, layered
from .steps import Step
from .values import printed, short

BLUE, ORANGE, INK, SOFT = "#0072b2", "#b34700", "#1f2430", "#6b7280"
_PALE_BLUE, _PALE_ORANGE, _PAPER, _GROUND = "#e3f0f9", "#fdebdc", "#ffffff", "#f3f4f6"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
_LEAST_WIDTH = 420
_TIP = np.asarray([7.0, 0.0])  # from the side of a box to the middle of an arrow's tip


class GraphView:
    """A figure of a graph that is walked through.

    Attributes
    ----------
    figure : bokeh.plotting.figure
    """

    def __init__(self) -> None:
        self.figure = figure(
            frame_width=_LEAST_WIDTH, frame_height=200, x_range=Range1d(0, 1), y_range=Range1d(0, 1),
            tools="", toolbar_location=None, min_border=0, output_backend="canvas", match_aspect=False,
        )  # fmt: skip
        self.figure.axis.visible = False
        self.figure.grid.visible = False
        self.figure.outline_line_color = None
        self._edges, self._boxes, self._labels = (ColumnDataSource() for _ in range(3))
        self._picture: Picture | None = None
        self._nodes: tuple[Node, ...] = ()
        self._evaluation: Evaluation | None = None
        _glyphs(self.figure, self._edges, self._boxes, self._labels)

    def show(self, nodes: tuple[Node, ...], evaluation: Evaluation, step: Step) -> None:
        """Draw a graph in a state of the walk through it."""
        self._nodes, self._evaluation = nodes, evaluation
        edges = [(e.source, e.target) for e in evaluation.edges]
        self._picture = layered(len(nodes), edges)
        width, height = max(self._picture.width, _LEAST_WIDTH), max(self._picture.height, 120.0)
        # one unit is one pixel, and the graph stands in the middle
        left, low = (self._picture.width - width) / 2, (self._picture.height - height) / 2
        # no narrower either: the card around it scrolls
        self.figure.update(
            frame_width=round(width), frame_height=round(height), min_width=round(width)
        )
        self.figure.x_range.update(start=left, end=left + width)
        self.figure.y_range.update(start=low, end=low + height)
        self.walk(step)

    def clear(self) -> None:
        """Show nothing."""
        for source in (self._edges, self._boxes, self._labels):
            source.data = {name: [] for name in source.data}

    def walk(self, step: Step) -> None:
        """Show another state of the same graph."""
        nodes, evaluation, picture = self._nodes, self._evaluation, self._picture
        assert evaluation is not None
        assert picture is not None
        self._boxes.data = _boxes(nodes, evaluation, picture, step)
        here = [
            step.signalled and e.target == step.node and k < step.sent
            for k, e in enumerate(evaluation.edges)
        ]
        sent = [k < step.sent for k in range(len(evaluation.edges))]
        used = [not step.signalled and e.target == step.node for e in evaluation.edges]
        self._edges.data = {
            "xs": [c[:, 0] for c in picture.curves],
            "ys": [c[:, 1] for c in picture.curves],
            "colour": [
                ORANGE if s else BLUE if u else "#b8bec9" for s, u in zip(sent, used, strict=True)
            ],
            "width": [3.0 if h or u else 1.8 for h, u in zip(here, used, strict=True)],
        }
        ends = np.asarray([c[-1] for c in picture.curves]).reshape(-1, 2)
        starts = np.asarray([c[0] for c in picture.curves]).reshape(-1, 2)
        tips = np.where(np.asarray(sent, bool)[:, None], starts + _TIP, ends - _TIP)
        self._labels.data = {
            "x": ends[:, 0] - 10,
            "y": ends[:, 1] + np.where(np.asarray(picture.ports) >= 0, 9, -9),
            "text": [
                short(e.signal, 10, digits=3) if s else ""
                for e, s in zip(evaluation.edges, sent, strict=True)
            ],
            "tip_x": tips[:, 0],
            "tip_y": tips[:, 1],
            "angle": [np.pi / 2 if s else -np.pi / 2 for s in sent],
            "colour": self._edges.data["colour"],
            "size": [9 if h or u else 7 for h, u in zip(here, used, strict=True)],
        }


# what is said of each box: where it stands, its texts and colours, and what the pointer shows of them
_OF_A_BOX = (
    "x", "y", "title", "value", "signal", "fill", "line", "width", "whole", "whole_signal",
)  # fmt: skip


def _boxes(
    nodes: tuple[Node, ...], evaluation: Evaluation, picture: Picture, step: Step
) -> dict[str, Any]:
    """What is written in each node's box, and its colours."""
    data: dict[str, list[Any]] = {name: [] for name in _OF_A_BOX}
    for k, node in enumerate(nodes):
        known, back = k < step.valued, k in step.signalled
        current = k == step.node
        title = node.name if node.operation is None else f"{node.name} = {written(nodes, node)}"
        data["x"].append(picture.centres[k, 0])
        data["y"].append(picture.centres[k, 1])
        data["title"].append(title if len(title) <= 20 else f"{title[:19]}…")
        data["value"].append(short(evaluation.values[k], 13) if known else "")
        data["signal"].append(f"δ = {short(evaluation.signals[k], 13)}" if back else "")
        data["whole"].append(printed(evaluation.values[k]) if known else "not yet computed")
        data["whole_signal"].append(printed(evaluation.signals[k]) if back else "not yet known")
        active = _PALE_ORANGE if step.signalled else _PALE_BLUE
        data["fill"].append(active if current else _PAPER if known else _GROUND)
        data["line"].append(ORANGE if back else BLUE if known else "#b8bec9")
        data["width"].append(3.0 if current else 1.4)
    return data


def _glyphs(
    plot: Any, edges: ColumnDataSource, boxes: ColumnDataSource, labels: ColumnDataSource
) -> None:
    """Edges below boxes below texts."""
    edges.data = {name: [] for name in ("xs", "ys", "colour", "width")}
    boxes.data = {name: [] for name in _OF_A_BOX}
    labels.data = {
        name: [] for name in ("x", "y", "text", "tip_x", "tip_y", "angle", "colour", "size")
    }
    plot.multi_line("xs", "ys", source=edges, line_color="colour", line_width="width")
    plot.scatter(
        "tip_x", "tip_y", source=labels, marker="triangle", angle="angle", size="size", color="colour"
    )  # fmt: skip
    rects = plot.rect(
        "x", "y", WIDTH, HEIGHT, source=boxes, fill_color="fill", line_color="line", line_width="width",
        border_radius=9,
    )  # fmt: skip
    texts = {
        "source": boxes,
        "text_align": "center",
        "text_baseline": "middle",
        "text_font": value(_FONT),
    }
    plot.text("x", "y", "title", y_offset=-19, text_font_size="12.5px", text_color=SOFT, **texts)
    plot.text(
        "x", "y", "value", text_font_size="15px", text_font_style="bold", text_color=BLUE, **texts
    )
    plot.text("x", "y", "signal", y_offset=19, text_font_size="12.5px", text_color=ORANGE, **texts)
    plot.text(
        "x", "y", "text", source=labels, text_align="right", text_baseline="middle", text_font=value(_FONT),
        text_font_size="11.5px", text_color=ORANGE, background_fill_color=_PAPER, background_fill_alpha=0.8,
    )  # fmt: skip
    plot.add_tools(
        HoverTool(
            renderers=[rects],
            tooltips=[("", "@title"), ("value", "@whole"), ("error signal", "@whole_signal")],
        )
    )
