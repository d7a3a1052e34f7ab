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
from .results import Found

OUT = Path(__file__).resolve().parents[2] / "_generated"


def draw_all(app: Any) -> None:
    """Draw each chart whose file or program is newer than its picture."""
    here = Path(__file__).parent
    programs = max(p.stat().st_mtime for p in here.glob("*.py"))
    OUT.mkdir(exist_ok=True)
    drawn = 0
    for name, chart in CHARTS.items():
        for found in chart.files():
            target = OUT / picture(name, found)
            newest = max(programs, found.path.stat().st_mtime)
            if not target.is_file() or target.stat().st_mtime < newest:
                chart.save(found, target)
                drawn += 1
    logging.getLogger(__name__).info("benchmarks: %d charts, %d drawn", len(CHARTS), drawn)


def picture(name: str, found: Found) -> str:
    """The file of a chart."""
    return f"benchmark_{name}_{found.processor or 'unknown'}.svg"


class Benchmark(SphinxDirective):
    """A chart, what was measured where and when, and its numbers as a table; a tab for each processor."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012 - docutils' own name and form

    def run(self) -> list[nodes.Node]:
        files = CHARTS[self.arguments[0]].files()
        # a page is Markdown, and so is what is put into it
        if len(files) == 1:
            lines = self.lines(files[0])
        else:
            lines = ["::::::{tab-set}", ""]
            for found in files:
                lines += [f":::::{{tab-item}} {found.name}", "", *self.lines(found), ":::::", ""]
            lines.append("::::::")
        node = nodes.Element()
        source = StringList(lines, self.get_source_info()[0])
        self.state.nested_parse(source, self.content_offset, node)
        return node.children

    def lines(self, found: Found) -> list[str]:
        """The chart of one file, in Markdown."""
        name = self.arguments[0]
        self.env.note_dependency(str(found.path))
        up = "../" * self.env.docname.count("/")
        head, *rows = (f"| {' | '.join(row)} |" for row in CHARTS[name].table(found.data))
        return [
            f"```{{figure}} {up}_generated/{picture(name, found)}",
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


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", draw_all, priority=600)
    app.add_directive("benchmark-chart", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
