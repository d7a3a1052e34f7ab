"""Write docs/functions.md: every differentiable function, its rule as a formula, its edge cases and its source.

    python tools/functions_page.py [--check]

Made from the registry: a rule that is a lambda is shown as its expression, one that is a function by its docstring, and
so are the functions that an expression calls and the standard lacks. Derivations are the docstring of the rules' file
and the comment at the head of each of its parts. Edge cases and sources are lines of `functions_notes.py`, or of the
file's docstring ("Edge cases: …", "Sources: …"). With --check nothing is written, and the exit status says whether the
page is up to date.
"""

from __future__ import annotations

import argparse
import ast
import functools
import inspect
import itertools
import re
import sys
from pathlib import Path
from typing import Any

import array_api_compat.numpy
from functions_notes import EDGES_OF, SOURCES_OF

import pullback as pb
from pullback.autograd.core.registry import REGISTRY, Primitive, find, names
from pullback.autograd.core.signatures import HIDDEN
from pullback.autograd.functions.documentation.entries import items
from pullback.autograd.functions.documentation.entries import source as book
from pullback.autograd.functions.documentation.lookup import entries

PAGE = Path(__file__).resolve().parent.parent / "docs" / "functions.md"

HEAD = """# Every function, and its derivative

Made by `tools/functions_page.py` from the registry of rules; do not edit.

Notation: `ct` is the cotangent of the output, `out` the output, `x_bar` the cotangent of `x`. Work that several rules
of a function share is named with a leading underscore. Cotangents are summed over broadcast axes, cast to the input's
dtype, and made real for real inputs by the engine, which is why no rule says so. For complex arrays the sweep carries
conjugated cotangents, so that the rules below are right as they stand; the gradient that `pb.grad` returns is
∂L/∂Re z + i ∂L/∂Im z.

Each function has its signature, its rules as formulas, its edge cases, and the source of the formulas; derivations that
several functions share stand above them.
"""


@functools.cache
def source_of(path: str) -> tuple[str, ...]:
    """The lines of a file."""
    return tuple(Path(path).read_text(encoding="utf-8").splitlines())


@functools.cache
def lambdas(path: str) -> list[ast.Lambda]:
    """Every lambda of a file."""
    tree = ast.parse("\n".join(source_of(path)))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]


def said(function: Any) -> str:
    """The docstring of a function on one line."""
    return " ".join((inspect.getdoc(function) or "").split())


def formula(rule: Any) -> str:
    """A rule as text: a lambda's expression and what is called in it, or a function's docstring."""
    if rule.__name__ != "<lambda>":
        return said(rule) or f"see `{rule.__name__}`"
    code = rule.__code__
    positions = [p for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3]]
    line, column = min((p[0], p[2]) for p in positions)
    for node in lambdas(code.co_filename):
        start = (node.lineno, node.col_offset)
        body = node.body
        end = (body.end_lineno or 0, body.end_col_offset or 0)
        inner = [n for n in ast.walk(body) if isinstance(n, ast.Lambda)]
        if start <= (line, column) <= end and not inner:
            return f"`{ast.unparse(body)}`" + called_in(body, rule)
    return "see the source"


EXTRAS = pb.backend.extend(array_api_compat.numpy).__dict__
KNOWN = frozenset(dir(array_api_compat.numpy))


def called_in(body: ast.AST, rule: Any) -> str:
    """What an expression calls that is not in the standard, each with its docstring."""
    found: dict[str, str] = {}
    for node in ast.walk(body):
        if isinstance(node, ast.Name) and inspect.isfunction(rule.__globals__.get(node.id)):
            found[node.id] = first_sentence(rule.__globals__[node.id])
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "xp":
            extra = EXTRAS.get(node.attr)
            if node.attr not in KNOWN and isinstance(extra, functools.partial):
                found[node.attr] = first_sentence(extra.func)
    return "".join(f"; `{name}`: {text}" for name, text in found.items() if text)


def first_sentence(function: Any) -> str:
    """The first paragraph of a docstring, without its full stop."""
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split()).rstrip(".")


def part_of(rule: Any) -> tuple[str, str]:
    """The part of its file that a rule stands in: the heading of it, and the comment below that."""
    lines = source_of(rule.__code__.co_filename)
    for i in range(rule.__code__.co_firstlineno - 1, -1, -1):
        if lines[i].startswith("# ──"):
            comment = list(itertools.takewhile(lambda line: line.startswith("#"), lines[i + 1 :]))
            return lines[i].strip("# ─"), dedented(comment)
    return "", ""


def dedented(comment: list[str]) -> str:
    """A comment as a paragraph of Markdown; indented formulas stay as they are."""
    return "\n".join(line[2:] for line in comment).strip()


def paragraph(text: str, *heads: str) -> str:
    """The paragraph of a docstring that begins with one of `heads`, without that."""
    for part in text.split("\n\n"):
        for head in heads:
            if part.startswith(head):
                return " ".join(part.removeprefix(head).split()).rstrip(".")
    return ""


