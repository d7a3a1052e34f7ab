"""The cache on disk, which processes share: its folder, and the writing of files whole or not at all.

Other processes read and write the folder at any moment. So a file comes into being under a temporary name beside its
own, and gets its name when it is whole: whoever reads finds the whole file or none. No file of a cache is needed: who
writes one catches `OSError`, and who reads a damaged one does its work again.

The cache is for its owner alone, who alone may read its files (mode 0600). They may be named before the disk has their
content, so that a power failure can damage them. Files that a user asks for have other rules:
`train/files.py::write_atomic` and `autograd/diagnostics/draw.py` keep the user's permissions, follow links, and name
the user's path in their errors.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """The folder of all that is kept from one process to the next: ``PULLBACK_CACHE`` or ``~/.cache/pullback``."""
    given = os.environ.get("PULLBACK_CACHE", "").strip()
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    if base:
        return Path(base) / "pullback"
    try:
        return Path.home() / ".cache" / "pullback"
    except RuntimeError:  # a user without a home, as containers have
        return Path(tempfile.gettempdir()) / f"pullback-{getattr(os, 'geteuid', int)()}"


def make_folder(name: str = "") -> Path:
    """Make the folder of the cache, or one within it, for its owner alone; it may be there already.

    Parameters
    ----------
    name : str, optional
        The folder within.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    # One after the other: `mkdir(parents=True)` gives its mode to the last folder only, and where the user's umask lets
    # a group write, the folder above would not be trusted with kernels.
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if name:
        folder /= name
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_file(path: Path, content: bytes, *, replace: bool = True) -> bool:
    """Write a file whole or not at all; whether it was written.

    Parameters
    ----------
    path : Path
        The file; its folder has to exist.
    content : bytes
        All of it. A file that has this content already is not written again, one that cannot be read is.
    replace : bool
        Whether the last writer wins. If not, the first one does, and a file that is there stays as it is.

    Raises
    ------
    OSError
        If it cannot be written; nothing half-written is left.
    """
    if path.is_file() and (not replace or _has(path, content)):
        return False
    handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if replace:
            os.replace(temporary, path)
        else:
            return _named_first(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return True


def _has(path: Path, content: bytes) -> bool:
    """Whether a file has this content; not if it cannot be read, as one of another user that `sudo` left behind."""
    with contextlib.suppress(OSError):
        return path.read_bytes() == content
    return False


def _named_first(temporary: str, path: Path) -> bool:
    """Give a file its name, unless another one has it; whether it was given."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: of writers at the same moment the last one wins
        if path.exists():
            return False
        os.replace(temporary, path)
    return True
