"""Targets in files of their own, and the names of several targets written as one text."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, counted, listed, shown
from ..binary import is_idx, read_idx
from .columnar import read_npy
from .features import find_target
from .reading import SUFFIXES, Sheet, read_sheet, suffix_of

# Behind the name of a target that a feature has, too.
TWIN = " (target)"


def find_targets(sheet: Sheet, target: str | int | None) -> tuple[str, ...]:
    """The names of the target's columns: one by its name or place, or several, with commas between.

    A name with a comma in it is found as it is; among several it stands in double quotes.

    Raises
    ------
    InputError
        For a column that is not there, stands there twice, or is called as another.
    """
    names = [str(name) for name in sheet.frame.columns]
    text = str(target)
    parts = [text]
    if target is not None and text not in names and "," in text:
        parts = split_names(text)
    found = [find_target(sheet, None if target is None else part) for part in parts]
    for name in found:
        if found.count(name) > 1:
            raise InputError(f"target: {shown(text)} names {name!r} twice")
        if name in sheet.doubled and name in parts:
            raise InputError(
                f"{sheet.name}: two columns are called {name!r}: say which is the target by its place, "
                f"{_places(sheet, name)}"
            )
    return tuple(found)


def _places(sheet: Sheet, name: str) -> str:
    names = [str(column) for column in sheet.frame.columns]
    same = [
        str(place)
        for column, place in zip(names, sheet.positions, strict=True)
        if column == name or (column.startswith(f"{name}.") and column[len(name) + 1 :].isdigit())
    ]
    return " or ".join(same) + " (counted from 0)"


def split_names(text: str) -> list[str]:
    """The names in a text with commas between them; one with a comma in it stands in double quotes.

    Examples
    --------
    >>> split_names('heating, "load, cooling"')
    ['heating', 'load, cooling']
    """
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), [""])]


def joined_names(names: Sequence[str]) -> str:
    """One name as it is, or several with commas between, as `split_names` takes them.

    Examples
    --------
    >>> joined_names(["load, heating"]), joined_names(["heating", "load, cooling"])
    ('load, heating', 'heating,"load, cooling"')
    """
    if len(names) == 1:
        return names[0]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def target_names(target: str, k: int) -> tuple[str, ...]:
    """The name of each of k targets, of what they are called together.

    Examples
    --------
    >>> target_names("a,b", 1), target_names("a,b", 2), target_names("y", 2)
    (('a,b',), ('a', 'b'), ('y[0]', 'y[1]'))
    """
    names = [target] if k == 1 else split_names(target)
    return tuple(names) if len(names) == k else tuple(f"{target}[{i}]" for i in range(k))


def read_targets(
    path: str | os.PathLike[str], target: str | int | None = None, decimal: str = ""
) -> tuple[np.ndarray, str]:
    """Targets in a file of their own, (n,) or (n, k), and their name.

    Parameters
    ----------
    path : path
        An .npy or IDX file, or a table.
    target : str or int, optional
        The column of a table that has several.
    decimal : {"", ".", ","}

    Raises
    ------
    InputError
        If it cannot be read, or has several columns of which none is named.
    """
    source, suffix = os.fspath(path), suffix_of(path)
    if suffix == ".npy":
        y = read_npy(path)
    elif suffix not in SUFFIXES and is_idx(path):
        y = read_idx(path)
    elif suffix in SUFFIXES:
        return _of_table(read_sheet(path, decimal=decimal), target)
    else:
        raise InputError(f"target_file: {source}: give .npy, .csv or another table, or IDX")
    if target is not None:
        raise InputError(
            f"target: {source} holds an array, whose parts have no names: leave out --target"
        )
    if y.ndim > 2:
        raise InputError(f"{source} has shape {y.shape}: give labels (n,), or numbers (n, k)")
    return (y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y), Path(source).name


def _of_table(sheet: Sheet, target: str | int | None) -> tuple[np.ndarray, str]:
    columns = list(sheet.frame.columns)
    if sheet.empty_rows:
        raise InputError(
            f"target_file: {sheet.name} has {counted(sheet.empty_rows, 'row')} without any cell, so that nobody knows "
            "to which rows of the data its targets belong: make the target a column of the data"
        )
    if target is None and len(columns) > 1:
        raise InputError(
            f"target_file: {sheet.name} has {counted(len(columns), 'column')}: name the target by --target, of "
            f"{listed(columns, 10)}"
        )
    names = find_targets(sheet, target)
    values = sheet.frame[list(names)].to_numpy()
    key = joined_names(names) if sheet.header else Path(sheet.name).name
    return (values[:, 0] if len(names) == 1 else values), key


def with_targets(
    sheet: Sheet, path: str | os.PathLike[str], target: str | int | None, decimal: str = ""
) -> tuple[Sheet, tuple[str, ...]]:
    """A sheet with the targets of another file as further columns, and their names.

    Raises
    ------
    InputError
        As `read_targets`; if there are more or fewer of them than rows.
    """
    values, key = read_targets(path, target, decimal)
    if len(values) != len(sheet.frame):
        raise InputError(
            f"{os.fspath(path)} has {counted(len(values), 'target')}, {sheet.name} has "
            f"{counted(len(sheet.frame), 'row')}"
        )
    wanted = target_names(key, 1 if values.ndim == 1 else values.shape[1])
    names: list[str] = []
    columns: dict[str, Any] = {}
    for j, name in enumerate(wanted):
        while name in sheet.frame.columns or name in names:
            name += TWIN
        names.append(name)
        column = values if values.ndim == 1 else values[:, j]
        if column.dtype.kind == "S":
            column = np.char.decode(column, errors="replace")
        columns[name] = column.astype(object) if column.dtype.kind == "U" else column
    there = {**sheet.borrowed, **dict.fromkeys(names, os.fspath(path))}
    more = (-1,) * len(names)
    return replace(
        sheet,
        frame=sheet.frame.assign(**columns),
        positions=(*sheet.positions, *more),
        borrowed=there,
    ), tuple(names)
