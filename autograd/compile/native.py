"""Compiling kernels by numba, and keeping them: a file for each source, beside which numba keeps its machine code.

numba cannot cache code that has no file, so each source is written once, under a name made of its content, to
``PULLBACK_CACHE`` or ``~/.cache/pullback``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import blas

HEAD = '''"""A kernel that pullback generated."""

import math

import numba
import numpy as np
'''


class CompileError(RuntimeError):
    """numba refused a kernel."""


def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def products(*, kernels: bool) -> bool:
    """Whether matrix products can be called as functions of C, by kernels or without."""
    return (blas.for_kernels() if kernels else blas.numpys()) is not None


def cache_folder() -> Path:
    """Where kernels are kept."""
    given = os.environ.get("PULLBACK_CACHE", "").strip()
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".cache") / "pullback"


_LOADED: dict[str, Callable[..., Any]] = {}


def compile_kernel(body: str, constants: dict[str, str], kinds: list[Any]) -> Callable[..., Any]:
    """The function ``kernel`` of a source, compiled for arguments of these kinds (as `kind_of` gives them).

    Parameters
    ----------
    body : str
        The text of ``def kernel(…)``.
    constants : dict
        ``constants[expression]``: the name that it has in the body.
    kinds : list
        A pair ``(dtype, ndim)`` for an array, ``int`` or ``float`` for a number.

    Raises
    ------
    CompileError
        If numba refuses it.
    """
    text = HEAD
    needed = [name for name in ("sgemm", "dgemm") if f" {name}(" in body]
    if needed:
        text += f"\nfrom {__package__}.blas import external\n"
        library = blas.for_kernels()
        assert library is not None
        called = f'"{library.pattern}", {library.bits}'
        text += "".join(f'\n{name} = external("{name}", {called})' for name in needed) + "\n"
    text += "".join(f"\n{name} = {value}" for value, name in constants.items()) + "\n"
    text += (
        '\n\n@numba.njit(cache=True, error_model="numpy", nogil=True, boundscheck=False)\n' + body
    )
    key = hashlib.sha256((text + repr(kinds) + sys.version).encode()).hexdigest()[:24]
    known = _LOADED.get(key)
    if known is None:
        known = _load(text, f"kernel_{key}")
        try:
            known.compile(tuple(_numba_type(kind) for kind in kinds))
        except Exception as error:  # numba's own classes, and LLVM's
            if type(error).__module__.partition(".")[0] not in ("numba", "llvmlite"):
                raise
            first = str(error).strip().partition("\n")[0]
            raise CompileError(
                f"numba refused a kernel: {type(error).__name__}: {first}"
            ) from error
        _LOADED[key] = known
    return known


def _numba_type(kind: Any) -> Any:
    from numba import float64, int64, types
    from numba.np.numpy_support import from_dtype

    if kind is int:
        return int64
    if kind is float:
        return float64
    dtype, ndim = kind
    return types.Array(from_dtype(dtype), ndim, "C")


def _load(text: str, name: str) -> Any:
    """Import a source from its file, which is written if it is not there."""
    try:
        path = _written(text, name, cache_folder())
    except OSError:  # a home that cannot be written to
        path = _written(text, name, Path(tempfile.mkdtemp(prefix="pullback-")))
    spec = importlib.util.spec_from_file_location(f"_pullback_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # numba looks the module of a cached function up by name
    spec.loader.exec_module(module)
    return module.kernel


def _written(text: str, name: str, folder: Path) -> Path:
    path = folder / f"{name}.py"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as handle:
        handle.write(text)
    os.replace(handle.name, path)
    return path
