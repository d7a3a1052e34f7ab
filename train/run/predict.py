"""Predictions of a trained model, which is `pullback predict`."""

from __future__ import annotations

import contextlib
import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend, models
from ..data.load import load_features
from ..data.split import Standardizer
from ..errors import InputError, one_line
from ..measure import predict
from .checkpoint import load
from .run import MODEL
from .tasks import probabilities


@dataclass(frozen=True)
class Trained:
    """A model of `pullback train` with all it needs to predict from data as it comes.

    Attributes
    ----------
    model : MLP
    task : {"classification", "regression"}
    classes, columns : tuple of str
        Names of the classes and features; empty where there are none.
    inputs : Standardizer
    targets : Standardizer, or None
        For regression: back to the target's own units.
    target : str
        What is predicted.
    """

    model: models.MLP
    task: str
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    inputs: Standardizer
    targets: Standardizer | None
    target: str

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, shape (n, C), or predictions, shape (n, k), in float64.

        Raises
        ------
        InputError
            If a row gives no finite number, being too far from what the model was trained on.
        """
        z = self.inputs.transform(x, self.model.layers[0].W.dtype)
        with np.errstate(all="ignore"):
            outputs = backend.to_numpy(predict(self.model, backend.current().asarray(z)))
            bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
        if bad.size:
            raise InputError(
                f"data row {bad[0] + 1} gives no finite prediction: "
                "it lies too far outside the training data"
            )
        if self.targets is not None:
            return self.targets.inverse(outputs)
        return probabilities(outputs)


def load_trained(run: str | Path) -> Trained:
    """The model of a run, from the run's folder or from its .safetensors file.

    Raises
    ------
    InputError
        If there is none, or the file is damaged or not from `pullback train`.
    """
    path = Path(run)
    if path.is_dir():
        path = path / MODEL
        if not path.is_file():
            raise InputError(f"{run} has no {MODEL}: give the folder of a run, such as runs/digits")
    elif not path.exists():
        raise InputError(f"no such run: {one_line(run)}")
    model, metadata = load(path)
    try:
        targets = metadata["standardize_target"]
        trained = Trained(
            model,
            str(metadata["task"]),
            _texts(metadata["classes"]),
            _texts(metadata["columns"]),
            _standardizer(metadata["standardize"]),
            None if targets is None else _standardizer(targets),
            str(metadata["target"]),
        )
        if trained.task not in ("classification", "regression"):
            raise ValueError(trained.task)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        message = (
            f"{path} is a model without what predictions need: it is not from `pullback train`"
        )
        raise InputError(message) from None
    _check(trained, path)
    return trained


def _texts(metadata: Any) -> tuple[str, ...]:
    if not isinstance(metadata, list) or any(not isinstance(text, str) for text in metadata):
        raise TypeError("a list of texts is needed")
    return tuple(metadata)


def _standardizer(metadata: dict[str, Any]) -> Standardizer:
    """The scale in the metadata, of finite means and positive factors; a text or None among them is no number."""
    columns = []
    for part in ("mean", "scale"):
        values = metadata[part]
        if not isinstance(values, list) or any(type(v) not in (int, float) for v in values):
            raise TypeError(part)
        columns.append(np.asarray(values, np.float64))
    mean, scale = columns
    if not np.isfinite(mean).all() or not (np.isfinite(scale) & (scale > 0)).all():
        raise ValueError("scale")
    return Standardizer(mean, scale)


def _check(trained: Trained, path: Path) -> None:
    """Refuse metadata whose parts do not fit together: a prediction would be wrong or fail obscurely."""
    sizes = trained.model.sizes
    width, outputs = sizes[0], sizes[-1]
    fits = trained.inputs.mean.shape == trained.inputs.scale.shape == (width,)
    fits &= len(trained.columns) in (0, width)
    fits &= (trained.targets is None) == (trained.task == "classification")
    if trained.targets is None:
        fits &= outputs == (1 if len(trained.classes) == 2 else len(trained.classes))
    else:
        fits &= trained.targets.mean.shape == trained.targets.scale.shape == (outputs,)
    if not fits:
        raise InputError(f"{path} holds another architecture than its metadata describe")


def predict_file(run: str | Path, data: str | Path, *, backend_name: str = "") -> str:
    """Predictions for the rows of a file, as CSV.

    Parameters
    ----------
    run : path
        A run's folder, or its model file.
    data : path
        A .csv, .npz or IDX file with the features that the model was trained on; they are
        standardised as the training part was.
    backend_name : {"", "auto", "numpy", "cupy"}

    Returns
    -------
    str
        One line for each row, under a header: the class and the probability of each class, or the
        predicted numbers.

    Raises
    ------
    InputError
        If the model or the data cannot be used, such as by their numbers of columns.
    """
    chosen: Any = backend.use(backend_name) if backend_name else contextlib.nullcontext()
    with chosen:
        trained = load_trained(run)
        x = load_features(data, trained.columns, trained.model.sizes[0], target=trained.target)
        result = trained(x)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if trained.task == "regression":
        k = result.shape[1]
        names = [trained.target] if k == 1 else [f"{trained.target}[{i}]" for i in range(k)]
        writer.writerow([f"predicted {name}" for name in names])
        writer.writerows([f"{value:.9g}" for value in row] for row in result)
        return lines.getvalue()
    writer.writerow(["class", *(f"p({name})" for name in trained.classes)])
    for row in result:
        writer.writerow([trained.classes[int(row.argmax())], *(f"{value:.9g}" for value in row)])
    return lines.getvalue()
