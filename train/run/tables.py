"""Runs on tables and images: a perceptron of the columns, or convolutions of the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ..data.device_data import to_device_if_it_fits
from ..data.labelled import Wanted, load_labelled
from ..data.load import TABLES, Dataset, load_dataset
from ..data.mapped import on_disk
from ..data.split import Split, Standardizer, folds, split
from ..data.tables.columns import Wishes
from ..data.tables.encoder import Encoder
from ..data.tables.features import Layout
from ..data.tables.reading import suffix_of
from ..data.tables.spilled import matrix_on_disk
from ..errors import InputError, counted
from ..networks.architecture import Architecture
from ..settings.config import Settings
from .plots import weights_png
from .prepared import Prepared, numbers
from .streaming import why_streamed
from .tasks import balanced, task_for


@dataclass(frozen=True)
class Table:
    """A data set of rows.

    Attributes
    ----------
    data : Dataset
    scratch : Path or None
        The folder for the files of standardised rows, from which batches are read; None: they are in memory.
    why : str
        Why they are in files, to be told.
    test : str
        The file of the test part; empty where it is a part of the data.
    """

    data: Dataset
    scratch: Path | None = None
    why: str = ""
    test: str = ""

    @property
    def name(self) -> str:
        """Of the data."""
        return self.data.name

    @property
    def score_name(self) -> str:
        """Accuracy or R2."""
        return task_for(self.data).score_name

    @property
    def told(self) -> tuple[str, ...]:
        """How the file is written, and what its columns are."""
        return self.data.told

    @property
    def labels(self) -> np.ndarray | None:
        """The class of every row; None for regression."""
        return self.data.y if self.data.task == "classification" else None

    def split(self, seed: int) -> Split:
        """The parts, each class alike; with a test part of its own, what would be that is trained on."""
        parts = split(self.data, seed=seed)
        if not self.test:
            return parts
        return Split(
            np.sort(np.concatenate([parts.train, parts.test])), parts.validation, parts.test[:0]
        )

    def folds(self, k: int, seed: int) -> list[Split]:
        """The folds, each class alike."""
        return folds(self.data, k=k, seed=seed)

    def prepare(self, settings: Settings, rows: Split, active: backend.Backend) -> Prepared:
        """Standardised parts on the device, the first model."""
        encoded, layout, inputs = self._encoded(rows)
        data, task = encoded.data, task_for(encoded.data)
        targets = None
        if data.task == "regression":
            targets = Standardizer.fit(data.y, rows=rows.train)
        if settings.class_weight == "balanced":
            if data.task == "regression":
                raise InputError(
                    f"class_weight: is for classes, and {data.target!r} is a number; leave it out"
                )
            task = balanced(task, np.asarray(data.y)[rows.train], len(data.classes))
        model, built_by, network = encoded._network(settings, task.outputs)
        wanted = Wanted(
            layout, inputs.mean, data.target, data.classes, data.y.shape[1:], data.image_shape
        )
        chosen = {"train": (encoded, rows.train), "validation": (encoded, rows.validation)}
        notes: list[str] = []
        chosen["test"] = self._tested(encoded, rows.test, wanted, notes)
        parts = {
            part: to_device_if_it_fits(own._part(index, inputs, targets, settings), active)
            for part, (own, index) in chosen.items()
        }
        start = self._start(rows) + f"{len(chosen['test'][1]):,}"
        start += f" of {Path(self.test).name} to test" if self.test else " to test"
        # what is said and drawn at the end does not keep the rows in memory until then
        about = Table(data.without_rows())
        return Prepared(
            settings,
            task,
            parts,
            model,
            start,
            network,
            lambda model, title: about._picture(model, title, settings),
            {
                "data": data.name,
                "task": data.task,
                "target": data.target,
                "classes": list(data.classes),
                "columns": list(self.data.columns),
                "layout": None if layout is None else layout.to_dict(),
                "image_shape": list(data.image_shape) if data.image_shape else None,
                "channels_last": data.channels_last,
                "standardize": numbers(inputs),
                "standardize_target": numbers(targets) if targets else None,
            },
            built_by,
            self._resolved(settings),
            lambda loss: about._report(loss, targets),
            (*self.told, *notes, *((self.why,) if self.why else ())),
        )

    def _encoded(self, rows: Split) -> tuple[Table, Layout | None, Standardizer]:
        """The table with columns of numbers alone, its layout, and the scale of its columns.

        All of it is learned from the training rows, also where these are of one fold of many.
        """
        data, layout = self.data, self.data.layout
        encoder = None
        if data.kinds is not None and layout is not None:
            if self.scratch is None:
                encoder = Encoder.fit(data.kinds, data.x.iloc[rows.train])
                x = encoder.transform(data.x)
            else:
                encoder = Encoder.fit(data.kinds, data.x, rows=rows.train)
                x = matrix_on_disk(data.x, encoder.transform, len(encoder.names), self.scratch)
            data = replace(data, x=x, columns=encoder.names)
            layout = replace(layout, encoder=encoder, used=encoder.columns)
        inputs = Standardizer.fit(data.x, rows=rows.train, one_scale=data.image_shape is not None)
        if encoder is not None:
            inputs = inputs.of_some(encoder.is_number)
        return replace(self, data=data), layout, inputs

    def _network(self, settings: Settings, outputs: int) -> tuple[Any, Architecture | None, str]:
        """The first model, what built it where it is no MLP, and what it is in a few words."""
        data = self.data
        sizes = [data.x.shape[1], *settings.hidden, outputs]
        words = "network " + "-".join(map(str, sizes))
        own: dict[str, Any] = {
            "hidden": settings.hidden,
            "outputs": outputs,
            "activation": settings.activation,
        }
        if settings.model == "cnn":
            own = {"image": data.axes, **own, "dropout": settings.dropout}
            words = f"cnn {' × '.join(map(str, data.axes))} to {outputs}"
        elif settings.batch_norm or settings.dropout:
            own = {
                "features": int(data.x.shape[1]),
                **own,
                "dropout": float(settings.dropout or 0.0),
                "batch_norm": settings.batch_norm,
            }
            words += " with batch norm" if settings.batch_norm else ""
        else:
            model = models.MLP(
                sizes, activation=settings.activation, seed=settings.seed, dtype=settings.dtype
            )
            return model, None, words + (f", {settings.activation}" if settings.hidden else "")
        built_by = Architecture(settings.model, own, settings.dtype)
        return built_by.build(settings.seed), built_by, f"{words}, {settings.activation}"

    def _tested(
        self, encoded: Table, rows: np.ndarray, wanted: Wanted, notes: list[str]
    ) -> tuple[Table, np.ndarray]:
        """The table of the test part, and which of its rows."""
        if not self.test or len(rows):
            # of a fold, or of the data
            return encoded, rows
        try:
            x, y = load_labelled(self.test, wanted, note=notes.append)
        except InputError as error:
            raise InputError(f"test: {error}") from None
        return replace(self, data=replace(encoded.data, x=x, y=y)), np.arange(len(y))

    def _part(
        self,
        rows: np.ndarray,
        inputs: Standardizer,
        targets: Standardizer | None,
        settings: Settings,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Features and targets of some rows as the network takes them; no more of them is ever in memory."""
        data = self.data
        y = (
            data.y[rows]
            if targets is None
            else targets.transform(data.y, settings.dtype, rows=rows)
        )
        if self.scratch is None:
            x = inputs.transform(data.x, settings.dtype, rows=rows)
            return (data.images(x) if settings.model == "cnn" else x), y
        parts = inputs.parts(data.x, settings.dtype, rows=rows)
        width = data.x.shape[1:]
        if settings.model == "cnn":
            parts, width = map(data.images, parts), data.axes
        return on_disk(self.scratch, parts, width, settings.dtype), y

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
        )

    def _resolved(self, settings: Settings) -> dict[str, Any]:
        # in a file of its own the target is found again without a name
        named = suffix_of(settings.data) in (*TABLES, ".npz") and not settings.target_file
        kinds = tuple((column.name, column.setting) for column in self.data.kinds or ())
        return {
            "target": settings.target or (self.data.target if named else ""),
            "task": self.data.task,
            "columns": kinds,
        }

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


def load_table(settings: Settings, scratch: Path = Path("runs")) -> Table:
    """The data that the settings name; where they are not to be in memory, files of rows are in the folder `scratch`.

    Raises
    ------
    InputError
        For data that cannot be used; for a cnn also where rows are no images.
    """
    why = why_streamed(settings)
    place = scratch if why else None
    wishes = Wishes(
        settings.categorical, settings.numeric, settings.drop, settings.dates, settings.columns
    )
    data = load_dataset(
        settings.data, settings.target or None,
        task=settings.task, scratch=place, wishes=wishes, missing=settings.missing,
        target_file=settings.target_file or None, decimal=settings.decimal,
    )  # fmt: skip
    if settings.model == "cnn" and data.image_shape is None:
        raise InputError(
            f"model: cnn takes images, and {settings.data} has {counted(data.x.shape[1], 'column')}: save X with "
            "shape (n, height, width), or (n, channels, height, width), or leave out --model"
        )
    return Table(data, place, why, settings.test)
