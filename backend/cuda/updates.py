"""The update formulas as CUDA kernels: one launch for all parameters, whatever the method.

The C is written from the same statements as every other version (`generic/formulas.py`). The step count and the
learning rate are read on the device, where a state and a schedule keep them: a host that asked for them would wait for
all work that is queued. As in `fused.py`, CuPy comes in as an argument.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..generic.formulas import Formula, assigned, settings
from .kernels import DTYPES, header, launch_shape

POINTERS = {"t": "const idx*", "lr": "const real*", "sg": "const real*", "sm": "const real*"}
"""Settings that change from step to step, and how a kernel takes them; the others are passed by value."""

_HELPERS = r"""
__device__ __forceinline__ real sq(real x) { return x * x; }
__device__ __forceinline__ real smaller(real a, real b) { return b < a ? b : a; }
__device__ __forceinline__ real sign(real x) {
    return isnan(x) ? x : (real)((x > 0) - (x < 0));
}
"""


def _declared(text: str, known: set[str]) -> list[str]:
    """Statements in C; names that are met for the first time are declared."""
    lines = []
    for line in text.splitlines():
        name = line.partition(" = ")[0]
        lines.append(f"{'' if name in known else 'real '}{line};")
        known.add(name)
    return lines


NAMES = {np.dtype(name).char: name for name in DTYPES}
PARAMETERS = 4000  # bytes that the arguments of a launch may take; CUDA's limit is 4096
WIDEST = 2048  # blocks that share one parameter


def most_parameters(found: Formula) -> int:
    """The number of parameters that one launch can update, since their addresses are its arguments."""
    arrays = 2 + len(found.slots) + len(found.outputs)
    return (PARAMETERS - 8 * len(settings(found))) // (8 * (arrays + 1))


@functools.cache
def source(found: Formula, dtype: str, count: int = 1) -> str:
    """The CUDA C of a formula's kernel for `count` parameters, complete; its function is called `update_<name>`.

    A row of blocks serves each parameter.

    Raises
    ------
    ValueError
        The dtype is not ``"float32"`` or ``"float64"``.

    Examples
    --------
    >>> from pullback.backend.cuda.updates import source
    >>> from pullback.backend.generic.formulas import Formula
    >>> "p = p - lr*g;" in source(Formula("sgd", (), "", "p = p - lr*g"), "float32")
    True
    """
    arrays = ("p", "g", *found.slots)
    ends = [f"const real* {name}_in" for name in arrays]
    ends += [f"real* {name}_out" for name in found.outputs]
    ends.append("idx n")
    parameters = [f"{end}{k}" for k in range(count) for end in ends]
    parameters += [
        f"{POINTERS[n]} {n}_at" if n in POINTERS else f"real {n}" for n in settings(found)
    ]
    read = [f"const real {n} = (real)*{n}_at;" for n in settings(found) if n in POINTERS]
    before = [*read, *_declared(found.prelude, set())]
    within = [f"real {name} = {name}_in[i];" for name in arrays]
    within += _declared(found.body, {*arrays, *assigned(found.prelude)})
    within += [f"{name}_out[i] = {name};" for name in found.outputs]
    names = [end.rpartition(" ")[2] for end in ends]
    chosen = [
        f"case {k}: {' '.join(f'{name} = {name}{k};' for name in names)} break;"
        for k in range(count)
    ]
    return "\n".join(
        [
            header(dtype) + _HELPERS,
            f'extern "C" __global__ void update_{found.name}({", ".join(parameters)}) {{',
            *(f"    {end};" for end in ends),
            "    switch (blockIdx.y) {",
            *(f"    {line}" for line in chosen),
            "    default: return;",
            "    }",
            *(f"    {line}" for line in before),
            "    EACH(i, n) {",
            *(f"        {line}" for line in within),
            "    }",
            "}\n",
        ]
    )


def bind(cupy: Any) -> Callable[..., Any]:
    """``fused_update(formula, columns, scalars)`` of the CuPy backend, as in `numpy/updates.py`.

    Settings may be arrays of no dimension on the device. None where an array has a dtype without kernels.
    """
    functions: dict[tuple[str, str, int], Any] = {}
    constants: dict[tuple[float, str], Any] = {}

    def function(found: Formula, dtype: str, count: int) -> Any:
        key = (found.name, dtype, count)
        if key not in functions:
            module = cupy.RawModule(code=source(found, dtype, count))
            functions[key] = module.get_function(f"update_{found.name}")
        return functions[key]

    def on_device(value: Any, dtype: str) -> Any:
        """A number as a 0-d array; a rate that stays the same is copied once."""
        if isinstance(value, cupy.ndarray):
            return value if value.dtype == dtype else value.astype(dtype)
        if (value, dtype) not in constants:
            if len(constants) > 256:
                constants.clear()
            constants[value, dtype] = cupy.asarray(value, dtype=dtype)
        return constants[value, dtype]

    def fused_update(
        found: Formula, columns: Sequence[Sequence[Any]], scalars: dict[str, Any]
    ) -> list[list[Any]] | None:
        dtypes = {x.dtype for column in columns for x in column}
        dtype = dtypes.pop()
        # NumPy takes 3 µs to work out the name of a dtype
        dtype_name = NAMES.get(dtype.char)
        if dtypes or dtype_name is None:
            return None
        if any(isinstance(scalars[n], cupy.ndarray) and n not in POINTERS for n in settings(found)):
            return None
        taken = [
            on_device(scalars[n], "int64" if n == "t" else dtype_name)
            if n in POINTERS
            else dtype.type(scalars[n])
            for n in settings(found)
        ]
        rows, filled = [], []
        for row in zip(*columns, strict=True):
            outputs = [cupy.ndarray(row[0].shape, dtype) for _ in found.outputs]
            rows.append(outputs)
            if n := row[0].size:
                filled.append((n, *map(cupy.ascontiguousarray, row), *outputs))
        most = most_parameters(found)
        for start in range(0, len(filled), most):
            part = filled[start : start + most]
            (blocks, _, _), block = launch_shape("update", max(each[0] for each in part))
            arguments = [x for n, *arrays in part for x in (*arrays, np.int64(n))]
            kernel = function(found, dtype_name, len(part))
            kernel((min(blocks, WIDEST), len(part), 1), block, (*arguments, *taken))
        return [list(column) for column in zip(*rows, strict=True)]

    return fused_update
