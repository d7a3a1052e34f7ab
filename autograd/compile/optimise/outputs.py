"""The outputs of a program: values of their own, and the inputs that they are likely to replace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....backend import backend_of
from ..ir.program import ARRAY, Op, Program, Value


def own_outputs(program: Program, recorded: list[Any], writes: Callable[[Op], bool]) -> None:
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
        if type(v) is not Value or v.value_type != ARRAY or (v.input_index >= 0 and before is v):
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


def pair_outputs(
    program: Program,
    output_paths: list[str],
    arrays: list[Value | None],
    input_paths: list[str],
    donated: set[int],
) -> dict[int, int]:
    """The input that each output most likely replaces: an array of its shape and dtype with a similar path.

    Parameters
    ----------
    program : Program
    output_paths, input_paths : list of str
        Where the outputs stand in the result, and the inputs in the arguments.
    arrays : list
        The inputs, with None for those that are no arrays.
    donated : set of int
        The inputs whose arrays may be written to, which are preferred.
    """
    used: set[int] = set()
    replaced_inputs: dict[int, int] = {}
    output_parts, input_parts = (
        [path.split(".")[::-1] for path in paths] for paths in (output_paths, input_paths)
    )
    for k, v in enumerate(program.outputs):
        if type(v) is not Value or v.value_type != ARRAY or v.input_index >= 0:
            continue
        best, score = -1, (-1, -1)
        for i, x in enumerate(arrays):
            if x is None or i in used or x.shape != v.shape or x.dtype != v.dtype:
                continue
            rating = (_common_parts(output_parts[k], input_parts[i]), int(i in donated))
            if rating > score:
                best, score = i, rating
        if best >= 0:
            replaced_inputs[k] = best
            used.add(best)
    return replaced_inputs


def _common_parts(a: list[str], b: list[str]) -> int:
    """The number of parts that two paths, from their ends, have in common at the end."""
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count
