"""`pb.compile`: record a function once, replay it fast."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

from ..core.array import backend_array, is_traced, unwrap_closed
from ..core.hooks import HOOKS
from ..core.levels.batched import all_rows, newest_level
from ..core.levels.level import OPEN, BatchLevel
from ..pytree import tree
from ..transforms.batching.opaque import opened, rows_from, with_level, without_level
from ..transforms.transformed import is_global
from .cpu.families import Met
from .executable import Executable, make_executable, require_numba
from .loops.recorder import Recorder
from .tracing import precision as precisions
from .tracing.guards import GUARD_FAILED, in_order
from .tracing.trace import Trace
from .tracing.trace_builder import TraceBuilder
from .tracing.tracer import Tracer

PROGRAMS = 8  # of one function that are kept


class Compiled:
    """A function that is recorded at its first call and replayed afterwards; made by `pb.compile`."""

    def __init__(
        self,
        f: Callable[..., Any],
        donate: tuple[int, ...],
        static: tuple[int, ...],
        fast: bool | None,
        programs: int,
        precision: str,
    ) -> None:
        functools.update_wrapper(self, f)
        self.f = f
        self._donate, self._static = frozenset(donate), frozenset(static)
        self._fast, self._most, self._precision = fast, programs, precision
        # the one that was called last comes first
        self._executables: list[Executable] = []
        # under `vmap`: which leaves of the arguments vary, their structure, and the function of all rows
        self._mapped: list[tuple[list[bool], Any, Compiled]] = []
        self._met: Met = {}
        self._recorded = 0
        self._warned = False
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.f, '__qualname__', self.f)!s}, {len(self._executables)} programs>"

    def __reduce__(self) -> Any:
        """The name under which it replaces `f` in its module, or else `f`, which is then traced anew."""
        if is_global(self):
            return self.__qualname__  # type: ignore[attr-defined]  # of `f`, by update_wrapper
        settings = (
            sorted(self._donate),
            sorted(self._static),
            self._fast,
            self._most,
            self._precision,
        )
        return Compiled, (self.f, *settings)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``f(*args, **kwargs)``."""
        executables = self._executables
        if executables and HOOKS.kernel is None:
            out = executables[0].call(args, kwargs)
            if out is not GUARD_FAILED:
                return out
        return self._other(args, kwargs)

    def _other(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call that is not like the last one: another program, a new one, or `f` itself."""
        if HOOKS.kernel is not None:  # debug_nans looks at each operation
            return self.f(*args, **kwargs)
        leaves = tree.leaves((args, kwargs))
        if any(isinstance(all_rows(backend_array(x)), Tracer) or is_traced(x) for x in leaves):
            # within another trace, or under a derivative
            return self.f(*args, **kwargs)
        level = newest_level([unwrap_closed(x) for x in leaves]) if OPEN else None
        if level is not None:
            return self._of_rows(args, kwargs, level)
        for executable in self._executables[1:]:
            out = executable.call(args, kwargs)
            if out is not GUARD_FAILED:
                with self._lock:
                    if executable in self._executables:
                        self._executables = [
                            executable,
                            *(e for e in self._executables if e is not executable),
                        ]
                return out
        return self._record(args, kwargs)

    def _trace(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
        return Trace(self.f, args, kwargs, self._static, self._precision, self._fast, Recorder)

    def _of_rows(self, args: tuple[Any, ...], kwargs: dict[str, Any], level: BatchLevel) -> Any:
        """The call under `vmap`: a program of all rows, one for each choice of what varies from row to row."""
        leaves, spec = tree.flatten((args, kwargs))
        below, flags = without_level(leaves, level)
        if not any(flags):
            return self.f(*args, **kwargs)
        compiled = next((c for known, s, c in self._mapped if known == flags and s == spec), None)
        if compiled is None:
            f = _of_all_rows(self.f, spec, flags)
            compiled = Compiled(f, (), (), self._fast, self._most, self._precision)
            with self._lock:
                self._mapped = [(flags, spec, compiled), *self._mapped][: self._most]
        with rows_from(level):
            out, varying = compiled(*below)
        found, out_spec = tree.flatten(out)
        return tree.unflatten(out_spec, with_level(found, list(varying), level))

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        trace = self._trace(args, kwargs)
        out = trace.run()
        if out is GUARD_FAILED:
            return self.f(*args, **kwargs)
        if trace.builder.by_layout and not in_order((args, kwargs)):
            return out  # another order in memory may be another program
        executable = make_executable(trace, self._donate, self._fast, self._met)
        with self._lock:
            self._recorded += 1
            before = self._executables
            self._executables = [executable, *before][: self._most]
        if self._recorded > self._most and not self._warned:
            self._warned = True
            self._warn(executable, before[0] if before else None, trace.builder)
        return out

    def _warn(
        self, executable: Executable, before: Executable | None, builder: TraceBuilder
    ) -> None:
        change = changed(executable, before, builder) if before is not None else "its arguments"
        warnings.warn(
            f"compile({getattr(self.f, '__name__', 'f')}): recorded {self._recorded} times, and only {self._most} "
            f"programs are kept; each time {change}. Keep shapes, dtypes and numbers that are read the same (pad the "
            "last batch, pass numbers as 0-d arrays), or leave the function uncompiled",
            RuntimeWarning,
            stacklevel=4,
        )

    def program(self, *args: Any, **kwargs: Any) -> str:
        """The text of a program: shapes, dtypes, buffers, and what was fused.

        Parameters
        ----------
        *args, **kwargs
            Arguments to record for; without any, the program that was called last.

        Raises
        ------
        RuntimeError
            Without arguments, if nothing was recorded yet.
        """
        return self._chosen(args, kwargs).program_text()

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The generated Python, and the source of the kernels that it calls."""
        executable = self._chosen(args, kwargs)
        executable.program_text()
        assert executable.assembly is not None
        return "\n".join([executable.source, *executable.assembly.kernels])

    def nodes(self, *args: Any, **kwargs: Any) -> list[Any]:
        """The program as a graph, for `pb.draw`."""
        return self._chosen(args, kwargs).nodes()

    def _chosen(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Executable:
        if args or kwargs:
            trace = self._trace(args, kwargs)
            if trace.run() is GUARD_FAILED:
                raise RuntimeError(
                    "program(): the function uses arrays that are traced outside of it"
                )
            return make_executable(trace, self._donate, self._fast, self._met)
        if not self._executables:
            raise RuntimeError(
                "program(): nothing was recorded yet; call the function, or give arguments"
            )
        return self._executables[0]

    def clear(self) -> None:
        """Forget all programs."""
        with self._lock:
            self._executables = []
            self._mapped = []
            self._recorded, self._warned = 0, False


def _of_all_rows(f: Callable[..., Any], spec: Any, flags: list[bool]) -> Callable[..., Any]:
    """A function of one row as one of the leaves of all rows, which says which of its results vary from row to row."""

    def of_all_rows(*leaves: Any) -> Any:
        first = next(x for x, varies in zip(leaves, flags, strict=True) if varies)
        with opened(BatchLevel(first.shape[0])) as level:
            args, kwargs = tree.unflatten(spec, with_level(list(leaves), flags, level))
            found, out_spec = tree.flatten(f(*args, **kwargs))
            below, varying = without_level(found, level)
        return tree.unflatten(out_spec, below), tuple(varying)

    of_all_rows.__name__ = getattr(f, "__name__", "f")
    return of_all_rows


def changed(executable: Executable, before: Executable, builder: TraceBuilder) -> str:
    """The difference between two traces of a function, in words."""
    if len(executable.guards) != len(before.guards):
        return f"the structure of the arguments changed ({len(before.guards)} leaves, then {len(executable.guards)})"
    for new, old in zip(executable.guards, before.guards, strict=True):
        if new.path != old.path or new.argument_type != old.argument_type:
            return f"the structure of the arguments changed (at {new.path!r})"
        if new.describe() != old.describe():
            line = builder.reads.get(new.value.input_index) if new.value is not None else None
            why = f"; its value is read at {line}" if line else ""
            return f"argument {new.path!r} changed from {old.describe()} to {new.describe()}{why}"
    return "the structure of the arguments changed"


def compile(
    f: Callable[..., Any] | None = None,
    *,
    donate_argnums: int | tuple[int, ...] = (),
    static_argnums: int | tuple[int, ...] = (),
    fast: bool | None = None,
    programs: int = PROGRAMS,
    precision: str = "float32",
) -> Any:
    """Record a function once, and replay it fast.

    The first call runs `f` and writes down what it does to arrays — forward, backward and update alike — as a flat
    program; later calls run the program alone, without a tape, in memory that is laid out once.

    Parameters
    ----------
    f : callable
        Of arrays and pytrees of them; returns the same. Without it, a decorator is returned.
    donate_argnums : int or tuple of int
        Arguments whose arrays may be overwritten: parameters and optimiser state that the result replaces.
    static_argnums : int or tuple of int
        Arguments that belong to the program: a new value of one makes a new trace.
    fast : bool, optional
        Fuse elementwise chains into kernels compiled by numba. With True they are compiled before the second call
        runs. By default, where numba is installed, another process compiles them, and calls run by NumPy until they
        are there, with results that are equal up to rounding; ``PULLBACK_FAST=1`` and ``=0`` are True and False.
    programs : int
        How many programs are kept, for different shapes, dtypes and structures.
    precision : {"float32", "tf32", "bfloat16", "float16"}
        To what the operands of float32 products are rounded; they are added up in float32, and everything else,
        parameters and gradients among it, is float32 all the same. On a GPU such products are several times faster;
        on a CPU they are slower, and give a GPU's numbers. float16 has a small range: `pb.optim.LossScaling`.

    Returns
    -------
    Compiled
        The same function. ``program()`` prints what was recorded.

    Raises
    ------
    TypeError
        From a call, where `f` branches on a value or reads one on the host, or a result's shape depends on values;
        the message names the line.

    Notes
    -----
    Traced again when the structure, shapes, dtypes or devices of the arguments change. Python ints and floats
    among them may change from call to call; one whose value is read (``if n > 3``, ``range(n)``, ``math.sqrt(n)``)
    becomes part of the program. Everything else that is no array, booleans and strings among it, is part of it anyway.
    Arrays that `f` finds elsewhere (closures, globals) are constants of the program, as are the results of what
    depends on constants alone. Python side effects happen while recording only.

    Results are never changed by later calls: an output buffer is used again only when nobody holds it. A call with
    `donate_argnums` changes those arguments' arrays, and returns them. After an exception within a call their
    contents are undefined.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> step = pb.compile(pb.grad(lambda x: pb.xp.sum(x**2)), fast=False)
    >>> step(np.asarray([1.0, 2.0]))
    array([2., 4.])
    >>> step(np.asarray([3.0, 4.0]))
    array([6., 8.])
    """
    if f is None:
        return functools.partial(
            compile, donate_argnums=donate_argnums, static_argnums=static_argnums, fast=fast, programs=programs,
            precision=precision,
        )  # fmt: skip
    precisions.check(precision)
    if not callable(f):
        raise TypeError(f"compile: expected a function, got {type(f).__name__}")
    if programs < 1:
        raise ValueError(f"compile: programs={programs} has to be at least 1")
    if fast:
        require_numba()
    if isinstance(f, Compiled):
        f = f.f
    donate = (donate_argnums,) if isinstance(donate_argnums, int) else tuple(donate_argnums)
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    return Compiled(f, donate, static, fast, programs, precision)
