"""The carry of a loop: its leaves as arrays, and the checks that their shapes and dtypes stay the same."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ....backend import backend_of, is_array
from ...core.array import Array, backend_array, unwrap_closed
from ...core.dtypes import as_numpy, is_inexact
from ...core.levels.batched import Batched
from ...core.tracer_like import TRACERS
from ...core.typing import DType, PyTree
from ...functions.creation import asarray
from ...functions.namespace import astype
from ...pytree import tree

NUMBERS = (bool, int, float, complex)


class Promoted(Exception):
    """A Python number of the initial carry has to begin as an array of another dtype."""

    def __init__(self, index: int, dtype: DType) -> None:
        super().__init__(index, dtype)
        self.index, self.dtype = index, dtype


def own(x: Array) -> Array:
    """A copy of the object that shares the array, as ``copy.copy(x)`` in one call."""
    y = object.__new__(Array)
    y.value, y.tape, y.slot = x.value, x.tape, x.slot
    y.link = None if x.link is None else False
    return y


def is_number(x: Any) -> bool:
    """Whether a leaf is a Python number, or stands for one in a recording."""
    return (isinstance(x, NUMBERS) and not isinstance(x, np.generic)) or (
        type(x) in TRACERS and x.is_number
    )


def as_array(x: Any, where: str, like: Any = None, dtype: DType = None) -> Array:
    """A leaf as an array of its own: a write to it in place reaches nothing else.

    A number goes where the array `like` is.

    Raises
    ------
    TypeError
        If it is neither an array nor a number.
    """
    if type(x) is Array:
        return x.__copy__()
    if is_number(x) or isinstance(x, np.generic):
        return _from_number(x, like, dtype)
    if is_array(x):
        return Array(x)
    raise TypeError(
        f"{where} is {x!r}, of type {type(x).__name__}: the leaves of a loop's carry, xs and ys are arrays and "
        "numbers; close over anything else, or make it a pb.tree.static field"
    )


def _from_number(x: Any, like: Any, dtype: DType) -> Array:
    if dtype is None:
        dtype = x.dtype if hasattr(x, "dtype") else np.result_type(type(x))
    if type(x) in TRACERS:
        return astype(asarray(x), dtype)
    if like is None:
        return asarray(x, dtype=dtype)
    home = backend_of(backend_array(like))
    zero = home.xp.zeros_on_device_of((), backend_array(like))
    return Array(home.xp.full_like(zero, x, dtype=home.dtype(as_numpy(dtype))))


def home_of(leaves: list[Any]) -> Array | None:
    """The first array among the leaves, whose library and device numbers get."""
    for x in leaves:
        inner = backend_array(x)
        if is_array(inner) and not isinstance(inner, np.generic) and not is_number(inner):
            return x if type(x) is Array else Array(x)
    return None


class Layout:
    """The structure of a tree: builds trees from leaves, and takes the leaves of trees of the same structure.

    It is quick for the usual trees: one array, a tuple of arrays, and None.
    """

    def __init__(self, spec: Any, likes: list[Array]) -> None:
        self.spec = spec
        self.likes = [(x.value.shape, x.value.dtype) for x in likes]
        full = tree.unflatten(spec, likes)
        self.container = "other"
        if not likes:
            self.container = "none" if full is None else "other"
        elif full is likes[0]:
            self.container = "leaf"
        elif type(full) is tuple and len(full) == len(likes):
            same = all(x is y for x, y in zip(full, likes, strict=True))
            self.container = "tuple" if same else "other"

    def build(self, leaves: list[Array]) -> PyTree:
        """The tree with these leaves."""
        if self.container == "leaf":
            return leaves[0]
        if self.container == "tuple":
            return tuple(leaves)
        return None if self.container == "none" else tree.unflatten(self.spec, leaves)

    def taken(self, out: PyTree) -> list[Array] | None:
        """The leaves of a tree with arrays of the same shapes and dtypes; None where that is not seen at once."""
        found: Any
        if self.container == "leaf":
            if type(out) is Array:
                value, (shape, dtype) = out.value, self.likes[0]
                if value.dtype is dtype and value.shape == shape:
                    return [out]
            return None
        if self.container == "tuple":
            found = out
        elif self.container == "none":
            return [] if out is None else None
        else:
            found, spec = tree.flatten(out)
            if spec != self.spec:
                return None
        if type(found) not in (tuple, list) or len(found) != len(self.likes):
            return None
        for x, (shape, dtype) in zip(found, self.likes, strict=True):
            if type(x) is not Array:
                return None
            value = x.value
            if value.shape != shape or value.dtype is not dtype:
                return None
        return list(found)


class Carry:
    """The carry of a loop: its structure, and the shape and dtype of each leaf.

    Attributes
    ----------
    name : str
        The loop's, for messages.
    spec, paths
        The structure of the carry, and where its leaves stand in it.
    first : list of Array
        The leaves to begin with.
    """

    def __init__(self, name: str, init: PyTree, others: list[Any]) -> None:
        self.name, self.init = name, init
        given, self.spec = tree.flatten(init)
        self.given = given
        self.numbers = [i for i, x in enumerate(given) if is_number(x)]
        self.home = home_of([*given, *others])
        dtypes = [as_numpy(x.dtype) for x in (*given, *others) if _has_dtype(x)]
        floats = self.floats = [d for d in dtypes if is_inexact(d)]
        self.dtypes: dict[int, DType] = {}
        for i in self.numbers:
            dtype = given[i].of.dtype if type(given[i]) in TRACERS else np.result_type(given[i])
            if is_inexact(dtype) and floats:
                like = 1j if np.dtype(dtype).kind == "c" else 1.0
                dtype = np.result_type(*floats, like)
            self.dtypes[i] = dtype
        self._paths: list[str] | None = None
        self.begin()

    def begin(self) -> None:
        """Make the first carry; repeated when a number has to begin with another dtype."""
        self.first = [
            as_array(x, f"{self.name}: init{self.at(i)}", self.home, self.dtypes.get(i))
            for i, x in enumerate(self.given)
        ]
        self.likes = [(tuple(x.shape), x.dtype) for x in self.first]
        self.layout = Layout(self.spec, self.first)

    def promote(self, promoted: Promoted) -> None:
        """Begin again, with a number as an array of another dtype."""
        i = promoted.index
        if not is_inexact(self.dtypes[i]) and self.floats:
            # an integer among floats of 32 bits is one of them, as a Python number is
            like = 1j if np.dtype(promoted.dtype).kind == "c" else 1.0
            self.dtypes[i] = np.result_type(*self.floats, like)
        else:
            self.dtypes[i] = promoted.dtype
            self.numbers.remove(i)
        self.begin()

    def at(self, i: int) -> str:
        """The path of leaf `i` for messages; empty where the carry is one leaf."""
        if self._paths is None:
            self._paths = tree.paths(self.init)
        return f" at {self._paths[i]!r}" if self._paths[i] else ""

    def tree(self, leaves: list[Array]) -> PyTree:
        """The carry with these leaves."""
        return self.layout.build(leaves)

    def leaves(self, out: PyTree) -> list[Array]:
        """The leaves of the carry that a step returned, as arrays of their own.

        Raises
        ------
        TypeError
            If its structure, a shape or a dtype is not that of the first one.
        """
        quick = self.layout.taken(out)
        if quick is not None:
            return [own(x) for x in quick]
        found, spec = tree.flatten(out)
        if spec != self.spec:
            raise TypeError(
                f"{self.name}: the carry that a step returns has the structure {spec}, but init has {self.spec}; "
                "a step has to return a carry like the one that it takes"
            )
        leaves = []
        for i, (x, (shape, dtype)) in enumerate(zip(found, self.likes, strict=True)):
            if type(x) is Array:
                x = x.__copy__()
            elif is_number(x):
                x = as_array(x, "", self.first[i], self._of_number(i, x, dtype))
            else:
                x = as_array(x, f"{self.name}: the new carry{self.at(i)}", self.first[i])
            if x.dtype != dtype:
                if i in self.numbers and x.shape == () and _promotes(dtype, x.dtype):
                    raise Promoted(i, x.dtype)
                self._refuse(i, x, shape, dtype)
            if x.shape != shape:
                self._refuse(i, x, shape, dtype)
            leaves.append(x)
        return leaves

    def _of_number(self, i: int, x: Any, dtype: DType) -> DType:
        """The dtype of a number that a step returns: the carry's, where that holds it."""
        own = x.of.dtype if type(x) in TRACERS else np.result_type(type(x))
        return dtype if _promotes(own, dtype) else own

    def _refuse(self, i: int, x: Array, shape: tuple[int, ...], dtype: DType) -> None:
        raise TypeError(
            f"{self.name}: the carry{self.at(i)} begins as {dtype}[{', '.join(map(str, shape))}], and a step returns "
            f"{x.dtype}[{', '.join(map(str, x.shape))}]; it has to keep its shape and dtype: give init those, or "
            "reshape it or convert it by pb.xp.astype within the step"
        )


