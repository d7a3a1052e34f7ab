"""SciPy's solvers as steps: called as they are, or, inside `pb.compile`, as one operation of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...core.tracer_like import Callee, host_step

Solver = Callable[[dict[str, Callable[..., Any]], Any], Any]


def callee(f: Callable[..., Any], *examples: Any) -> Callee:
    """A function of `Array`s as one of raw arrays like the examples."""
    return Callee(lambda *args: backend_array(f(*map(Array, args))), examples)


def found_by(
    name: str, solver: Solver, functions: dict[str, Callee], operands: Any, probe: Any
) -> tuple[Any, Any]:
    """x and the result of ``solver(functions, operands) -> x, result``.

    Parameters
    ----------
    name : str
        In the listing of a compiled program.
    solver : callable
        Gets functions of NumPy's arrays by name, and NumPy's arrays. It raises what is to be raised.
    functions : dict
        The functions that it calls.
    operands
        Raw arrays, in tuples.
    probe
        Values that depend on all that the functions depend on: raw arrays.

    Returns
    -------
    x : raw array
    result
        SciPy's; inside `pb.compile` its numbers alone, which are numbers of the program.
    """

    def run(called: Any, operands: Any) -> Any:
        return solver(dict(zip(functions, called, strict=True)), operands[0])

    x, result = host_step(name, run, list(functions.values()), (operands, probe))
    return x, _numbers(result) if hasattr(result, "real_value") else result


def _numbers(recorded: Any) -> Any:
    """The numbers of a recorded result."""
    import scipy.optimize  # takes a fifth of a second

    kinds = (bool, int, float, np.number, np.bool_)
    names = [k for k, v in recorded.real_value.items() if isinstance(v, kinds)]

    def read(_: Any, operands: Any) -> Any:
        values = (operands[0][k] for k in names)
        return tuple(v.item() if isinstance(v, np.generic) else v for v in values)

    found = host_step("result", read, (), (recorded,))
    return scipy.optimize.OptimizeResult(zip(names, found, strict=True))


def wide(f: Callable[[Any], Any], dtype: Any) -> Callable[[Any], Any]:
    """A function of raw vectors as one of SciPy's, copied, in the precision of the unknowns."""

    def call(x: Any) -> Any:
        return np.asarray(f(np.array(x, dtype=dtype)), dtype=np.float64)

    return call


def number(f: Callable[[Any], Any]) -> Callable[[float], float]:
    """A function of a raw array without axes as one of numbers."""
    return lambda x: float(f(np.asarray(float(x))))
