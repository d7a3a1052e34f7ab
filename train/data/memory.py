"""How much memory there is, and how much a table takes in it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ..errors import InputError, shown

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
          "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}  # fmt: skip
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([KMGT]?I?)B?")

# A table may take one part in so many of the free memory: training on it takes up to 2.5 times as much as it does.
SHARE = 4


def parse_size(text: str) -> int:
    """The bytes in ``"2GB"``; also 500MB, 1.5GiB, and plain bytes.

    Raises
    ------
    InputError
        If it is no size.

    Examples
    --------
    >>> parse_size("2GB"), parse_size("1.5 GiB"), parse_size("4096")
    (2000000000, 1610612736, 4096)
    """
    found = _SIZE.fullmatch(text.strip().upper())
    if found is None or found[2] not in _UNITS:
        raise InputError(f"memory: {shown(text)} is no size; write it as 2GB, 500MB or 1.5GiB")
    return int(float(found[1]) * _UNITS[found[2]])


def size_text(size: float) -> str:
    """A number of bytes in words.

    Examples
    --------
    >>> size_text(2_340_000_000), size_text(60_000_000), size_text(512)
    ('2.3 GB', '60 MB', '512 bytes')
    """
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            value = size / unit
            return f"{value:.1f} {name}" if value < 10 else f"{value:,.0f} {name}"
    return f"{size:.0f} bytes"


def free_memory() -> int | None:
    """Bytes that this process can have without anything being swapped out; None where the system does not tell.

    Within a container, what its limit leaves.
    """
    free = _available()
    for limit, used in _GROUPS:
        left = _number(limit), _number(used)
        if left[0] is not None and left[1] is not None:
            inside = max(left[0] - left[1], 0)
            free = inside if free is None else min(free, inside)
    return free


# Of a container: its limit and what it has, in both versions of Linux's groups.
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def _available() -> int | None:
    if sys.platform == "linux":
        try:
            for line in Path("/proc/meminfo").read_text().splitlines():
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
        except (OSError, ValueError, IndexError):
            pass
    try:
        # what is free is not told everywhere: half of what there is
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _number(path: str) -> int | None:
    """The number in a file; None for "max", and where there is no such file."""
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None
