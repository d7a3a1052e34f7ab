"""How a generated function gets its docstring: all text is loaded when the first of them is looked up."""

from __future__ import annotations

import functools
import sys
from typing import Any

from .entries import put_together, split


@functools.cache
def entries() -> dict[str, str]:
    """The entries of all functions, by their names in full."""
    from . import sections

    found: dict[str, str] = {}
    for text in sections.TEXTS:
        found |= split(text)
    return found


def importing() -> bool:
    """Whether the package is being imported: its own modules look functions up, and nobody reads docstrings."""
    spec = getattr(sys.modules.get(__name__.partition(".")[0]), "__spec__", None)
    return getattr(spec, "_initializing", False)


def documented(function: Any, name: str) -> Any:
    """A generated function with its docstring, if there is an entry of its name in full."""
    entry = entries().get(name)
    if entry is not None:
        code = function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        function.__doc__ = put_together(entry, code.co_varnames[:count])
    return function
