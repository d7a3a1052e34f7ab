"""Predictions of a trained model, which is `pullback predict`."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend
from ..data.load import TABLES, as_images, load_features
from ..data.split import Standardizer
from ..data.tables.columns import did_you_mean
from ..data.tables.features import Layout
from ..data.tables.foreign import target_names
from ..data.tables.reading import read_sheet, read_texts, suffix_of
from ..errors import InputError, one_line
from ..measure import predict
from ..networks.architecture import Architecture
from .checkpoint import load_described
from .graphs import predict_nodes
from .metadata import check_finite, model_file, standardizer, texts
from .tasks import probabilities

# Float32 has no more.
_DIGITS = 9
_NO_TABLE = Layout((), False, (), ())


@dataclass(frozen=True)
class Trained:
    """A model of `pullback train` with all it needs to predict from data as it comes.

    Attributes
    ----------
    model : pytree
        An `MLP`, or a network of images.
    task : {"classification", "regression"}
    classes, columns : tuple of str
        Names of the classes and features; empty where there are none.
    inputs : Standardizer
    targets : Standardizer, or None
        For regression: back to the target's own units.
    target : str
        What is predicted.
    image_shape : tuple of int, or None
        The axes of the images that the features are, where the model takes images.
    channels_last : bool
        Whether the last of three axes are the channels.
    layout : Layout
        The columns of the table that the model was trained on, and how they become numbers.
    """

    model: Any
    task: str
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    inputs: Standardizer
    targets: Standardizer | None
    target: str
    image_shape: tuple[int, ...] | None = None
    channels_last: bool = False
    layout: Layout = _NO_TABLE

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, shape (n, C), or predictions, shape (n, k), in float64.

        Raises
        ------
        InputError
            If a row gives no finite number, being too far from what the model was trained on.
        """
        z = self.inputs.transform(x, self.model.layers[0].W.dtype)
        if self.image_shape is not None:
            z = as_images(z, self.image_shape, self.channels_last)
        with np.errstate(all="ignore"):
            outputs = backend.to_numpy(predict(self.model, backend.current().asarray(z)))
        check_finite(outputs, "data row")
        if self.targets is not None:
            return self.targets.inverse(outputs)
        return probabilities(outputs)


def load_trained(run: str | Path) -> Trained:
    """The model of a run on a table or images, from the run's folder or from its .safetensors file.

    Raises
    ------
    InputError
        If there is none, or the file is damaged or not from `pullback train`; for a model of a text or a graph.
    """
    path = model_file(run)
    return trained_of(path, *load_described(path))


def trained_of(
    path: Path | str, model: Any, metadata: dict[str, Any], net: Architecture | None
) -> Trained:
    """The model of a run on a table or images, of what its file holds.

    Raises
    ------
    InputError
        As `load_trained`.
    """
    kind = metadata.get("kind", "table")
    if kind != "table":
        instead = {
            "text": "`pullback sample` draws text from it",
            "graph": "`pullback predict` takes it with --edges",
        }.get(str(kind), "it is not from `pullback train`")
        raise InputError(f"{path} is not a model of a table or of images: {instead}")
    try:
        targets = metadata["standardize_target"]
        trained = Trained(
            model,
            str(metadata["task"]),
            texts(metadata["classes"]),
            texts(metadata["columns"]),
            standardizer(metadata["standardize"]),
            None if targets is None else standardizer(targets),
            str(metadata["target"]),
            _image(metadata, net) if takes_images(net) else None,
            takes_images(net) and metadata["channels_last"] is True,
            _layout(metadata),
        )
        if trained.task not in ("classification", "regression"):
            raise ValueError(trained.task)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        message = (
            f"{path} is a model without what predictions need: it is not from `pullback train`"
        )
        raise InputError(message) from None
    _check(trained, net, path)
    return trained


def takes_images(net: Architecture | None) -> bool:
    """Whether a network takes the axes of images, and no rows of numbers."""
    return net is not None and net.kind == "cnn"


def _layout(metadata: dict[str, Any]) -> Layout:
    """The columns in the metadata; of earlier versions the features' names are known alone."""
    if metadata.get("layout") is not None:
        return Layout.from_dict(metadata["layout"])
    width = len(metadata["standardize"]["mean"])
    columns, target = texts(metadata["columns"]), str(metadata["target"])
    used = columns or tuple(str(i) for i in range(width))
    return Layout(
        (*used, target) if columns else used, bool(columns), (target,) if columns else (), used
    )


def _image(metadata: dict[str, Any], net: Any) -> tuple[int, ...]:
    """The axes of the images in the metadata, which have to be those of the network."""
    shape = metadata["image_shape"]
    if not isinstance(shape, list) or any(type(n) is not int for n in shape):
        raise TypeError("image_shape")
    axes = [1, *shape] if len(shape) == 2 else shape
    if metadata["channels_last"] is True and len(shape) == 3:
        axes = [shape[2], shape[0], shape[1]]
    if net.settings.get("image") != tuple(axes):
        raise ValueError("image_shape")
    return tuple(shape)


