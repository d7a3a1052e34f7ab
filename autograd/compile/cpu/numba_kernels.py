"""Compiling kernels by numba; `numba_cache.py` keeps them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....backend.common.cache import cache_folder
from ....backend.common.forks import hold_while_forking
from . import blas
from . import numba_cache as cache
from .numba_cache import CompileError

# The number of operations up to which a program is compiled to kernels: an unrolled loop of thousands takes minutes.
MOST_OPERATIONS = 2000

HEAD = '''"""A kernel that pullback generated."""

import math

import numba
import numpy as np
'''


def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def wanted(fast: bool | None, elsewhere: bool = False) -> bool:
    """Whether loops are compiled to kernels: as asked, else where numba, or something else, can do that."""
    if fast is not None:
        return fast
    on = os.environ.get("PULLBACK_FAST", "1").lower() not in ("0", "no", "off", "false")
    return on and (elsewhere or available())


def patient(fast: bool | None) -> bool:
    """Whether programs run by NumPy until their kernels are compiled; not where kernels were asked for."""
    return fast is None and not os.environ.get("PULLBACK_FAST")


def products(*, kernels: bool) -> bool:
    """Whether matrix products can be called as functions of C, by kernels or without."""
    return (blas.for_kernels() if kernels else blas.numpys()) is not None


_LOADED: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class Source:
    """What a kernel is compiled from, under the name of its files."""

    name: str
    text: str
    argument_types: tuple[Any, ...]

    def is_there(self) -> bool:
        """Whether nothing has to be compiled for it."""
        if self.name in _LOADED:
            return True
        try:
            return (cache_folder() / f"{self.name}.sha256").is_file()
        except OSError:  # a folder that may not be looked into
            return False


class _Missing(threading.local):
    """The kernels that this thread found missing, while it does not compile any."""

    sources: list[Source] | None = None


_MISSING = _Missing()


@contextlib.contextmanager
def only_what_is_there() -> Iterator[list[Source]]:
    """While this is open, this thread compiles nothing: what it needs and is not there is put into the list."""
    before, _MISSING.sources = _MISSING.sources, []
    try:
        yield _MISSING.sources
    finally:
        _MISSING.sources = before


class _NotThere:
    """In place of a kernel that is missing: of a program that is thrown away."""

    def __call__(self, *args: Any) -> Any:
        raise AssertionError("a kernel is called that is not compiled")

    def disable_compile(self) -> None:
        """As numba's."""


def compile_kernel(
    body: str, constants: dict[str, str], argument_types: list[Any], functions: str = ""
) -> Callable[..., Any]:
    """The function ``kernel`` of a source, compiled for arguments of these types.

    Parameters
    ----------
    body : str
        The text of ``def kernel(…)``.
    constants : dict
        ``constants[expression]``: the name that it has in the body.
    argument_types : list
        A pair ``(dtype, ndim)`` for an array, ``int`` or ``float`` for a number.
    functions : str
        The source of functions that it calls.

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
    text += functions
    text += (
        '\n\n@numba.njit(cache=True, error_model="numpy", nogil=True, boundscheck=False)\n' + body
    )
    return compile_source(text, argument_types)


def compile_source(text: str, argument_types: list[Any]) -> Callable[..., Any]:
    """The function ``kernel`` of a whole source, as `compile_kernel` has it.

    Parameters
    ----------
    text : str
        The source, with ``cache=True, `` in the decorator of ``kernel``.
    argument_types : list
        As of `compile_kernel`; ``(dtype, ndim, "A")`` is an array with any strides, and one with "read" after that
        may be read only.
    """
    source = named(text, argument_types)
    known = _LOADED.get(source.name)
    if known is not None:
        return known
    if _MISSING.sources is not None and not source.is_there():
        _MISSING.sources.append(source)
        return _NotThere()
    return compiled(source)


def compiled(source: Source) -> Callable[..., Any]:
    """The function ``kernel`` of a source that was not loaded before."""
    _need_numba()
    types = tuple(_numba_type(argument_type) for argument_type in source.argument_types)
    known = _LOADED[source.name] = cache.kept(
        source.text, source.name, lambda kernel: _compile(kernel, types)
    )
    return known


def named(text: str, argument_types: list[Any]) -> Source:
    """A source with its name, which is made of all that it is compiled from."""
    key = hashlib.sha256((text + repr(argument_types) + sys.version).encode()).hexdigest()[:24]
    return Source(f"kernel_{key}", text, tuple(argument_types))


def _need_numba() -> None:
    """Import numba, and refuse kernels where it cannot be imported: it was made for another NumPy, say."""
    try:
        import numba  # noqa: F401 - whether it can be
    except ImportError as error:
        raise CompileError(f"numba cannot be imported: {error}") from error
    _hold_while_forking()


@functools.cache
def _hold_while_forking() -> None:
    """Have a fork wait for kernels that other threads compile: they would hold numba's lock in its child for ever."""
    from numba.core.compiler_lock import global_compiler_lock

    hold_while_forking(global_compiler_lock.acquire, global_compiler_lock.release)


def _compile(kernel: Any, types: tuple[Any, ...]) -> None:
    try:
        kernel.compile(types)
    except OSError:
        if not kernel.signatures:  # else it is compiled, and could not be written down
            raise
    except Exception as error:  # numba's own classes, and LLVM's
        if type(error).__module__.partition(".")[0] not in ("numba", "llvmlite"):
            raise
        first = str(error).strip().partition("\n")[0]
        raise CompileError(f"numba refused a kernel: {type(error).__name__}: {first}") from error


def _numba_type(argument_type: Any) -> Any:
    from numba import float64, int64, types
    from numba.np.numpy_support import from_dtype

    if argument_type is int:
        return int64
    if argument_type is float:
        return float64
    dtype, ndim, layout, *read = (*argument_type, "C")[: max(3, len(argument_type))]
    return types.Array(from_dtype(np.dtype(dtype)), ndim, layout, readonly=bool(read))
