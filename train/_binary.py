"""Arrays in binary files: NumPy's .npz, and the IDX files of MNIST, gzipped or not."""

from __future__ import annotations

import gzip
import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ._errors import InputError, listed
from ._files import read_bytes

FEATURE_KEYS = ("X", "x", "data", "images", "x_train")
TARGET_KEYS = ("y", "Y", "target", "labels", "y_train")

_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_npz(
    path: str | os.PathLike[str], *, target: str | None = None, labelled: bool = True
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Read features and target from an .npz file.

    Parameters
    ----------
    path : path
        The file; its features are the first array found of X, x, data, images, x_train.
    target : str, optional
        Name of the target array; if None, the first found of y, Y, target, labels, y_train.
    labelled : bool
        False to read the features only.

    Returns
    -------
    x : ndarray, shape (n, ...)
    y : ndarray, shape (n,) or (n, k), or None
    target : str
        The name of the target array.

    Raises
    ------
    InputError
        If the file is missing, damaged or no .npz file, or lacks such arrays.
    """
    name = os.fspath(path)
    read_bytes(path, size=1)  # missing or unreadable: said in one way for every format
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(
                    f"{name} holds a single array: save features and target by np.savez"
                )
            x_key = _find_key(archive.files, None, FEATURE_KEYS, name, "features")
            x = archive[x_key]
            if not labelled:
                return x, None, ""
            y_key = _find_key(archive.files, target, TARGET_KEYS, name, "target")
            return x, archive[y_key], y_key
    except InputError:
        raise
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = "it holds Python objects" if "pickle" in str(error) else str(error)
        raise InputError(f"{name} cannot be read as an .npz file: {_one_line(reason)}") from None


def _find_key(
    found: list[str], asked: str | None, usual: tuple[str, ...], name: str, what: str
) -> str:
    if asked is not None:
        if asked in found:
            return asked
        raise InputError(f"{name} has no array {asked!r}; it has {listed(found)}")
    for key in usual:
        if key in found:
            return key
    raise InputError(
        f"{name} has no array called {' or '.join(usual)} for the {what}; it has {listed(found)}"
    )


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file, the format of MNIST, gzipped or not.

    Raises
    ------
    InputError
        If the file is missing, no IDX file, or shorter or longer than it says.
    """
    name = os.fspath(path)
    data = read_bytes(path)
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{name} cannot be unpacked: {_one_line(error)}") from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX_DTYPES:
        raise InputError(
            f"{name} is not an IDX file: it starts with {data[:4].hex(' ') or 'nothing'}"
        )
    dtype, rank = np.dtype(_IDX_DTYPES[data[2]]), data[3]
    start = 4 + 4 * rank
    shape = (
        tuple(int(n) for n in np.frombuffer(data[4:start], dtype=">u4"))
        if len(data) >= start
        else ()
    )
    expected = start + math.prod(shape) * dtype.itemsize
    if len(shape) != rank or len(data) != expected:
        raise InputError(
            f"{name} is damaged: an IDX file of shape {shape} has {expected:,} bytes, "
            f"this one has {len(data):,}"
        )
    values = np.frombuffer(data, dtype=dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def is_idx(path: str | os.PathLike[str]) -> bool:
    """Whether a file is to be read as IDX: by its name, or by its first bytes."""
    name = Path(path).name.lower()
    if "idx" in name or "ubyte" in name:
        return True
    start = read_bytes(path, size=4)
    return start[:2] == b"\0\0" and len(start) > 2 and start[2] in _IDX_DTYPES


def find_idx_labels(path: str | os.PathLike[str]) -> Path:
    """The label file that belongs to an IDX image file, by MNIST's naming.

    Raises
    ------
    InputError
        If there is none beside it.
    """
    images = Path(path)
    renamed = images.name.replace("images", "labels").replace("idx3", "idx1")
    stem = renamed.removesuffix(".gz")
    tried = [images.with_name(stem), images.with_name(stem + ".gz")]
    for labels in tried:
        if labels != images and labels.is_file():
            return labels
    raise InputError(
        f"no label file for {path}: looked for {tried[0].name} and {tried[1].name} beside it; "
        "name it with --target"
    )


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())
