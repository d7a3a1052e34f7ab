"""Writes the reference, docs/reference, where it has changed: a page for each public module and name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from . import pages, sources
from .names import by_full_name, entries, page_of, space_by_name, spaces

SHORTEST = 3  # letters of a name that is looked up in the module of the page: `x` is a parameter


def texts() -> dict[str, str]:
    """The pages by their docnames."""
    out = {"reference/index": pages.index_page()}
    for space in spaces():
        out[space.docname] = pages.module_page(space)
    for entry in entries():
        if page_of(entry) == entry.docname:
            out[entry.docname] = pages.name_page(entry)
    return out


def write(app: Any) -> None:
    """Write what differs, and remove what is no more."""
    root = Path(app.srcdir)
    wanted = {root / f"{docname}.rst": text for docname, text in texts().items()}
    changed = 0
    for path, text in wanted.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed += 1
    for path in (root / "reference").rglob("*.rst"):
        if path not in wanted:
            path.unlink()
    logging.getLogger(__name__).info("reference: %d pages, %d written", len(wanted), changed)


class Mentioned(SphinxRole):
    """`name`: a link where it is a public name, `pb.grad`, or one of the page's module, `grad`; else code."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        target = self.full_name()
        code = nodes.literal(self.rawtext, self.text, classes=["xref"] if target else [])
        if target is None:
            return [code], []
        found = pending_xref(
            "", code, refdomain="py", reftype="obj", reftarget=target, refdoc=self.env.docname,
            refexplicit=True, refwarn=True,
        )  # fmt: skip
        return [found], []

    def full_name(self) -> str | None:
        name = self.text.removesuffix("()")
        for prefix in ("pb.", "pullback."):
            if name.startswith(prefix):
                full = f"pullback.{name.removeprefix(prefix)}"
                known = full in by_full_name() or full in space_by_name()
                return full if known else None
        module = self.env.ref_context.get("py:module")
        if len(name) < SHORTEST or not module:
            return None
        full = f"{module}.{name}"
        entry = by_full_name().get(full)
        return full if entry is not None and entry.kind != "data" else None


def setup(app: Any) -> dict[str, Any]:
    app.add_role("mentioned", Mentioned())
    app.add_role("source", sources.Source())
    app.connect("builder-inited", write, priority=700)
    app.connect("html-collect-pages", sources.pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
