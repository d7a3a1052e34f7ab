"""`pullback evaluate`: judge a run's model by data with known targets, as a table, JSON and pictures."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import InputError, counted, one_line
from ..evaluation.report import as_table
from ..files import write_atomic
from ..parallel.launch import refuse_several
from ..run.evaluate import EVALUATION, Evaluated, evaluate_file
from .command import Command, Option
from .options import BACKEND, RUN_FOLDER


def _evaluate(
    run: str,
    data: str,
    target: str | None,
    target_file: str | None,
    edges: str | None,
    output: str | None,
    json: str | None,
    backend: str | None,
) -> int:
    refuse_several("evaluate")
    found = evaluate_file(
        run,
        data,
        target=target or "",
        target_file=target_file or "",
        edges=edges,
        backend_name=backend or "",
    )
    lines = [] if json == "-" else _told(found)
    if output is not None:
        lines.append(_write(found, Path(output)))
    if json == "-":
        sys.stdout.write(found.json())
        sys.stdout.flush()
        return 0
    if json is not None:
        write_atomic(json, found.json())
    print("\n".join(lines))
    return 0


def _told(found: Evaluated) -> list[str]:
    metrics = found.metrics
    if metrics is None:
        return ["no figures"]
    what = "character" if metrics.task == "text" else "row"
    about = f"{one_line(found.about['run'])} on {one_line(found.about['data'])}"
    return [f"{about}: {counted(metrics.rows, what)}", "", as_table(metrics)]


def _write(found: Evaluated, folder: Path) -> str:
    """Write the figures and pictures into a folder, and return what to say of it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output: cannot make the folder {folder}: {error.strerror}") from None
    written: dict[str, str | bytes] = {EVALUATION: found.json(), **found.pictures()}
    for name, content in written.items():
        write_atomic(folder / name, content)
    return f"files in {folder}: {', '.join(written)}"


COMMAND = Command(
    "evaluate",
    "Judge a model by data whose targets are known.",
    "Judge a model by data whose targets are known: accuracy, precision, recall, F1, ROC AUC, log loss and calibration "
    "of classes; R2 and errors of numbers; perplexity of texts.",
    (
        RUN_FOLDER,
        Option(
            "data",
            "A file of the columns that the model was trained on, with its target.",
            group="Arguments",
            argument=True,
            required=True,
        ),
        Option(
            "target",
            "What the target is called in DATA (.npz: array; IDX: label file).",
            default="as in the run's data",
            metavar="NAME",
        ),
        Option(
            "target_file",
            "The file in which the targets are, where they are not in DATA.",
            metavar="FILE",
        ),
        Option(
            "edges",
            "For a model of a graph: the edges between the nodes in DATA.",
            metavar="FILE",
        ),
        Option(
            "output",
            f"Write {EVALUATION} and the pictures to this folder.",
            default="none are written",
            metavar="FOLDER",
        ),
        Option(
            "json",
            "Write the figures as JSON to this file; -: print them, and no table.",
            metavar="FILE",
        ),
        BACKEND,
    ),
    _evaluate,
)
