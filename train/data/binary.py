"""Arrays in binary files: NumPy's .npz, and the IDX files of MNIST, gzipped or not.

Nothing in a file can do more than be refused: `numpy.load` allocates what a header asks for, and throws a dozen types
of exceptions; here the header is compared with the bytes that there are first.
"""

from __future__ import annotations

import ast
import gzip
import math
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, listed, one_line
from ..files import check_unpacked, open_file, read_bytes
from .mapped import on_disk

FEATURE_KEYS = ("X", "x", "data", "images", "x_train")
TARGET_KEYS = ("y", "Y", "target", "labels", "y_train")

MOST_AXES = 32
# the most bytes that the header of an .npy file may have
_HEADER = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_NPY = b"\x93NUMPY"
# Bytes that are read at once.
_PIECE = 1 << 20
_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_npz(
    path: str | os.PathLike[str],
    *,
    target: str | None = None,
    labelled: bool = True,
    scratch: Path | None = None,
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
    scratch : Path, optional
        A folder: the features are not in memory, but in a file there (`on_disk`).

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
    with open_file(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        # of bytes that anybody may have written: zipfile throws exceptions of many types
        except Exception as error:
            file.seek(0)
            if file.read(6) == _NPY:
                raise InputError(
                    f"{name} holds a single array: save features and target by np.savez"
                ) from None
            raise _unreadable(name, error) from None
        members = _members(archive, name)
        x_key = _find_key(list(members), None, FEATURE_KEYS, name, "features")
        if not labelled:
            return read_member(archive, members[x_key], name), None, ""
        y_key = _find_key(list(members), target, TARGET_KEYS, name, "target")
        x = read_member(archive, members[x_key], name, scratch)
        return x, read_member(archive, members[y_key], name), y_key


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The members by the names of their arrays."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key in members:
            raise InputError(f"{name} holds two arrays called {key!r}")
        members[key] = info
    return members


def _unreadable(name: str, reason: Any) -> InputError:
    """The error for a file that is no .npz file, or a damaged one."""
    return InputError(f"{name} cannot be read as an .npz file: {one_line(reason)}")


def read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, scratch: Path | None = None
) -> np.ndarray:
    """The array in a member of an archive; in memory, or in a file in the folder `scratch`.

    Raises
    ------
    InputError
        If the member is encrypted, packed by an unknown method or beyond measure, no .npy file, or holds Python
        objects or fewer or more bytes than its header says.
    """
    where = f"{name}: {info.filename!a}"
    if info.flag_bits & 0x1:
        raise InputError(f"{where} is encrypted; save it without a password")
    if info.compress_type not in _METHODS:
        raise InputError(
            f"{where} is packed by the method {info.compress_type}, which is not read: "
            "save by np.savez or np.savez_compressed"
        )
    size = os.fstat(archive.fp.fileno()).st_size  # type: ignore[union-attr]  # the archive is open
    check_unpacked(info.file_size, min(info.compress_size, size), where)
    try:
        with archive.open(info) as stream:
            return _array(stream, info.file_size, where, scratch)
    except InputError:
        raise
    # of bytes that anybody may have written: zipfile and NumPy throw exceptions of many types
    except Exception as error:
        raise _unreadable(where, error or type(error).__name__) from None


def _in_memory(pieces: Iterable[bytes], size: int) -> np.ndarray:
    """Bytes that come in pieces, as a read-only array; never are there twice as many."""
    data, held = bytearray(size), 0
    for piece in pieces:
        data[held : held + len(piece)] = piece
        held += len(piece)
    found = np.frombuffer(data, np.uint8)
    found.flags.writeable = False
    return found


def _in_file(pieces: Iterable[bytes], size: int, scratch: Path) -> np.ndarray:
    return on_disk(scratch, (np.frombuffer(p, np.uint8) for p in pieces), (), np.uint8)


def _array(stream: Any, size: int, where: str, scratch: Path | None) -> np.ndarray:
    dtype, shape, fortran, _ = npy_header(stream, size, where)
    needed = math.prod(shape) * dtype.itemsize
    held = 0

    def pieces() -> Iterator[bytes]:
        nonlocal held
        while piece := stream.read(min(_PIECE, needed - held)):
            held += len(piece)
            yield piece
        if held != needed:
            raise InputError(f"{where} is damaged: it ends after {held:,} of {needed:,} bytes")
        # the end of the stream, where the checksum is compared
        stream.read(1)

    data = _in_memory(pieces(), needed) if scratch is None else _in_file(pieces(), needed, scratch)
    flat = data.view(dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def npy_header(stream: Any, size: int, where: str) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """Dtype, shape, whether the order is Fortran's, and the header's bytes, of an .npy file of `size` bytes.

    Raises
    ------
    InputError
        If it is none, holds Python objects, or more or fewer bytes than its header says.
    """
    magic = stream.read(8)
    if magic[:6] != _NPY or magic[6:7] not in (b"\1", b"\2", b"\3"):
        raise InputError(f"{where} is no .npy file")
    width = 2 if magic[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > _HEADER:
        raise InputError(f"{where} is damaged: a header of {length:,} bytes")
    try:
        text = stream.read(length).decode("utf-8" if magic[6] == 3 else "latin-1")
    except UnicodeDecodeError:
        raise InputError(f"{where} is damaged: its header is none of an .npy file") from None
    dtype, shape, fortran = _parsed(text, where)
    needed, found = math.prod(shape) * dtype.itemsize, size - 8 - width - length
    if needed != found:
        raise InputError(
            f"{where} is damaged: shape {shape} and {dtype} are {needed:,} bytes, it holds {found:,}"
        )
    return dtype, shape, fortran, 8 + width + length


def _parsed(text: str, where: str) -> tuple[np.dtype, tuple[int, ...], bool]:
    """Dtype, shape and order of a header."""
    try:
        # Python 2 wrote 3L
        header = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", text).strip())
        shape, fortran = header["shape"], header["fortran_order"]
        dtype = np.lib.format.descr_to_dtype(header["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, RecursionError, MemoryError):
        raise InputError(f"{where} is damaged: its header is none of an .npy file") from None
    if dtype.hasobject:
        raise InputError(f"{where}: it holds Python objects; save numbers or texts")
    sizes = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 1 << 62 for n in shape)
    if not sizes or len(shape) > MOST_AXES or type(fortran) is not bool or not dtype.itemsize:
        raise InputError(f"{where} is damaged: shape {str(shape)[:80]} of {dtype}")
    return dtype, shape, fortran


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
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _idx(gzip.GzipFile(fileobj=file) if packed else file, size, packed, name)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{name} cannot be unpacked: {one_line(error)}") from None


def _idx(stream: Any, size: int, packed: bool, name: str) -> np.ndarray:
    """The array; of a packed file no more is unpacked than its header says, and `most_unpacked` allows."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_DTYPES:
        raise InputError(f"{name} is not an IDX file: it starts with {head.hex(' ') or 'nothing'}")
    dtype, rank = np.dtype(_IDX_DTYPES[head[2]]), head[3]
    if rank > MOST_AXES:
        raise InputError(f"{name} is damaged: {rank} axes; an IDX file has up to {MOST_AXES}")
    sizes = stream.read(4 * rank)
    shape = tuple(int(n) for n in np.frombuffer(sizes[: len(sizes) // 4 * 4], dtype=">u4"))
    if len(shape) != rank:
        raise InputError(f"{name} is damaged: it ends within its sizes")
    if 0 in shape:
        raise InputError(f"{name} holds an array of shape {shape}: there is nothing in it")
    start, needed = 4 + 4 * rank, math.prod(shape) * dtype.itemsize
    if packed:
        check_unpacked(start + needed, size, name)
    elif size != start + needed:
        raise InputError(
            f"{name} is damaged: an IDX file of shape {shape} has {start + needed:,} bytes, "
            f"this one has {size:,}"
        )
    data = stream.read(needed + 1)
    if len(data) != needed:
        held = "more" if len(data) > needed else f"{start + len(data):,}"
        raise InputError(
            f"{name} is damaged: an IDX file of shape {shape} has {start + needed:,} bytes, this one has {held}"
        )
    return (
        np.frombuffer(data, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    )


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
        If there is none in its folder.
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
