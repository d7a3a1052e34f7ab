"""Compiled programs on the stand-in for CuPy: their kernels run on the emulator of CUDA blocks, as on a device.

`load.backend` has no programs, so that compiled functions run as array functions there. A whole training that is to
ask of CuPy what it asks on a GPU needs them.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import pullback as pb
from pullback.autograd.compile.tracing import tracer_namespace
from pullback.backend import select
from pullback.backend.common.launches import Product

from ..cuda.emulator import EmulatedRuntime
from . import load
from .array import ndarray, wrap
from .memory import host


class Programs:
    """`EmulatedRuntime` for the stand-in's arrays, with the names of `graph_runtime.Runtime`.

    Parameters
    ----------
    epilogues : bool
        Whether products may have one, as with cuBLASLt.

    Attributes
    ----------
    emulated : EmulatedRuntime
        It keeps the steps that were bound.
    launches : int
        How often a segment was called: on a device one launch of a graph each.
    """

    def __init__(self, *, epilogues: bool = True) -> None:
        self.emulated = EmulatedRuntime(epilogues=epilogues)
        self.epilogues = epilogues
        self.launches = 0

    def memory(self, nbytes: int) -> Any:
        """A block of memory."""
        return wrap(self.emulated.memory(nbytes))

    def view(self, block: Any, offset: int, shape: Any, dtype: Any) -> Any:
        """An array in a block."""
        return wrap(self.emulated.view(host(block), offset, shape, dtype))

    def empty(self, shape: Any, dtype: Any) -> Any:
        """An array that nobody wrote."""
        return wrap(self.emulated.empty(shape, dtype))

    def upload(self, array: Any, given: np.ndarray) -> None:
        """Host numbers into an array of bytes."""
        self.emulated.upload(host(array), given)

    def pays(self, product: Product) -> bool:
        """Whether an epilogue saves time: each does."""
        return self.emulated.pays(product)

    def describe(self) -> str:
        """For listings."""
        return self.emulated.describe()

    def segment(
        self,
        steps: Sequence[Any],
        block: Any,
        slots: int,
        external: Sequence[str],
        order: Sequence[tuple[int, ...]] | None = None,
    ) -> Callable[..., None]:
        """The call ``segment(*arrays)``."""
        memory = None if block is None else host(block)
        run = self.emulated.segment(steps, memory, slots, external, order)

        def launch_graph(*arrays: Any) -> None:
            self.launches += 1
            run(*[host(a) for a in arrays])

        launch_graph.follow = lambda: None  # type: ignore[attr-defined]  # as a method of a device's segments
        return launch_graph


@contextlib.contextmanager
def running(*names: str) -> Iterator[Programs]:
    """The stand-in with programs, active under these names of backends, such as "cupy", until it is left.

    Its backend is new, so that every module is built once more, as in a process that begins.
    """
    plain, made = load.backend(), Programs()
    fresh = load.cupy_file().backend(None, "the stand-in for CuPy")
    chosen = dataclasses.replace(fresh, programs=made)
    classes = dict(tracer_namespace._CLASSES)
    tracer_namespace._CLASSES.clear()
    pb.backend.register(ndarray, chosen)
    undo = load.activate(*names, chosen=chosen)
    try:
        yield made
    finally:
        undo()
        pb.backend.register(ndarray, plain)
        select._of_type.cache_clear()
        tracer_namespace._CLASSES.clear()
        tracer_namespace._CLASSES.update(classes)
