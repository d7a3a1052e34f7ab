"""The namespace of `Batched`: the table of what runs on all rows at once, and the levels of `vmap`.

Every function that is not in a table is called for each row, and the results are stacked: right for all, and slow
only for those. Calls without a batched argument go to the namespace of the values, unchanged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ....backend import Backend, backend_of, extend, register_stand_in
from ...core.array import Array, unwrap_closed
from ...core.cotangents import as_constant
from ...core.levels.batched import Batched
from ...core.levels.level import BatchLevel
from ...core.namespaces import NAMESPACES, namespace_of
from .convolution import NETWORKS
from .functions import GROUPS, REARRANGEMENTS, elementwise
from .indexing import INDEXING
from .products import PRODUCTS
from .recurrence import SEQUENCES
from .rows import plain, row_by_row

BY_NAME: dict[str, Callable[..., Any]] = {
    **REARRANGEMENTS,
    **INDEXING,
    **PRODUCTS,
    **NETWORKS,
    **SEQUENCES,
}

# ── one level ─────────────────────────────────────────────────────────────────────────────────

# Functions whose results depend on the shape alone, and so are the same for all rows.
_OF_SHAPES = frozenset(("empty_like", "full_like", "ones_like", "zeros_like"))


def _newest(x: Any, found: Any = None) -> Any:
    """The newest level in an argument; True for a `Batched` without one, None if there is none."""
    if type(x) is Array:
        x = unwrap_closed(x)
    if type(x) is Batched:
        if x.level is None:
            return found or True
        return x.level if found in (None, True) or x.level.order > found.order else found
    if isinstance(x, list | tuple):
        for part in x:
            found = _newest(part, found)
    return found


def _at_newest(
    name: str, batched: Callable[..., Any], level: BatchLevel, args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:  # fmt: skip
    """The result of a function of arguments whose newest level this is.

    A `Batched` without a level is of a level that is being computed. What is older than that is an `Array` there, and
    what is made of such alone is one as well: else it would pass for one that is being computed.
    """
    bare, computed = _bare((args, *settings.values()) if settings else args)
    if computed and not bare:
        return batched(*args, **settings)
    out = at_level(name, batched, level, args, settings)
    return out if bare else _as_older(out)


def _bare(x: Any) -> tuple[bool, bool]:
    """Whether there is, outside of Arrays, a `Batched` with a level, and one without."""
    if type(x) is Batched:
        return x.level is not None, x.level is None
    bare = computed = False
    if isinstance(x, list | tuple):
        for part in x:
            found = _bare(part)
            bare, computed = bare or found[0], computed or found[1]
    return bare, computed


def _as_older(out: Any) -> Any:
    """The results of a function, as what is older than the level that is being computed."""
    if isinstance(out, tuple | list):
        parts = [_as_older(part) for part in out]
        return out._make(parts) if hasattr(out, "_make") else type(out)(parts)
    return as_constant(out) if hasattr(out, "dtype") else out


def at_level(
    name: str,
    batched: Callable[..., Any],
    level: BatchLevel,
    args: tuple[Any, ...],
    settings: dict[str, Any],
) -> Any:
    """The result of a function at a level: it gets that level's arrays without the level, older ones as constants.

    Raises
    ------
    TypeError
        If the call of `vmap` is over.
    """
    if not level.open:
        raise TypeError(
            f"{name}: an array of a call of vmap that is over; return it from the mapped function, or let nothing that "
            "was computed there be kept outside"
        )
    older = _has_older((args, *settings.values()), level)
    if name in _OF_SHAPES and _newest(settings) is None and _newest(args[1:]) is None:
        return Batched(_of_shape(name, args, settings), level, mapped=False)
    seen: list[bool] = []
    below = [_inner(x, level, older, seen) for x in args]
    chosen = {key: _inner(x, level, older, seen) for key, x in settings.items()}
    if not seen:
        out = plain(name, [*below, *chosen.values()])(*below, **chosen)
        return _labelled(out, level, mapped=False)
    return _labelled(batched(*below, **chosen), level, mapped=True)


def _inner(x: Any, level: BatchLevel, older: bool, seen: list[bool]) -> Any:
    """An argument without the level; `seen` gets an element for each that varies."""
    if type(x) is Array:
        x = unwrap_closed(x)
    if type(x) is Batched:
        if x.level is not level:
            return Array(x)
        value = as_constant(x.value) if older else x.value
        if not x.mapped:
            return value
        seen.append(True)
        return Batched(value)
    if isinstance(x, list | tuple):
        return type(x)(_inner(part, level, older, seen) for part in x)
    return x


def _has_older(x: Any, level: BatchLevel) -> bool:
    """Whether there are values of older levels among the arguments: then all values go in as Arrays."""
    if type(x) is Array:
        x = unwrap_closed(x)
    if type(x) is Batched:
        return x.level is not level or type(x.value) is Batched
    return isinstance(x, list | tuple) and any(_has_older(part, level) for part in x)


def _labelled(out: Any, level: BatchLevel, *, mapped: bool) -> Any:
    """The results of a function as values of a level."""
    if type(out) is Batched and out.level is None:
        value = out.value
        return Batched(unwrap_closed(value) if type(value) is Array else value, level)
    if isinstance(out, tuple | list):
        parts = [_labelled(part, level, mapped=mapped) for part in out]
        return out._make(parts) if hasattr(out, "_make") else type(out)(parts)
    out = unwrap_closed(out)
    if mapped or not hasattr(out, "dtype"):
        return out
    return Batched(out, level, mapped=False)


def _of_shape(name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """An array of one row's shape that depends on nothing else."""
    x = unwrap_closed(args[0])
    below = bottom(x)
    zeros = namespace_of(below).zeros_on_device_of(tuple(x.shape), below)
    return plain(name, [zeros])(zeros, *args[1:], **settings)


