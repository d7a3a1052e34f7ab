"""`pullback playground`: the page, served on this machine."""

from __future__ import annotations

from ..train.cli.command import Command, Option
from .server import ADDRESS, PORT, serve


def _playground(port: int | None, address: str, no_browser: bool, data: str | None) -> int:
    serve(port=port, address=address, browser=not no_browser, data=data)
    return 0


COMMAND = Command(
    "playground",
    "Open a page on which networks train before your eyes.",
    "Open a page on which small networks train before your eyes, with their loss surface, and on which gradients flow "
    "through an expression that you type. It is served from this machine to this machine, and fetches nothing from "
    "elsewhere. Ctrl-C ends it.",
    (
        Option(
            "port",
            "The port to listen on; 0 for any that is free.",
            default=f"{PORT}, or the next that is free",
            kind=int,
        ),
        Option(
            "address",
            "The address to listen on. Whoever reaches another than this one can use the page.",
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
            default="only the data sets by name",
            metavar="FILE.csv",
        ),
    ),
    _playground,
)
