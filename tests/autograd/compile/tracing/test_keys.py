"""Keys: two calls have equal keys where one program is right for both, and other keys where it is not."""

from __future__ import annotations

import enum
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.tracing.keys import key_of

xp = pb.xp
Point = namedtuple("Point", "x y")
Other = namedtuple("Other", "x y")


class Sub(np.ndarray):
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Model:
    W: Any
    name: str = pb.tree.static(default="model")


@dataclass(frozen=True)
class Settings:
    scale: float


def known(*args: Any, static: tuple[int, ...] = (), **kwargs: Any) -> Any:
    key = key_of(args, kwargs, frozenset(static))
    assert key is not None
    return key.known


def strict(x: Any, device: str = "CPU_DEVICE") -> Any:
    return array_api_strict.asarray(x, device=array_api_strict.Device(device))


X = np.ones((2, 3))
# Calls for each of which another program is right: (args, kwargs).
DIFFERENT: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "no arguments": ((), {}),
    "an array": ((X,), {}),
    "another shape": ((np.ones((3, 2)),), {}),
    "of no dimension": ((np.ones(()),), {}),
    "empty": ((np.ones((0, 3)),), {}),
    "another dtype": ((X.astype("float32"),), {}),
    "the other byte order": ((X.astype(">f8"),), {}),
    "a class of NumPy's": ((X.view(Sub),), {}),
    "a scalar of NumPy": ((np.float64(1.0),), {}),
    "wrapped": ((xp.asarray(X),), {}),
    "another library's": ((strict(X),), {}),
    "on another device": ((strict(X, "device1"),), {}),
    "two": ((X, X), {}),
    "a tuple": (((X, X),), {}),
    "a list": (([X, X],), {}),
    "a named tuple": ((Point(X, X),), {}),
    "another one": ((Other(X, X),), {}),
    "a dict": (({"x": X, "y": X},), {}),
    "keys in another order": (({"y": X, "x": X},), {}),
    "within a list": (([{"x": X, "y": X}],), {}),
    "in another order within it": (([{"y": X, "x": X}],), {}),
    "other keys": (({"x": X, "z": X},), {}),
    "an ordered one": ((OrderedDict(x=X, y=X),), {}),
    "one with defaults": ((defaultdict(list, x=X, y=X),), {}),
    "a dataclass": ((Model(X),), {}),
    "of another static field": ((Model(X, "other"),), {}),
    "by name": ((), {"x": X}),
    "by another name": ((), {"y": X}),
    "both ways": ((X,), {"x": X}),
    "None": ((None,), {}),
    "an int": ((1,), {}),
    "a float": ((1.0,), {}),
    "a complex number": ((1j,), {}),
    "True": ((True,), {}),
    "False": ((False,), {}),
    "text": (("1",), {}),
    "other text": (("2",), {}),
    "bytes": ((b"1",), {}),
    "a member": ((Colour.RED,), {}),
    "another member": ((Colour.BLUE,), {}),
    "a function": ((len,), {}),
    "a class": ((np.ndarray,), {}),
}


def test_other_calls_have_other_keys_and_the_same_call_has_the_same():
    keys = {name: known(*args, **kwargs) for name, (args, kwargs) in DIFFERENT.items()}
    again = {name: known(*args, **kwargs) for name, (args, kwargs) in DIFFERENT.items()}
    assert keys == again
    assert len(set(keys.values())) == len(DIFFERENT)


def test_what_may_change_within_a_program():
    assert known(X, 2, 3.0) == known(X + 1, 5, -0.5)
    assert known(X) == known(np.ones((3, 2)).T)  # its order in memory: `by_layout` of a program
    assert known({"a": X, "b": 1}) == known({"a": X, "b": 2})
    key = key_of((X, 2, 3.0, -0.0), {}, frozenset())
    assert key is not None
    assert key.values((1, 3)) != key_of((X, 2, 3.0, 0.0), {}, frozenset()).values((1, 3))  # type: ignore[union-attr]  # neither is traced


# Values that make programs of their own as static arguments.
VALUES: list[Any] = [
    1, 1.0, True, 0, False, 0.0, -0.0, float("nan"), float("inf"), 1j, complex(0.0, -0.0), complex(0.0, 0.0),
    "a", b"a", None, (1,), (1.0,), (True,), (0.0,), (-0.0,), ((1,),), [1], [1.0], [[1]],
    {"a": 1}, {"a": 1.0}, {"a": True}, {1}, frozenset({1}), Colour.RED, Colour.BLUE,
    np.float32(0.0), np.float32(-0.0), Settings(1), Settings(1.0), Settings(-0.0), Settings(0.0),
    Other(1, 1), Other(1.0, 1), Point(1, 1), np.ones(2), np.ones(2, "f4"), np.ones((1, 2)),
    defaultdict(int), defaultdict(list),
    np.float32(1.0), np.float64(1.0), np.dtype("f4"), np.dtype("f8"), len, max, slice(1), slice(2),
]  # fmt: skip


def test_static_values():
    keys = [known(v, static=(0,)) for v in VALUES]
    assert len(set(keys)) == len(VALUES)
    assert [known(v, static=(-1,)) for v in VALUES] == keys
    assert known(float("nan"), static=(0,)) == known(float("nan"), static=(0,))
    assert known((float("nan"),), static=(0,)) == known((float("nan"),), static=(0,))


def test_a_static_value_that_is_changed_where_it_is():
    for value, change in (
        ([1], lambda v: v.append(2)),
        ({"a": [1]}, lambda v: v["a"].append(2)),
        ({1}, lambda v: v.add(2)),
        (([1],), lambda v: v[0].append(2)),
        (Model(1.0), lambda v: setattr(v, "W", 2.0)),
        (OrderedDict(a=1), lambda v: v.update(a=2)),
        (defaultdict(int, a=1), lambda v: v.update(a=2)),
        (deque([1]), lambda v: v.append(2)),
        (bytearray(b"a"), lambda v: v.append(2)),
        (SimpleNamespace(a=[1]), lambda v: v.a.append(2)),
        (Other([1], 2), lambda v: v.x.append(2)),
        (np.ones(2), lambda v: v.fill(2.0)),
    ):
        before = known(value, static=(0,))
        assert known(value, static=(0,)) == before
        change(value)
        assert known(value, static=(0,)) != before


def test_static_values_that_cannot_be_compared():
    class Odd:
        __hash__ = None  # type: ignore[assignment]  # unhashable, as lists are

        def __ne__(self, other: object) -> bool:
            raise ValueError("no")

    a, b = Odd(), Odd()
    assert known(a, static=(0,)) == known(a, static=(0,))
    assert known(a, static=(0,)) != known(b, static=(0,))
    whatever = np.asarray([a, b], object)
    assert known(whatever, static=(0,)) == known(whatever, static=(0,))
    assert known(whatever, static=(0,)) != known(whatever.copy(), static=(0,))


@pytest.mark.parametrize("static", [(), (0,)])
def test_what_is_traced_has_no_key(static):
    seen = []

    def f(x: Any) -> Any:
        seen.append(key_of((x,), {}, frozenset(static)))
        seen.append(key_of(([x],), {}, frozenset(static)))
        return xp.sum(x)

    pb.grad(f)(X)
    pb.vmap(f)(X)
    pb.compile(f, fast=False)(X)
    pb.grad(lambda x: pb.vmap(f)(x).sum())(X)
    assert len(seen) == 8
    assert seen == [None] * 8