def bottom(x: Any) -> Any:
    """The library's array below all levels and tapes."""
    while type(x) in (Array, Batched):
        x = x.value
    return x


# ── the namespace ─────────────────────────────────────────────────────────────────────────────


def _batched(name: str) -> Callable[..., Any]:
    if name in BY_NAME:
        return BY_NAME[name]
    if name.startswith("special."):
        return elementwise(name)
    return next((make for names, make in GROUPS if name in names), row_by_row)(name)


class _Functions:
    """The namespace, or with a prefix one of its extensions."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        full = self._prefix + name
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._prefix and name in ("linalg", "fft", "special"):
            found: Any = _Functions(name + ".")
        elif not callable(plain(full, ())):
            found = plain(full, ())  # a constant
        else:
            found = _dispatching(full, _batched(full))
        self.__dict__[name] = found
        return found


def _usual(args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The level that all batched arguments share, and the arguments without it; (None, …) for other calls.

    `at_level` serves those, at twice the cost.
    """
    level: Any = None
    below: list[Any] = []
    varies = False
    for x in args:
        arg_type = type(x)
        if arg_type is Batched:
            if level is None:
                level = x.level
            if x.level is not level or level is None or type(x.value) is Batched:
                return None, below
            varies = varies or x.mapped
            below.append(Batched(x.value) if x.mapped else x.value)
        elif arg_type in _NESTED:
            return None, below
        else:
            below.append(x)
    if not varies or any(type(x) in _NESTED or type(x) is Batched for x in settings.values()):
        return None, below
    return level, below


_NESTED = frozenset((Array, list, tuple))


def _dispatching(name: str, batched: Callable[..., Any]) -> Callable[..., Any]:
    of_values = name not in _OF_SHAPES

    def call(*args: Any, **settings: Any) -> Any:
        level, below = _usual(args, settings)
        if level is not None and level.open and of_values:
            return _labelled(batched(*below, **settings), level, mapped=True)
        level = _newest((args, *settings.values()) if settings else args)
        if level is None:
            return plain(name, args)(*args, **settings)
        if level is True:
            return batched(*args, **settings)
        return _at_newest(name, batched, level, args, settings)

    return call


def _of_formula(name: str, formula: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is made of others, for values of a level; the formula itself, without."""

    def call(*args: Any, **settings: Any) -> Any:
        level = _newest((args, *settings.values()) if settings else args)
        if level is None or level is True:
            return formula(*args, **settings)
        return _at_newest(name, formula, level, args, settings)

    return call


def _batched_namespace() -> Any:
    """The functions of the tables; the engine's other functions beyond the standard, as their generic formulas.

    A library's own faster versions of those may rely on the shapes that they have in a rule.
    """
    functions: Any = _Functions()
    xp = extend(functions, special=lambda _: functions.special)
    tables = {*BY_NAME, *(name for names, _ in GROUPS for name in names)}
    for name, formula in list(xp.__dict__.items()):
        if name in tables:
            delattr(xp, name)  # found in `functions` when it is first asked for
        elif callable(formula):
            setattr(xp, name, _of_formula(name, formula))
    return xp


NAMESPACES[Batched] = _batched_namespace()

# ── the backend ───────────────────────────────────────────────────────────────────────────────

_BACKENDS: dict[int, tuple[Backend, Backend]] = {}


def _backend_of(x: Batched) -> Backend:
    """The backend of the library below, for arrays whose value differs from row to row."""
    below = bottom(x)
    home = backend_of(below)
    known = _BACKENDS.get(id(home))
    if known is None or known[0] is not home:
        known = _BACKENDS[id(home)] = home, _over(home)
    return known[1]


def _over(home: Backend) -> Backend:
    return dataclasses.replace(
        home,
        xp=NAMESPACES[Batched],
        asarray=lambda host, dtype=None: (
            host if type(host) is Batched else home.asarray(host, dtype)
        ),
        to_numpy=lambda x: home.to_numpy(x.read("pb.to_numpy(x)") if type(x) is Batched else x),
        normalise=lambda out: out if type(out) is Batched else backend_of(out).normalise(out),
        as_gradient=lambda out: out if type(out) is Batched else backend_of(out).as_gradient(out),
        lock=lambda arrays: home.lock([x for x in arrays if type(x) is not Batched]),
        unlock=lambda _: None,
        recording=True,
        programs=None,
        reason="under vmap",
    )


register_stand_in(Batched, _backend_of)
