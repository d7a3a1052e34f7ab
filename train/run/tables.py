"""Runs on tables and images: a perceptron of the columns, or convolutions of the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ..data.device_data import to_device_if_it_fits
from ..data.load import Dataset, load_dataset
from ..data.split import Split, Standardizer, folds, split
from ..errors import InputError, counted
from ..networks.architecture import Architecture
from .config import Settings
from .plots import weights_png
from .prepared import Prepared, numbers
from .tasks import task_for


@dataclass(frozen=True)
class Table:
    """A data set of rows, in the computer's memory."""

    data: Dataset

    @property
    def name(self) -> str:
        """Of the data."""
        return self.data.name

    @property
    def score_name(self) -> str:
        """Accuracy or R2."""
        return task_for(self.data).score_name

    @property
    def labels(self) -> np.ndarray | None:
        """The class of every row; None for regression."""
        return self.data.y if self.data.task == "classification" else None

    def split(self, seed: int) -> Split:
        """The parts, each class alike."""
        return split(self.data, seed=seed)

    def folds(self, k: int, seed: int) -> list[Split]:
        """The folds, each class alike."""
        return folds(self.data, k=k, seed=seed)

    def prepare(self, settings: Settings, rows: Split, active: backend.Backend) -> Prepared:
        """Standardised parts on the device, the first model."""
        data, task = self.data, task_for(self.data)
        inputs = Standardizer.fit(data.x[rows.train], one_scale=data.image_shape is not None)
        x = inputs.transform(data.x, settings.dtype)
        targets = None
        y = data.y
        if data.task == "regression":
            targets = Standardizer.fit(data.y[rows.train])
            y = targets.transform(data.y, settings.dtype)
        built_by = None
        if settings.model == "cnn":
            x = data.images(x)
            image = tuple(int(n) for n in x.shape[1:])
            built_by = Architecture(
                "cnn",
                {
                    "image": image,
                    "hidden": settings.hidden,
                    "outputs": task.outputs,
                    "activation": settings.activation,
                    "dropout": settings.dropout,
                },
                settings.dtype,
            )
            model: Any = built_by.build(settings.seed)
            network = f"cnn {' × '.join(map(str, image))} to {task.outputs}"
        else:
            sizes = [x.shape[1], *settings.hidden, task.outputs]
            model = models.MLP(
                sizes, activation=settings.activation, seed=settings.seed, dtype=settings.dtype
            )
            network = "network " + "-".join(map(str, sizes))
        network += f", {settings.activation}" if settings.hidden or built_by else ""
        parts = {
            part: to_device_if_it_fits((x[index], y[index]), active)
            for part, index in (
                ("train", rows.train),
                ("validation", rows.validation),
                ("test", rows.test),
            )
        }
        return Prepared(
            settings,
            task,
            parts,
            model,
            self._start(rows),
            network,
            lambda model, title: self._picture(model, title, settings),
            {
                "data": data.name,
                "task": data.task,
                "target": data.target,
                "classes": list(data.classes),
                "columns": list(data.columns),
                "image_shape": list(data.image_shape) if data.image_shape else None,
                "channels_last": data.channels_last,
                "standardize": numbers(inputs),
                "standardize_target": numbers(targets) if targets else None,
            },
            built_by,
            self._resolved(settings),
            lambda loss: self._report(loss, targets),
        )

    def _start(self, rows: Split) -> str:
        data = self.data
        target = (
            counted(len(data.classes), "class")
            if data.classes
            else f"regression on {data.target!r}"
        )
        return (
            f"{data.name}: {counted(len(data.y), 'sample')}, {counted(data.x.shape[1], 'column')}, "
            f"{target}; {len(rows.train):,} to train on, {len(rows.validation):,} to validate, "
            f"{len(rows.test):,} to test"
        )

    def _resolved(self, settings: Settings) -> dict[str, Any]:
        from_file = self.data.target if settings.data.lower().endswith((".csv", ".npz")) else ""
        return {"target": settings.target or from_file, "task": self.data.task}

    def _report(self, loss: float, targets: Standardizer | None) -> str:
        """The loss is of targets standardised on the training part; people know their own units."""
        if targets is None:
            return ""
        unit = f" (mean squared error of the standardised {self.data.target!r}"
        if self.data.y.shape[1] == 1:
            error = math.sqrt(loss) * float(targets.scale[0])
            unit += f"; root mean squared error {error:.4g} in its own units"
        return unit + ")"

    def _picture(self, model: Any, title: str, settings: Settings) -> bytes:
        data, W = self.data, backend.to_numpy(backend_array(model.layers[0].W))
        if settings.model == "cnn":
            return kernels_png(W, title)
        return weights_png(
            W,
            title=f"First-layer weights of {title}",
            columns=data.columns,
            image_shape=data.image_shape if len(data.image_shape or ()) == 2 else None,
            units=data.classes if not settings.hidden else (),
        )


def kernels_png(W: np.ndarray, title: str) -> bytes:
    """The kernels of a convolution (outputs, channels, height, width) as images."""
    outputs, depth, *size = W.shape
    names = [f"{i}" if depth == 1 else f"{i}, {c}" for i in range(outputs) for c in range(depth)]
    return weights_png(
        W.reshape(outputs * depth, -1).T,
        title=f"First convolution's kernels of {title}",
        image_shape=tuple(size),
        units=names,
    )


def load_table(settings: Settings) -> Table:
    """The data that the settings name.

    Raises
    ------
    InputError
        For data that cannot be used; for a cnn also where rows are no images.
    """
    data = load_dataset(settings.data, settings.target or None, task=settings.task)
    if settings.model == "cnn" and data.image_shape is None:
        raise InputError(
            f"model: cnn takes images, and {settings.data} has {counted(data.x.shape[1], 'column')}: save X with "
            "shape (n, height, width), or (n, channels, height, width), or leave out --model"
        )
    return Table(data)