def _check(trained: Trained, net: Architecture | None, path: Path | str) -> None:
    """Refuse metadata whose parts do not fit together: a prediction would be wrong or fail obscurely."""
    if net is None:
        width, outputs = trained.model.sizes[0], trained.model.sizes[-1]
    else:
        own = net.settings
        width = math.prod(own["image"]) if takes_images(net) else own["features"]
        outputs = own["outputs"]
    fits = trained.inputs.mean.shape == trained.inputs.scale.shape == (width,)
    fits &= len(trained.layout.inputs) == width
    fits &= len(trained.columns) in (0, len(trained.layout.used))
    fits &= (trained.targets is None) == (trained.task == "classification")
    if trained.targets is None:
        # a single class would have a single output, as two have
        fits &= len(trained.classes) > 1
        fits &= outputs == (1 if len(trained.classes) == 2 else len(trained.classes))
    else:
        fits &= trained.targets.mean.shape == trained.targets.scale.shape == (outputs,)
    if not fits:
        raise InputError(f"{path} holds another architecture than its metadata describe")


def predict_file(
    run: str | Path,
    data: str | Path,
    *,
    edges: str | Path | None = None,
    backend_name: str = "",
    keep: Sequence[str] = (),
    note: Callable[[str], None] | None = None,
) -> str:
    """Predictions for the rows of a file, as CSV.

    Parameters
    ----------
    run : path
        A run's folder, or its model file.
    data : path
        A table, or an .npz or IDX file, with the features that the model was trained on: columns by name, in any
        order. They become numbers as those of the training part did. For a graph, the table of its nodes.
    edges : path, optional
        The edges of a graph, for a model of graphs alone.
    backend_name : {"", "auto", "numpy", "cupy"}
    keep : sequence of str
        Columns of the table that stand before the predictions, such as the one that names the rows.
    note : callable, optional
        Takes lines about columns that are not used and cells that are filled in; None: they go to stderr.

    Returns
    -------
    str
        One line for each row of the file, in its order, under a header: the class and the probability of each
        class, or the predicted numbers.

    Raises
    ------
    InputError
        If the model or the data cannot be used, such as by their numbers of columns.
    """
    chosen: Any = backend.use(backend_name) if backend_name else contextlib.nullcontext()
    with chosen:
        if edges is not None:
            if keep:
                raise InputError("keep: for tables, not for the nodes of a graph; leave it out")
            found, graph = predict_nodes(run, data, edges)
            return predictions_text(found, "classification", graph.classes, graph.target)
        trained = load_trained(run)
        x = load_features(
            data,
            trained.layout,
            trained.inputs.mean,
            image_shape=trained.image_shape,
            note=note or _note,
        )
        result = trained(x)
    text = predictions_text(
        result, trained.task, trained.classes, trained.target, digits_of(trained.targets)
    )
    return with_columns(text, data, keep, trained.layout) if keep else text


def with_columns(
    predictions: str, data: str | Path, keep: Sequence[str], layout: Layout = _NO_TABLE
) -> str:
    """Predictions with columns of the table before them, as they stand there.

    Raises
    ------
    InputError
        For columns that are not there, and data that are no table.
    """
    if suffix_of(data) not in TABLES:
        raise InputError(f"keep: {data} is no table with columns; leave it out")
    names = [
        str(name)
        for name in read_sheet(data, usual=layout.decimal, names=layout.known).frame.columns
    ]
    for name in keep:
        if name not in names:
            raise InputError(f"keep: {data} has no column {name!r}{did_you_mean(name, names)}")
    texts = read_texts(data, keep, usual=layout.decimal, names=layout.known)
    columns = [[name, *own] for name, own in zip(keep, texts, strict=True)]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for kept, row in zip(
        zip(*columns, strict=True), csv.reader(io.StringIO(predictions)), strict=True
    ):
        writer.writerow([*kept, *row])
    return lines.getvalue()


def _note(line: str) -> None:
    print(f"pullback: {one_line(line)}", file=sys.stderr, flush=True)


def digits_of(targets: Standardizer | None) -> list[int]:
    """The digits with which each target is written: more than 9 where it varies little about a large number.

    Examples
    --------
    >>> digits_of(Standardizer(np.asarray([5.0, 1e9]), np.asarray([2.0, 0.5])))
    [9, 17]
    """
    if targets is None:
        return []
    ratio = np.log10(np.maximum(np.abs(targets.mean) / targets.scale, 1.0))
    return [min(_DIGITS + int(more), 17) for more in ratio.tolist()]


def predictions_text(
    result: np.ndarray,
    task: str,
    classes: tuple[str, ...],
    target: str,
    digits: Sequence[int] = (),
) -> str:
    """Predictions as CSV: numbers of so many digits, or classes and probabilities."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if task == "regression":
        writer.writerow([f"predicted {name}" for name in target_names(target, result.shape[1])])
        forms = [f".{n}g" for n in digits or [_DIGITS] * result.shape[1]]
        writer.writerows(
            [format(value, form) for value, form in zip(row, forms, strict=True)] for row in result
        )
        return lines.getvalue()
    writer.writerow(["class", *(f"p({name})" for name in classes)])
    for row in result:
        writer.writerow([classes[int(row.argmax())], *(f"{value:.{_DIGITS}g}" for value in row)])
    return lines.getvalue()
