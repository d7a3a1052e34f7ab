"""The page: its title, its tabs, and the HTML around what Bokeh draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document

from .expression.tab import tab as expression_tab
from .landscape.tab import tab as landscape_tab
from .training.tab import tab as training_tab

_STATIC = Path(__file__).resolve().parent / "static"


@dataclass(frozen=True)
class Tab:
    """A tab of the page.

    Attributes
    ----------
    name : str
        The name of its root in the document, and what stands after # in the page's address.
    title : str
    make : callable
        ``make(document)`` returns its layout.
    """

    name: str
    title: str
    make: Callable[..., Any]


TABS = (
    Tab("training", "Train a network", training_tab),
    Tab("optimisers", "Compare optimisers", landscape_tab),
    Tab("expression", "Gradients of an expression", expression_tab),
)


def application(data: str | Path | None = None) -> Application:
    """What the server runs: one document for each page that is opened.

    Parameters
    ----------
    data : path, optional
        A table of the user's own, which every page offers.
    """

    def compose(document: Document) -> None:
        document.title = "pullback playground"
        document.template = _static("page.html")
        document.template_variables.update(
            tabs=TABS, style=_static("page.css"), script=_static("page.js")
        )
        for tab in TABS:
            root = tab.make(document)
            root.name = tab.name
            document.add_root(root)

    return Application(FunctionHandler(compose))


@cache
def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
