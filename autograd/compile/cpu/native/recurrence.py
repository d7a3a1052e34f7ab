"""Whole sequences through recurrent cells: one serial kernel for each half of the batch, on two threads.

The halves of the batch never wait for each other. `recurrence_kernels.py` has the kernels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .jit import Kernel, has_blas
from .record import Native
from .recurrence_kernels import gru, gru_vjp, lstm, lstm_vjp, rnn, rnn_vjp, weights
from .threads import halves

# Multiplications of a sequence's products from which the helper thread is worth its time.
WORTH = 1 << 20


class Sequence:
    """What runs one kernel on the arrays of an operation: with arrays of no elements for None, and scratch memory.

    Parameters
    ----------
    kernel : Kernel
    op : Op
    arguments : str
        A letter for each argument of the operation: how many axes the array has; "m" for the mask.
    weights : int
        Which of them is W, where the kernel takes Wᵀ; -1 for none.
    scratch : int
        The length of the rows of scratch memory for products; 0 for none.
    settings : tuple of int
        Numbers behind the arrays.
    """

    def __init__(
        self,
        kernel: Kernel,
        op: Op,
        arguments: str,
        *,
        weights: int,
        scratch: int,
        settings: tuple[int, ...],
    ) -> None:
        values = [*op.args, *[None] * (len(arguments) - len(op.args))]
        results = op.outputs()
        times, rows, width = next(
            v.shape
            for v, kind in zip(values, arguments, strict=True)
            if kind == "3" and v is not None
        )
        dtype = np.dtype(results[0].dtype)
        given = [(np.dtype(bool), 3) if kind == "m" else (dtype, int(kind)) for kind in arguments]
        kinds: list[Any] = [(*kind, "C", "read") for kind in given]
        kinds += [(dtype, len(v.shape)) for v in results]
        self.given = [v is not None for v in values]
        self.none = [np.empty((0,) * ndim, d) for d, ndim in given]
        self.shapes, self.dtype = [v.shape for v in results], dtype
        self.unread: dict[int, Any] = {}
        self.settings, self.weights = settings, weights
        self.transposed = np.empty(values[weights].shape[::-1], dtype) if weights >= 0 else None
        self.scratch = [np.empty((2, rows - rows // 2, scratch), dtype)] if scratch else []
        kinds += [(dtype, 3)] * len(self.scratch)
        numbers = len(settings) + (3 if scratch else 2)
        self.run = kernel.compiled(*kinds, *[int] * numbers)
        self.rows, self.parallel = rows, times * rows * width * self.shapes[0][-1] >= WORTH

    def __call__(self, *arrays: Any) -> None:
        """The arrays of the operation and a buffer for each result, None for one that nobody reads."""
        left = iter(arrays)
        given = [
            next(left) if here else none for here, none in zip(self.given, self.none, strict=False)
        ]
        if self.transposed is not None:
            np.copyto(self.transposed, given[self.weights].T)
            given[self.weights] = self.transposed
        for i, target in enumerate(left):
            if target is None:
                target = self.unread.get(i)
                if target is None:
                    target = self.unread[i] = np.empty(self.shapes[i], self.dtype)
            given.append(target)
        given += self.scratch
        given += self.settings
        run, parts = self.run, len(self.scratch)
        halves(
            lambda start, stop, part: run(*given, start, stop, *(part,) * parts),
            self.rows,
            parallel=self.parallel,
        )


def _takes(arguments: str) -> Callable[[Op], bool]:
    """Whether all arrays but the mask are real and of one dtype."""

    def takes(op: Op) -> bool:
        arrays = [
            x for x, kind in zip(op.args, arguments, strict=False) if kind != "m" and x is not None
        ]
        masks = [
            x for x, kind in zip(op.args, arguments, strict=False) if kind == "m" and x is not None
        ]
        if not all(type(x) is Value and x.value_type == ARRAY for x in (*arrays, *masks)):
            return False
        dtype = np.dtype(op.outputs()[0].dtype)
        return (
            dtype.char in "fd"
            and all(x.dtype == dtype for x in (*arrays, *op.outputs()))
            and all(np.dtype(x.dtype).char == "?" for x in masks)
            and has_blas()
        )

    return takes


def _native(name: str, kernel: Kernel, arguments: str, weights: int = -1, gates: int = 0) -> Native:
    """The record of an operation that one kernel computes; `gates` says how many products a unit has."""

    def make(op: Op) -> Sequence:
        settings = (int(op.settings.get("nonlinearity") == "relu"),) if "rnn" in name else ()
        step = -1 if op.settings.get("reverse") else 1
        units = op.outputs()[0].shape[-1]
        return Sequence(
            kernel,
            op,
            arguments,
            weights=weights,
            scratch=gates * units,
            settings=(*settings, step),
        )

    return Native(name, takes=_takes(arguments), make=make)


def _one_half(
    run: Callable[..., None], arguments: tuple[Any, ...], start: int, stop: int, _: int
) -> None:
    """A half of the columns, by a kernel without scratch memory."""
    run(*arguments, start, stop)


def _make_weights(op: Op) -> Callable[..., None]:
    """Of `recurrent_vjp_W` and, where the last rows have another cotangent, of `gru_vjp_W`."""
    cts, h = op.args[:-2], op.args[-1]
    (target,) = op.outputs()
    dtype = np.dtype(target.dtype)
    read = [(dtype, ndim, "C", "read") for ndim in (3, 3, 2)]
    run = weights.compiled(*read, (dtype, 2), *[int] * 4)
    step = -1 if op.settings.get("reverse") else 1
    n = h.shape[1]
    # a GRU's cotangent of x has columns of the new state too, which come from that of the inner product
    parts = [(0, target.shape[0])] if len(cts) == 1 else [(0, 2 * n), (2 * n, n)]
    parallel = cts[0].size * n >= WORTH

    def product(*arrays: Any) -> None:
        *given, ys, h, out = arrays
        for ct, (row, columns) in zip(given, parts, strict=True):
            arguments = (ct, ys, h, out, row, step)
            halves(functools.partial(_one_half, run, arguments), columns, parallel=parallel)

    return product


RECURRENCE = (
    Native("recurrent_vjp_W", takes=_takes("332"), make=_make_weights),
    Native("gru_vjp_W", takes=_takes("3332"), make=_make_weights),
    _native("lstm_sequence", lstm, "3222m", weights=1, gates=4),
    _native("lstm_sequence_vjp", lstm_vjp, "323322m"),
    _native("gru_sequence", gru, "3212m", weights=1, gates=3),
    _native("gru_sequence_vjp", gru_vjp, "333322m"),
    _native("rnn_sequence", rnn, "322m", weights=1, gates=1),
    _native("rnn_sequence_vjp", rnn_vjp, "332m"),
)
