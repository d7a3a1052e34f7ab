"""Functions as they were when a transform was called with them.

A backward pass calls some functions of the user's a second time: what a checkpoint recomputes, the right-hand side of
a differential equation, the residual of a root. A Python function looks its variables up at every call, so that one
made in a loop, ``checkpoint(lambda y: sin(i * y))``, would be called again with the i of the last step, and give the
gradient of another program. `bound` keeps what the names meant.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

_NOTHING = object()  # no such variable


def bound(f: Callable[..., Any]) -> Bound:
    """`f` with the variables that it has now: of enclosing functions and of its module.

    It calls `f` itself as long as these names mean what they meant, else a copy of it in which they do. Names that a
    function itself assigns to (``nonlocal``, ``global``) are left alone, and so is what lies inside of objects: the
    attributes of one, the elements of a list, the numbers in an array.
    """
    if type(f) is Bound:
        return f
    return Bound(f)


class Bound:
    """A function, and what its names meant when this was made; by `bound`."""

    __slots__ = ("__name__", "as_it_was", "cells", "f", "names")

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.as_it_was: Callable[..., Any] | None = None  # the copy, once there is one
        self.__name__ = getattr(f, "__name__", "f")
        self.cells: dict[int, tuple[CellType, Any]] = {}
        self.names: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}
        self._note(f, set())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What `f` returned when its names meant what they did."""
        return self.now()(*args, **kwargs)

    def now(self) -> Any:
        """`f`, or its copy if names mean something else by now."""
        for cell, value in self.cells.values():
            if contents(cell, _NOTHING) is not value:
                break
        else:
            for (_, name), (namespace, value) in self.names.items():
                if namespace.get(name, _NOTHING) is not value:
                    break
            else:
                return self.f
        if self.as_it_was is None:
            self.as_it_was = self._copy(self.f, {})
        return self.as_it_was

    def _note(self, x: Any, seen: set[int]) -> None:
        """Take down the variables of a function, and of the functions among their values."""
        if type(x) is Bound:
            x = x.f
        if id(x) in seen:
            return
        if isinstance(x, MethodType):
            self._note(x.__func__, seen)
        elif isinstance(x, functools.partial):
            for part in (x.func, *x.args, *x.keywords.values()):
                self._note(part, seen)
        elif isinstance(x, FunctionType):
            seen.add(id(x))
            read, assigned = _names(x.__code__)
            for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
                value = contents(cell, _NOTHING)
                if name not in assigned and value is not _NOTHING:
                    self.cells[id(cell)] = cell, value
                    self._note(value, seen)
            namespace = x.__globals__
            for name in read:
                if name not in assigned and name in namespace:
                    value = namespace[name]
                    self.names[id(namespace), name] = namespace, value
                    if isinstance(value, FunctionType) and value.__globals__ is namespace:
                        self._note(value, seen)
            for value in (*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()):
                self._note(value, seen)

    def _copy(self, x: Any, copies: dict[int, Any]) -> Any:
        """A function whose names mean what they did; anything else as it is."""
        if type(x) is Bound:
            x = x.f
        if id(x) in copies:
            return copies[id(x)]
        if isinstance(x, MethodType):
            return MethodType(self._copy(x.__func__, copies), x.__self__)
        if isinstance(x, functools.partial):
            parts = [self._copy(part, copies) for part in x.args]
            settings = {k: self._copy(v, copies) for k, v in x.keywords.items()}
            return functools.partial(self._copy(x.func, copies), *parts, **settings)
        if not isinstance(x, FunctionType):
            return x
        closure = [CellType() if id(cell) in self.cells else cell for cell in x.__closure__ or ()]
        namespace = x.__globals__
        mine = {
            name: self.names[id(namespace), name][1]
            for name in _names(x.__code__)[0]
            if (id(namespace), name) in self.names
        }
        within = namespace
        if any(
            namespace.get(k, _NOTHING) is not v or type(v) is FunctionType for k, v in mine.items()
        ):
            within = dict(namespace)
        new = FunctionType(x.__code__, within, x.__name__, None, tuple(closure))
        copies[id(x)] = new  # before its variables, one of which may be itself
        for mine_now, cell in zip(closure, x.__closure__ or (), strict=True):
            if mine_now is not cell:
                mine_now.cell_contents = self._copy(self.cells[id(cell)][1], copies)
        if within is not namespace:
            within.update({k: self._copy(v, copies) for k, v in mine.items()})
        new.__defaults__ = x.__defaults__ and tuple(self._copy(v, copies) for v in x.__defaults__)
        new.__kwdefaults__ = x.__kwdefaults__ and {
            k: self._copy(v, copies) for k, v in x.__kwdefaults__.items()
        }
        new.__qualname__ = x.__qualname__
        return new


def contents(cell: CellType, otherwise: Any = None) -> Any:
    """What a variable of an enclosing function holds, which may not be set yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return otherwise


@functools.lru_cache(4096)
def _names(code: CodeType) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names that a function, with those inside of it, may look up in its module, and those that it assigns to."""
    read, assigned = dict.fromkeys(code.co_names), set[str]()
    for step in dis.get_instructions(code):
        if step.opname in _ASSIGN and (
            step.opname != "STORE_DEREF" or step.argval in code.co_freevars
        ):
            assigned.add(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names, stored = _names(inner)
            read.update(dict.fromkeys(names))
            assigned |= stored - set(code.co_cellvars)
    return tuple(read), frozenset(assigned)


_ASSIGN = frozenset({"STORE_DEREF", "DELETE_DEREF", "STORE_GLOBAL", "DELETE_GLOBAL"})
