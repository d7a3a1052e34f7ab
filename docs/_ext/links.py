"""Links of Markdown pages that leave docs/: on the site they lead to what stands for the file there."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Any

from .names import ROOT

DOCS = ROOT / "docs"
# Files of the repository that are pages of the site.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_FENCE = re.compile(r"(^(`{3,}|~{3,}).*?^\2\s*$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(
    r"(`[^`\n]+`)|(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)"
)


def rewritten(text: str, folder: Path) -> str:
    """The text of a page in `folder` with the links of the site; code stays as it is."""
    parts = _FENCE.split(text)
    # split gives: prose, fence, its mark, prose, …
    for i in range(0, len(parts), 3):
        parts[i] = _LINK.sub(lambda m: _link(m, folder), parts[i])
    del parts[2::3]
    return "".join(parts)


def _link(match: re.Match[str], folder: Path) -> str:
    whole, code, image, text, target, anchor = (
        match[0],
        match[1],
        match[2],
        match[3],
        match[4],
        match[5] or "",
    )
    if code or image or target.startswith("/"):
        return whole
    path = Path(os.path.normpath(folder / target))
    if path.is_relative_to(DOCS) or not path.is_relative_to(ROOT):
        return whole
    name = path.relative_to(ROOT).as_posix()
    if name in PAGES:
        return f"[{text}]({_up(folder)}{PAGES[name]}{anchor})"
    if name.startswith("docs/"):
        return f"[{text}]({_up(folder)}{name.removeprefix('docs/')}{anchor})"
    if name == "examples" or (name.startswith("examples/") and path.name == "GALLERY_HEADER.rst"):
        folder_of = path if path.is_dir() else path.parent
        return f"[{text}](/gallery/{folder_of.relative_to(ROOT / 'examples').as_posix()}/index.rst)"
    if name.startswith("examples/") and path.suffix == ".py":
        return f"[{text}](/{name.replace('examples/', 'gallery/', 1).removesuffix('.py')}.rst)"
    if path.suffix == ".py" and path.is_file():
        return f"{{source}}`{name}`" if text.strip("`") == name else f"{text} ({{source}}`{name}`)"
    return whole if path.is_file() and path.suffix != ".md" else text


def sources() -> set[Path]:
    """The programs that pages lead to, which therefore have a page of their own."""
    found = set()
    for page in DOCS.rglob("*.md"):
        for match in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))):
            path = Path(os.path.normpath(page.parent / (match[4] or "")))
            inside = path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "examples")
            if inside and path.suffix == ".py" and path.is_file():
                found.add(path)
    return found


def _up(folder: Path) -> str:
    """The way from a folder to docs/."""
    return os.path.relpath(DOCS, folder).replace(os.sep, "/") + "/"


def read(app: Any, docname: str, content: list[str]) -> None:
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".md":
        content[0] = rewritten(content[0], path.parent)


def included(app: Any, relative_path: Path, parent_docname: str, content: list[str]) -> None:
    path = Path(app.srcdir) / relative_path
    folder = Path(os.path.normpath(path)).parent
    content[0] = rewritten(content[0], folder)


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", read)
    app.connect("include-read", included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
