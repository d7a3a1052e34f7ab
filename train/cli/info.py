"""`pullback info`: backend, device, memory and versions."""

from __future__ import annotations

import sys

from ..run.info import info_lines
from ..terminal import fitted, width_of
from .command import Command
from .ending import rank
from .options import BACKEND


def _info(backend: str | None) -> int:
    if rank():
        return 0
    lines = info_lines(backend or "")
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        line = f"{label:<{width}}  {text}"
        print(fitted(line, width_of(sys.stdout), indent=" " * (width + 2)))
    return 0


COMMAND = Command(
    "info",
    "Print backend, device, memory, versions, BLAS and its threads.",
    "Print backend, device, memory, versions, BLAS and its threads.",
    (BACKEND,),
    _info,
)
