"""Hand-written kernels: Python functions whose source numba compiles, as it does generated kernels.

A kernel becomes one text with all that it names: functions under `inlined`, numbers, and routines of BLAS. Under the
checksum of that text it is kept on disk (`numba_cache.py`), so that no change of a function that it calls goes unseen.
"""

from __future__ import annotations

import dis
import functools
import inspect
import math
import textwrap
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import blas
from ..numba_kernels import HEAD, compile_source

_MODULES = {"math": math, "np": np}


class Routine:
    """A routine of BLAS, which kernels call by this name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any) -> None:
        """Refuse: addresses mean nothing to Python."""
        raise TypeError(f"{self.name} is called by compiled kernels alone")

    def text(self) -> str:
        """The line that defines it in a kernel's source."""
        library = blas.for_kernels()
        assert library is not None  # `has_blas` is asked first
        return f'{self.name} = external("{self.name}", "{library.pattern}", {library.bits})\n'


sgemm, dgemm = Routine("sgemm"), Routine("dgemm")


def has_blas() -> bool:
    """Whether kernels can call `sgemm` and `dgemm`."""
    return blas.for_kernels() is not None


class Inlined:
    """A function that kernels call, and Python too. Its source becomes a part of theirs."""

    def __init__(self, function: Callable[..., Any], inline: bool = True) -> None:
        self.function, self.name, self.inline = function, function.__name__, inline
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any) -> Any:
        """Call it in Python."""
        return self.function(*args)

    def text(self) -> str:
        """Its source in a kernel's, under a decorator of numba."""
        return (
            f'@numba.njit(error_model="numpy", fastmath={{"contract"}}, forceinline={self.inline})\n'
            + _definition(self.function, self.name)
        )


class ByDtype:
    """What a kernel names that differs between float32 and float64: which, the dtype of its first array says."""

    def __init__(self, single: Any, double: Any) -> None:
        self.single, self.double = single, double

    def __call__(self, x: Any) -> Any:
        """Call it in Python, by the dtype of a number."""
        return (self.double if np.asarray(x).dtype.itemsize == 8 else self.single)(x)


# The class of numbers, and `cblas_sgemm` or `cblas_dgemm`.
T: Any = ByDtype(np.float32, np.float64)
gemm: Any = ByDtype(sgemm, dgemm)


class Kernel:
    """A function that numba compiles for given types of its arguments."""

    def __init__(self, function: Callable[..., Any], fastmath: tuple[str, ...]) -> None:
        self.function, self.fastmath = function, fastmath
        self.__doc__ = function.__doc__

    def source(self, double: bool) -> str:
        """The whole text that is compiled, for float32 or float64, and the BLAS of the program that is made."""
        return self._source(double, blas.for_kernels())

    @functools.cache  # noqa: B019 - kernels are made once, when their file is imported
    def _source(self, double: bool, library: blas.Library | None) -> str:
        parts: dict[str, str] = {}
        _collect(self.function, parts, double)
        called = any(" = external(" in part for part in parts.values())
        head = f"from {blas.__name__} import external\n" if called else ""
        flags = ", ".join(f'"{flag}"' for flag in self.fastmath)
        return (
            f"{HEAD}{head}\n{''.join(parts.values())}\n"
            f'@numba.njit(cache=True, error_model="numpy", nogil=True, boundscheck=False, fastmath={{{flags}}})\n'
            + _definition(self.function, "kernel")
        )

    def compiled(self, *argument_types: Any) -> Callable[..., Any]:
        """The kernel for these arguments, compiled or read from the disk; it lets go of the interpreter's lock.

        Parameters
        ----------
        argument_types
            A pair ``(dtype, ndim)`` for an array in C order, ``(dtype, ndim, "A")`` for one with any strides; with
            "read" after that, ``(dtype, ndim, "C", "read")``, it may be read only. `int` or `float` for a number.

        Raises
        ------
        CompileError
            If numba refuses it.
        """
        first = next((x[0] for x in argument_types if type(x) is tuple), np.float32)
        found = compile_source(self.source(np.dtype(first).itemsize == 8), list(argument_types))
        found.disable_compile()  # type: ignore[attr-defined]  # other arrays are an error, not another compilation
        return found


def inlined(function: Callable[..., Any]) -> Inlined:
    """Make a function one that kernels can call: of numbers, and compiled as a part of each kernel."""
    return Inlined(function)


def called(function: Callable[..., Any]) -> Inlined:
    """Make a function one that kernels call: of loops, compiled once for a kernel, so that many can share it."""
    return Inlined(function, inline=False)


def kernel(*fastmath: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a function a kernel.

    Parameters
    ----------
    fastmath : str
        What LLVM may do with floating point numbers besides fusing a product with a sum: "reassoc" to
        add in another order, so that sums are vectorised. (Never "nnan" or "ninf": NaN and infinity are numbers here.)
    """
    return lambda function: Kernel(function, ("contract", *fastmath))


def _definition(function: Callable[..., Any], name: str) -> str:
    """A function's text without its decorators, under another name."""
    text = textwrap.dedent(inspect.getsource(function))
    _, start, rest = text.partition(f"def {function.__name__}(")
    return f"{start.replace(function.__name__, name)}{rest}\n\n"


def _collect(function: Callable[..., Any], parts: dict[str, str], double: bool) -> None:
    """Add the text of all that a function names, each after what it needs itself."""
    for name in _names(function.__code__):
        found = function.__globals__.get(name)
        if name in parts or found is None or _MODULES.get(name) is found:
            continue
        if not text_of(name, found, parts, double=double):
            raise TypeError(
                f"kernel {function.__name__}: {name} is {type(found).__name__}. Kernels may name numbers, functions "
                "under @inlined, sgemm, dgemm, math and np"
            )


def text_of(name: str, found: Any, parts: dict[str, str], *, double: bool) -> bool:
    """Add the text that gives an object a name in a kernel, after what it needs; False if a kernel cannot have it."""
    if type(found) is ByDtype:
        found = found.double if double else found.single
    own = name
    if type(found) is Inlined:
        _collect(found.function, parts, double)
        own = found.name
        parts[own] = found.text()
    elif isinstance(found, Routine):
        own = found.name
        parts[own] = found.text()
    elif isinstance(found, type) and issubclass(found, np.generic):
        parts[name] = f"{name} = np.{found.__name__}\n"
    elif type(found) in (int, float, bool) or (
        type(found) is tuple and all(type(x) in (int, float) for x in found)
    ):
        parts[name] = f"{name} = {found!r}\n"
    elif isinstance(found, np.generic):
        parts[name] = f"{name} = np.{found.dtype.name}({found.item()!r})\n"
    else:
        return False
    if own != name:
        parts[name] = f"{name} = {own}\n"
    return True


def _names(code: types.CodeType) -> list[str]:
    """The global names that code looks up, its inner functions' included."""
    found = [x.argval for x in dis.get_instructions(code) if x.opname == "LOAD_GLOBAL"]
    inner = [x for x in code.co_consts if isinstance(x, types.CodeType)]
    return list(dict.fromkeys([*found, *(name for each in inner for name in _names(each))]))
