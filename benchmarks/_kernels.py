"""Which OpenBLAS kernels a process uses, and the environment that gives all peers the same ones."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

_SYMBOLS = (
    "scipy_openblas_get_corename64_",
    "scipy_openblas_get_corename",
    "openblas_get_corename",
)


def worker_environment(given: Mapping[str, str]) -> dict[str, str]:
    """What every worker is started with, since NumPy reads it when it loads: what `import pullback` would set.

    Which kernels OpenBLAS uses is its own choice, or that of ``OPENBLAS_CORETYPE``, which all workers inherit.
    """
    return {"OPENBLAS_THREAD_TIMEOUT": given.get("OPENBLAS_THREAD_TIMEOUT", "20")}


def openblas_kernels() -> list[str]:
    """The kernels of each OpenBLAS that this process has loaded, as it says itself; empty where none or not told."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    files = {line.split(maxsplit=5)[5] for line in lines if "openblas" in line}
    found = []
    for file in sorted(files):
        library = ctypes.CDLL(file)
        for symbol in _SYMBOLS:
            function = getattr(library, symbol, None)
            if function is not None:
                function.restype = ctypes.c_char_p
                found.append(f"{Path(file).name.split('-')[0]}: {function().decode()}")
                break
    return found
