"""Files that are written completely or not at all: a reader never meets half of one."""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import re
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .errors import InputError, WriteError

# Windows has none
fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

UNPACKED = 1 << 26
UNPACK_RATIO = 100
"""Packed files may unpack to `UNPACKED` bytes, or so many times their size; see `check_unpacked`."""

# Seconds to wait for a lock: somebody may look at whether there is one, and holds it as long as that takes.
_PATIENCE = 0.2

_LEFT = re.compile(r"\.(.+)\.([0-9]{1,19})\.tmp", re.DOTALL)
_OLD = 24 * 3600.0


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
    data = content.encode() if isinstance(content, str) else content
    try:
        # a link stays a link: what it points to is replaced
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from error
    # a NUL in the name
    except ValueError as error:
        raise WriteError(f"cannot write {os.fspath(path)!a}: {error}") from None


def _replace(target: Path, data: bytes) -> None:
    # The process number keeps two writers apart; the dot hides what a SIGKILL may leave behind.
    sweep(target.parent, (target.name,))
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


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """A file to read from, which is neither a folder nor a pipe that nobody may ever write to.

    Raises
    ------
    InputError
        If it is missing, no regular file, or unreadable.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise InputError(f"{path} is a pipe, a socket or a device: give a file")
        return open(path, "rb")
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: give the file itself") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except InputError:
        raise
    # a NUL in the name
    except ValueError as error:
        raise InputError(f"cannot read {os.fspath(path)!a}: {error}") from None


def read_bytes(path: str | os.PathLike[str], size: int = -1) -> bytes:
    """The bytes of a file, or the first `size` of them.

    Raises
    ------
    InputError
        If it is missing, a folder, no regular file, or unreadable.
    """
    with open_file(path) as file:
        try:
            return file.read(size)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def check_unpacked(size: int, packed: int, where: str) -> None:
    """Refuse what unpacks to far more than it is: a few bytes may stand for more than any memory holds.

    More than 64 MiB may be 100 times the packed size, or ``PULLBACK_UNPACK_RATIO`` times.

    Raises
    ------
    InputError
        With both sizes, and how to allow it.
    """
    text = os.environ.get("PULLBACK_UNPACK_RATIO", "") or str(UNPACK_RATIO)
    try:
        ratio = float(text)
    except ValueError:
        raise InputError(f"PULLBACK_UNPACK_RATIO={text!r} is not a number") from None
    if size > max(UNPACKED, ratio * packed):
        times = math.ceil(size / max(packed, 1))
        raise InputError(
            f"{where} unpacks to {size:,} bytes, {times:,} times its size; beyond 64 MiB up to {ratio:g} times is "
            f"taken: if you trust it, set PULLBACK_UNPACK_RATIO={times}"
        )


def sweep(folder: Path, names: Collection[str]) -> None:
    """Remove what killed writers of the files `names` left in a folder: ``.NAME.PID.tmp`` of processes that are gone.

    Also those that are older than a day, since numbers of processes come again. Links, and files of other users, stay.
    """
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            found = _LEFT.fullmatch(path.name)
            if found is not None and found[1] in names and _is_left(path, int(found[2])):
                path.unlink(missing_ok=True)


def sweep_runs(runs: Path, names: Collection[str]) -> None:
    """`sweep` the folders of runs, and remove those in which nothing else was."""
    with contextlib.suppress(OSError):
        for folder in runs.iterdir():
            if folder.is_symlink() or not folder.is_dir():
                continue
            before = len(os.listdir(folder))
            sweep(folder, names)
            for name in names:
                _sweep_lock(folder / f".{name}.lock")
            if before and not os.listdir(folder):
                folder.rmdir()


def _sweep_lock(path: Path) -> None:
    """Remove what `locked_file` left when its process was killed."""
    if fcntl is None or not path.exists():
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _is_left(path: Path, pid: int) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != _user():
            return False
        return time.time() - found.st_mtime > _OLD or not _runs(pid)
    except OSError:
        return False


def _user() -> int:
    # Windows files say 0
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _runs(pid: int) -> bool:
    """Whether there is a process of this number; unknown counts as yes."""
    # on Windows `kill` ends the process
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return pid < 1 << 31
    return True


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A run's folder for this process alone; the system lets go of it when the process ends, however it does.

    Where file systems or systems have no such locks, there is none.

    Raises
    ------
    WriteError
        If another process has it.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            if not _lock(descriptor):
                raise WriteError(
                    f"{folder} is in use: another process is training this run; wait for it, or end it"
                )
        yield


@contextlib.contextmanager
def locked_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """A file for one writer alone, by a lock on ``.NAME.lock`` beside it, which is removed at the end.

    A lock on the file itself would be lost when it is renamed into place. As with `locked`, the system lets go of it.

    Raises
    ------
    WriteError
        If another training has it, in this process or another one.
    """
    target = Path(os.path.realpath(path))
    lock = target.with_name(f".{target.name}.lock")
    with contextlib.ExitStack() as stack:
        # a folder that cannot be written to: the writing itself will say so
        with contextlib.suppress(OSError):
            while fcntl is not None:
                descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
                with contextlib.ExitStack() as own:
                    own.callback(os.close, descriptor)
                    if not _lock(descriptor):
                        raise WriteError(
                            f"{path} is in use: another training writes its checkpoints there; wait for it, end it, or "
                            "give another path"
                        )
                    # its last owner may have removed it after it was opened
                    if _is_at(descriptor, lock):
                        own.callback(lock.unlink, missing_ok=True)
                        stack.push(own.pop_all())
                        break
        yield


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one of this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool:
    """Take the lock of an open file; False where another one has it, also after a moment."""
    if fcntl is None:
        return True
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        else:
            return True


def is_locked(folder: Path) -> bool:
    """Whether a process is training the run in a folder, as far as the system knows."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        # this lets go of it
        os.close(descriptor)
    return False


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
            # this fails if it exists: two runs that start together get two folders
            folder.mkdir()
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
        # a NUL in the name
        except ValueError as error:
            raise WriteError(f"cannot make {os.fspath(folder)!a}: {error}") from None
