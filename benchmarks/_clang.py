"""tinygrad's CPU device asks for clang; where there is only another C compiler, its own assembler is a way around."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

# tinygrad calls `$CC … --target=… - -o -`: gcc knows no targets and cannot write an object file to a pipe.
SCRIPT = """#!/bin/sh
out=$(mktemp) || exit 1
for a do shift; case $a in --target=*) ;; *) set -- "$@" "$a" ;; esac; done
{compiler} "$@" -o "$out" && cat "$out"
status=$?; rm -f "$out"; exit $status
"""


def tinygrad_environment(
    folder: Path, which: Callable[[str], str | None] = shutil.which, machine: str = ""
) -> dict[str, str]:
    """Variables for tinygrad's process: none with clang; with gcc on x86-64, kernels by tinygrad's own assembler.

    gcc then compiles only the loops of tinygrad's worker threads; it does not accept what tinygrad writes for clang.
    """
    compiler = which("gcc")
    if which("clang") or not compiler or (machine or platform.machine()) not in ("x86_64", "AMD64"):
        return {}
    script = folder / "cc"
    script.write_text(SCRIPT.format(compiler=compiler))
    script.chmod(0o700)
    return {"CC": str(script), "DEV": "CPU:X86"}
