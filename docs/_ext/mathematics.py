"""KaTeX on the pages that have formulas, and on no other."""

from __future__ import annotations

from typing import Any

from docutils import nodes

SCRIPTS = ("katex.min.js", "auto-render.min.js", "katex_autorenderer.js", "formulas.js")


def only_where_needed(
    app: Any,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Take KaTeX's scripts off a page without a formula."""
    if doctree is not None and any(
        doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block)))
    ):
        return
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if not str(getattr(script, "filename", script)).endswith(SCRIPTS)
    ]


def setup(app: Any) -> dict[str, Any]:
    app.connect("html-page-context", only_where_needed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
