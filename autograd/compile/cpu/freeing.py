"""Names that the body of a program lets go of after their last use, so that what calls return does not stay.

Otherwise they are let go of when the program's function returns.
"""

from __future__ import annotations

import re

from ..optimise.memory_use import returned
from .assembly import Assembly

LARGE = 4096  # bytes from which it is worth the time, some 15 ns
_NAME = re.compile(r"[A-Za-z_]\w*")
_TUPLE = re.compile(r"t\d+")  # of a call: `Assembly.call`
_ASSIGNED = re.compile(r"([A-Za-z_]\w*) = ")


def free_early(out: Assembly, least: int = LARGE) -> None:
    """Delete the local names of what calls return behind the last line that has them.

    Parameters
    ----------
    out : Assembly
        Its lines are changed.
    least : int
        Bytes of an array from which its names are deleted: its own, those of its views, and the tuple's that it is
        from.
    """
    sizes = returned(out.program, out.statements, out.plan)
    large = {v for s in out.statements.items for v in s.results() if sizes.get(v, 0) >= least}
    if not large:
        return
    # views of other arrays that calls return are views of these, too
    large |= {v for v, below in out.statements.alias.items() if not below.isdisjoint(large)}
    names = {v.name for v in large} | {
        f"w_{v.name}" for v, ref in out.statements.refs.items() if ref.root in large
    }
    _delete(out, names)


def _delete(out: Assembly, names: set[str]) -> None:
    last: dict[str, int] = {}
    for i, line in enumerate(out.lines):
        assigned = _ASSIGNED.match(line)
        if assigned is not None and (assigned[1] in names or _TUPLE.fullmatch(assigned[1])):
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
    for i in range(len(out.lines) + 1):
        if i in behind:
            lines.append(f"del {', '.join(behind[i])}")
        lines += out.lines[i : i + 1]
    out.lines[:] = lines
