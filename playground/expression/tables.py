"""The nodes and the gradient as tables, which screen readers read."""

from __future__ import annotations

from html import escape

from .graph import Evaluation, Node, agree, written
from .steps import Step
from .values import printed

_CELL = 'style="padding:3px 14px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid #e3e6ea"'
_TABLE = (
    '<table style="border-collapse:collapse;font-size:13px">'
    '<caption style="text-align:left;font-weight:600;padding-bottom:4px">'
)


def _row(cells: list[str], head: bool = False) -> str:
    first, *rest = cells
    if head:
        return f"<tr>{''.join(f'<th scope=col {_CELL}>{escape(c)}</th>' for c in cells)}</tr>"
    columns = "".join(f"<td {_CELL}>{escape(c)}</td>" for c in rest)
    return f"<tr><th scope=row {_CELL}>{escape(first)}</th>{columns}</tr>"


def nodes_table(nodes: tuple[Node, ...], evaluation: Evaluation, step: Step) -> str:
    """Each node with its value and its error signal, as far as the walk has come, and where that came from."""
    rows = [_row(["node", "computed as", "value", "error signal", "the sum of"], head=True)]
    for k, node in enumerate(nodes):
        parts = [
            f"{printed(e.signal)} from {nodes[e.target].name}"
            for e in evaluation.edges[: step.sent]
            if e.source == k
        ]
        if k == len(nodes) - 1 and step.signalled:
            parts = ["1, as the output" if not evaluation.values[k].ndim else "ones, as the output"]
        rows.append(
            _row([
                node.name,
                "an input" if node.operation is None else written(nodes, node),
                printed(evaluation.values[k]) if k < step.valued else "",
                printed(evaluation.signals[k]) if k in step.signalled else "",
                "; ".join(parts),
            ])
        )  # fmt: skip
    return f"{_TABLE}All nodes</caption>{''.join(rows)}</table>"


def gradient_table(nodes: tuple[Node, ...], evaluation: Evaluation, step: Step) -> str:
    """The gradient beside central differences, once the walk has reached it."""
    rows = [_row(["input", "gradient, backward", "central differences", "check"], head=True)]
    for k, node in enumerate(nodes):
        if node.name not in evaluation.differences or node.operation is not None:
            continue
        reached = k in step.signalled
        differences = evaluation.differences[node.name]
        same = agree(evaluation.signals[k], differences)
        verdict = (
            "they agree"
            if same
            else "they differ: is this a kink, or a point where it is not defined?"
        )
        rows.append(
            _row([
                node.name,
                printed(evaluation.signals[k]) if reached else "…",
                printed(differences),
                verdict if reached else "",
            ])
        )  # fmt: skip
    return f"{_TABLE}The gradient, and a check</caption>{''.join(rows)}</table>"
