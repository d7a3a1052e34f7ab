"""The OpenBLAS libraries in the wheels of NumPy and SciPy, of which each has one with a pool of threads of its own."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDERS = (("..", "{}.libs"), (".dylibs",))  # Linux and Windows; macOS


@dataclass(frozen=True)
class OpenBlas:
    """A library, and what stands behind the names of its functions: ``scipy_openblas_get_config64_``."""

    path: str
    suffix: str

    @functools.cached_property
    def _loaded(self) -> Any:
        # with the interpreter's lock held: each call takes 0.1 µs
        return ctypes.PyDLL(self.path)

    def function(self, name: str) -> Any:
        """``scipy_openblas_…`` by the rest of its name."""
        return getattr(self._loaded, f"scipy_openblas_{name}{self.suffix}")

    def threads(self) -> int:
        """The number of threads that its products use now."""
        return int(self.function("get_num_threads")())

    @functools.cached_property
    def version(self) -> str:
        """Its number and the processor that its routines are for."""
        config = self.function("get_config")
        config.restype = ctypes.c_char_p
        words = config().decode().split()
        return f"{words[1]} {words[-2]}" if len(words) > 2 else " ".join(words)


def _of(package: str, suffix: str) -> OpenBlas | None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    for parts in _FOLDERS:
        inside = (part.format(package) for part in parts)
        for path in sorted(root.joinpath(*inside).glob("*openblas*")):
            found = OpenBlas(str(path.resolve()), suffix)
            try:
                found.function("get_num_threads"), found.function("set_num_threads")
            except (OSError, AttributeError):
                continue
            return found
    return None


@functools.cache
def numpys() -> OpenBlas | None:
    """NumPy's, with 64-bit integers; None where it is not one of the wheels'."""
    return _of("numpy", "64_")


@functools.cache
def scipys() -> OpenBlas | None:
    """SciPy's; None where it is not one of the wheels'."""
    return _of("scipy", "")


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_allowed() -> int:
    """How many threads a product may use now: what NumPy's BLAS is limited to, and the cores of this process."""
    library = numpys()
    return cores() if library is None else min(library.threads(), cores())


def settling() -> float:
    """Seconds for which OpenBLAS's threads keep their cores after their last work.

    They spin for 2**28 cycles, or for 2**OPENBLAS_THREAD_TIMEOUT, which `import pullback` sets to 20 where it comes
    before NumPy.
    """
    text = os.environ.get("OPENBLAS_THREAD_TIMEOUT", "")
    return 2.0 ** min(int(text) if text.isdecimal() else 28, 28) / 2e9
