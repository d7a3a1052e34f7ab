"""Removes what an earlier build has left of examples and pages that are no more, of which nobody else knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# what the gallery writes of an example has its name up to the first dot
_SHARED = ("index", "GALLERY_HEADER")


def examples(app: Any) -> None:
    """Remove from docs/gallery what is of no example; its pages would be in no table of contents."""
    root = Path(app.srcdir)
    source, made = root.parent / "examples", root / "gallery"
    for section in (folder for folder in made.glob("*") if folder.is_dir()):
        if section.name in ("backreferences", "images"):
            continue
        known = {path.stem for path in (source / section.name).glob("*.py")}
        kept = {*known, *_SHARED} if known else set()
        for path in section.iterdir():
            if path.is_file() and path.name.partition(".")[0] not in kept:
                path.unlink()


def pages(app: Any, exception: Exception | None) -> None:
    """Remove the built pages of folders of docs/ that have no source: their links lead to what is no more."""
    if exception is not None or app.builder.format != "html":
        return
    out, known = Path(app.outdir), set(app.env.found_docs)
    folders = {docname.partition("/")[0] for docname in known if "/" in docname}
    for folder in sorted({*folders, "reference", "gallery"}):
        for path in (out / folder).rglob("*.html"):
            if path.relative_to(out).with_suffix("").as_posix() not in known:
                path.unlink()


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", examples, priority=50)  # before the gallery
    app.connect("build-finished", pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