def _has_dtype(x: Any) -> bool:
    return hasattr(x, "dtype") and not is_number(x)


_ORDER = "biufc"


def _promotes(small: DType, large: DType) -> bool:
    """Whether a Python number of the dtype `small` is one of `large` among arrays of that."""
    kinds = [np.dtype(d).kind.replace("u", "i") for d in (small, large)]
    return _ORDER.index(kinds[0]) <= _ORDER.index(kinds[1])


def recordable(leaves: list[Array]) -> bool:
    """Whether the arrays at the bottom are those of a library or of a recording, and no rows of `vmap`."""
    inner = [backend_array(x) for x in leaves]
    return all(type(x) in TRACERS or (type(x) is not Batched and is_array(x)) for x in inner)


def raw_results(leaves: list[Any]) -> bool:
    """Whether results are the library's own arrays: arrays went in, and none of them was a `pb.Array`."""
    return not any(type(x) is Array for x in leaves) and any(_has_dtype(x) for x in leaves)


def given_back(x: Array, *, raw: bool) -> Any:
    """A result in the caller's type of array; a traced one stays traced."""
    if raw:
        value = unwrap_closed(x)
        if type(value) in TRACERS or (type(value) is not Array and is_array(value)):
            return value
    return x


def length_of(name: str, xs: PyTree, leaves: list[Any], length: Any) -> int:
    """The number of steps: the length of the first axis of all `xs`, or `length`.

    Raises
    ------
    TypeError, ValueError
        If neither says it, or if they do not agree.
    """
    lengths = []
    paths = tree.paths(xs)
    for path, x in zip(paths, leaves, strict=True):
        shape = getattr(x, "shape", None)
        at = f" at {path!r}" if path else ""
        if shape is None or len(shape) == 0:
            what = "no axis" if shape is not None else f"type {type(x).__name__}"
            raise TypeError(
                f"{name}: xs{at} has {what}; each leaf of xs is an array with one row for each step"
            )
        lengths.append((int(shape[0]), at))
    if length is not None:
        try:
            lengths.append((operator.index(length), ""))
        except TypeError:
            raise TypeError(f"{name}: length={length!r} has to be an integer") from None
        if lengths[-1][0] < 0:
            raise ValueError(f"{name}: length={length!r} has to be at least 0")
    if not lengths:
        raise ValueError(
            f"{name}: without arrays in xs, the number of steps has to be given: length=n"
        )
    n = lengths[0][0]
    for other, at in lengths[1:]:
        if other != n:
            what = f"xs{at} has {other} rows" if length is None or at else f"length is {other}"
            raise ValueError(f"{name}: xs{lengths[0][1]} has {n} rows, but {what}")
    return n
