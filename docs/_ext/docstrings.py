"""Docstrings as reStructuredText, by numpydoc; and signatures."""

from __future__ import annotations

import inspect
import re
from typing import Any

from numpydoc.docscrape import Parameter
from numpydoc.docscrape_sphinx import SphinxDocString

LONGEST_DEFAULT = 40
_LITERAL = re.compile(r"(``.+?``|`[^`]+`_?_?|:[\w:]+:`[^`]+`|https?://\S+)")


def escaped(text: str) -> str:
    """Prose in which bars, stars and final underscores are themselves, and not markup: |x|, A*, x_."""
    parts = _LITERAL.split(text)
    for i in range(0, len(parts), 2):
        part = re.sub(r"([|*])", r"\\\1", parts[i])
        part = re.sub(r"(?<=\w)_(?!\w)", r"\\_", part)
        # `Array`s: markup ends before a letter only where that is said
        parts[i] = f"\\ {part}" if i and part[:1].isalnum() else part
    return "".join(parts)


def escaped_lines(lines: list[str]) -> list[str]:
    """The same for lines, but for examples and what is indented after `::`."""
    out: list[str] = []
    literal: int | None = None  # the indentation of the paragraph that announced a literal block
    announced = doctest = False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            doctest = False
            out.append(line)
            continue
        if announced:
            literal, announced = (indent, False)
        if literal is not None and indent < literal:
            literal = None
        if line.lstrip().startswith(">>>"):
            doctest = True
        plain = doctest or literal is not None or line.lstrip().startswith("..")
        out.append(line if plain else escaped(line))
        announced = literal is None and not doctest and line.rstrip().endswith("::")
    return out


def rendered(text: str) -> str:
    """A docstring as reStructuredText."""
    doc = SphinxDocString(text, config={})
    for section in ("Summary", "Extended Summary", "Notes", "References", "Examples", "Warnings"):
        doc[section] = escaped_lines(doc[section])
    for section in (
        "Parameters",
        "Other Parameters",
        "Attributes",
        "Returns",
        "Yields",
        "Receives",
        "Raises",
        "Warns",
    ):
        doc[section] = [
            Parameter(p.name, escaped(p.type), escaped_lines(p.desc)) for p in doc[section]
        ]
    # numpydoc makes a table of attributes by autosummary; a list says the same
    attributes, doc["Attributes"] = doc["Attributes"], []
    methods, doc["Methods"] = doc["Methods"], []
    out = str(doc)
    if attributes:
        out = _before_rubrics(out, _listed("Attributes", attributes))
    if methods:
        out = _before_rubrics(out, _listed("Methods", methods))
    return re.sub(r"\n\.\. only:: latex\n(\s*\n|   .*\n)*", "\n", out).strip("\n")


def _listed(title: str, items: list[Parameter]) -> str:
    """A field with a definition for each item, as numpydoc's own for parameters."""
    lines = [f":{title}:", ""]
    for item in items:
        plain = re.sub(r"([_*])", r"\\\1", item.name)
        name = f"**{plain}**" if plain else ""
        head = f"{name} : {item.type}" if name and item.type else name or item.type
        lines += [f"    {head}", *(f"        {line}" for line in item.desc or ["\\"]), ""]
    return "\n".join(lines) + "\n\n"


def _before_rubrics(text: str, block: str) -> str:
    head, mark, tail = text.partition(".. rubric::")
    return f"{head}\n\n{block}{mark}{tail}"


def summary(value: Any) -> str:
    """The first paragraph of an object's docstring, on one line of prose."""
    text = inspect.getdoc(value) or ""
    first = " ".join(text.strip().partition("\n\n")[0].split())
    return escaped(first)


def signature(value: Any, bound: bool = False) -> str:
    """A signature without annotations, with long defaults cut short; empty where there is none."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    parameters = list(found.parameters.values())
    if bound and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    out = []
    for parameter in parameters:
        default = parameter.default
        if default is not inspect.Parameter.empty:
            default = _Default(default)
        out.append(parameter.replace(annotation=inspect.Parameter.empty, default=default))
    return str(inspect.Signature(out))


class _Default:
    """A default as it is written in a call."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        value = self.value
        if inspect.isclass(value) or inspect.isroutine(value):
            return str(value.__name__)
        text = " ".join(repr(value).split())
        if type(value).__name__ == "_HAS_DEFAULT_FACTORY_CLASS" or text.startswith("<"):
            return "..."
        return text if len(text) <= LONGEST_DEFAULT else "..."
