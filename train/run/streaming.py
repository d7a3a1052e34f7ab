"""Whether the rows of a table are trained on from disk, and why: as asked, or by its size."""

from __future__ import annotations

import contextlib
import os
import zipfile
from pathlib import Path

from ..data.load import BUILT_IN
from ..data.memory import SHARE, free_memory, parse_size, size_text
from ..data.tables.reading import suffix_of
from ..errors import extra
from ..settings.config import Settings

# What packed texts unpack to, and what bytes of images become as float32, in times of the file.
_UNPACKED, _PIXELS = 5, 4


def why_streamed(settings: Settings) -> str:
    """Why the rows are to be on disk, as a line to be told; empty where they are to be in memory.

    Examples
    --------
    >>> why_streamed(Settings(data="iris")), why_streamed(Settings(data="iris", stream=True))
    ('', 'rows on disk, as asked')
    """
    if settings.stream is not None:
        return "rows on disk, as asked" if settings.stream else ""
    if settings.data in BUILT_IN:
        return ""
    size = table_size(settings.data)
    if settings.memory:
        limit, of = parse_size(settings.memory), "--memory"
    else:
        free = free_memory()
        if free is None:
            return ""
        limit, of = free // SHARE, "a quarter of the free memory"
    if size <= limit:
        return ""
    return (
        f"rows on disk: about {size_text(size)} of numbers are more than {size_text(limit)}, {of} "
        "(--no-stream keeps them in memory)"
    )


def table_size(path: str) -> int:
    """About how many bytes the numbers in a file take in memory; 0 for a file that cannot be read.

    A number of a text takes about as many characters as a float64 has bytes.
    """
    suffix = suffix_of(path)
    # a pipe would be waited for
    if not os.path.isfile(path):
        return 0
    try:
        size = os.path.getsize(path)
        if suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return sum(info.file_size for info in archive.infolist())
    # what is no archive is told when it is read
    except (OSError, ValueError, zipfile.BadZipFile):
        return 0
    if suffix in (".parquet", ".pq"):
        # what is no such file, or cannot be read for want of pyarrow, is told when it is read
        with contextlib.suppress(Exception):
            found = extra("pyarrow.parquet", "reading Parquet").read_metadata(path)
            return 8 * int(found.num_rows) * int(found.num_columns)
    if path.lower().endswith(".gz"):
        size *= _UNPACKED
    name = Path(path).name.lower()
    return size * _PIXELS if "idx" in name or "ubyte" in name else size
