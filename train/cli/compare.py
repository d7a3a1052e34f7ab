"""`pullback compare`: runs side by side, as a table and a picture of their curves."""

from __future__ import annotations

import math
import sys

from ..files import write_atomic
from ..parallel.launch import refuse_several
from ..records.comparison import METRICS_DRAWN, check_histories, chosen, comparison_text, picture
from ..terminal import width_of
from .command import Command, Option


def _compare(runs: list[str], output: str, metric: str | None) -> int:
    refuse_several("compare")
    records = chosen(runs)
    # whatever is wrong is told before the table
    check_histories(records)
    drawn = picture(records, metric, output)
    sys.stdout.write("\n".join(comparison_text(records, width_of(sys.stdout) or math.inf)) + "\n")
    write_atomic(output, drawn)
    sys.stdout.write(f"curves in {output}\n")
    sys.stdout.flush()
    return 0


COMMAND = Command(
    "compare",
    "Compare runs: a table, and their curves in one picture.",
    "Compare runs: a table of settings and results side by side, and a picture of their curves together.",
    (
        Option(
            "runs",
            "Two or more folders of runs, as runs/iris runs/iris-2.",
            group="Arguments",
            metavar="RUN",
            argument=True,
            required=True,
            many=True,
        ),
        Option(
            "output",
            "The picture's file: .png, .pdf or .svg.",
            metavar="FILE",
            value="compare.png",
        ),
        Option(
            "metric",
            "Draw the loss or the score alone.",
            default="both",
            metavar="NAME",
            choices=METRICS_DRAWN,
        ),
    ),
    _compare,
)
