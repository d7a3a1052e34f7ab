"""The tab: the text field, a field for each variable, the buttons of the walk, and the picture."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Button, Div, Select, TextInput

from .graph import Evaluation, EvaluationError, Node, evaluate, graph_of
from .parse import ParseError, parse
from .steps import Step, position_after, steps_of
from .tables import gradient_table, nodes_table
from .values import parse_value
from .view import GraphView

EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "sum and product": ("sin(x*y) + log(x)/y**2", {"x": "2", "y": "3"}),
    "a unit with a ReLU": ("relu(w*x + b)", {"w": "0.5", "x": "3", "b": "-1"}),
    "squared error of a unit": (
        "(sigmoid(w*x + b) - y)**2",
        {"w": "2", "x": "0.5", "b": "-0.3", "y": "1"},
    ),
    "fan-out": ("x*y + x/y + x", {"x": "2", "y": "4"}),
    "a layer of units": (
        "sum(tanh(W @ x + b))",
        {"W": "[[1, -1], [0.5, 2]]", "x": "[1, 0.5]", "b": "[0, -1]"},
    ),
    "cross-entropy": ("logsumexp(z) - dot(z, t)", {"z": "[2, 1, -1]", "t": "[0, 1, 0]"}),
}
"""Expressions to begin with, and values of their variables."""

_DEFAULTS = ("2", "3", "0.5", "-1", "1.5", "4", "-2", "0.25")
_WIDTH = 1230
WRAPPED = {"flex-wrap": "wrap", "max-width": "100%"}
"""What stands side by side where there is room."""
CARD = {
    "background": "#ffffff",
    "border": "1px solid #d9dde4",
    "border-radius": "8px",
    "padding": "6px",
    "max-width": "100%",
    "overflow-x": "auto",
}


def tab(document: Any = None) -> Any:
    """The tab's layout.

    Parameters
    ----------
    document : bokeh.document.Document
    """
    return ExpressionTab().layout


class ExpressionTab:
    """The controls, what they set, and the picture.

    Attributes
    ----------
    layout : bokeh.models.LayoutDOM
    steps : list of Step
        The walk through the graph; empty while there is none.
    position : int
        Which of them is shown.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.position = 0
        self._nodes: tuple[Node, ...] = ()
        self._evaluation: Evaluation | None = None
        self._typed: dict[str, str] = {}
        self._quiet = False
        first = next(iter(EXAMPLES))
        self.text = TextInput(title="Expression", value=EXAMPLES[first][0], width=520)
        self.example = Select(title="Examples", value=first, options=list(EXAMPLES), width=200)
        self.fields = row(spacing=8, styles=WRAPPED)
        self.forward = Button(label="Forward step", button_type="primary", width=120)
        self.backward = Button(label="Backward step", button_type="warning", width=130)
        self.end = Button(label="To the end", width=110)
        self.reset = Button(label="Reset", width=90)
        self.trouble = Div(
            text="",
            sizing_mode="stretch_width",
            max_width=_WIDTH,
            html_attributes={"role": "alert"},
        )
        self.sentence = Div(
            text="", sizing_mode="stretch_width", max_width=_WIDTH, min_height=70,
            styles={"font-size": "15px", "line-height": "1.45"},
            html_attributes={"role": "status", "aria-live": "polite"},
        )  # fmt: skip
        self.view = GraphView()
        self.nodes_table, self.gradient_table = (
            Div(text="", width=w, styles={"max-width": "100%", "overflow-x": "auto"})
            for w in (680, 510)
        )
        self._connect()
        # a graph that is wider than the window scrolls by itself
        pictured = column(self.view.figure, styles=CARD)
        self.layout = column(
            row(self.text, self.example, spacing=12, styles=WRAPPED),
            self.fields,
            self.trouble,
            row(self.forward, self.backward, self.end, self.reset, spacing=6, styles=WRAPPED),
            self.sentence,
            pictured,
            row(self.gradient_table, self.nodes_table, spacing=20, styles=WRAPPED),
            sizing_mode="stretch_width",
        )
        self._typed.update(EXAMPLES[first][1])
        self._new_text()

    def _connect(self) -> None:
        self.text.on_change("value", lambda attr, old, new: self._new_text())
        self.example.on_change("value", lambda attr, old, new: self._new_example())
        for name, button in (
            ("forward", self.forward), ("backward", self.backward), ("end", self.end), ("reset", self.reset),
        ):  # fmt: skip
            button.on_click(lambda name=name: self.move(name))

    # ── what the controls do ──────────────────────────────────────────────────────────────────

    def _new_example(self) -> None:
        text, values = EXAMPLES[self.example.value]
        self._typed.update(values)
        self._quiet = True
        self.text.value = text
        self._quiet = False
        self._new_text()

    def _new_text(self) -> None:
        """Read the expression, and ask for its variables."""
        if self._quiet:
            return
        try:
            self._nodes = graph_of(parse(self.text.value))
        except ParseError as error:
            self._refuse(error.message, error.pointed())
            return
        names = [node.name for node in self._nodes if node.operation is None]
        fields = []
        for k, name in enumerate(names):
            value = self._typed.setdefault(
                name, "[[1, 2], [3, 4]]" if name == "W" else _DEFAULTS[k]
            )
            field = TextInput(title=name, value=value, width=180 if "[" in value else 110)
            field.on_change("value", lambda attr, old, new, name=name: self._new_value(name, new))
            fields.append(field)
        self.fields.children = fields
        self._evaluate()

    def _new_value(self, name: str, text: str) -> None:
        self._typed[name] = text
        self._evaluate()

    def _evaluate(self) -> None:
        """Walk through the graph anew, with the values of the fields."""
        inputs: dict[str, np.ndarray] = {}
        for node in self._nodes:
            if node.operation is None:
                try:
                    inputs[node.name] = parse_value(self._typed[node.name])
                except ParseError as error:
                    self._refuse(f"The value of {node.name}: {error.message}", error.pointed())
                    return
        try:
            self._evaluation = evaluate(self._nodes, inputs)
        except EvaluationError as error:
            self._refuse(str(error))
            return
        self.steps = steps_of(self._nodes, self._evaluation)
        self.position = 0
        self._alert(self._evaluation.trouble)
        self.view.show(self._nodes, self._evaluation, self.steps[0])
        self._tell()

    def move(self, name: str) -> None:
        """What a button does: "forward", "backward", "end" or "reset"."""
        if not self.steps:
            return
        self.position = position_after(self.steps, self.position, name)
        self.view.walk(self.steps[self.position])
        self._tell()

    def _tell(self) -> None:
        """Say what has happened, and which buttons lead on."""
        assert self._evaluation is not None
        step = self.steps[self.position]
        self.sentence.text = f"<p>{escape(step.sentence)}</p>"
        self.nodes_table.text = nodes_table(self._nodes, self._evaluation, step)
        self.gradient_table.text = gradient_table(self._nodes, self._evaluation, step)
        self._enable()

    def _enable(self) -> None:
        moves = {
            "forward": self.forward,
            "backward": self.backward,
            "end": self.end,
            "reset": self.reset,
        }
        for name, button in moves.items():
            stays = (
                not self.steps or position_after(self.steps, self.position, name) == self.position
            )
            button.disabled = stays

    def _refuse(self, message: str, pointed: str = "") -> None:
        """Say what is wrong, and where; the picture of the last graph goes."""
        self.steps = []
        self._alert(message, pointed)
        self.sentence.text = self.nodes_table.text = self.gradient_table.text = ""
        self.view.clear()
        self._enable()

    def _alert(self, message: str, pointed: str = "") -> None:
        where = (
            f'<pre style="margin:6px 0 0;font-size:14px">{escape(pointed)}</pre>' if pointed else ""
        )
        self.trouble.text = (
            '<div style="background:#fdebdc;border-left:4px solid #b34700;padding:8px 12px;font-size:14px">'
            f"{escape(message)}{where}</div>"
        )
        self.trouble.visible = bool(message)
