"""`pullback playground`: the page, served on this machine."""

from __future__ import annotations

from ..train.cli.command import Command, Option
from .server import ADDRESS, PORT, serve


def _playground(port: int | None, address: str, no_browser: bool, data: str | None) -> int:
    serve(port=port, address=address, browser=not no_browser, data=data)
    return 0


COMMAND = Command(
    "playground",
    "Open a page in the browser on which networks train while you watch.",
    "Open a page in the browser on which small networks train while you watch, optimisers are compared on a picture of "
    "the loss, and gradients pass through an expression that you type. This machine serves the page, which loads "
    "nothing from the internet. Ctrl-C ends it.",
    (
        Option(
            "port",
            "The port to listen on; 0 for any that is free.",
            default=f"{PORT}, or the next that is free",
            kind=int,
        ),
        Option(
            "address",
            "The address to listen on. Anyone who can reach another address than the default can use the page.",
            metavar="ADDRESS",
            value=ADDRESS,
        ),
        Option(
            "no_browser",
            "Print the page's address, and do not open it.",
            kind=bool,
            value=False,
        ),
        Option(
            "data",
            "A table of two columns of numbers and a label, offered as a data set.",
            default="the built-in data sets only",
            metavar="FILE.csv",
        ),
    ),
    _playground,
)
