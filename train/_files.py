"""Files that are whole or not there: a reader never meets half of one, whatever happens."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ._errors import InputError, WriteError


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file under another name in its folder, bring it to the disk, then rename it.

    A process killed at any moment, SIGKILL and power cuts included, leaves either the old file or
    the new one. What is not a regular file (a pipe, ``/dev/stdout``) is written to directly.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    content : bytes or str
        All of it; text is written as UTF-8.

    Raises
    ------
    WriteError
        If the disk is full or read-only, or permission is missing; nothing half-written is left.
    """
    target = Path(os.path.realpath(path))  # a link stays a link: what it points to is replaced
    data = content.encode() if isinstance(content, str) else content
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from error


def _replace(target: Path, data: bytes) -> None:
    # The process number keeps two writers apart; the dot hides what a SIGKILL may leave behind.
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk; systems that cannot open folders need no such thing."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_bytes(path: str | os.PathLike[str], size: int = -1) -> bytes:
    """All of a file, or its first `size` bytes.

    Raises
    ------
    InputError
        If it is missing, a folder, or unreadable.
    """
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: give the file itself") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def make_run_folder(parent: Path, name: str, *, exact: bool) -> Path:
    """A new folder `parent`/`name`; if that is taken, ``name-2``, ``name-3`` and so on.

    Parameters
    ----------
    parent : Path
        Made if it is missing.
    name : str
        The folder's name.
    exact : bool
        Refuse a name that is taken instead of adding a number.

    Raises
    ------
    WriteError
        If the name is taken and `exact`, or the folder cannot be made.
    """
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()  # fails if it exists: two runs that start together get two folders
            return folder
        except FileExistsError:
            if not parent.is_dir():
                raise WriteError(f"cannot make {folder}: {parent} is not a folder") from None
            if exact:
                message = f"{folder} exists already: choose another --name, or remove it"
                raise WriteError(message) from None
            number += 1
        except OSError as error:
            raise WriteError(f"cannot make {folder}: {error.strerror or error}") from error
