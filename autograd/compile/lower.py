"""From a recording to a program that is ready to be called: simplified, its outputs its own, donated inputs found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of, is_array
from ..pytree import tree
from .cuda.expressions import loopable as on_device
from .executable import Entry
from .ir.program import ARRAY, Op, Program, Value
from .optimise.fuse import goes_into, reducible
from .optimise.fused_ops import fused_op
from .optimise.simplify import simplify
from .tracing.guards import Leaf
from .tracing.precision import cast_before_transpose
from .tracing.trace import Recording, token
from .tracing.trace_builder import Recorder
from .tracing.tracer import Tracer


def lower(recording: Recording, donate: frozenset[int], fast: bool) -> Entry:
    """The program of a recording, with its guards."""
    for leaf in recording.leaves:
        if leaf.value is not None and leaf.value.place in recording.recorder.static:
            leaf.kind = "static"
    results = [_output(x, recording.recorder) for x in recording.outputs]
    places = {v.place: v for v in recording.inputs}
    inputs: list[Any] = [places.get(i) for i in range(len(recording.leaves))]
    name = getattr(recording.f, "__name__", "f")
    program = Program(inputs, recording.recorder.ops, list(results), name=name)
    if recording.recorder.precision != "float32":
        program.precision = recording.recorder.precision
        cast_before_transpose(program)
    simplify(program)
    _own_outputs(program, results, functools.partial(_writes, recording))
    donated = {
        i
        for i, leaf in enumerate(recording.leaves)
        if leaf.kind == "array"
        and (leaf.like.kind is np.ndarray or recording.device is not None)
        and leaf.path.split(".")[0] in {str(n % max(len(recording.args), 1)) for n in donate}
    }
    pairs = pair(program, recording.leaves, tree.paths(recording.result), donated)
    arguments = [
        x if i in recording.static else tree.map(token, x) for i, x in enumerate(recording.args)
    ]
    return Entry(
        program=program,
        leaves=recording.leaves,
        arguments=(arguments, tree.map(token, recording.kwargs)),
        result=recording.result,
        wrapped=recording.wrapped,
        donated=donated,
        pairs=pairs,
        static_arguments=recording.static,
        fast=fast,
        plain=recording.plain,
        by_layout=recording.recorder.by_layout,
        device=recording.device,
        name=name,
    )


def _writes(recording: Recording, op: Op) -> bool:
    """Whether the result of an operation is a buffer of the program's own, not what a function returned."""
    if recording.device is not None:
        # a call, but not of what NumPy calls a view
        new = op.shares is not None and not op.shares
        return on_device(op) or reducible(op) or (goes_into(op) and new)
    return not recording.plain and (goes_into(op) or fused_op(op) is not None)


def _output(x: Any, recorder: Recorder) -> Any:
    if isinstance(x, Tracer):
        return x.of
    if is_array(x):
        return recorder.constant(x)
    return x


def _own_outputs(program: Program, recorded: list[Any], writes: Callable[[Op], bool]) -> None:
    """Give every output a value of its own: one that no input, other output, constant or view shares memory with.

    Parameters
    ----------
    program : Program
    recorded : list
        The outputs before the program was simplified: an argument that is returned as it is stays itself, but
        ``x * 1`` is a new array.
    writes : callable
        Which operations write into buffers of the program's own.
    """
    seen: set[Value] = set()
    for k, (v, before) in enumerate(zip(program.outputs, recorded, strict=True)):
        if type(v) is not Value or v.value_type != ARRAY or (v.place >= 0 and before is v):
            continue
        if v in seen or v.op is None or not writes(v.op):
            own = Value(f"r{k}", ARRAY, v.shape, v.dtype)
            op = Op("copied", copied, (v,), {}, own)
            own.op = op
            program.ops.append(op)
            program.outputs[k] = own
        seen.add(v)


def copied(x: Any) -> Any:
    """A fresh array."""
    return backend_of(x).xp.copy(x)


def pair(
    program: Program, leaves: list[Leaf], paths: list[str], donated: set[int]
) -> dict[int, int]:
    """For each output, the input that it most likely replaces: the same kind of array, at the most similar place."""
    used: set[int] = set()
    pairs: dict[int, int] = {}
    for k, v in enumerate(program.outputs):
        if type(v) is not Value or v.value_type != ARRAY or v.place >= 0:
            continue
        best, score = -1, (-1, -1)
        for i, leaf in enumerate(leaves):
            x = leaf.value
            if (
                leaf.kind != "array"
                or x is None
                or i in used
                or x.shape != v.shape
                or x.dtype != v.dtype
            ):
                continue
            rating = (_alike(paths[k], leaf.path), int(i in donated))
            if rating > score:
                best, score = i, rating
        if best >= 0:
            pairs[k] = best
            used.add(best)
    return pairs


def _alike(a: str, b: str) -> int:
    """How many parts two paths have in common, from the end."""
    count = 0
    for x, y in zip(reversed(a.split(".")), reversed(b.split(".")), strict=False):
        if x != y:
            break
        count += 1
    return count
