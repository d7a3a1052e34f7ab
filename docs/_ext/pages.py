"""The pages of the reference as reStructuredText: one for a module, one for a name."""

from __future__ import annotations

import inspect
import re
from typing import Any

from . import users
from .docstrings import escaped, rendered, signature, summary
from .names import (
    CONSTANTS,
    GROUPS,
    MODULES,
    ROOT,
    Entry,
    Space,
    by_full_name,
    entries,
    home_file,
    is_folded,
    page_of,
    space_by_name,
    spaces,
)
from .subjects import subject

DIRECTIVES = {"class": "py:class", "exception": "py:exception", "function": "py:function"}
OWN_METHODS = ("__call__",)


def indented(text: str, by: str = "   ") -> str:
    return "\n".join(by + line if line.strip() else "" for line in text.splitlines())


def title(text: str) -> str:
    text = text.replace("_", r"\_") if text.endswith("_") else text
    return f"{text}\n{'=' * len(text)}\n"


def link(text: str, docname: str) -> str:
    return f":doc:`{text} </{docname}>`"


# -- modules ----------------------------------------------------------------------------------------------------------


def module_page(space: Space, with_children: bool = True) -> str:
    """A module's docstring, and a table of its names for each subject."""
    text = MODULES.get(space.full) or inspect.getdoc(space.value) or ""
    inside = [e for e in entries() if e.space is space]
    modules = [e for e in inside if e.kind == "module"]
    lines = [":orphan:\n" if not _in_groups(space) else "", title(space.full)]
    if _parent(space) is not None:
        lines.append(f"{link('Reference', 'reference/index')} › {link(*_parent(space))}\n")
    # a function of a module's own name, as `misc.flatten` has one, is what the name leads to
    twice = space.full in by_full_name() and by_full_name()[space.full].kind != "module"
    lines += [f".. py:module:: {space.full}\n" + "   :no-index:\n" * twice]
    if space.mirrors:
        lines.append(_mirror_text(space))
    else:
        lines.append(rendered(text) + "\n" if text else "")
    if modules:
        lines += [".. rubric:: Modules\n", _table([(e, page_of(e)) for e in modules])]
    groups: dict[str, list[Entry]] = {}
    for entry in inside:
        if entry.kind != "module":
            groups.setdefault(subject(entry), []).append(entry)
    if is_folded(space):
        return "\n".join([*lines, *(_folded(e) for e in inside)])
    for name in sorted(groups, key=lambda g: (g in LAST, g.lower())):
        head = name if len(groups) > 1 else "Names"
        lines += [f"{head}\n{'-' * len(head)}\n", _table([(e, e.docname) for e in groups[name]])]
    return "\n".join(lines)


LAST = ("Constants and types", "NumPy's own", "SciPy's own")


def _in_groups(space: Space) -> bool:
    return any(space.name in group for group in GROUPS.values())


def _parent(space: Space) -> tuple[str, str] | None:
    if not space.name:
        return None
    above = space.name.rpartition(".")[0]
    while above and above not in {s.name for s in spaces()}:
        above = above.rpartition(".")[0]
    return (f"pullback.{above}" if above else "pullback"), f"reference/{above or 'pullback'}"


def _table(rows: list[tuple[Entry, str]]) -> str:
    lines = [".. list-table::", "   :class: names", "   :widths: 30 70", ""]
    for entry, docname in rows:
        call = entry.name + "()" * (entry.kind == "function")
        lines += [f"   * - {link(call, docname)}", f"     - {first_line(entry)}"]
    return "\n".join(lines) + "\n"


def module_line(space: Space) -> str:
    """What a module is, in a line, which need not begin with its name."""
    text = MODULES.get(space.full) or re.sub(r"^`[\w.]+`: ", "", summary(space.value))
    return text[:1].upper() + text[1:] or "\\ "


def first_line(entry: Entry) -> str:
    """What an entry is, in a line."""
    if entry.kind == "module":
        space = space_by_name().get(entry.canonical)
        return module_line(space) if space else summary(entry.value)
    if entry.foreign and not entry.space.mirrors:
        return f"NumPy's own ``{entry.foreign}``."
    if entry.kind == "data":
        if entry.name in CONSTANTS:
            return CONSTANTS[entry.name]
        if _is_object(entry.value):
            return summary(type(entry.value)) or "\\ "
        return f"``{_short(entry.value)}``"
    return summary(entry.value) or "\\ "


def _folded(entry: Entry) -> str:
    kind = DIRECTIVES.get(entry.kind, "py:data")
    text = f"As ``{entry.space.mirrors}.{entry.name}`` of SciPy."
    return f".. {kind}:: {entry.name}{_call(entry)}\n\n   {text}\n"


def _mirror_text(space: Space) -> str:
    text = inspect.getdoc(space.value) or f"`{space.mirrors}` as HIPS autograd has it."
    lines = [escaped(" ".join(p.split())) for p in text.split("\n\n")]
    ours = space_by_name().get(f"pullback.{space.mirrors}")
    if ours is not None:
        lines.append(
            f"What each function computes, and its derivative: {link(ours.full, ours.docname)}. Of complex numbers, "
            "gradients here are those of HIPS autograd, the conjugates."
        )
    return "\n\n".join(lines) + "\n"


# -- names ------------------------------------------------------------------------------------------------------------


def name_page(entry: Entry) -> str:
    """The page of one name: the way back, the signature, the docstring, the source."""
    way = f"{link('Reference', 'reference/index')} › {link(entry.space.full, entry.space.docname)}"
    lines = [
        ":orphan:",
        "",
        title(entry.full),
        way,
        "",
        f".. py:currentmodule:: {entry.space.full}",
        "",
    ]
    kind = DIRECTIVES.get(entry.kind, "py:data")
    lines += [f".. {kind}:: {entry.name}{_call(entry)}", ""]
    lines.append(indented(_body(entry)))
    if entry.canonical == entry.full and not entry.foreign and not entry.space.mirrors:
        lines += ["", users.section(entry.full, ROOT / "docs"), "", _source(entry.value)]
    return "\n".join(lines).rstrip() + "\n"


