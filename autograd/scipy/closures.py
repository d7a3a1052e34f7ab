"""Functions that users give (integrands, right-hand sides): what they close over, made an argument.

A solver that calls a function thousands of times differentiates it by equations of its own, for which it has to know
what the function depends on. The traced arrays among a function's closed-over variables and defaults, those of
functions that it closes over too, become arguments of a copy of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CellType, FunctionType, MethodType
from typing import Any

from ..core.array import Array, is_traced
from ..pytree import tree
from ..transforms.bindings import bound, contents

DEPTH = 8  # of functions within functions


def converted(f: Callable[..., Any]) -> tuple[Callable[[list[Any]], Callable[..., Any]], list[Any]]:
    """A function that makes `f` from the traced arrays that it closes over, and these arrays.

    Parameters
    ----------
    f : callable
        A Python function, method, `functools.partial`, or any other callable, whose own attributes are looked at.

    Returns
    -------
    rebuild, extras
        ``rebuild(extras)`` does what `f` does.
    """
    extras: list[Any] = []
    plan = _plan(f, extras, 0)
    kept = bound(f)  # the adjoint equation calls it again, maybe when its variables are others
    if not extras:
        return lambda _: kept.now(), []
    return lambda values: _made(kept.now(), plan, values), extras


def _plan(x: Any, extras: list[Any], depth: int) -> Any:
    """The recipe that makes a closed-over value from extras; None if it stays as it is."""
    parts: Any
    if depth > DEPTH:
        return None
    if type(x) is Array:
        if not is_traced(x):
            return None
        extras.append(x)
        return len(extras) - 1
    if isinstance(x, FunctionType):
        cells = [_plan(contents(c), extras, depth + 1) for c in x.__closure__ or ()]
        defaults = [_plan(d, extras, depth + 1) for d in x.__defaults__ or ()]
        keyword = {k: _plan(v, extras, depth + 1) for k, v in (x.__kwdefaults__ or {}).items()}
        parts = (cells, defaults, keyword)
        return parts if any(p is not None for p in (*cells, *defaults, *keyword.values())) else None
    if isinstance(x, MethodType):
        parts = (_plan(x.__self__, extras, depth + 1),)
        return parts if parts[0] is not None else None
    if isinstance(x, functools.partial):
        parts = [_plan(v, extras, depth + 1) for v in (x.func, x.args, x.keywords)]
        return parts if any(p is not None for p in parts) else None
    try:
        leaves, _ = tree.flatten(x)
    except (TypeError, ValueError):
        return None
    if len(leaves) == 1 and leaves[0] is x:
        return None
    parts = [_plan(leaf, extras, depth + 1) for leaf in leaves]
    return parts if any(p is not None for p in parts) else None


def _made(x: Any, plan: Any, values: list[Any]) -> Any:
    """The value that `_plan` planned."""
    if plan is None:
        return x
    if type(x) is Array:
        return values[plan]
    if isinstance(x, FunctionType):
        cells, defaults, keyword = plan
        closure = tuple(
            cell if p is None else CellType(_made(contents(cell), p, values))
            for cell, p in zip(x.__closure__ or (), cells, strict=True)
        )
        new = FunctionType(x.__code__, x.__globals__, x.__name__, None, closure)
        new.__defaults__ = tuple(
            _made(d, p, values) for d, p in zip(x.__defaults__ or (), defaults, strict=True)
        )
        new.__kwdefaults__ = {
            k: _made(v, keyword[k], values) for k, v in (x.__kwdefaults__ or {}).items()
        } or None
        return new
    if isinstance(x, MethodType):
        return MethodType(x.__func__, _made(x.__self__, plan[0], values))
    if isinstance(x, functools.partial):
        f, args, keywords = (
            _made(v, p, values) for v, p in zip((x.func, x.args, x.keywords), plan, strict=True)
        )
        return functools.partial(f, *args, **keywords)
    leaves, spec = tree.flatten(x)
    return tree.unflatten(spec, [_made(v, p, values) for v, p in zip(leaves, plan, strict=True)])


def refuse_traced(out: Any, name: str, function: str) -> None:
    """An error if a function's result is traced although all that it was given is constant.

    Raises
    ------
    TypeError
    """
    if any(is_traced(y) for y in tree.leaves(out)):
        raise TypeError(
            f"{name}: {function} uses a traced array that it neither gets as an argument nor closes over "
            f"directly (a global "
            "variable, or an attribute of an object): pass it in args"
        )
