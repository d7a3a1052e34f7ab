"""Write docs/functions.md: every differentiable function, its rule as a formula, its edge cases and its source.

    python tools/functions_page.py [--check]

Made from the registry: a rule that is a lambda is shown as its expression, one that is a function by its docstring, and
the derivation above a rule is the docstring of its file. With --check nothing is written, and the exit status says
whether the page is up to date.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import pullback as pb
from pullback.autograd.primitive import REGISTRY, Primitive, find, names

PAGE = Path(__file__).resolve().parent.parent / "docs" / "functions.md"

HEAD = """# Every function, and its derivative

Made by `tools/functions_page.py` from the registry of rules; do not edit.

Notation: `ct` is the cotangent of the output, `out` the output, `x_bar` the cotangent of `x`. Work that several rules
of a function share is named with a leading underscore. Cotangents are summed over broadcast axes, cast to the input's
dtype, and made real for real inputs by the engine, which is why no rule says so. For complex arrays the sweep carries
conjugated cotangents, so that the rules below are right as they stand; the gradient that `pb.grad` returns is
∂L/∂Re z + i ∂L/∂Im z.
"""


@functools.cache
def lambdas(path: str) -> list[ast.Lambda]:
    """Every lambda of a file."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]


def formula(rule: Any) -> str:
    """A rule as text: a lambda's expression, or a function's docstring."""
    if rule.__name__ != "<lambda>":
        text = inspect.getdoc(rule)
        return " ".join(text.split()) if text else f"see `{rule.__name__}`"
    code = rule.__code__
    positions = [p for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3]]
    line, column = min((p[0], p[2]) for p in positions)
    for node in lambdas(code.co_filename):
        start = (node.lineno, node.col_offset)
        body = node.body
        end = (body.end_lineno or 0, body.end_col_offset or 0)
        inner = [n for n in ast.walk(body) if isinstance(n, ast.Lambda)]
        if start <= (line, column) <= end and not inner:
            return f"`{ast.unparse(body)}`"
    return "see the source"


def section(rule: Any) -> str:
    """The module that a rule was written in."""
    return rule.__module__.rpartition(".")[2]


def entry(primitive: Primitive) -> list[str]:
    """One function: its signature, then a line for each rule."""
    lines = [f"### `{primitive.name}{primitive.text}`", ""]
    for key, rule in primitive.shared.items():
        lines.append(f"- `{key}` = {formula(rule)}")
    for key, rule in primitive.rules.items():
        lines.append(f"- `{key}_bar` = {formula(rule)}")
    return [*lines, ""]


def page() -> str:
    """The whole page."""
    for name in names():
        find(name)
    by_section: dict[str, list[Primitive]] = {}
    without = []
    for primitive in REGISTRY.values():
        if primitive.rules:
            first = next(iter(primitive.rules.values()))
            by_section.setdefault(section(first), []).append(primitive)
        else:
            without.append(primitive.name)
    lines = [HEAD]
    for title in sorted(by_section):
        module = importlib.import_module(f"pullback.autograd.rules.{title}")
        lines += [
            f"## {title.replace('_', ' ').capitalize()}",
            "",
            inspect.getdoc(module) or "",
            "",
        ]
        for primitive in sorted(by_section[title], key=lambda p: p.name):
            lines += entry(primitive)
    if without:
        lines += [
            "## Without a rule",
            "",
            "Under a derivative these raise an error that says how to go on: "
            + ", ".join(f"`{name}`" for name in sorted(without))
            + ".",
            "",
        ]
    return "\n".join(lines)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="only say whether the page is up to date"
    )
    options = parser.parse_args()
    text = page()
    if options.check:
        if PAGE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write("docs/functions.md is out of date: run python tools/functions_page.py\n")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.name}: {len(REGISTRY)} functions, pullback {pb.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
