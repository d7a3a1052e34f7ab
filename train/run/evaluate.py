"""The judging of a trained model on data with known targets, which is `pullback evaluate`."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ..data.graph import read_edges, read_nodes
from ..data.labelled import Wanted, load_labelled, target_of_texts
from ..data.load import BUILT_IN
from ..data.tables.foreign import target_names
from ..data.text import encode, read_text
from ..errors import InputError, counted
from ..evaluation.metrics import (
    Metrics,
    TextMetrics,
    classification_metrics,
    regression_metrics,
)
from ..evaluation.pictures import classification_figure, regression_figure, separate_pictures
from ..evaluation.report import as_json
from ..measure import RowMean, evaluate, predict
from ..plots.style import png
from ..settings.config import read_config
from .checkpoint import load_described
from .graphs import load_trained_graph
from .metadata import MODEL, check_finite, model_file, standardizer
from .predict import Trained, trained_of
from .prepared import Prepared
from .sample import load_text_model
from .tasks import probabilities
from .texts import next_accuracy

_CONFIG, EVALUATION, PICTURE = "run.toml", "evaluation.json", "evaluation.png"


@dataclass(frozen=True)
class Evaluated:
    """The figures of a model on some rows, and what their pictures are drawn from.

    Attributes
    ----------
    metrics : ClassificationMetrics, RegressionMetrics, TextMetrics, or None
        None where the model gave no finite outputs.
    y, outputs : ndarray, or None
        Class numbers (n,) and probabilities (n, C), or true and predicted numbers (n, k); None of a text.
    names : tuple of str
        Of the classes or targets.
    about : mapping
        What was judged on what, for the JSON file.
    title : str
        For pictures.
    """

    metrics: Metrics | None
    y: np.ndarray | None = None
    outputs: np.ndarray | None = None
    names: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    def json(self) -> str:
        """The figures as strict JSON."""
        if self.metrics is None:
            note = "the model gives no finite prediction for a row: there are no figures"
            return json.dumps({**self.about, "task": None, "notes": [note]}, indent=2) + "\n"
        return as_json(self.metrics, self.about)

    def picture(self) -> bytes | None:
        """All pictures in one PNG file; None of a text."""
        if self.y is None or self.outputs is None or self.metrics is None:
            return None
        draw = classification_figure if self.metrics.task == "classification" else regression_figure
        return png(draw(self.y, self.outputs, self.names, title=self.title))

    def pictures(self) -> dict[str, bytes]:
        """Each picture as a PNG file's bytes, by its file's name."""
        if self.y is None or self.outputs is None or self.metrics is None:
            return {}
        return separate_pictures(
            self.metrics.task, self.y, self.outputs, self.names, title=self.title
        )


def evaluate_file(
    run: str | Path,
    data: str | Path,
    *,
    target: str = "",
    target_file: str = "",
    edges: str | Path | None = None,
    backend_name: str = "",
) -> Evaluated:
    """Judge a run's model by a file with the true targets.

    Parameters
    ----------
    run : path
        A run's folder, or its model file.
    data : path
        A file of the columns that the model was trained on, its target among them. For a graph, the table of its nodes;
        where it has a column `split`, those of its test part are judged. For a text, a text.
    target : str
        What the target is called there, if not as in the run's own data.
    target_file : str
        The file in which the targets are, where they are not in the data.
    edges : path, optional
        The edges of a graph, for a model of graphs alone.
    backend_name : {"", "auto", "numpy", "cupy"}

    Returns
    -------
    Evaluated
        Its `metrics` are the figures.

    Raises
    ------
    InputError
        If the model or the data cannot be used: other columns, no target, classes that the model does not know.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pullback as pb
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> settings = pb.train.Settings(data="iris", epochs=5)
    >>> run = pb.train.train(settings, runs=folder, say=lambda line: None).folder
    >>> found = pb.train.evaluate_file(run, "iris").metrics
    >>> found.rows, found.accuracy > 0.5
    (150, True)
    """
    chosen: Any = backend.use(backend_name) if backend_name else contextlib.nullcontext()
    path = model_file(run)
    with chosen:
        described = load_described(path)
        kind = described[1].get("kind", "table")
        if edges is not None or kind == "graph":
            found = _of_graph(path, data, edges, target)
        elif kind == "text":
            found = _of_text(path, data)
        else:
            trained = trained_of(path, *described)
            found = judged_on_file(trained, data, target=target, target_file=target_file)
    found = _with_notes(found, _seen(path, data))
    about = {"run": str(run), "data": str(data)}
    return replace(found, about=about, title=f"{Path(run).name} on {Path(data).name}")


def _with_notes(found: Evaluated, notes: Sequence[str]) -> Evaluated:
    if found.metrics is None:
        return found
    return replace(found, metrics=replace(found.metrics, notes=(*found.metrics.notes, *notes)))


def wanted(trained: Trained) -> Wanted:
    """What a model takes and predicts."""
    return Wanted(
        trained.layout,
        trained.inputs.mean,
        trained.target,
        trained.classes,
        () if trained.targets is None else trained.targets.mean.shape,
        trained.image_shape,
    )


def judged_on_file(
    trained: Trained, data: str | Path, *, target: str = "", target_file: str = ""
) -> Evaluated:
    """A model of a table or of images, judged by a file with the true targets; `evaluate_file` says which."""
    notes: list[str] = []
    x, y = load_labelled(
        data, wanted(trained), target=target, target_file=target_file, note=notes.append
    )
    return _with_notes(judged(trained, x, y), notes)


def judged(trained: Trained, x: np.ndarray, y: np.ndarray) -> Evaluated:
    """A model of a table or of images, judged by rows and their targets."""
    return _judged(trained(x), y, trained.task, trained.classes, trained.target)


def _judged(
    outputs: np.ndarray, y: np.ndarray, task: str, classes: tuple[str, ...], target: str
) -> Evaluated:
    if task == "classification":
        return Evaluated(classification_metrics(y, outputs, classes), y, outputs, classes)
    names = target_names(target, y.shape[1])
    return Evaluated(regression_metrics(y, outputs, names), y, outputs, names)


def _of_graph(path: Path, nodes: str | Path, edges: str | Path | None, target: str) -> Evaluated:
    if edges is None:
        raise InputError(
            f"{path} is a model of a graph's nodes: give the edges between the nodes in {nodes} by --edges"
        )
    trained = load_trained_graph(path)
    name = target or trained.target
    table = read_nodes(nodes, name, columns=trained.columns)
    known = [i for i, label in enumerate(table.labels) if label]
    if not known:
        raise InputError(
            f"{nodes} has no class of a node in a column {name!r}, to judge by; `pullback predict` needs none"
        )
    notes: tuple[str, ...] = ()
    if table.parts is not None and (table.parts[known] == 2).any():
        known = [i for i in known if table.parts[i] == 2]
        notes = ("of the nodes those whose column 'split' says test",)
    if table.x.shape[1] != len(trained.inputs.mean):
        raise InputError(
            f"{nodes} has {counted(table.x.shape[1], 'column')} of features, the model takes "
            f"{len(trained.inputs.mean):,}"
        )
    positions = [f"{nodes}, row {table.rows[i]}, column {name!r}" for i in known]
    asked = Wanted(None, trained.inputs.mean, name, trained.classes)
    y = target_of_texts([table.labels[i] for i in known], asked, positions)
    p = trained(table.x, read_edges(edges, table.ids))[known]
    found = classification_metrics(y, p, trained.classes)
    return Evaluated(replace(found, notes=(*found.notes, *notes)), y, p, trained.classes)


def _of_text(path: Path, data: str | Path) -> Evaluated:
    known = load_text_model(path)
    text = read_text(data)
    characters = "".join(text.vocabulary[i] for i in text.tokens.tolist())
    tokens = encode(characters, known.vocabulary, str(data))
    count = (len(tokens) - 1) // known.length
    if count < 1:
        raise InputError(
            f"{data} has {counted(len(tokens), 'character')}; the model sees {known.length:,} at once and is judged by "
            f"the next ones: give a text of at least {known.length + 1:,}"
        )
    x, y = (tokens[i : i + count * known.length].reshape(count, known.length) for i in (0, 1))
    loss, accuracy = evaluate(known.model, models.cross_entropy, (x, y), RowMean(next_accuracy))
    return Evaluated(text_metrics(loss, accuracy, y.size))


def text_metrics(loss: float, accuracy: float, characters: int) -> TextMetrics:
    """The figures of a model of characters.

    Examples
    --------
    >>> round(text_metrics(math.log(4), 0.25, 100).bits_per_character, 6)
    2.0
    """
    perplexity = math.exp(loss) if loss < 700 else None
    return TextMetrics(characters, accuracy, loss, perplexity, loss / math.log(2))


def _seen(path: Path, data: str | Path) -> tuple[str, ...]:
    """A note if the data are those that the run was trained on."""
    try:
        own = str(read_config(path.parent / _CONFIG).get("data", ""))
    except InputError:
        return ()
    if str(data) in BUILT_IN or own in BUILT_IN:
        same = str(data) == own
    else:
        same = Path(own).resolve() == Path(data).resolve()
    if not same or path.name != MODEL:
        return ()
    return (
        "the run was trained on rows of these data, so that the figures flatter it; those of its test part alone are "
        f"in {path.parent / EVALUATION}",
    )


def test_part(prepared: Prepared, model: Any, loss: float, score: float) -> Evaluated:
    """The model of a run that ends, judged on its test part, whose loss and score are known.

    Where it gives no finite outputs there are no metrics.
    """
    metadata = prepared.metadata
    about = {"data": metadata["data"], "part": prepared.settings.test or "test"}
    part = prepared.parts["test"]
    if metadata.get("kind") == "text":
        finite = math.isfinite(loss)
        found = Evaluated(text_metrics(loss, score, int(part[1].size)) if finite else None)
    else:
        found = _of_rows(part, model, metadata)
    return replace(found, about=about, title=f"{prepared.title}, test part")


def _of_rows(part: Any, model: Any, metadata: Mapping[str, Any]) -> Evaluated:
    x, y = part
    if metadata.get("kind") == "graph":
        y, rows = (backend.to_numpy(backend_array(a)) for a in y)
        outputs = backend.to_numpy(backend_array(model(*x)))[rows]
    else:
        y = backend.to_numpy(backend_array(y))
        with np.errstate(all="ignore"):
            outputs = backend.to_numpy(predict(model, x))
    try:
        check_finite(outputs, "test row")
    except InputError:
        return Evaluated(None)
    scale = metadata.get("standardize_target")
    classes = tuple(metadata.get("classes", ()))
    if scale is None:
        return _judged(probabilities(outputs), y, "classification", classes, "")
    back = standardizer(scale)
    target = str(metadata["target"])
    return _judged(back.inverse(outputs), back.inverse(y), "regression", (), target)
