"""The pictures of docs/architecture.md, from the imports of the package.

    python tools/architecture.py           writes them into the page
    python tools/architecture.py --check   exits with 1 where the page has others

An arrow goes from the folder that imports to the folder that is imported. What only a type checker reads is left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

from imports import Import, folder_graph, imports_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
TOP = ("playground", "train", "distributed", "models", "optim", "compat", "autograd", "backend")
FOLDERS = ("", "autograd")  # each has a picture of what lies directly in it


def arrows(folder: str, imports: list[Import]) -> set[tuple[str, str]]:
    """Which of the things directly in a folder imports from which other, faces left out."""
    graph = folder_graph(imports, folder)
    drawn = {node for node in graph if node in TOP or (folder and node != "__init__.py")}
    return {
        (here.removesuffix(".py"), there.removesuffix(".py"))
        for here in drawn
        for there in graph[here] & drawn
    }


def picture(folder: str, imports: list[Import]) -> str:
    """The picture of a folder as a Mermaid diagram, between two comments that find it again."""
    lines = [f"    {a} --> {b}" for a, b in sorted(arrows(folder, imports))]
    name = folder or "top"
    return "\n".join(
        [f"<!-- {name} -->", "```mermaid", "flowchart TB", *lines, "```", f"<!-- /{name} -->"]
    )


def with_pictures(text: str, imports: list[Import]) -> str:
    """The text of the page with its pictures made anew."""
    for folder in FOLDERS:
        name = folder or "top"
        before, _, rest = text.partition(f"<!-- {name} -->")
        _, _, after = rest.partition(f"<!-- /{name} -->")
        text = before + picture(folder, imports) + after
    return text


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    text = PAGE.read_text(encoding="utf-8")
    new = with_pictures(text, imports_of(ROOT))
    if "--check" in arguments:
        return int(new != text)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
