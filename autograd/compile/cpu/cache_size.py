"""How much the kernels on disk take, and how it is kept within bounds: those that were used last stay.

Only files whose names are a kernel's are ever deleted. What else lies in the folder (the indices of families, the
answers of trials, whatever a user put there) stays, and the indices count.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

SETTING = "PULLBACK_CACHE_MB"
DEFAULT = 256  # megabytes
# To which part of its bound the folder is brought, so that the next kernel does not ask for it again.
ROOM = 0.8

_KERNEL = re.compile(r"(kernel_[0-9a-f]{24})\.")
_INDEX = re.compile(r"family_[0-9a-f]{24}\.json")


@dataclass
class Files:
    """The files of one kernel.

    Attributes
    ----------
    paths : list of str
        The checksum comes first: without it, numba's files are not read.
    size : int
        Bytes.
    used : float
        When it was compiled or read last: the time of its checksum.
    """

    paths: list[str] = field(default_factory=list)
    size: int = 0
    used: float = 0.0


@dataclass(frozen=True)
class Contents:
    """What lies in the folder: the kernels by name, and the bytes of the indices beside them."""

    kernels: dict[str, Files]
    indices: int

    @property
    def size(self) -> int:
        """All bytes."""
        return self.indices + sum(k.size for k in self.kernels.values())


def bound() -> float:
    """The bytes that kernels may take, by ``PULLBACK_CACHE_MB``; a warning if that says nothing."""
    text = os.environ.get(SETTING, "").strip() or str(DEFAULT)
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = math.nan
    if not megabytes >= 0:
        warnings.warn(
            f"{SETTING}={text} is no number of megabytes: {DEFAULT} is taken (0 keeps no kernels, inf all of them)",
            RuntimeWarning,
            stacklevel=2,
        )
        megabytes = DEFAULT
    return megabytes * 1e6


def contents(folder: Path) -> Contents:
    """The kernels in a folder. 10,000 of them take about 0.1 s, so this is not for every call."""
    kernels: dict[str, Files] = {}
    indices = 0
    for place in (folder, folder / "__pycache__"):
        for entry in _entries(place):
            match = _KERNEL.match(entry.name)
            is_index = match is None and _INDEX.fullmatch(entry.name) is not None
            if match is None and not is_index:
                continue
            try:  # another process may have deleted it
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if match is None:
                indices += found.st_size
                continue
            files = kernels.setdefault(match[1], Files())
            files.size += found.st_size
            if entry.name.endswith(".sha256"):
                files.paths.insert(0, entry.path)
                files.used = found.st_mtime
            else:
                files.paths.append(entry.path)
                if not files.used:  # its compiler is still at work, or was killed
                    files.used = found.st_mtime
    return Contents(kernels, indices)


def _entries(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as found:
            return [entry for entry in found if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []


def shrink(folder: Path, most: float) -> int:
    """Delete the kernels that were not used for longest if all take more than `most` bytes; the number of them.

    Other processes may read and write meanwhile: what vanishes while it is read is compiled again.
    """
    found = contents(folder)
    size = found.size
    if size <= most:
        return 0
    count = 0
    for kernel in sorted(found.kernels.values(), key=lambda k: k.used):
        if size <= ROOM * most:
            break
        for path in kernel.paths:
            with contextlib.suppress(OSError):
                os.unlink(path)
        size -= kernel.size
        count += 1
    return count


def in_words(folder: Path) -> str:
    """Where the cache is, what it holds, and its bound."""
    found, most = contents(folder), bound()
    count = len(found.kernels)
    kernels = f"{count} kernel{'s' * (count != 1)}, {found.size / 1e6:.1f} MB"
    limit = "without bound" if math.isinf(most) else f"at most {most / 1e6:g} MB"
    return f"{folder}: {kernels}, {limit} ({SETTING}); delete the folder to empty it"
