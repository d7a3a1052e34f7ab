"""Links between a view and its base.

A slice, a reshape, a transpose is a view, as in NumPy: `functions/writes.py` carries a write from one to the
other. A program that never writes pays for that with one attribute. Bases know their views (weakly) from the first
write of a process on; those that there are by then are found among the objects of Python's garbage collector, and
how they were made is on their tape.

``x.link`` is, of an `Array`

* None, for the result of an operation: where it has no axes it is a number, as NumPy's scalars are;
* False, for what was made or given as an array;
* until the first write, for a view on a tape: the array at the beginning of its chain of views;
* else a `Link`.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from .array import Array
from .index_keys import copied_key
from .tracer_like import TRACERS

# The functions whose result may be a view of their first argument.
VIEWS = frozenset(
    """astype broadcast_to expand_dims flip getitem imag linalg.diagonal matrix_transpose moveaxis permute_dims real
    reshape squeeze""".split()  # noqa: SIM905 - a table
)
# The functions whose results are arrays in NumPy, not scalars, where they have no axes.
NEVER_NUMBERS = frozenset(("roll", "tensordot", "where"))
FEW = 16  # links to views, of which the dead ones need not be looked for
DEEP = 64  # views of views, after which one that lies in memory as an earlier one is linked as that


class Step(NamedTuple):
    """The call that makes a view from its base: a function of the namespace, and its other arguments."""

    name: str
    args: tuple[Any, ...] = ()
    settings: dict[str, Any] = {}  # noqa: RUF012 - never written to


class Link:
    """The position of an array among its views.

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
    depth : int
        How many views of views there are up to the first base.
    """

    __slots__ = ("base", "depth", "limit", "settled", "step", "views")
    depth: int

    def __init__(self, base: Any = None, step: Step | None = None) -> None:
        self.base, self.step = base, step
        self.settled = base is None
        self.views: list[Any] = []
        self.limit = FEW
        above = getattr(base, "link", None)
        self.depth = 0 if base is None else above.depth + 1 if type(above) is Link else 1


# ── making views ──────────────────────────────────────────────────────────────────────────────


def attach(y: Any, x: Any, name: str, args: tuple[Any, ...], settings: dict[str, Any]) -> None:
    """Make `y` the view of `x` that a function gave, if NumPy's gives one.

    `x` may be a raw array, as in ``pb.xp.reshape(ndarray, shape)``: a write to `y` is refused then.
    """
    own = hasattr(type(x), "link") and type(x) is type(y)
    if not own and (name == "astype" or not getattr(x, "shape", ())):
        return
    if name == "getitem":
        key = copied_key(args[0])
        if not selects_view(key, len(x.shape)):
            return
        args = (key,)
    elif name == "astype":
        if settings.get("copy", True) or y.dtype != x.dtype:
            return
    elif name == "reshape" and (settings.get("copy") or _is_copy(_inner(y), _inner(x))):
        return
    if own and type(y) is Array and not _WATCHING and y.tape.open:
        y.link = x.link if type(x.link) is Array else x
        return
    link = y.link = Link(x, Step(name, args, settings))
    if link.depth > DEEP:
        _shorten(y, link)
    if own and (_WATCHING or type(y) is not Array):
        register(y, link.base)


def _inner(x: Any) -> Any:
    return x.value if type(x) is Array else x.real_value if type(x) in TRACERS else x


def _is_copy(a: Any, b: Any) -> bool:
    """Whether a reshaped array of NumPy's is a copy, so that nothing need hold the other."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return False
    return a is not b and a.base is not b and (a.base is None or a.base is not b.base)


def _shorten(y: Any, link: Link) -> None:
    """Link `y` as one of the views that it is a view of, where it is the same elements in the same order."""
    inner = _inner(y)
    if type(inner) is not np.ndarray:
        return
    where = inner.__array_interface__["data"][0], inner.shape, inner.strides
    x = link.base
    while type(getattr(x, "link", None)) is Link and x.link.base is not None:
        a = _inner(x)
        if (a.__array_interface__["data"][0], a.shape, a.strides) == where:
            link.base, link.step, link.depth = x.link.base, x.link.step, x.link.depth
            return
        x = x.link.base


def selects_view(key: Any, ndim: int) -> bool:
    """Whether ``x[key]`` is a view in NumPy: without arrays and masks, and not one element, which is a number."""
    parts = key if type(key) is tuple else (key,)
    consists_of_integers, integers = True, 0
    for part in parts:
        if part is None or part is ... or type(part) is slice:
            consists_of_integers = False
        elif is_integer(part):
            integers += 1
        else:
            return False
    return not (consists_of_integers and integers == ndim)


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


def start_watching() -> bool:
    """Have bases know their views from now on; False if they do already."""
    if _WATCHING:
        return False
    _WATCHING.append(True)
    for scope in _scopes:
        scope["enlist"] = enlist
    return True


def enlist(y: Array, x: Array) -> None:
    """Link the view `y`, which is on a tape, to its base `x`."""
    y.link = Link(x)
    register(y, x)


def register(y: Any, base: Any) -> None:
    """Have a base know a view."""
    home = getattr(base, "link", None)
    if type(home) is not Link:
        if is_number(base):
            return
        home = base.link = Link()
    views = home.views
    views.append(ref(y))
    if len(views) > home.limit:
        home.views = [r for r in views if r() is not None]
        home.limit = max(FEW, 2 * len(home.views))


# ── numbers ───────────────────────────────────────────────────────────────────────────────────


def is_number(x: Any) -> bool:
    """Whether `x` would be one of NumPy's scalars, which nothing writes to: ``s += 1`` makes another."""
    return x.shape == () and getattr(x, "link", None) is None


def like(y: Any, x: Any) -> Any:
    """`y`, as a number if `x` is one, else as an array of its own."""
    y.link = None if is_number(x) else False
    return y


def marked(watched: list[Any], leaves: list[Any]) -> list[Any]:
    """`watched`, of which those are numbers whose leaves are numbers to whoever wrote the function."""
    for x, leaf in zip(watched, leaves, strict=True):
        if x.shape == () and (
            isinstance(leaf, int | float | complex | np.generic)
            or (type(leaf) in TRACERS and leaf.is_number)
            or (hasattr(type(leaf), "link") and is_number(leaf))
        ):
            x.link = None
    return watched
