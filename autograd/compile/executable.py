"""The executable: one program of a compiled function with its guards, as a generated function."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend.common.forks import ForkSafeLock
from ..pytree import tree
from .buffers import compile_text, new_runner
from .call_wrapper import FunctionWriter
from .cpu import numba_kernels
from .cpu.assemble import assemble
from .cpu.assembly import Assembly
from .cpu.background import Pending, compile_elsewhere
from .cpu.families import Met
from .cpu.native.table import is_native
from .cpu.numba_cache import CompileError
from .cuda import assemble as cuda_assemble
from .cuda.expressions import loopable as is_loopable_on_device
from .ir.program import Op, Program
from .optimise.fuse import goes_into, reducible
from .optimise.fused_ops import fused_op
from .optimise.outputs import own_outputs, pair_outputs
from .optimise.rounding import cast_before_transpose
from .optimise.simplify import simplify
from .printer import nodes, program_text
from .tracing.guards import GUARD_FAILED, ArgumentGuard, in_order
from .tracing.trace import Trace


@dataclass
class Executable:
    """A recorded program with its guards; the code is made when it is called first."""

    program: Program
    guards: list[ArgumentGuard]
    arguments: Any  # the example (args, kwargs), with an `ArraySpec` for each array
    result: Any  # the example of the result, the same
    wrapped: list[bool]  # which leaves of the result are `pb.Array`s
    donated: set[int]
    replaced_inputs: dict[int, int]
    static_arguments: frozenset[int]
    fast: bool
    is_generic_library: bool  # of another library than NumPy
    name: str
    # whether it is right for those arguments alone that lie in memory in the order of their indices
    by_layout: bool = False
    # the backend, where its device runs programs: `cuda/assemble.py`
    device: Any = None
    # the most bytes that it may take: `optimise/rematerialise.py`
    memory: int | None = None
    # the kernels that programs of this function used: `cpu/families.py`
    met: Met = field(default_factory=dict)
    # whether it may run by NumPy until its kernels are compiled
    patient: bool = False
    pending: Pending | None = None
    assembly: Assembly | None = None
    source: str = ""
    code: Any = None
    extra: dict[str, Any] = field(default_factory=dict)
    # runners of the code as it is; those of the code before end with their calls
    free: list[Callable[..., Any]] = field(default_factory=list)
    runner_bytes: int = -1  # of the memory of one of them, once it is known
    lock: ForkSafeLock = field(default_factory=ForkSafeLock)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, prepare: bool = False) -> Any:
        """The result, or `GUARD_FAILED` if the arguments are not those of this program.

        Without `prepare`, also if it is not laid out yet, or all its memory is in use by other threads: that would be
        for nothing where the arguments are others.
        """
        run: Callable[..., Any]
        if self.by_layout and not in_order((args, kwargs)):
            return GUARD_FAILED
        if self.pending is not None and self.pending.has_ended():
            self._exchange()
        free = self.free
        try:
            run = free.pop()
        except IndexError:
            if not prepare:
                return GUARD_FAILED
            run, free = self._runner()
        try:
            return run(args, kwargs)
        finally:
            free.append(run)

    def read_numbers(self) -> tuple[int, ...]:
        """The places, among the leaves of the arguments, of Python numbers whose values are part of the program."""
        return tuple(
            i
            for i, guard in enumerate(self.guards)
            if guard.argument_type == "static" and guard.value is not None
        )

    def held_bytes(self) -> int:
        """Bytes of the block and the results of all runners that are not at work."""
        if self.assembly is None:
            return 0
        if self.runner_bytes < 0:
            results = self.assembly.output_rings.values()
            self.runner_bytes = self.assembly.plan.size + 2 * sum(
                math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in results
            )
        return len(self.free) * self.runner_bytes

    def give_back(self) -> int:
        """Let go of the memory of runners, and return its bytes; the next call takes new memory."""
        size = self.held_bytes()
        self.free.clear()
        return size

    def runner(self) -> Callable[..., Any]:
        """A new runner, with memory of its own."""
        return self._runner()[0]

    def _runner(self) -> tuple[Callable[..., Any], list[Callable[..., Any]]]:
        """A new runner, and the list where it waits between calls."""
        with self.lock.current:
            if self.code is None:
                self.prepare()
            assembly, code, extra, free = self.assembly, self.code, self.extra, self.free
        assert assembly is not None
        return new_runner(assembly, code, extra)["run"], free

    def _exchange(self) -> None:
        """Go on with kernels, as they are there, or nobody else compiles them."""
        with self.lock.current:
            if self.pending is not None:
                # what Ctrl-C cuts short begins anew
                self.pending, self.code, self.free = None, None, []
                self.prepare()

    def prepare(self) -> None:
        """Lay the program out and generate its code.

        Where kernels are missing that may be waited for, that code runs by NumPy, and this is called again.
        """
        settings: dict[str, Any] = {
            "donated": self.donated,
            "replaced_inputs": self.replaced_inputs,
            "memory": self.memory,
        }
        if (
            self.device is not None
            and self.fast
            and len(self.program.ops) <= cuda_assemble.MOST_OPERATIONS
        ):
            self.assembly = cuda_assemble.assemble(self.program, self.device, **settings)
            self._write()
            return
        settings["is_generic_library"] = self.is_generic_library
        kernels = (
            self.fast
            and not self.is_generic_library
            and len(self.program.ops) <= numba_kernels.MOST_OPERATIONS
        )
        kernels = kernels and _in_native_order(self.program)
        settings["met"] = self.met
        try:
            self._assemble(settings, kernels=kernels)
        except CompileError as error:
            warnings.warn(
                f"compile({self.name}): {error}; it runs without kernels",
                RuntimeWarning,
                stacklevel=6,
            )
            self.assembly = assemble(self.program, kernels=False, **settings)
        self._write()

    def _assemble(self, settings: dict[str, Any], *, kernels: bool) -> None:
        """Lay the program out, by NumPy where its kernels are missing and another process compiles them."""
        patient = kernels and self.patient
        self.patient = False  # the second time, what is still missing is compiled here
        nothing: Any = contextlib.nullcontext([])
        with numba_kernels.only_what_is_there() if patient else nothing as missing:
            self.assembly = assemble(self.program, kernels=kernels, **settings)
        for chosen in self.assembly.used:
            used = self.met.setdefault(chosen.family, [])
            if chosen.variant not in used:
                used.append(chosen.variant)
        if missing:
            self.pending = compile_elsewhere(missing)
            kernels = self.pending is None
            self.assembly = assemble(self.program, kernels=kernels, **settings)

    def _write(self) -> None:
        assert self.assembly is not None
        self.extra, self.runner_bytes = {}, -1
        self.source = FunctionWriter(self, self.assembly).write()
        self.code = compile_text(self.source, self.name)

    def program_text(self) -> str:
        """The program for people."""
        if self.pending is not None and self.pending.has_ended():
            self._exchange()
        with self.lock.current:
            if self.assembly is None:
                self.prepare()
        assert self.assembly is not None
        return program_text(self, self.assembly)

    def nodes(self) -> list[Any]:
        """The program as a graph."""
        self.program_text()
        assert self.assembly is not None
        return nodes(self, self.assembly)


def make_executable(
    trace: Trace,
    donate: frozenset[int],
    fast: bool | None,
    memory: int | None = None,
    met: Met | None = None,
) -> Executable:
    """The program of a trace, simplified, with outputs of its own, and its guards.

    Parameters
    ----------
    trace : Trace
    donate : frozenset of int
        The arguments whose arrays may be overwritten.
    fast : bool or None
        Whether kernels are compiled; None for the default.
    memory : int, optional
        The most bytes that the program may take.
    met : dict, optional
        The kernels that earlier programs of the function used.
    """
    for guard in trace.guards:
        if guard.value is not None and guard.value.input_index in trace.builder.static:
            guard.argument_type = "static"
    results = trace.output_values()
    by_index = {v.input_index: v for v in trace.inputs}
    inputs: list[Any] = [by_index.get(i) for i in range(len(trace.guards))]
    name = getattr(trace.f, "__name__", "f")
    program = Program(inputs, trace.builder.ops, list(results), name=name)
    if trace.builder.precision != "float32":
        program.precision = trace.builder.precision
        cast_before_transpose(program)
    simplify(program)
    own_outputs(program, results, functools.partial(_writes_own_buffer, trace))
    donated = {
        i
        for i, guard in enumerate(trace.guards)
        if guard.argument_type == "array"
        and (guard.like.array_type is np.ndarray or trace.device is not None)
        and guard.path.split(".")[0] in {str(n % max(len(trace.args), 1)) for n in donate}
    }
    arrays = [guard.value if guard.argument_type == "array" else None for guard in trace.guards]
    input_paths = [guard.path for guard in trace.guards]
    return Executable(
        program=program,
        guards=trace.guards,
        arguments=trace.argument_specs(),
        result=trace.result,
        wrapped=trace.wrapped,
        donated=donated,
        replaced_inputs=pair_outputs(
            program, tree.paths(trace.result), arrays, input_paths, donated
        ),
        static_arguments=trace.static,
        fast=numba_kernels.wanted(fast, trace.device is not None),
        is_generic_library=trace.is_generic_library,
        by_layout=trace.builder.by_layout,
        device=trace.device,
        memory=memory,
        # recomputation is chosen for one way of running
        patient=numba_kernels.patient(fast) and memory is None,
        met={} if met is None else met,
        name=name,
    )


def _in_native_order(program: Program) -> bool:
    """Whether no operation reads numbers whose bytes lie the other way round, which numba does not know."""
    return all(getattr(v.dtype, "isnative", True) for op in program.ops for v in op.inputs())


def _writes_own_buffer(trace: Trace, op: Op) -> bool:
    """Whether the result of an operation is a buffer of the program's own, not what a function returned."""
    if trace.device is not None:
        # a call, but not of what NumPy calls a view
        new = op.shares is not None and not op.shares
        return is_loopable_on_device(op) or reducible(op) or (goes_into(op) and new)
    return not trace.is_generic_library and (
        goes_into(op)
        or fused_op(op) is not None
        # where it has no kernel after all, it is a call that returns a new array
        or (op.shares is not None and not op.shares and is_native(op))
    )


def require_numba() -> None:
    """Refuse ``fast=True`` without numba.

    Raises
    ------
    ImportError
        If numba is not installed.
    """
    if not numba_kernels.available():
        raise ImportError("compile: fast=True needs numba; pip install 'pullback[fast]'")
