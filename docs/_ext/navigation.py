"""The tree of pages at the side, made once for all pages that are not in it, and not three thousand times."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_trees: dict[tuple[Any, ...], str] = {}


def once(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give pages of names and of sources the tree of the first of them at the same depth: only the way up differs."""
    of_a_name = pagename.startswith("reference/") and pagename.count("/") == 2
    if (of_a_name or pagename.startswith("_source/")) and "toctree" in context:
        context["toctree"] = functools.partial(_cached, context["toctree"], pagename.count("/"))


def _cached(toctree: Callable[..., str], depth: int, **settings: Any) -> str:
    key = (depth, *sorted(settings.items()))
    if key not in _trees:
        _trees[key] = toctree(**settings)
    return _trees[key]


def setup(app: Any) -> dict[str, Any]:
    app.connect("html-page-context", once, priority=400)  # before the theme asks for it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
