"""The text of a computation graph: in Mermaid's language, and in that of Graphviz."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from .graph import Node

# Okabe and Ito's colours, which everybody can tell apart, and light ones of the same hue
_INPUT = 'color="#0072B2", fillcolor="#E4F1F9"'
_OUTPUT = 'color="#009E73", fillcolor="#E3F4EE"'
_SIGNAL = "#C24E00"
_SMALL = "#595959"
# Mermaid's own way to write what would end a label, or begin something else in it
_MERMAID_CODES = str.maketrans({
    "#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;"
})  # fmt: skip


def mermaid(nodes: Sequence[Node], direction: str) -> str:
    """A flow chart; error signals are dotted arrows from each operation back to its inputs.

    Parameters
    ----------
    nodes : sequence of Node
        In the order in which they were computed.
    direction : {"down", "right"}
        Where the computation goes.

    Returns
    -------
    str
    """
    lines = [f"flowchart {'LR' if direction == 'right' else 'TD'}"]
    for node in nodes:
        words = [_one_line(node.name).translate(_MERMAID_CODES), _array(node)]
        words += [f"signal {node.signal}"] if node.signal is not None else []
        label = "<br/>".join(words)
        lines.append(
            f'    v{node.slot}["{label}"]' if node.inputs else f'    v{node.slot}(["{label}"])'
        )
    lines += [f"    v{parent} --> v{node.slot}" for node in nodes for parent in node.inputs]
    lines += [
        f'    v{node.slot} -. "{share}" .-> v{parent}'
        for node in reversed(nodes)
        for parent, share in _shares(node)
    ]
    return "\n".join(lines)


def dot(nodes: Sequence[Node], direction: str) -> str:
    """A graph for Graphviz's ``dot``: inputs blue and round, outputs green, error signals dashed arrows back in orange.

    Parameters
    ----------
    nodes : sequence of Node
        In the order in which they were computed.
    direction : {"down", "right"}
        Where the computation goes.

    Returns
    -------
    str
    """
    lines = [
        "digraph {",
        f"    graph [rankdir={'LR' if direction == 'right' else 'TB'}, nodesep=0.4, ranksep=0.45, pad=0.1]",
        '    node [fontname="Helvetica,Arial,sans-serif", fontsize=13, shape=box, style=filled, '
        'color="#767676", fillcolor="#FFFFFF", margin="0.14,0.07", height=0.3]',
        '    edge [fontname="Helvetica,Arial,sans-serif", fontsize=11, color="#444444", arrowsize=0.7]',
    ]
    used = {parent for node in nodes for parent in node.inputs}
    for node in nodes:
        look = "" if node.slot in used else f", {_OUTPUT}"
        look = look if node.inputs else f', {_INPUT}, style="rounded,filled"'
        lines.append(f"    v{node.slot} [label=<{_dot_label(node)}>{look}]")
    # with an empty label an arrow has a way of its own, apart from that of the error signal
    apart = ' [label=" "]' if any(map(_shares, nodes)) else ""
    lines += [f"    v{parent} -> v{node.slot}{apart}" for node in nodes for parent in node.inputs]
    # written from the input to the operation with its head at the input, so that it does not change the ranks
    lines += [
        f'    v{parent} -> v{node.slot} [dir=back, style=dashed, color="{_SIGNAL}", '
        f'fontcolor="{_SIGNAL}", label=" {share} "]'
        for node in nodes
        for parent, share in _shares(node)
    ]
    return "\n".join([*lines, "}"])


def _shares(node: Node) -> list[tuple[int, str]]:
    pairs = zip(node.inputs, node.shares, strict=False)  # no shares without signals
    return [(parent, share) for parent, share in pairs if share is not None]


def _array(node: Node) -> str:
    return f"{node.shape} {node.dtype}"


def _one_line(name: str) -> str:
    """What stands in a picture of a name that may be anybody's dictionary key."""
    printable = name.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\ufffe\uffff]+", " ", printable)


def _dot_label(node: Node) -> str:
    """Graphviz's own subset of HTML."""
    import html  # it knows 2,000 characters by name: 2 ms of `import pullback`

    def escape(words: str) -> str:
        # Graphviz puts the node's name in the place of \N, in HTML too
        return html.escape(words).replace("\\", "\\\\")

    name = "<br/>".join(map(escape, textwrap.wrap(_one_line(node.name), 36))) or " "
    lines = [
        f"<b>{name}</b>",
        f'<font point-size="10" color="{_SMALL}">{escape(_array(node))}</font>',
    ]
    if node.signal is not None:
        lines.append(f'<font point-size="11" color="{_SIGNAL}">signal {escape(node.signal)}</font>')
    return "<br/>".join(lines)
