"""`pullback predict`: predictions from data, as CSV."""

from __future__ import annotations

import sys

from ..files import write_atomic
from ..parallel.launch import refuse_several
from ..run.predict import predict_file
from ..settings.parsing import parse_names
from .command import Command, Option
from .options import BACKEND, RUN_FOLDER


def _predict(
    run: str,
    data: str,
    edges: str | None,
    keep: str | None,
    output: str | None,
    backend: str | None,
) -> int:
    refuse_several("predict")
    text = predict_file(
        run, data, edges=edges, backend_name=backend or "", keep=parse_names(keep) if keep else ()
    )
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_atomic(output, text)
    return 0


COMMAND = Command(
    "predict",
    "Predict from data, as CSV.",
    "Predict from data: CSV with classes and probabilities, or predicted numbers.",
    (
        RUN_FOLDER,
        Option(
            "data",
            "A table with the same columns, or an .npz or IDX file.",
            group="Arguments",
            argument=True,
            required=True,
        ),
        Option(
            "edges",
            "For a model of a graph: the edges between the nodes in DATA.",
            metavar="FILE",
        ),
        Option(
            "keep",
            "Columns of DATA to stand before the predictions, such as one that names the rows.",
            default="none",
            metavar="NAMES",
            many=True,
        ),
        Option("output", "Write to this file.", default="standard output", metavar="FILE"),
        BACKEND,
    ),
    _predict,
)
