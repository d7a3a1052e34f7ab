"""The imports of the package, read from its source: which file imports which, and which folder which.

The layout test asserts what it likes of them, and `architecture.py` draws them. Imports inside functions count as all
others do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUBPACKAGES = (
    "backend",
    "autograd",
    "compat",
    "distributed",
    "models",
    "optim",
    "train",
    "playground",
)


@dataclass(frozen=True)
class Import:
    """One imported name: where, what, and whether it happens when the file is loaded."""

    file: str
    line: int
    target: str  # "backend/common/base.py", or an absolute module name such as "numpy"
    absolute: bool
    deferred: bool  # inside a function
    typing: bool  # under `if TYPE_CHECKING`

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target}"


def _files(root: Path) -> dict[str, ast.Module]:
    """The package's files by their path from the root."""
    paths = sorted(root.glob("*.py"))
    for subpackage in SUBPACKAGES:
        paths += sorted((root / subpackage).rglob("*.py"))
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(), str(path)) for path in paths
    }


def _resolve(file: str, level: int, module: str, name: str, files: dict) -> str:
    """The file that ``from <level dots><module> import <name>`` loads the name from."""
    parts = file.split("/")[:-1]
    assert level - 1 <= len(parts), f"{file}: a relative import leaves the package"
    parts = parts[: len(parts) - level + 1] + (module.split(".") if module else [])
    for found in ([*parts, name], parts):
        path = "/".join(found)
        for candidate in (f"{path}.py", f"{path}/__init__.py" if path else "__init__.py"):
            if candidate in files:
                return candidate
    return "/".join([*parts, "__init__.py"])


def _imports(file: str, tree: ast.Module, files: dict) -> list[Import]:
    found: list[Import] = []

    def visit(nodes: Iterable[ast.AST], deferred: bool, typing: bool) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found.append(Import(file, node.lineno, alias.name, True, deferred, typing))
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.append(Import(file, node.lineno, node.module, True, deferred, typing))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    target = _resolve(file, node.level, node.module or "", alias.name, files)
                    found.append(Import(file, node.lineno, target, False, deferred, typing))
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                visit(node.body, deferred, True)
                visit(node.orelse, deferred, typing)
            else:
                inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                visit(_statements(node), inside, typing)

    visit(tree.body, False, False)
    return found


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements in another, and what holds more of them; expressions hold none, hence no imports."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        children = getattr(node, field, ())
        if isinstance(children, list):
            yield from children


def imports_of(root: Path) -> list[Import]:
    """Every import of every file of the package under `root`."""
    files = _files(root)
    return [i for file, tree in files.items() for i in _imports(file, tree, files)]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, its first node again at the end, or an empty list."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(graph.get(node, ())):
            if found := walk(target, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


def files_graph(imports: list[Import]) -> dict[str, set[str]]:
    """Which file imports which, inside functions too; what only a type checker reads is left out."""
    graph: dict[str, set[str]] = {}
    for i in imports:
        if not (i.absolute or i.typing):
            graph.setdefault(i.file, set()).add(i.target)
    return graph


def folder_graph(imports: list[Import], folder: str) -> dict[str, set[str]]:
    """The arrows between what lies directly in a folder: its files and its folders."""
    start = f"{folder}/" if folder else ""
    graph: dict[str, set[str]] = {}
    for file, targets in files_graph(imports).items():
        if not file.startswith(start):
            continue
        here = file.removeprefix(start).split("/")[0]
        arrows = graph.setdefault(here, set())
        for target in targets:
            there = target.removeprefix(start).split("/")[0]
            if target.startswith(start) and there != here:
                arrows.add(there)
                graph.setdefault(there, set())
    return graph


def folders_of(root: Path) -> list[str]:
    """The package's folders that hold modules, the root among them as an empty name."""
    folders = {path.parent for top in SUBPACKAGES for path in (root / top).rglob("*.py")}
    parents = {
        parent
        for folder in folders
        for parent in (folder.relative_to(root), *folder.relative_to(root).parents)
    }
    return sorted("" if parent == Path() else parent.as_posix() for parent in parents)
