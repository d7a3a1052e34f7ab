"""`pullback runs`: the runs in a folder, with the settings in which they differ and what they came to."""

from __future__ import annotations

import math
import sys

from ..parallel.launch import refuse_several
from ..records.listing import SORTS, listing, listing_json
from ..terminal import width_of
from .command import Command, Option


def _runs(folder: str, sort: str, json: bool) -> int:
    refuse_several("runs")
    if json:
        text = listing_json(folder, sort=sort)
    else:
        text = "\n".join(listing(folder, sort=sort, width=width_of(sys.stdout) or math.inf))
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0


COMMAND = Command(
    "runs",
    "List runs with their settings and scores.",
    "List the runs in a folder: what they differ in, how far they came, and what they are worth.",
    (
        Option(
            "folder",
            "The folder in which runs are.",
            group="Arguments",
            argument=True,
            value="runs",
        ),
        Option(
            "sort",
            "score (the best by validation first), name or time (the newest first).",
            metavar="NAME",
            choices=SORTS,
            value="name",
        ),
        Option("json", "Print all that is known as JSON.", kind=bool, value=False),
    ),
    _runs,
)
