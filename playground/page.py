"""The page: its title, its tabs, and the HTML around what Bokeh draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document

from ..train import InputError
from .expression.tab import tab as expression_tab
from .landscape.tab import tab as landscape_tab
from .training import controls
from .training.data import MOST_BYTES, Data, decoded, read_table
from .training.settings import OWN, Settings
from .training.tab import tab as training_tab

_STATIC = Path(__file__).resolve().parent / "static"
_PANELS = "<!-- panels -->"


@dataclass(frozen=True)
class Tab:
    """A tab of the page.

    Attributes
    ----------
    name : str
        What stands after # in the page's address.
    title : str
    make : callable
        ``make(document)`` returns its layout, or several by the names with which its HTML places them.
    files : str
        The name of its files in `static`, as ``training`` of ``training.html``, ``.css`` and ``.js``; empty for a tab
        that is its layout and nothing else.
    variables : mapping
        What its HTML is made of.
    """

    name: str
    title: str
    make: Callable[[Document], Any]
    files: str = ""
    variables: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def application(data: str | Path | None = None) -> Application:
    """What the server runs: one document for each page that is opened.

    Parameters
    ----------
    data : path, optional
        A table of the user's own, which every page offers.

    Raises
    ------
    InputError
        If that cannot be used.
    """
    own = None if data is None else table_of(Path(data))
    tabs = (
        Tab(
            "training",
            "Train a network",
            partial(training_tab, own=own),
            "training",
            {"controls": controls, "start": Settings(), "own": OWN, "has_own": own is not None},
        ),
        Tab("optimisers", "Compare optimisers", landscape_tab),
        Tab("expression", "Gradients of an expression", expression_tab),
    )
    return Application(FunctionHandler(partial(compose, tabs=tabs)))


def table_of(path: Path) -> Data:
    """The data in a file.

    Raises
    ------
    InputError
        If it cannot be read or used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)  # no more of what may have no end
    except OSError as error:
        raise InputError(f"data: cannot read {path}: {error.strerror or error}") from None
    return read_table(decoded(content, str(path)), str(path))


def compose(document: Document, tabs: tuple[Tab, ...]) -> None:
    """Put the tabs into a document."""
    document.title = "pullback playground"
    document.template = _template(tabs)
    variables = {name: value for tab in tabs for name, value in tab.variables.items()}
    document.template_variables.update(tabs=tabs, **variables)
    with document.models.freeze():  # which looks through all models once, and not for each root
        for tab in tabs:
            made = tab.make(document)
            for name, root in (made if isinstance(made, dict) else {tab.name: made}).items():
                root.name = name
                document.add_root(root)


@cache
def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _template(tabs: tuple[Tab, ...]) -> str:
    """The page's HTML, with that of the tabs, and with all styles and scripts in it."""
    panels, styles, scripts = [], [_static("page.css")], [_static("page.js")]
    for k, tab in enumerate(tabs):
        inner = _static(f"{tab.files}.html") if tab.files else f"{{{{ embed(roots.{tab.name}) }}}}"
        shown = " hidden" if k else ""
        panels.append(
            f'<section role="tabpanel" id="panel-{tab.name}" aria-labelledby="tab-{tab.name}"{shown}>\n'
            f"{inner}\n</section>"
        )
        if tab.files:
            styles.append(_static(f"{tab.files}.css"))
            scripts.append(_static(f"{tab.files}.js"))
    page = _static("page.html").replace(_PANELS, "\n".join(panels))
    return page.replace("/* styles */", "\n".join(styles)).replace(
        "/* scripts */", ";\n".join(scripts)
    )
