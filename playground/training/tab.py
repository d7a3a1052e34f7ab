"""The tab: controls and pictures, and what goes between them and the network."""

from __future__ import annotations

from typing import Any

from bokeh.models import Div


def tab(document: Any, data: Any = None) -> Any:
    """The tab's layout.

    Parameters
    ----------
    document : bokeh.document.Document
    data : optional
        A data set of the user's own.
    """
    return Div(text="A network trains here.")
