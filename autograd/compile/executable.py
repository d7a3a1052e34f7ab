"""One program of a compiled function, ready to be called: guards, body and result as one generated function."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .buffers import compile_text, new_runner
from .call_wrapper import FunctionWriter
from .cpu.assemble import Assembly, assemble
from .cpu.numba_cache import CompileError
from .cuda import assemble as cuda_assemble
from .ir.program import Program
from .printer import listing, nodes
from .tracing.guards import MISS, Leaf, in_order

MOST = 2000  # operations of a program that is compiled to kernels


@dataclass
class Entry:
    """A recorded program with its guards; the code is made when it is called first."""

    program: Program
    leaves: list[Leaf]
    arguments: Any  # the example (args, kwargs), with tokens for arrays
    result: Any  # the example of the result, the same
    wrapped: list[bool]  # which leaves of the result are `pb.Array`s
    donated: set[int]
    pairs: dict[int, int]
    static_arguments: frozenset[int]
    fast: bool
    plain: bool  # of another library than NumPy
    name: str
    # whether it is right for those arguments alone that lie in memory in the order of their indices
    by_layout: bool = False
    device: Any = None  # the backend, where its device runs programs: `cuda/assemble.py`
    assembly: Assembly | None = None
    source: str = ""
    code: Any = None
    extra: dict[str, Any] = field(default_factory=dict)
    free: list[Callable[..., Any]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result, or `MISS` if the arguments are not those of this program."""
        run: Callable[..., Any] | None
        if self.by_layout and not in_order((args, kwargs)):
            return MISS
        try:
            run = self.free.pop()
        except IndexError:
            run = None
        if run is None:
            run = self.runner()
        try:
            return run(args, kwargs)
        finally:
            self.free.append(run)

    def runner(self) -> Callable[..., Any]:
        """A new runner, with memory of its own."""
        with self.lock:
            if self.code is None:
                self.prepare()
        assert self.assembly is not None
        return new_runner(self.assembly, self.code, self.extra)["run"]

    def prepare(self) -> None:
        """Lay the program out and generate its code."""
        settings: dict[str, Any] = {
            "donated": self.donated,
            "pairs": self.pairs,
        }
        if self.device is not None and self.fast and len(self.program.ops) <= MOST:
            self.assembly = cuda_assemble.assemble(self.program, self.device, **settings)
            self._write()
            return
        settings["plain"] = self.plain
        # an unrolled loop of thousands of operations would take minutes to compile
        kernels = self.fast and not self.plain and len(self.program.ops) <= MOST
        try:
            self.assembly = assemble(self.program, kernels=kernels, **settings)
        except CompileError as error:
            warnings.warn(
                f"compile({self.name}): {error}; it runs without kernels",
                RuntimeWarning,
                stacklevel=6,
            )
            self.assembly = assemble(self.program, kernels=False, **settings)
        self._write()

    def _write(self) -> None:
        assert self.assembly is not None
        self.source = FunctionWriter(self, self.assembly).write()
        self.code = compile_text(self.source, self.name)

    def listing(self) -> str:
        """The program for people."""
        with self.lock:
            if self.assembly is None:
                self.prepare()
        assert self.assembly is not None
        return listing(self, self.assembly)

    def nodes(self) -> list[Any]:
        """The program as a graph."""
        self.listing()
        assert self.assembly is not None
        return nodes(self, self.assembly)
