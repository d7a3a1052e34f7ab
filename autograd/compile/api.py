"""`pb.compile`: record a function once, replay it fast."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

from ...backend.common.forks import ForkSafeLock
from ..core.array import backend_array, is_traced, unwrap_closed
from ..core.hooks import HOOKS
from ..core.levels.batched import all_rows, newest_level
from ..core.levels.level import OPEN, BatchLevel
from ..pytree import tree
from ..transforms.batching.opaque import opened, rows_from, with_level, without_level
from ..transforms.transformed import check_function, is_global
from .cpu.families import Met
from .executable import Executable, make_executable, require_numba
from .loops.recorder import Recorder
from .optimise.rematerialise import check_limit
from .programs import PROGRAMS, Programs
from .recordings import Recordings
from .tracing import precision as precisions
from .tracing.guards import GUARD_FAILED, in_order
from .tracing.keys import Key, key_of
from .tracing.trace import Trace
from .tracing.tracer import Tracer


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
        memory: int | None = None,
    ) -> None:
        functools.update_wrapper(self, f)
        self.f = f
        self._donate, self._static = frozenset(donate), frozenset(static)
        self._fast, self._most, self._precision = fast, programs, precision
        self._memory = memory
        self._last: Executable | None = None  # the program that was called last
        self._programs = Programs(programs)
        # under `vmap`: which leaves of the arguments vary, their structure, and the function of all rows
        self._mapped: list[tuple[list[bool], Any, Compiled]] = []
        self._met: Met = {}  # the kernels that its programs used
        self._recordings = Recordings(programs)
        self._lock = ForkSafeLock()

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
            self._memory,
        )
        return Compiled, (self.f, *settings)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``f(*args, **kwargs)``."""
        last = self._last
        if last is not None and HOOKS.kernel is None:
            out = last.call(args, kwargs)
            if out is not GUARD_FAILED:
                return out
        return self._other(args, kwargs)

    def _other(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call that is not like the last one: another program, a new one, or `f` itself."""
        if HOOKS.kernel is not None:  # debug_nans looks at each operation
            return self.f(*args, **kwargs)
        key = key_of(args, kwargs, self._static)
        if key is None:
            return self._traced(args, kwargs)
        with self._lock.current:
            executable = self._programs.find(key)
        if executable is not None:
            has_memory = bool(executable.free)
            out = executable.call(args, kwargs, prepare=True)
            if out is not GUARD_FAILED:
                with self._lock.current:
                    self._last = executable
                    if not has_memory:
                        self._programs.hold()
                return out
        return self._record(args, kwargs, key)

    def _traced(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call within another trace, under a derivative, or under `vmap`."""
        leaves = tree.leaves((args, kwargs))
        if any(isinstance(all_rows(backend_array(x)), Tracer) or is_traced(x) for x in leaves):
            return self.f(*args, **kwargs)
        level = newest_level([unwrap_closed(x) for x in leaves]) if OPEN else None
        return self.f(*args, **kwargs) if level is None else self._of_rows(args, kwargs, level)

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
            compiled = Compiled(f, (), (), self._fast, self._most, self._precision, self._memory)
            with self._lock.current:
                self._mapped = [(flags, spec, compiled), *self._mapped][: self._most]
        with rows_from(level):
            out, varying = compiled(*below)
        found, out_spec = tree.flatten(out)
        return tree.unflatten(out_spec, with_level(found, list(varying), level))

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any], key: Key) -> Any:
        start = perf_counter()
        trace = self._trace(args, kwargs)
        out = trace.run()
        if out is GUARD_FAILED:
            return self.f(*args, **kwargs)
        if trace.builder.by_layout and not in_order((args, kwargs)):
            return out  # another order in memory may be another program
        executable = make_executable(trace, self._donate, self._fast, self._memory, self._met)
        if self._memory is not None:
            executable.prepare()  # so that the first call says if it is too little
        with self._lock.current:
            before, self._last = self._last, executable
            self._programs.add(key, executable)
            self._programs.hold()
            advice = self._recordings.add(
                executable, before, trace.builder.reads, start, perf_counter()
            )
        if advice:
            name = getattr(self.f, "__name__", "f")
            warnings.warn(f"compile({name}): {advice}", RuntimeWarning, stacklevel=4)
        return out

    @property
    def _executables(self) -> list[Executable]:
        """The programs that are kept, the one that a call came to last before others."""
        return self._programs.in_order()

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
            return make_executable(trace, self._donate, self._fast, self._memory, self._met)
        if self._last is None:
            raise RuntimeError(
                "program(): nothing was recorded yet; call the function, or give arguments"
            )
        return self._last

    def clear(self) -> None:
        """Forget all programs."""
        with self._lock.current:
            self._last = None
            self._programs = Programs(self._most)
            self._mapped = []
            self._recordings = Recordings(self._most)


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


