"""Every function that a rule asks its namespace for exists in each library, CuPy too (needs no GPU)."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import pullback as pb

RULES = sorted((Path(pb.__file__).parent / "autograd" / "rules").glob("*.py"))


def _names(tree: ast.AST) -> set[str]:
    """``"linalg.inv"`` for each ``xp.linalg.inv``."""
    found, inner = set(), {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and (parts or id(node) not in inner):
            parts.append(node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id == "xp":
            found.add(".".join(reversed(parts)))
    return found


USED = {path.name: _names(ast.parse(path.read_text())) for path in RULES}


def test_the_search_finds_names():
    assert {"sech2", "cos", "over_squares"} <= USED["elementwise.py"]
    assert "cumulative_sum" in USED["statistical.py"]


@pytest.mark.parametrize(
    "library",
    ["numpy", pytest.param("cupy", marks=pytest.mark.cupy)],
)
def test_every_name_exists(library):
    backend_extras = pb.backend.resolve("numpy").xp.__dict__
    space = importlib.import_module(f"array_api_compat.{library}")
    lacking = []
    for file, names in USED.items():
        for name in sorted(names):
            where = space
            for part in name.split("."):
                where = getattr(where, part, None)
            if where is None and name.partition(".")[0] not in backend_extras:
                lacking.append(f"{file}: xp.{name}")
    assert lacking == []
