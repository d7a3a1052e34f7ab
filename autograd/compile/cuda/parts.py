"""Parts of a CUDA kernel: loops over the same elements, done by groups of threads that need not wait for others.

A part runs over an array's axes, some of them reduced. Its *phases* are loop statements in order: one that reads a
sum over the reduced axes can follow the one that makes it, because the threads that share a row hold it in
registers then. A softmax, or the normalisation of a layer and its gradient, is one part of several phases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..ir.program import ARRAY, Op, Value
from ..ir.views import contiguous
from ..optimise.fuse import REDUCTIONS, Statement, Statements

THREADS = 256
WARP_ROW = 1024  # elements of a row up to which one warp takes it
BLOCK_ROW = 16384  # up to which one block takes it, however few rows there are
MANY = 64  # rows from which each is one block's
BLOCKS = 264  # blocks that fill a device of 132 multiprocessors twice

FLAT, WARP, BLOCK, SPLIT, COLUMNS = "flat", "warp", "block", "split", "columns"


def reduced_axes(op: Op) -> frozenset[int]:
    """The axes of its operand that a reduction goes over; those of length 1 are no matter."""
    shape = op.args[0].shape
    axis = op.settings.get("axis")
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    every = [a % len(shape) for a in axes]
    return frozenset(i for i in every if shape[i] != 1)


@dataclass(eq=False)
class Part:
    """Loops over one shape.

    Attributes
    ----------
    shape : tuple of int
    reduced : frozenset of int
        The axes that are reduced, or that the threads of one row share.
    phases : list of Statement
    """

    shape: tuple[int, ...]
    reduced: frozenset[int]
    phases: list[Statement] = field(default_factory=list)

    @property
    def kept(self) -> list[int]:
        """The other axes."""
        return [i for i in range(len(self.shape)) if i not in self.reduced]

    @property
    def rows(self) -> int:
        """The number of rows, each of which is reduced to one element."""
        return math.prod(self.shape[i] for i in self.kept)

    @property
    def columns(self) -> int:
        """The number of elements of a row."""
        return math.prod(self.shape[i] for i in self.reduced)

    @property
    def mode(self) -> str:
        """The name of the threads that share a row."""
        if not self.reduced:
            return FLAT
        inner = [i for i, n in enumerate(self.shape) if n != 1][-1]
        if inner not in self.reduced:
            return COLUMNS
        if self.columns <= WARP_ROW:
            return WARP
        return BLOCK if self.rows >= MANY or self.columns <= BLOCK_ROW else SPLIT

    def axes_of(self, shape: tuple[int, ...]) -> list[int] | None:
        """The part's axes that those of a shape are: of all elements, or of one for each row; None for others."""
        if shape == self.shape:
            return list(range(len(shape)))
        if not self.reduced:
            return None
        if len(shape) == len(self.shape) and all(
            n == (1 if i in self.reduced else self.shape[i]) for i, n in enumerate(shape)
        ):
            return list(range(len(shape)))
        if shape == tuple(self.shape[i] for i in self.kept):
            return self.kept
        return None

    def by_row(self, shape: tuple[int, ...]) -> bool:
        """Whether arrays of a shape have one element for each row."""
        return shape != self.shape

    def strides(self, v: Value, strides: tuple[int, ...], over: tuple[int, ...]) -> tuple[int, ...]:
        """An operand's strides over the part's axes, in a loop over `over`; 0 where it is broadcast."""
        axes = self.axes_of(over)
        assert axes is not None
        lead = len(over) - len(v.shape)
        out = [0] * len(self.shape)
        for i, (n, step) in enumerate(zip(v.shape, strides, strict=True)):
            out[axes[lead + i]] = 0 if n == 1 else step
        return tuple(out)

    def own_strides(self, v: Value) -> tuple[int, ...]:
        """The strides of an array that the part makes, over its axes."""
        return self.strides(v, contiguous(v.shape), v.shape)


def result_strides(part: Part, op: Op) -> tuple[int, ...]:
    """The strides of a reduction's result over the part's axes."""
    reduced = reduced_axes(op)
    kept = [i for i in range(len(part.shape)) if i not in reduced]
    steps = contiguous(tuple(part.shape[i] for i in kept))
    out = [0] * len(part.shape)
    for i, step in zip(kept, steps, strict=True):
        out[i] = 0 if part.shape[i] == 1 else step
    return tuple(out)


def makes(part: Part) -> dict[Value, Op]:
    """The values that a part makes, with the operation that makes each."""
    return {v: op for s in part.phases for op in s.ops for v in op.outputs()}


def new_part(s: Statement) -> Part:
    """The part that a loop begins."""
    reductions = [op for op in s.ops if op.name in REDUCTIONS]
    reduced = reduced_axes(reductions[0]) if reductions else frozenset()
    return Part(s.shape, reduced, [s])


def may_follow(part: Part, s: Statement, out: Statements) -> bool:
    """Whether a loop can be the next phase of a part: each thread then reads what it, or its row, has made."""
    reductions = [op for op in s.ops if op.name in REDUCTIONS]
    if part.mode not in (FLAT, WARP, BLOCK) or sum(len(p.ops) for p in part.phases) > 96:
        return False
    if reductions and (s.shape != part.shape or reduced_axes(reductions[0]) != part.reduced):
        return False
    if part.axes_of(s.shape) is None:
        return False
    made = makes(part)
    return all(
        _reads_own(part, v, made[out.root(v)], s, out)
        for op in s.ops
        for v in op.inputs()
        if v.value_type == ARRAY and out.root(v) in made
    )


def _reads_own(part: Part, v: Value, maker: Op, s: Statement, out: Statements) -> bool:
    """Whether a value made in the part is read by the threads that made it alone."""
    root = out.root(v)
    ref = out.refs.get(v)
    strides = ref.strides if ref is not None else contiguous(v.shape)
    if ref is not None and (ref.offset or ref.inside):
        return False
    read = part.strides(v, strides, s.shape)
    if maker.name in REDUCTIONS:
        return bool(reduced_axes(maker)) and read == result_strides(part, maker)
    return read == part.own_strides(root)
