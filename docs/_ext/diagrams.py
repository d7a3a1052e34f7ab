"""Mermaid's flowcharts, drawn by Graphviz when the site is built; where `dot` is missing, the text is shown."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_END = r"(\w+)(?:\[(.+?)\]|\((.+?)\))?"
_EDGE = re.compile(rf"^\s*{_END}\s*(?:-->|---|-\.->)\s*(?:\|(.+?)\|\s*)?{_END}\s*$")
_NODE = re.compile(r"^\s*(\w+)(?:\[(.+?)\]|\((.+?)\))\s*$")
STYLE = (
    'bgcolor="transparent" '
    'node [shape=box style="rounded" fontname="sans-serif" fontsize=11 height=0.3 margin="0.12,0.05"] '
    "edge [arrowsize=0.6 penwidth=0.8] nodesep=0.25 ranksep=0.45"
)


def to_dot(text: str) -> str:
    """A Mermaid flowchart in Graphviz's language."""
    lines = [line for line in text.splitlines() if line.strip()]
    head = re.match(r"\s*(?:flowchart|graph)\s+(TB|TD|BT|LR|RL)", lines[0])
    if head is None:
        raise ValueError(f"not a flowchart of Mermaid: {lines[0]!r}")
    out = [f"digraph {{ rankdir={head[1].replace('TD', 'TB')} {STYLE}"]
    for line in lines[1:]:
        edge, node = _EDGE.match(line), _NODE.match(line)
        if edge:
            for name, label in ((edge[1], edge[2] or edge[3]), (edge[5], edge[6] or edge[7])):
                if label:
                    out.append(f'"{name}" [label={quoted(label)}]')
            label = f" [label={quoted(edge[4])}]" if edge[4] else ""
            out.append(f'"{edge[1]}" -> "{edge[5]}"{label}')
        elif node:
            out.append(f'"{node[1]}" [label={quoted(node[2] or node[3])}]')
        elif re.match(r"^\s*\w+\s*$", line):
            out.append(f'"{line.strip()}"')
        else:
            raise ValueError(f"a line of a flowchart that is not understood: {line!r}")
    return "\n".join([*out, "}"])


def quoted(text: str) -> str:
    text = text.strip().strip('"').replace("<br/>", "\\n").replace("<br>", "\\n")
    return '"' + text.replace('"', '\\"') + '"'


class Mermaid(SphinxDirective):
    """The drawing, as an SVG within the page, which takes the page's colours."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content)
        if shutil.which("dot") is None:
            return [nodes.literal_block(text, text, language="none")]
        run = subprocess.run(
            ["dot", "-Tsvg"], input=to_dot(text), capture_output=True, text=True, check=True
        )
        svg = run.stdout[run.stdout.index("<svg") :]
        key = hashlib.sha1(text.encode()).hexdigest()[:8]
        svg = re.sub(r'(id|href)="(#?)', rf'\1="\2d{key}-', svg)
        svg = re.sub(r"<title>.*?</title>\n?", "", svg)
        svg = svg.replace('"black"', '"currentColor"').replace(
            "<text ", '<text fill="currentColor" '
        )
        said = "; ".join(line.strip() for line in text.splitlines()[1:] if line.strip())
        svg = svg.replace(
            "<svg ", f'<svg role="img" aria-label="A diagram: {_attribute(said)}" ', 1
        )
        return [nodes.raw("", f'<div class="diagram">{svg}</div>', format="html")]


def _attribute(text: str) -> str:
    text = text.replace("-->", "to")
    return (
        text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    )


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