def _call(entry: Entry) -> str:
    if entry.kind in ("data", "module"):
        return ""
    if entry.foreign and entry.kind != "function":
        return ""
    # functions in C may have none, and Sphinx takes that for a function without arguments
    return signature(entry.value) or ("(...)" if entry.kind == "function" else "")


def _body(entry: Entry) -> str:
    if entry.kind == "module":
        return f"The module {link(entry.canonical, entry.canonical.replace('pullback.', 'reference/', 1))}."
    if entry.space.mirrors:
        return _mirrored(entry)
    if entry.canonical != entry.full:
        other = by_full_name()[entry.canonical]
        what = "The same object as" if entry.kind == "data" else f"The same {_noun(entry)} as"
        return f"{first_line(entry)}\n\n{what} {link(other.full, other.docname)}, where it is described."
    if entry.foreign:
        return f"NumPy's own ``{entry.foreign}``; its documentation is NumPy's."
    if entry.kind == "data":
        return _datum(entry)
    text = rendered(inspect.getdoc(entry.value) or "")
    if entry.kind == "class":
        text += "\n\n" + members(entry.value)
    return text


def _noun(entry: Entry) -> str:
    return "function" if entry.kind == "function" else "class"


def _mirrored(entry: Entry) -> str:
    library = entry.space.mirrors.partition(".")[0]
    names = {"numpy": "NumPy", "scipy": "SciPy"}
    text = f"As ``{entry.space.mirrors}.{entry.name}`` of {names[library]}, whose documentation describes it."
    ours = by_full_name().get(f"pullback.{entry.space.mirrors}.{entry.name}")
    if ours is not None and entry.kind == "function":
        text += (
            f" Where something is traced, {link(ours.full, ours.docname)} computes it, with a derivative where that "
            "has one; gradients of complex numbers are those of HIPS autograd, the conjugates."
        )
    return text


def _datum(entry: Entry) -> str:
    if entry.name in CONSTANTS and not _is_object(entry.value):
        value = _short(entry.value)
        # neither long ones, nor objects that have no form to be written in
        shown = len(value) < 80 and "<" not in value
        return CONSTANTS[entry.name] + (f"\n\nIts value is ``{value}``." if shown else "")
    if _is_object(entry.value):
        text = rendered(inspect.getdoc(entry.value) or inspect.getdoc(type(entry.value)) or "")
        said = re.fullmatch(r"<distribution \w+\((.*)\)>", repr(entry.value))
        if said:
            text += f"\n\nIts parameters, behind the first argument of a method: ``{said[1]}``."
        return text + "\n\n" + members(type(entry.value), f"{entry.name}.")
    return f"Its value is ``{_short(entry.value)}``."


def _is_object(value: Any) -> bool:
    return type(value).__module__.startswith("pullback.")


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 120 else f"{text[:110]} …"


# -- members of classes -----------------------------------------------------------------------------------------------


def members(cls: type, prefix: str = "") -> str:
    """The public methods and properties of a class that have a docstring, each as an entry of its own."""
    out = []
    for name in dir(cls):
        if name.startswith("_") and name not in OWN_METHODS:
            continue
        if name.endswith("_request") or name == "get_metadata_routing":
            continue  # what scikit-learn adds to every estimator
        owner = next((c for c in cls.__mro__ if name in vars(c)), None)
        if owner is None or not owner.__module__.startswith("pullback."):
            continue
        raw = vars(owner)[name]
        value = getattr(cls, name, None)
        text = inspect.getdoc(raw) if isinstance(raw, property) else inspect.getdoc(value)
        if not text or text.startswith("Not here"):
            continue
        if isinstance(raw, property) or not callable(value):
            if isinstance(raw, property) or inspect.isdatadescriptor(raw):
                out.append(
                    f".. py:property:: {prefix}{name}\n   :no-index-entry:\n\n{indented(rendered(text))}\n"
                )
            continue
        kind = "classmethod" if isinstance(raw, classmethod) else "method"
        kind = "staticmethod" if isinstance(raw, staticmethod) else kind
        call = signature(value, bound=kind == "method")
        out.append(
            f".. py:{kind}:: {prefix}{name}{call}\n   :no-index-entry:\n\n{indented(rendered(text))}\n"
        )
    return "\n".join(out)


def _source(value: Any) -> str:
    home = home_file(value if callable(value) else type(value))
    if home is None:
        return ""
    return f"Source: :source:`{home[0]}:{home[1]}`"


def index_page() -> str:
    """The start of the reference: the modules by what they are for."""
    known = {s.name: s for s in spaces()}
    lines = [title("Reference"), INTRODUCTION]
    for group, names in GROUPS.items():
        lines += [
            f"{group}\n{'-' * len(group)}\n",
            ".. list-table::",
            "   :class: names",
            "   :widths: 30 70",
            "",
        ]
        for name in names:
            space = known[name]
            lines += [
                f"   * - {link(space.full, space.docname)}",
                f"     - {module_line(space)}",
            ]
        lines += [""]
    inside = [s.docname.removeprefix("reference/") for s in spaces() if _in_groups(s)]
    lines += [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in inside)]
    return "\n".join(lines) + "\n"


INTRODUCTION = """
Every public name has a page, with its signature, what it takes and returns, its derivative, what it raises, and an
example that the tests run. Examples say ``import pullback as pb`` and ``import numpy as np``.
"""
