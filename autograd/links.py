"""What a view remembers of its base, and a base of its views.

A slice, a reshape, a transpose is a view, as in NumPy: `aliases.py` carries a write from one to the other. A program
that never writes pays for that with one attribute of each view, its base. Bases refer to their views weakly, and from
the first write of a process on only: what was a view by then is found among the objects that Python's garbage
collector knows.

``x.link`` is, of an `Array`

* left out, for the result of an operation: where it has no axes it is a number, as NumPy's scalars are;
* None, for what was made or given as an array;
* the base, for a view whose tape still knows how it was made;
* a `Link`.
"""

from __future__ import annotations

import gc
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from .array import Array
from .keys import copied_key

# The functions whose result may be a view of their first argument.
VIEWS = frozenset(
    """astype broadcast_to expand_dims flip getitem imag linalg.diagonal matrix_transpose moveaxis permute_dims real
    reshape squeeze""".split()  # noqa: SIM905 - a table
)
FEW = 16  # links to views, of which the dead ones need not be looked for


class Step(NamedTuple):
    """How a view is made from its base: a function of the namespace, and what it takes besides."""

    name: str
    args: tuple[Any, ...] = ()
    settings: dict[str, Any] = {}  # noqa: RUF012 - never written to


class Link:
    """Where an array stands among its views.

    Attributes
    ----------
    base
        What it is a view of; None if of nothing.
    step : Step or None
        How it is made from its base; None if its tape knows.
    settled : bool
        Whether it is known to be a view; whether `reshape` gives one is asked when it matters.
    views : list of weakref.ref
        To the arrays that are views of it.
    """

    __slots__ = ("base", "limit", "settled", "step", "views")

    def __init__(self, base: Any = None, step: Step | None = None) -> None:
        self.base, self.step = base, step
        self.settled = base is None
        self.views: list[Any] = []
        self.limit = FEW


# ── making views ──────────────────────────────────────────────────────────────────────────────


def attach(y: Any, x: Any, name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> None:
    """Make `y` the view of `x` that a function gave, if NumPy's gives one."""
    if name == "getitem":
        key = copied_key(args[0])
        if not selects_view(key, len(x.shape)):
            return
        args = (key,)
    elif name == "astype":
        if settings.get("copy", True) or y.dtype != x.dtype:
            return
    elif name == "reshape" and (settings.get("copy") or _apart(_inner(y), _inner(x))):
        return
    y.link = Link(x, Step(name, args, settings))
    if _WATCHING or type(y) is not Array:
        enlist(y)


def _inner(x: Any) -> Any:
    return x.value if type(x) is Array else x.real_value


def _apart(a: Any, b: Any) -> bool:
    """Whether a reshaped array of NumPy's is a copy, so that nothing need hold the other."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return False
    return a is not b and a.base is not b and (a.base is None or a.base is not b.base)


def attach_settled_later(y: Any, x: Any, step: Step) -> None:
    """Make `y` a view of `x`, where NumPy's rule for that is not that of the function that computed it."""
    if type(y) is Array and type(x) is Array:
        y.link = Link(x, step)
        if _WATCHING:
            enlist(y)


def selects_view(key: Any, ndim: int) -> bool:
    """Whether ``x[key]`` is a view in NumPy: without arrays and masks, and not one element, which is a number."""
    parts = key if type(key) is tuple else (key,)
    whole, integers = True, 0
    for part in parts:
        if part is None or part is ... or type(part) is slice:
            whole = False
        elif is_integer(part):
            integers += 1
        else:
            return False
    return not (whole and integers == ndim)


def is_integer(part: Any) -> bool:
    """Whether a part of a key is one integer: Python's, NumPy's, or an array without axes."""
    if type(part) is int:
        return True
    dtype = getattr(part, "dtype", None)
    return dtype is not None and part.shape == () and "int" in str(dtype)


# ── bases that know their views ───────────────────────────────────────────────────────────────

_WATCHING: list[bool] = []  # true from the first write on
_scopes: list[dict[str, Any]] = []  # of generated functions that make views


def follow(scope: dict[str, Any]) -> None:
    """Tell the globals of a generated function, now and later, what it does with a view that it made."""
    scope["enlist"] = enlist if _WATCHING else None
    _scopes.append(scope)


def watch() -> None:
    """From now on, have bases know their views; those that there are already are found by the garbage collector."""
    if _WATCHING:
        return
    _WATCHING.append(True)  # first, so that what another thread makes meanwhile is not missed
    for scope in _scopes:
        scope["enlist"] = enlist
    frozen = gc.get_freeze_count()
    if frozen:
        gc.unfreeze()
    for x in gc.get_objects():
        if type(x) is Array:
            link = getattr(x, "link", None)
            if type(link) is Array or (type(link) is Link and link.base is not None):
                enlist(x)
    if frozen:
        gc.freeze()


def enlist(y: Any) -> None:
    """Have the base of a view know it."""
    base = y.link
    if type(base) is Link:
        base = base.base
    home = getattr(base, "link", None)
    if type(home) is not Link:
        if home is None and is_number(base):
            return
        home = base.link = Link(home)
    views = home.views
    views.append(ref(y))
    if len(views) > home.limit:
        home.views = [r for r in views if r() is not None]
        home.limit = max(FEW, 2 * len(home.views))


def is_number(x: Any) -> bool:
    """Whether `x` would be one of NumPy's scalars, which nothing writes to: ``s += 1`` makes another."""
    return x.shape == () and not hasattr(x, "link")


def like(y: Any, x: Any) -> Any:
    """`y`, as a number if `x` is one, else as an array of its own."""
    if is_number(x):
        if hasattr(y, "link"):
            del y.link
    else:
        y.link = None
    return y


def marked(watched: list[Any], leaves: list[Any]) -> list[Any]:
    """`watched`, of which those are numbers whose leaves are numbers to whoever wrote the function."""
    for x, leaf in zip(watched, leaves, strict=True):
        if x.shape == () and (
            isinstance(leaf, int | float | complex | np.generic)
            or getattr(leaf, "is_number", False)
            or (hasattr(type(leaf), "link") and is_number(leaf))
        ):
            del x.link
    return watched
