"""Names that the body of a program lets go of after their last use, so that what calls return does not stay.

Without it, they are let go of when the program's function returns.
"""

from __future__ import annotations

import re

from .assembly import Assembly

_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*) = ")


def free_early(out: Assembly) -> None:
    """Delete each local name of the body behind the last line that has it."""
    last: dict[str, int] = {}
    for i, line in enumerate(out.lines):
        assigned = _ASSIGNED.match(line)
        if assigned is not None:
            last.setdefault(assigned[1], i)
        for name in _NAME.findall(line):
            if name in last:
                last[name] = i
    for text in out.results:
        for name in _NAME.findall(text):
            last.pop(name, None)
    behind: dict[int, list[str]] = {}
    for name, i in last.items():
        end = i + 1
        while end < len(out.lines) and out.lines[end].startswith((" ", "else", "elif")):
            end += 1  # within a loop, a name may be read again
        behind.setdefault(end, []).append(name)
    lines: list[str] = []
    for i, line in enumerate([*out.lines, None]):
        if i in behind:
            lines.append(f"del {', '.join(behind[i])}")
        if line is not None:
            lines.append(line)
    out.lines[:] = lines
