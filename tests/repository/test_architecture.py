"""docs/architecture.md is true: its files and functions are there, and its pictures are those of the imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ._tools import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`([\w/]+\.py(?:::[\w.]+)?)`", PAGE)))


def is_there(name: str, root: Path = ROOT) -> bool:
    """Whether `file.py`, or `file.py::function` or `file.py::Class.method`, exists."""
    file, _, path = name.partition("::")
    if not (root / file).is_file():
        return False
    body = ast.parse((root / file).read_text(encoding="utf-8")).body
    for part in filter(None, path.split(".")):
        found = [
            n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part
        ]
        if not found:
            return False
        body = found[0].body
    return True


@pytest.mark.parametrize("name", NAMES)
def test_what_the_page_names_is_there(name):
    assert is_there(name)


def test_the_page_names_functions():
    assert sum("::" in name for name in NAMES) > 20


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("a.py", True),
        ("a.py::f", True),
        ("a.py::C.m", True),
        ("b.py", False),
        ("a.py::g", False),
        ("a.py::C.f", False),
    ],
)
def test_what_is_not_there_is_found(tmp_path, name, there):
    (tmp_path / "a.py").write_text("def f(): ...\nclass C:\n    def m(self): ...\n")
    assert is_there(name, tmp_path) == there


def test_the_pictures_are_those_of_the_imports(imports):
    assert load("architecture").with_pictures(PAGE, imports) == PAGE


def test_an_import_is_an_arrow(tmp_path):
    for folder in ("train", "models", "optim", "autograd", "backend"):
        (tmp_path / folder).mkdir()
    (tmp_path / "optim/a.py").write_text("def f():\n    from ..backend.b import x\n")
    (tmp_path / "models/a.py").write_text("if TYPE_CHECKING:\n    from ..backend.b import x\n")
    imports = load("imports").imports_of(tmp_path)
    assert load("architecture").arrows("", imports) == {("optim", "backend")}
