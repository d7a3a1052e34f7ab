"""The plots of the page of benchmarks, drawn from the files in benchmarks/results and from nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .charts import CHARTS
from .results import find

OUT = Path(__file__).resolve().parents[2] / "_generated"


def draw_all(app: Any) -> None:
    """Draw each chart whose file or program is newer than its picture."""
    here = Path(__file__).parent
    programs = max(p.stat().st_mtime for p in here.glob("*.py"))
    OUT.mkdir(exist_ok=True)
    drawn = 0
    for name, chart in CHARTS.items():
        target = OUT / f"benchmark_{name}.svg"
        newest = max(programs, find(chart.part).path.stat().st_mtime)
        if not target.is_file() or target.stat().st_mtime < newest:
            chart.save(target)
            drawn += 1
    logging.getLogger(__name__).info("benchmarks: %d charts, %d drawn", len(CHARTS), drawn)


class Benchmark(SphinxDirective):
    """A chart, what was measured where and when, and its numbers as a table."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012 - docutils' own name and form

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        chart = CHARTS[name]
        found = find(chart.part)
        self.env.note_dependency(str(found.path))
        up = "../" * self.env.docname.count("/")
        head, *rows = (f"| {' | '.join(row)} |" for row in chart.table(found.data))
        # a page is Markdown, and so is what is put into it
        lines = [
            f"```{{figure}} {up}_generated/benchmark_{name}.svg",
            f":alt: {self.options['alt']}",
            ":class: benchmark",
            "",
            f"{found.words} File: `benchmarks/results/{found.path.name}`.",
            "```",
            "",
            ":::{dropdown} The numbers",
            head,
            "|" + "---|" * (head.count("|") - 1),
            *rows,
            ":::",
        ]
        node = nodes.Element()
        source = StringList(lines, self.get_source_info()[0])
        self.state.nested_parse(source, self.content_offset, node)
        return node.children


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", draw_all, priority=600)
    app.add_directive("benchmark-chart", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
