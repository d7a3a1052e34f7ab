"""The pictures of docs/architecture.md, from the imports of the package.

    python tools/architecture.py           writes them into the page
    python tools/architecture.py --check   exits with 1 where the page has others

An arrow goes from the folder that imports to the folder that is imported. What only a type checker reads is left out.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
TOP = ("train", "models", "optim", "autograd", "backend")
FOLDERS = ("", "autograd")  # each has a picture of what lies directly in it


def imported(file: str, node: ast.ImportFrom) -> Iterator[str]:
    """The paths, without their ends, that a relative import may name."""
    folder = Path(file).parent.parts
    start = folder[: len(folder) - node.level + 1]
    parts = [*start, *(node.module or "").split(".")] if node.module else [*start]
    for alias in node.names:
        yield "/".join([*parts, alias.name])


def imports_in(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """The relative imports of a file, inside functions too, apart from those under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.ImportFrom) and child.level:
            yield child
        else:
            yield from imports_in(child)


def arrows(folder: str, root: Path = ROOT) -> set[tuple[str, str]]:
    """Which of the things directly in a folder imports from which other."""
    start = f"{folder}/" if folder else ""
    names = TOP if not folder else [p.stem for p in (root / folder).iterdir() if is_box(p)]
    found = set()
    for here in names:
        path = root / folder / here
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            name = file.relative_to(root).as_posix()
            for node in imports_in(ast.parse(file.read_text(encoding="utf-8"))):
                for target in imported(name, node):
                    there = target.removeprefix(start).split("/")[0]
                    if target.startswith(start) and there in names and there != here:
                        found.add((here, there))
    return found


def is_box(path: Path) -> bool:
    """Whether a path is drawn: a folder of the package, or a module beside such folders."""
    if path.is_dir():
        return (path / "__init__.py").exists()
    return path.suffix == ".py" and path.name != "__init__.py"


def picture(folder: str, root: Path = ROOT) -> str:
    """The picture of a folder as a Mermaid diagram, between two comments that find it again."""
    lines = [f"    {a} --> {b}" for a, b in sorted(arrows(folder, root))]
    name = folder or "top"
    return "\n".join(
        [f"<!-- {name} -->", "```mermaid", "flowchart TB", *lines, "```", f"<!-- /{name} -->"]
    )


def with_pictures(text: str, root: Path = ROOT) -> str:
    """The text of the page with its pictures made anew."""
    for folder in FOLDERS:
        name = folder or "top"
        before, _, rest = text.partition(f"<!-- {name} -->")
        _, _, after = rest.partition(f"<!-- /{name} -->")
        text = before + picture(folder, root) + after
    return text


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    text = PAGE.read_text(encoding="utf-8")
    new = with_pictures(text)
    if "--check" in arguments:
        return int(new != text)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