def edge_cases(primitive: Primitive) -> str:
    """What happens at a function's edges: a line of `functions_notes.py`, or the notes of its docstring."""
    known = EDGES_OF.get(primitive.name) or written(primitive.name, ". ", "! ")
    return known or paragraph(module_text(primitive), "Edge cases: ")


def source(primitive: Primitive) -> str:
    """Where a function's rule is from."""
    known = SOURCES_OF.get(primitive.name) or written(primitive.name, "@ ")
    return known or paragraph(module_text(primitive), "Sources: ", "Source: ")


def written(name: str, *marks: str) -> str:
    """What a function's docstring says under these marks, on one line without its full stop."""
    found = [
        (book(item[2:]) if mark == "@ " else item[2:]).replace("\n", " ")
        for mark in marks
        for item in items(entries().get(name, ""))
        if item.startswith(mark)
    ]
    return " ".join(found).removesuffix(".")


def written_formulas(name: str) -> dict[str, str]:
    """The formulas of a function's docstring by the names of its arguments; hidden functions have none."""
    found = re.findall(r"^(\w+)_bar = (.*(?:\n  .*)*)", entries().get(name, ""), re.MULTILINE)
    return {argument: " ".join(text.split()) for argument, text in found}


def first_rule(primitive: Primitive) -> Any:
    """The rule that says in which file, and in which part of it, a function is listed."""
    return next(iter(primitive.rules.values()))


def module_text(primitive: Primitive) -> str:
    """The docstring of the file of a primitive's rules."""
    return inspect.getdoc(sys.modules[first_rule(primitive).__module__]) or ""


def entry(primitive: Primitive) -> list[str]:
    """One function: its signature, a line for each rule, its edge cases and its source."""
    lines = [f"#### `{primitive.name}{primitive.text}`", ""]
    for key, rule in primitive.shared.items():
        lines.append(f"- `{key}` = {formula(rule)}")
    formulas = written_formulas(primitive.name)
    for key, rule in primitive.rules.items():
        text = formula(rule)
        if key in formulas and text.startswith("`"):
            text = f"{formulas[key]}; in the code {text}"
        elif key in formulas and text.startswith("see "):
            text = formulas[key]
        lines.append(f"- `{key}_bar` = {text}")
    lacking = [f"`{p}`" for p in primitive.arrays if p not in primitive.rules and p not in INDICES]
    if lacking:
        lines.append(f"- no derivative by {', '.join(lacking)}: asked for, it raises")
    lines.append(f"- Edge cases: {edge_cases(primitive)}")
    lines.append(f"- Source: {source(primitive)}")
    return [*lines, ""]


INDICES = frozenset(("indices", "condition", "labels", "repeats"))  # integers and masks


def page() -> str:
    """The whole page."""
    for name in names():
        find(name)
    by_module: dict[str, list[Primitive]] = {}
    without = []
    for primitive in REGISTRY.values():
        if primitive.rules and listed(primitive):
            by_module.setdefault(first_rule(primitive).__module__, []).append(primitive)
        elif not primitive.rules and primitive.name not in HIDDEN:
            without.append(primitive.name)
    lines = [HEAD]
    for module in sorted(by_module):
        title = module.rpartition(".")[2].replace("_", " ").capitalize()
        lines += [f"## {title}", "", inspect.getdoc(sys.modules[module]) or "", ""]
        part = ""
        for primitive in sorted(by_module[module], key=lambda p: place(first_rule(p))):
            heading, derivation = part_of(first_rule(primitive))
            if heading != part:
                part = heading
                lines += [f"### {heading[:1].upper()}{heading[1:]}", ""]
                lines += [derivation, ""] if derivation else []
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


def listed(primitive: Primitive) -> bool:
    """Whether a function is public, or there are notes on it."""
    return primitive.name not in HIDDEN or primitive.name in EDGES_OF


def place(rule: Any) -> int:
    """The line of a rule in its file."""
    return rule.__code__.co_firstlineno


def lacking() -> list[str]:
    """What the page cannot say, in words: functions without edge cases or a source, and notes on no function."""
    page()  # finds all functions
    known = {p.name: p for p in REGISTRY.values() if p.rules and listed(p)}
    out = [f"{name}: no edge cases" for name, p in known.items() if not edge_cases(p)]
    out += [f"{name}: no source" for name, p in known.items() if not source(p)]
    out += [
        f"{name}: no formula"
        for name, p in known.items()
        if not all(map(formula, p.rules.values()))
    ]
    return out + [
        f"{name}: not a function with a rule" for name in {*EDGES_OF, *SOURCES_OF} - set(known)
    ]


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="only say whether the page is up to date"
    )
    options = parser.parse_args()
    if missing := lacking():
        sys.stderr.write("\n".join(["tools/functions_notes.py is not complete:", *missing, ""]))
        return 1
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
