"""Runs on graphs: classes of nodes, by graph convolutions. Predictions of their models, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import backend, models
from ...autograd.core.array import backend_array
from ...autograd.core.typing import PyTree, Value
from ...autograd.functions import namespace as xp
from ..data.graph import Graph, read_edges, read_graph, read_nodes
from ..data.split import Split, Standardizer
from ..errors import InputError, counted
from ..networks.architecture import Architecture
from ..settings.config import Settings
from .checkpoint import load_described
from .metadata import check_finite, model_file, standardizer, texts
from .plots import weights_png
from .prepared import Prepared, numbers
from .tasks import Task, probabilities, task_for


@dataclass(frozen=True)
class Nodes:
    """A graph some of whose nodes have a class."""

    graph: Graph

    @property
    def name(self) -> str:
        """Of the table of nodes."""
        return self.graph.name

    @property
    def score_name(self) -> str:
        """What is counted as right."""
        return task_for(self.graph.labelled).score_name

    @property
    def told(self) -> tuple[str, ...]:
        """Nothing but what every run says."""
        return ()

    @property
    def labels(self) -> np.ndarray | None:
        """The class of every node that has one."""
        return self.graph.labelled.y

    def split(self, seed: int) -> Split:
        """The parts of the nodes that have a class."""
        return self.graph.split(seed)

    def folds(self, k: int, seed: int) -> list[Split]:
        """The folds of the nodes that have a class."""
        return self.graph.folds(k, seed)

    def prepare(self, settings: Settings, rows: Split, active: backend.Backend) -> Prepared:
        """All nodes and edges on the device, once for every part; the first model."""
        graph, data = self.graph, self.graph.labelled
        # the features of all nodes are known when the graph is, whichever classes are
        inputs = Standardizer.fit(graph.x)
        x = active.asarray(inputs.transform(graph.x, settings.dtype))
        along = _along(active.asarray(graph.edges), len(graph.x), settings.dtype)
        task = task_for(data)
        built_by = Architecture(
            "gcn",
            {
                "features": graph.x.shape[1],
                "hidden": settings.hidden,
                "outputs": task.outputs,
                "activation": settings.activation,
                "dropout": settings.dropout,
            },
            settings.dtype,
        )
        parts = {
            part: ((x, along), (active.asarray(data.y[own]), active.asarray(graph.rows[own])))
            for part, own in (
                ("train", rows.train),
                ("validation", rows.validation),
                ("test", rows.test),
            )
        }
        model = built_by.build(settings.seed)
        nodes, edges = counted(len(graph.x), "node"), counted(graph.edges.shape[1] // 2, "edge")
        return Prepared(
            settings,
            Task(task.outputs, _on_rows(task.loss), _on_rows(task.score), task.score_name),
            parts,
            model,
            f"{self.name}: {nodes}, {edges}, {counted(graph.x.shape[1], 'column')}, "
            f"{counted(len(data.classes), 'class')}; {len(rows.train):,} to train on, "
            f"{len(rows.validation):,} to validate, {len(rows.test):,} to test",
            f"gcn {'-'.join(map(str, model.sizes))}"
            + (f", {settings.activation}" if settings.hidden else ""),
            self._picture,
            {
                "kind": "graph",
                "data": data.name,
                "target": data.target,
                "classes": list(data.classes),
                "columns": list(data.columns),
                "standardize": numbers(inputs),
            },
            built_by,
            {"target": settings.target or data.target, "task": "classification"},
        )

    def _picture(self, model: Any, title: str) -> bytes:
        return weights_png(
            backend.to_numpy(backend_array(model.layers[0].W)),
            title=f"First-layer weights of {title}",
            columns=self.graph.labelled.columns,
        )


def _along(edges: Value, nodes: int, dtype: str) -> Any:
    """The matrix by which a graph convolution goes along the edges, made once for all steps."""
    return models.normalised_adjacency(edges, nodes, dtype=dtype)


def _on_rows(function: Any) -> Any:
    """A loss or a score of the nodes that have a class in a part: targets are ``(y, rows)``."""

    def of_rows(outputs: Value, targets: PyTree) -> Any:
        y, rows = targets
        return function(xp.take(xp.asarray(outputs), rows, axis=0), y)

    return of_rows


def load_nodes(settings: Settings) -> Nodes:
    """The graph that the settings name.

    Raises
    ------
    InputError
        For tables that cannot be used.
    """
    return Nodes(read_graph(settings.data, settings.edges or "", settings.target or None))


# ── prediction ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TrainedGraph:
    """A model of `pullback train` for the nodes of a graph.

    Attributes
    ----------
    model : GCN
    classes, columns : tuple of str
        Names of the classes and features; of the features empty where there are none.
    inputs : Standardizer
    target : str
        What is predicted.
    """

    model: models.GCN
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    inputs: Standardizer
    target: str

    def __call__(self, x: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """Probabilities of the classes (n, C) of nodes with features x (n, d) and edges (2, m), in float64.

        Raises
        ------
        InputError
            If a node gives no finite number.
        """
        dtype = str(backend.to_numpy(self.model.layers[0].W).dtype)
        home = backend.current()
        z = home.asarray(self.inputs.transform(x, dtype))
        with np.errstate(all="ignore"):
            along = _along(home.asarray(edges), len(x), dtype)
            outputs = backend.to_numpy(backend_array(self.model(z, along)))
        check_finite(outputs, "node")
        return probabilities(outputs)


def load_trained_graph(run: str | Path) -> TrainedGraph:
    """The model of a run on a graph, from the run's folder or its model's file.

    Raises
    ------
    InputError
        If there is none, the file is damaged, or the model is of other data.
    """
    path = model_file(run)
    model, metadata, net = load_described(path)
    if metadata.get("kind") != "graph" or net is None or net.kind != "gcn":
        raise InputError(f"edges: {path} is no model of a graph; leave out --edges")
    try:
        trained = TrainedGraph(
            model,
            texts(metadata["classes"]),
            texts(metadata["columns"]),
            standardizer(metadata["standardize"]),
            str(metadata["target"]),
        )
        width, outputs = net.settings["features"], net.settings["outputs"]
        fits = trained.inputs.mean.shape == trained.inputs.scale.shape == (width,)
        fits &= len(trained.columns) in (0, width)
        # a single class would have a single output, as two have
        fits &= len(trained.classes) > 1
        fits &= outputs == (1 if len(trained.classes) == 2 else len(trained.classes))
        if not fits:
            raise ValueError("sizes")
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise InputError(f"{path} holds another architecture than its metadata describe") from None
    return trained


def predict_nodes(
    run: str | Path, nodes: str | Path, edges: str | Path
) -> tuple[np.ndarray, TrainedGraph]:
    """Probabilities of the classes of a graph's nodes, and the model that tells them.

    Raises
    ------
    InputError
        For a model or tables that cannot be used.
    """
    trained = load_trained_graph(run)
    table = read_nodes(nodes, trained.target, columns=trained.columns)
    width = len(trained.inputs.mean)
    if table.x.shape[1] != width:
        raise InputError(
            f"{nodes} has {counted(table.x.shape[1], 'column')} of features, the model takes {width:,}"
        )
    return trained(table.x, read_edges(edges, table.ids)), trained
