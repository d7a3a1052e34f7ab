"""Static values: equal numbers of other types are other values, of trees and of compiled functions."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.pytree import static_values
from pullback.autograd.pytree.static_values import StaticFields, static_key

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@dataclasses.dataclass
class Scale:
    W: Any
    k: float = pb.tree.static(default=1)


class Model(pb.models.Module):
    W: Any
    k: Any = pb.tree.static(default=1)


# Each is another value than every other, though Python takes most of the neighbours for equal.
VALUES: list[Any] = [
    1, 1.0, True, 1 + 0j, np.int64(1), np.float32(1), np.float64(1), 0, 0.0, -0.0, False, math.nan, "1", b"1", None,
    (1,), (1.0,), (True,), ((0.0,),), ((-0.0,),), frozenset((1,)), frozenset((1.0,)), np.float64, np.dtype("float64"),
]  # fmt: skip
PAIRS = list(itertools.combinations(VALUES, 2))


def test_other_values_have_other_keys():
    for x, y in PAIRS:
        assert static_key(x) != static_key(y)
        assert StaticFields((x,)) != StaticFields((y,))
        assert not StaticFields((x,)) == StaticFields((y,))  # noqa: SIM201 - both operators are asked


@pytest.mark.parametrize("value", [*VALUES, ("a", 2)], ids=repr)
def test_the_same_value_has_the_same_key_and_hash(value):
    again = type(value)(value) if isinstance(value, float | complex | np.generic) else value
    one, other = StaticFields((value,)), StaticFields((again,))
    assert one == other
    assert not one != other  # noqa: SIM202 - both operators are asked
    assert hash(one) == hash(other)


def test_what_may_be_changed_where_it_is_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(StaticFields(([1],)))
    assert StaticFields((1,)) != (1,)


@pytest.mark.parametrize("cls", [Scale, Model])
def test_a_tree_keeps_its_own_value(cls):
    """Whichever was met before, a tree is taken apart and put together with the value that it has."""
    structures = []
    for k in [*VALUES, *VALUES]:
        tree = cls(W=1.0, k=k)
        for holder in (tree, [tree], {"a": (tree,)}):
            leaves, structure = pb.tree.flatten(holder)
            back = pb.tree.unflatten(structure, leaves)
            back = back if holder is tree else back[0] if type(holder) is list else back["a"][0]
            assert static_key(back.k) == static_key(k)
        seen = []
        pb.grad(lambda t, seen=seen: (seen.append(t.k), xp.sum(t.W))[1])(tree)
        assert static_key(seen[0]) == static_key(k)
        structures.append(pb.tree.flatten(tree)[1])
    for i, j in itertools.combinations(range(len(VALUES)), 2):
        assert structures[i] != structures[j]
    assert structures[: len(VALUES)] == structures[len(VALUES) :]


NUMBERS = [1, 1.0, True, 1, 0.0, -0.0, 0, np.float32(1), np.float64(1), 1 + 0j, 1.0]


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("cls", [Scale, Model])
@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [
        (lambda t: t, lambda t: t),
        (lambda t: [t], lambda t: t[0]),
        (lambda t: {"model": t}, lambda t: t["model"]),
    ],
    ids=["alone", "in a list", "in a dict"],
)
def test_a_compiled_function_takes_no_other_values_program(cls, wrap, unwrap, fast):
    runs = []

    def scaled(t):
        runs.append(t)
        return unwrap(t).W * unwrap(t).k

    compiled = pb.compile(scaled, fast=fast)
    for k in NUMBERS:
        t = wrap(cls(W=np.arange(3), k=k))
        got, wanted = np.asarray(compiled(t)), np.asarray(scaled(t))
        assert got.dtype == wanted.dtype
        assert got.tobytes() == wanted.tobytes()  # the sign of zero too
    before = len(runs)
    compiled(wrap(cls(W=np.arange(3), k=NUMBERS[-1])))
    assert len(runs) == before  # which is replayed


@pytest.mark.parametrize("fast", [False, True])
def test_a_compiled_function_takes_no_other_keys_program(fast):
    """Keys of a dict are values for the function too."""

    def scaled(d):
        return [v * k for k, v in d.items()]

    compiled = pb.compile(scaled, fast=fast)
    for k in NUMBERS:
        (got,), (wanted,) = compiled({k: np.arange(3)}), scaled({k: np.arange(3)})
        assert np.asarray(got).dtype == wanted.dtype
        assert np.asarray(got).tobytes() == wanted.tobytes()


def test_the_same_objects_are_compared_without_their_keys(monkeypatch):
    """Trees that share their static values, as a model and its gradient do, pay for no keys; NaN is the same too."""
    one, other = (StaticFields(("relu", 3, 0.5, math.nan)) for _ in range(2))
    keys = []
    monkeypatch.setattr(static_values, "static_key", lambda x: (keys.append(x), static_key(x))[1])
    assert one == other
    assert not keys
    assert one != StaticFields(("relu", 3, 0.5))
    assert one != StaticFields(("relu", 3, True, math.nan))
    assert keys
