"""The arrows of the layout: who may import whom, and no cycles between files."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# subpackage -> what it may import from
ARROWS = {
    "backend": set(),
    "autograd": {"backend"},
    "models": {"backend", "autograd"},
    "optim": {"backend", "autograd"},
    "train": {"backend", "autograd", "models", "optim"},
}

# The root module is the list of public names. It imports everything, and nothing inside imports it.
ROOT_MODULE = ""

# Imports inside functions hide an arrow from the reader, so each has its reason here:
# {(file, imported): why}.
DEFERRED: dict[tuple[str, str], str] = {
    (
        "__init__.py",
        "autograd/compile/__init__.py",
    ): "loaded by the first function that is compiled",
    (
        "train/__init__.py",
        "train/estimators/__init__.py",
    ): "imports scikit-learn: only when asked for",
    (
        "backend/select.py",
        "backend/cuda/backend.py",
    ): "importing CuPy takes a second: only when asked for",
}


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
    for subpackage in ARROWS:
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

    def visit(node: ast.AST, deferred: bool, typing: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            deferred = True
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.body:
                visit(child, deferred, True)
            for child in node.orelse:
                visit(child, deferred, typing)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.append(Import(file, node.lineno, alias.name, True, deferred, typing))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(Import(file, node.lineno, node.module, True, deferred, typing))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                target = _resolve(file, node.level, node.module or "", alias.name, files)
                found.append(Import(file, node.lineno, target, False, deferred, typing))
        for child in ast.iter_child_nodes(node):
            visit(child, deferred, typing)

    visit(tree, False, False)
    return found


def imports_of(root: Path) -> list[Import]:
    """Every import of every file of the package under `root`."""
    files = _files(root)
    return [i for file, tree in files.items() for i in _imports(file, tree, files)]


def _subpackage(file: str) -> str:
    return file.split("/")[0] if "/" in file else ROOT_MODULE


def wrong_arrows(imports: list[Import]) -> list[str]:
    """Imports between subpackages against the layout."""
    wrong = []
    for i in imports:
        if i.absolute:
            if i.target.split(".")[0] == "pullback":
                wrong.append(f"{i} by its absolute name: imports inside are relative")
            continue
        here, there = _subpackage(i.file), _subpackage(i.target)
        if here != there and here != ROOT_MODULE and there not in ARROWS[here]:
            wrong.append(f"{i}: {here} knows nothing of {there or 'the root module'}")
    return wrong


def undeclared_deferred(imports: list[Import], declared: dict) -> list[str]:
    """Own files that are imported inside functions without a reason, and reasons left over."""
    there = {(i.file, i.target) for i in imports if i.deferred and not i.absolute}
    new = [f"{file} imports {target} inside a function" for file, target in there - set(declared)]
    return sorted(new) + [f"no longer there: {gone}" for gone in sorted(set(declared) - there)]


def cycle(imports: list[Import]) -> list[str]:
    """One cycle of files that import each other while loading, or an empty list."""
    graph: dict[str, set[str]] = {}
    for i in imports:
        if not (i.absolute or i.deferred or i.typing):
            graph.setdefault(i.file, set()).add(i.target)
    done: set[str] = set()

    def walk(file: str, path: list[str]) -> list[str]:
        if file in path:
            return [*path[path.index(file) :], file]
        if file in done:
            return []
        for target in sorted(graph.get(file, ())):
            if found := walk(target, [*path, file]):
                return found
        done.add(file)
        return []

    for file in sorted(graph):
        if found := walk(file, []):
            return found
    return []


IMPORTS = imports_of(ROOT)


def test_every_subpackage_is_here():
    assert {_subpackage(i.file) for i in IMPORTS} >= set(ARROWS)
    extra = {p.parent.name for p in ROOT.glob("*/__init__.py")} - set(ARROWS)
    assert not extra, f"subpackages without a place in the layout: {extra}"


def test_arrows_go_one_way():
    assert wrong_arrows(IMPORTS) == []


def test_imports_inside_functions_have_a_reason():
    assert undeclared_deferred(IMPORTS, DEFERRED) == []


def test_no_cycles_between_files():
    assert cycle(IMPORTS) == []


def test_only_one_file_imports_cupy():
    files = {i.file for i in IMPORTS if i.absolute and i.target.split(".")[0] in ("cupy", "cupyx")}
    assert files <= {"backend/cuda/backend.py"}


def test_the_cuda_kernels_import_nothing():
    assert [i for i in IMPORTS if i.file == "backend/cuda/kernels.py"] == []


@pytest.fixture
def package(tmp_path):
    """Write a package of the same layout, from {file: source}."""

    def write(sources: dict[str, str]) -> list[Import]:
        for subpackage in ARROWS:
            (tmp_path / subpackage).mkdir(exist_ok=True)
            (tmp_path / subpackage / "__init__.py").touch()
        (tmp_path / "__init__.py").touch()
        for name, text in sources.items():
            (tmp_path / name).write_text(text)
        return imports_of(tmp_path)

    return write


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("backend/_a.py", "from ..autograd import tape"),
        ("autograd/a.py", "from ..models import mlp"),
        ("models/a.py", "from ..optim.sgd import SGD"),
        ("optim/a.py", "from .. import models"),
        ("autograd/a.py", "from .. import grad"),
        ("train/a.py", "import pullback.models"),
        ("train/a.py", "def f():\n    from pullback import grad"),
        ("backend/a.py", "try:\n    from ..train import loop\nexcept ImportError:\n    pass"),
    ],
)
def test_a_wrong_arrow_is_found(package, file, source):
    assert len(wrong_arrows(package({file: source}))) == 1


@pytest.mark.parametrize(
    ("sources", "files"),
    [
        ({"backend/a.py": "from . import b", "backend/b.py": "from .a import x"}, {"a.py", "b.py"}),
        ({"optim/__init__.py": "from .a import x", "optim/a.py": "from . import y"}, {"a.py"}),
    ],
)
def test_a_cycle_is_found(package, sources, files):
    found = cycle(package(sources))
    assert found[0] == found[-1]
    assert files <= {Path(f).name for f in found}


def test_what_is_not_a_cycle_is_not_found(package):
    sources = {
        "autograd/a.py": "from . import b\nfrom ..backend import current",
        "autograd/b.py": "if TYPE_CHECKING:\n    from .a import x\ndef f():\n    from .a import x",
        "autograd/__init__.py": "from .a import x",
    }
    imports = package(sources)
    assert cycle(imports) == []
    assert wrong_arrows(imports) == []
    assert len(undeclared_deferred(imports, {})) == 1
    assert undeclared_deferred(imports, {("autograd/b.py", "autograd/a.py"): "a test"}) == []
