"""Steps and measurements that are compiled and replayed, where that can be done and is worth it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import models
from ..autograd.compile import compile, wanted
from ..autograd.compile.tracing.precision import PRECISIONS
from ..autograd.core.array import backend_array
from ..autograd.core.typing import PyTree
from ..autograd.pytree import tree
from ..backend import Backend, is_array
from ..distributed import DistributedError
from ..models.module import children
from .errors import one_line
from .step import call_model

# Recording takes as long as so many steps of a small network.
_WORTH = 50
# Compiling a network's kernels, which stay on disk, as so many steps of one with convolutions.
_WORTH_KERNELS = 500
# Or as long as kernels save with so many elements of parameters, summed over the steps: they take an update in one pass
# over memory, and save about 1 ns an element with SGD, 3 ns with Adam.
_WORTH_UPDATES = 1_000_000_000


def shape_of(batch: PyTree) -> tuple[int, ...]:
    """The shape of a batch's first array, by which programs are told apart."""
    return (batch if hasattr(batch, "shape") else tree.leaves(batch)[0]).shape


class Replayed:
    """A step that is compiled for each shape of a batch, and replayed in place; eager where it cannot be compiled.

    On a CPU with numba's kernels only where that is asked for: they take longer to compile than most networks to train.

    Parameters
    ----------
    step : callable
        Of the arguments that are overwritten, then a batch, and more.
    donated : int
        How many are overwritten: the first ones. The arrays are nobody else's.
    home : Backend
        Of the arrays.
    precision : str
        Of products, as `pb.compile` has it.
    kernels : bool
        Whether numba's kernels are to be used on a CPU, where it is installed.

    Attributes
    ----------
    eager : str
        Why the step is not replayed; empty if it is.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        donated: int,
        home: Backend,
        precision: str,
        kernels: bool = False,
    ) -> None:
        self.step, self.donated, self.precision = step, donated, precision
        # kernels from the first call on: the numbers do not depend on when one is compiled
        self.fast = None if home.programs is not None else kernels and wanted(None)
        self.eager = ""
        # one for batches of all sizes, which share kernels
        self._program: Any = None
        self._calls: dict[tuple[int, ...], int] = {}

    def __call__(self, *args: Any) -> Any:
        """Make one step."""
        if self.eager:
            return self.step(*args)
        batch = args[self.donated]
        rows = batch.shape if hasattr(batch, "shape") else shape_of(batch)
        calls = self._calls.get(rows, 0)
        if calls >= 2:
            return self._program(*args)
        if self._program is None:
            donate = tuple(range(self.donated))
            self._program = compile(
                self.step, donate_argnums=donate, fast=self.fast, precision=self.precision
            )
        # the first call traces, the second one writes the program: nothing is overwritten if they fail
        self._calls[rows] = calls + 1
        try:
            return self._program(*args)
        except DistributedError:
            # the ranks do not do the same: nothing that this one does alone can mend that
            raise
        except Exception as error:
            # the eager step raises by itself if the compilation is not the cause
            out = self.step(*args)
            if self.precision != "float32":
                raise ValueError(f"precision={self.precision!r}: {_why(error)}") from error
            self.eager = _why(error)
            return out

    @property
    def calls(self) -> list[tuple[tuple[int, ...], int]]:
        """How often each shape of a batch was met, up to 2: the first call records a program."""
        return [(tuple(int(n) for n in rows), number) for rows, number in self._calls.items()]


_CANNOT = "the step cannot be compiled: "


def _why(error: Exception) -> str:
    return f"{_CANNOT}{type(error).__name__}: {one_line(error)}"


def refusal(eager: str) -> str:
    """The line to print where a step could not be compiled; empty where nothing failed."""
    return f"not compiled: {eager}" if eager.startswith(_CANNOT) else ""


def check_precision(precision: str, model: PyTree, compiled: bool) -> None:
    """Refuse a precision that is unknown, or that nothing would come of.

    Raises
    ------
    ValueError
        It says what would do.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} is none of {', '.join(PRECISIONS)}")
    if precision == "float32":
        return
    if not compiled:
        raise ValueError(f"precision={precision!r} is for compiled steps: leave compile=True")
    dtypes = {
        str(backend_array(p).dtype).rpartition(".")[2]
        for p in tree.leaves(model)
        if is_array(backend_array(p))
    }
    if not any(name == "float32" for name in dtypes):
        raise ValueError(
            f"precision={precision!r} is of products of float32; this model is {', '.join(sorted(dtypes))}"
        )


# Layers for which programs have kernels written by hand.
_BY_HAND = ("convolution", "recurrence", "attention")


def kernels_pay(model: PyTree, steps: int) -> bool:
    """Whether so many steps are worth compiling kernels, of layers that have some by hand or of large arrays.

    By the numbers of steps and elements and not by times, so that the same training takes the same way, to the bit.
    """
    if steps < _WORTH_KERNELS:
        return False
    arrays = (backend_array(leaf) for leaf in tree.leaves(model))
    elements = sum(int(np.prod(a.shape)) for a in arrays if is_array(a))
    return steps * elements >= _WORTH_UPDATES or _has_kernels(model)


def _has_kernels(model: PyTree) -> bool:
    package = models.__name__ + "."
    module = type(model).__module__
    own = module.startswith(package) and module[len(package) :].split(".")[0] in _BY_HAND
    return own or any(_has_kernels(child) for _, child in children(model))


class Forward:
    """``model(x)`` for measuring: replayed where the step is, with kernels; as it is otherwise.

    Parameters
    ----------
    compiled : bool
    """

    def __init__(self, compiled: bool) -> None:
        self._program = compile(call_model, programs=8, fast=wanted(None)) if compiled else None

    @property
    def compiled(self) -> bool:
        """Whether it is replayed."""
        return self._program is not None

    def __call__(self, model: PyTree, x: PyTree) -> Any:
        """The outputs."""
        if self._program is None:
            return call_model(model, x)
        try:
            return self._program(model, x)
        except DistributedError:
            raise
        except Exception:
            # the call without a program raises by itself if the compilation is not the cause
            self._program = None
            return call_model(model, x)


def replayed_step(
    step: Callable[..., Any],
    home: Backend,
    precision: str,
    *,
    steps: int,
    compile: bool,
    kernels: bool = False,
) -> Replayed:
    """A step that overwrites its first three arguments: replayed where that is asked for and worth it, else eager.

    Parameters
    ----------
    step : callable
        ``step(parameters, state, tally, x, ...) -> parameters, state, tally``.
    home : Backend
        Of the arrays.
    precision : str
        Of products, as `pb.compile` has it; it cannot be had without a recording.
    steps : int
        How many there will be.
    compile : bool
        Whether replaying is asked for.
    kernels : bool
        Whether numba's kernels are to be used on a CPU.
    """
    replay = Replayed(step, 3, home, precision, kernels)
    if not compile:
        replay.eager = "compile=False"
    elif precision == "float32" and steps < _WORTH:
        replay.eager = f"{steps} steps are too few to be worth compiling"
    return replay
