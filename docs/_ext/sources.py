"""The source of the library on the site: a page for each file that a page of the reference leads to."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.util.docutils import SphinxRole

from .links import sources as linked
from .names import ROOT, entries, home_file


def pagename(path: Path) -> str:
    return f"_source/{path.relative_to(ROOT).with_suffix('').as_posix()}"


class Source(SphinxRole):
    """:source:`path:line`, of a file of the repository; a link to its page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name, _, line = self.text.partition(":")
        path = (ROOT / name).resolve()
        shown = path.relative_to(ROOT).as_posix()
        up = "../" * self.env.docname.count("/")
        uri = f"{up}{pagename(path)}.html" + (f"#line-{line}" if line else "")
        text = shown + (f", line {line}" if line else "")
        return [nodes.reference(self.rawtext, text, refuri=uri, internal=True)], []


@functools.cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(lineanchors="line", anchorlinenos=False, nowrap=False)


def pages(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for each file that has a public name, or that a page of the guide leads to."""
    files = linked()
    for entry in entries():
        if entry.canonical == entry.full and not entry.foreign and not entry.space.mirrors:
            value = entry.value
            home = home_file(value if callable(value) or entry.kind == "module" else type(value))
            if home is not None:
                files.add(Path(home[0]))
    for path in sorted(files):
        code = highlight(path.read_text(encoding="utf-8"), PythonLexer(), _formatter())
        name = path.relative_to(ROOT).as_posix()
        yield pagename(path), {"title": name, "body": f"<h1>{name}</h1>\n{code}"}, "page.html"
