"""Graphs in two tables: nodes with features and a class, and edges between them."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, counted, listed, shown
from .load import Dataset
from .split import Split, folds, split
from .tables.rows import Rows, find_column, numbers_of, open_rows
from .targets import read_target

# Columns of a table of nodes with a meaning of their own.
NAMES = ("id", "node")
SPLIT = "split"
_PARTS = {"train": 0, "training": 0, "validation": 1, "val": 1, "valid": 1, "test": 2, "": 3}


@dataclass(frozen=True)
class Nodes:
    """A table of nodes as it stands in its file.

    Attributes
    ----------
    x : ndarray float64 (n, d)
    labels : list of str
        Cells of the target's column, empty where a node has none; an empty list without that column.
    ids : list of str
        What the edges call the nodes.
    parts : ndarray int64 (n,), or None
        0, 1, 2 for nodes of the training, validation and test part, 3 for those of none; None without such a column.
    columns : tuple of str
        The features' names.
    target : str
    rows : list of int
        The line of each node in the file.
    """

    x: np.ndarray
    labels: list[str]
    ids: list[str]
    parts: np.ndarray | None
    columns: tuple[str, ...]
    target: str
    rows: list[int]


@dataclass(frozen=True)
class Graph:
    """Nodes with features, classes of some of them, and edges.

    Attributes
    ----------
    labelled : Dataset
        The nodes that have a class.
    rows : ndarray int64
        Their numbers among all nodes.
    x : ndarray float64 (n, d)
        Features of all nodes.
    edges : ndarray int64 (2, m)
        From and to: each edge stands there once in each direction.
    given : Split or None
        The parts that the table names, as rows of `labelled`.
    """

    labelled: Dataset
    rows: np.ndarray
    x: np.ndarray
    edges: np.ndarray
    given: Split | None

    @property
    def name(self) -> str:
        """The name of the table of nodes."""
        return self.labelled.name

    def split(self, seed: int) -> Split:
        """The parts of the labelled nodes: those that the table names, or drawn."""
        return self.given if self.given is not None else split(self.labelled, seed=seed)

    def folds(self, k: int, seed: int) -> list[Split]:
        """The folds of the labelled nodes.

        Raises
        ------
        InputError
            If the table names the parts itself.
        """
        if self.given is not None:
            raise InputError(
                f"{self.name}: the column {SPLIT!r} says which nodes validate, and cross-validation draws them: "
                "leave the column out to tune"
            )
        return folds(self.labelled, k=k, seed=seed)


def read_graph(
    nodes: str | os.PathLike[str], edges: str | os.PathLike[str], target: str | None = None
) -> Graph:
    """Read a graph from a table of nodes and one of edges.

    Parameters
    ----------
    nodes : path
        A CSV of numbers with the class as one column, empty where it is not known. A column `id` or `node` names the
        nodes, else they are numbered from 0; a column `split` says train, validation or test.
    edges : path
        A CSV of two columns, as `read_edges` takes it.
    target : str, optional
        The column of the class; the last one by default.

    Raises
    ------
    InputError
        For a file, a row or a cell that cannot be used.
    """
    table = read_nodes(nodes, target)
    known = [i for i, label in enumerate(table.labels) if label]
    name = os.fspath(nodes)
    if not known:
        raise InputError(f"{name}: no node has a class in the column {table.target!r}")
    positions = [f"{name}, row {table.rows[i]}, column {table.target!r}" for i in known]
    _, y, classes = read_target([table.labels[i] for i in known], "classification", positions)
    if len(classes) < 2:
        raise InputError(
            f"{name}: the target has one class, {classes[0]!r}; there is nothing to tell apart"
        )
    rows = np.asarray(known, np.int64)
    stem = os.path.splitext(os.path.basename(name))[0]
    data = Dataset(stem, table.x[rows], y, "classification", classes, table.columns, table.target)
    given = None if table.parts is None else _given(table.parts[rows], name)
    return Graph(data, rows, table.x, read_edges(edges, table.ids), given)


def read_nodes(
    path: str | os.PathLike[str],
    target: str | None = None,
    *,
    columns: Sequence[str] | None = None,
) -> Nodes:
    """Read a table of nodes.

    Parameters
    ----------
    path : path
    target : str, optional
        The column of the class. To predict, it need not be there.
    columns : sequence of str, optional
        To predict: the features of a model, by name; without names they are all columns but the target's.

    Raises
    ------
    InputError
        For a missing or malformed file, a cell that is no finite number, a name that comes twice, an unknown part,
        or a column that is not there.
    """
    sheet = open_rows(path)
    lower = [column.lower() for column in sheet.columns]
    named = [i for i, column in enumerate(lower) if column in NAMES and sheet.columns[i] != target]
    if len(named) > 1:
        both = " and ".join(repr(sheet.columns[i]) for i in named)
        raise InputError(f"{sheet.name} has two columns of names, {both}: leave one of them out")
    parted = [i for i, column in enumerate(lower) if column == SPLIT and sheet.columns[i] != target]
    where = _target_of(sheet, target, columns, {*named, *parted})
    indices = [i for i in range(sheet.width) if i not in {where, *named, *parted}]
    if columns:
        indices = _by_name(sheet, columns)
    if not indices:
        raise InputError(f"{sheet.name} has no column of features: there is nothing to learn from")
    numbers, nodes = array("d"), Nodes(np.zeros(0), [], [], None, (), "", [])
    parts = []
    for line, cells in sheet.rows:
        numbers.extend(numbers_of(cells, indices, sheet, line))
        if where is not None:
            nodes.labels.append(cells[where].strip())
        nodes.ids.append(cells[named[0]].strip() if named else str(len(nodes.rows)))
        nodes.rows.append(line)
        if parted:
            part = cells[parted[0]].strip()
            if part.lower() not in _PARTS:
                raise InputError(
                    f"{sheet.at(line, parted[0])}: {part[:40]!r} is no part; write train, validation or test, or "
                    "leave it empty"
                )
            parts.append(_PARTS[part.lower()])
    _check_ids(nodes, sheet.name)
    return Nodes(
        np.frombuffer(numbers, np.float64).reshape(-1, len(indices)),
        nodes.labels,
        nodes.ids,
        np.asarray(parts, np.int64) if parted else None,
        tuple(sheet.columns[i] for i in indices) if sheet.columns else (),
        "" if where is None else sheet.columns[where] if sheet.columns else str(where),
        nodes.rows,
    )


def _target_of(
    sheet: Rows, target: str | None, columns: Sequence[str] | None, special: set[int]
) -> int | None:
    if columns is not None:
        return sheet.columns.index(target) if target in sheet.columns else None
    if target is not None:
        return find_column(sheet, target)
    left = [i for i in range(sheet.width) if i not in special]
    return left[-1] if left else None


def _by_name(sheet: Rows, columns: Sequence[str]) -> list[int]:
    missing = [column for column in columns if column not in sheet.columns]
    if missing:
        raise InputError(
            f"{sheet.name} has no column {listed(map(repr, missing))}; the model takes {listed(columns)}"
        )
    return [sheet.columns.index(column) for column in columns]


def _check_ids(nodes: Nodes, name: str) -> None:
    seen: dict[str, int] = {}
    for node, line in zip(nodes.ids, nodes.rows, strict=True):
        if not node:
            raise InputError(f"{name}, row {line}: the node has no name")
        if node in seen:
            raise InputError(
                f"{name}, row {line}: node {shown(node)} stands in row {seen[node]} too"
            )
        seen[node] = line


def _given(parts: np.ndarray, name: str) -> Split:
    rows = [np.flatnonzero(parts == i) for i in range(3)]
    for part, found in zip(("train", "validation", "test"), rows, strict=True):
        if not len(found):
            raise InputError(
                f"{name}: no node with a class has {part!r} in the column {SPLIT!r}; training, validation and test "
                "need one each"
            )
    return Split(*rows)


def read_edges(path: str | os.PathLike[str], ids: Sequence[str]) -> np.ndarray:
    """Read edges as pairs of numbers of nodes, int64 (2, m), each in both directions, none twice, none to itself.

    Parameters
    ----------
    path : path
        A CSV of two columns, the ends of each edge. A first row of two words that are no nodes is a header.
    ids : sequence of str
        The names of the nodes, in their order.

    Raises
    ------
    InputError
        For a missing or malformed file, other columns, or a node that is not there: in which row.
    """
    sheet = open_rows(path)
    number = {node: i for i, node in enumerate(ids)}
    if sheet.width != 2:
        raise InputError(
            f"{sheet.name} has {counted(sheet.width, 'column')}: a list of edges has two, the nodes at both ends"
        )
    pairs = []
    rows = list(sheet.rows)
    if sheet.columns and any(column in number for column in sheet.columns):
        # nodes called by words look like a header
        rows.insert(0, (1, list(sheet.columns)))
    for line, cells in rows:
        ends = [cell.strip() for cell in cells]
        for end in ends:
            if end not in number:
                raise InputError(
                    f"{sheet.name}, row {line}: there is no node {shown(end)}; the table of nodes has "
                    f"{listed(ids, 5)}"
                )
        pairs.append((number[ends[0]], number[ends[1]]))
    found = np.asarray(pairs, np.int64).reshape(-1, 2)
    both = np.concatenate([found, found[:, ::-1]])
    return np.ascontiguousarray(np.unique(both[both[:, 0] != both[:, 1]], axis=0).T)
