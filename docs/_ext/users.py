"""Which examples of the gallery use a public name, read from their programs."""

from __future__ import annotations

import ast
import collections
import functools
from dataclasses import dataclass
from pathlib import Path

from .gallery import EXAMPLES, ORDER
from .names import by_full_name

MOST = 4  # examples on a page


@dataclass(frozen=True)
class Example:
    """An example of the gallery."""

    path: Path
    title: str

    @property
    def docname(self) -> str:
        return f"gallery/{self.path.parent.name}/{self.path.stem}"

    def thumbnail(self, docs: Path) -> str | None:
        """Its picture, once it has been run."""
        folder = docs / "gallery" / self.path.parent.name / "images" / "thumb"
        found = sorted(folder.glob(f"sphx_glr_{self.path.stem}_thumb.*"))
        return f"/{found[0].relative_to(docs).as_posix()}" if found else None


class Uses(ast.NodeVisitor):
    """The public names that a program mentions: `pb.grad`, and `xp.sin` after ``xp = pb.xp``."""

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        self.found: set[str] = set()

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == "pullback":
                self.aliases[alias.asname or "pullback"] = (
                    alias.name if alias.asname else "pullback"
                )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (node.module or "").partition(".")[0] == "pullback":
            for alias in node.names:
                self.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_Assign(self, node: ast.Assign) -> None:
        pairs = [(target, node.value) for target in node.targets]
        for target, value in pairs:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs += list(zip(target.elts, value.elts, strict=False))
            elif isinstance(target, ast.Name) and (full := self.full(value)):
                self.aliases[target.id] = full
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.add(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self.add(node)

    def add(self, node: ast.expr) -> None:
        entry = by_full_name().get(self.full(node) or "")
        if entry is not None and entry.kind in ("function", "class"):
            self.found.add(entry.canonical)

    def full(self, node: ast.expr) -> str | None:
        """The full name that an expression stands for, if it is one of this library."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute) and (outer := self.full(node.value)):
            return f"{outer}.{node.attr}"
        return None


def used(text: str) -> set[str]:
    """The full names of what a program uses."""
    visitor = Uses()
    visitor.visit(ast.parse(text))
    return visitor.found


@functools.cache
def users() -> dict[str, tuple[Example, ...]]:
    """The examples that use each name; first those that use few names, which are more about each."""
    found: dict[str, list[tuple[int, Example]]] = collections.defaultdict(list)
    for path in EXAMPLES.glob("*/*.py"):
        text = path.read_text(encoding="utf-8")
        title = (ast.get_docstring(ast.parse(text)) or path.stem).splitlines()[0]
        names = used(text)
        for name in names:
            found[name].append((len(names), Example(path, title)))
    rank = {name: i for i, name in enumerate(ORDER)}
    return {
        name: tuple(
            example
            for _, example in sorted(
                pairs, key=lambda p: (p[0], rank.get(p[1].path.stem, 999), p[1].path.stem)
            )
        )
        for name, pairs in found.items()
    }


def section(full: str, docs: Path) -> str:
    """The part of a name's page that shows examples, as reStructuredText; empty where none uses it."""
    examples = users().get(full, ())
    if not examples:
        return ""
    lines = [".. rubric:: In the gallery", "", ".. grid:: 2 2 4 4", "   :gutter: 2", ""]
    for example in examples[:MOST]:
        lines += [
            "   .. grid-item-card::",
            f"      :link: /{example.docname}",
            "      :link-type: doc",
        ]
        lines += ["      :class-card: example", ""]
        picture = example.thumbnail(docs)
        if picture:
            lines += [f"      .. image:: {picture}", "         :alt:", ""]
        lines += [f"      {example.title}", ""]
    if len(examples) > MOST:
        rest = ", ".join(f":doc:`/{e.docname}`" for e in examples[MOST:])
        lines += [
            f"And in {rest}."
            if len(examples) <= 14
            else f"And in {len(examples) - MOST} more of :doc:`the gallery </gallery/index>`.",
            "",
        ]
    return "\n".join(lines)