def compile(
    f: Callable[..., Any] | None = None,
    *,
    donate_argnums: int | tuple[int, ...] = (),
    static_argnums: int | tuple[int, ...] = (),
    fast: bool | None = None,
    programs: int = PROGRAMS,
    precision: str = "float32",
    memory: int | None = None,
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
        How many programs are kept, for different shapes, dtypes and structures: the ones used last. All but the last
        eight are kept as long as they hold less than 1 GiB: they give their memory back first, and then go.
    precision : {"float32", "tf32", "bfloat16", "float16"}
        To what the operands of float32 products are rounded; they are added up in float32, and everything else,
        parameters and gradients among it, is float32 all the same. On a GPU such products are several times faster;
        on a CPU they are slower, and give a GPU's numbers. float16 has a small range: `pb.optim.LossScaling`.
    memory : int, optional
        The most bytes that a program may take while it runs, beyond arguments and results. Where it would take more,
        values are computed again instead of kept, those that cost least; results are the same, bit for bit. See Notes.

    Returns
    -------
    Compiled
        The same function. ``program()`` prints what was recorded.

    Raises
    ------
    TypeError
        From a call, where `f` branches on a value or reads one on the host, or a result's shape depends on values;
        the message names the line. From `compile`, where `f` is no function or `memory` no integer.
    ValueError
        From `compile`, for an unknown `precision`, and for `programs` or `memory` below 1. From the first call, where
        the program cannot do with `memory`; the message says with how much it can, and which values are the largest.
    ImportError
        From `compile`, for ``fast=True`` without numba.

    Notes
    -----
    Traced again when the structure, shapes, dtypes or devices of the arguments change. Python ints and floats
    among them may change from call to call; one whose value is read (``if n > 3``, ``range(n)``, ``math.sqrt(n)``)
    becomes part of the program. Everything else that is no array, booleans and strings among it, is part of it anyway.
    A call looks its program up by a key of all that, before anything of a program is laid out or compiled.
    Arrays that `f` finds elsewhere (closures, globals) are constants of the program, as are the results of what
    depends on constants alone. Python side effects happen while recording only.

    Results are never changed by later calls: an output buffer is used again only when nobody holds it. A call with
    `donate_argnums` changes those arguments' arrays, and returns them. After an exception within a call their
    contents are undefined.

    What `memory` limits is what ``program()`` says in its line *memory*: the block in which values between lie, and
    the results of library functions, at the moment at which most is alive. It does not hold the arguments, the results
    of `f`, what a library function takes within itself, and what is kept in objects that are no arrays (factors). The
    first call, which records, runs `f` as it is, with its memory. First, updates are done as soon as their gradients
    are there, which costs nothing; then values are forgotten and computed again, by the cost of that (products by
    their arithmetic, all else by bytes moved) for each byte and for the time until the next use: Kirisame et al.,
    Dynamic tensor rematerialization, ICLR 2021, with the uses known in advance. Never done again are collectives,
    functions that are recorded without a look into them (factorisations that return objects, say), and what is written
    in place. A `pb.scan` is done again as a whole or not at all. `pb.checkpoint` says by hand what is computed again,
    and works without `compile` as well.

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
            precision=precision, memory=memory,
        )  # fmt: skip
    precisions.check(precision)
    check_function("compile", f)
    if memory is not None:
        check_limit(memory)
    if programs < 1:
        raise ValueError(f"compile: programs={programs} has to be at least 1")
    if fast:
        require_numba()
    if isinstance(f, Compiled):
        f = f.f
    donate = (donate_argnums,) if isinstance(donate_argnums, int) else tuple(donate_argnums)
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    return Compiled(f, donate, static, fast, programs, precision, memory)
