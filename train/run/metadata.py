"""What runs write beside a model's weights, and what is read of it again, whoever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data.split import Standardizer
from ..errors import InputError, one_line

MODEL = "model.safetensors"


def check_finite(outputs: np.ndarray, what: str) -> None:
    """Refuse outputs of rows that are not finite.

    Raises
    ------
    InputError
    """
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if bad.size:
        raise InputError(
            f"{what} {bad[0] + 1} gives no finite prediction: "
            "it lies too far outside the training data"
        )


def model_file(run: str | Path) -> Path:
    """The model's file of a run, given by the run's folder or by itself.

    Raises
    ------
    InputError
        If there is none.
    """
    path = Path(run)
    if path.is_dir():
        path = path / MODEL
        if not path.is_file():
            raise InputError(f"{run} has no {MODEL}: give the folder of a run, such as runs/digits")
    elif not path.exists():
        raise InputError(f"no such run: {one_line(run)}")
    return path


def texts(metadata: Any) -> tuple[str, ...]:
    """A list of texts in the metadata of a file, which anybody may have written."""
    if not isinstance(metadata, list) or any(not isinstance(text, str) for text in metadata):
        raise TypeError("a list of texts is needed")
    return tuple(metadata)


def standardizer(metadata: dict[str, Any]) -> Standardizer:
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
