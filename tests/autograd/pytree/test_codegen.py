"""Code written for pytrees: the same leaves and the same trees as optree's, and a refusal of other structures."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, namedtuple

import optree
import pytest

import pullback as pb
from pullback.autograd.pytree.codegen import FIELDS, NAMESPACE, Structure, Unusual, write_flatten

from ..._host import numpy_is_active  # noqa: F401 - a fixture

Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class Layer:
    W: object
    b: object = None
    name: str = pb.tree.static(default="layer")


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: object
    k: int = pb.tree.static(default=3)


@dataclasses.dataclass(slots=True)
class Slotted:
    x: object
    k: int = pb.tree.static(default=3)


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenSlots:
    x: object
    k: int = pb.tree.static(default=3)


@dataclasses.dataclass
class Counting:
    """A class that does something where a field is set, which a copy does not repeat."""

    x: object
    sets = 0

    def __setattr__(self, name, value):
        type(self).sets += 1
        object.__setattr__(self, name, value)


TREES = [
    Layer(1.0),
    Layer([1.0, (2.0, None)], {"b": 1.0, "a": (), "c": []}),
    Layer(Layer(1.0, 2.0, "inner"), Point(3.0, Layer(4.0))),
    Frozen(Layer(1.0)),
    Slotted((1.0, Frozen(2.0))),
    FrozenSlots([Slotted(1.0)]),
    Counting(Frozen(1.0)),
]


def _structure(tree):
    pb.tree.flatten(tree)  # registers its classes
    return Structure(optree.tree_structure(tree, namespace=NAMESPACE))


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_the_code_and_optree_agree(tree):
    structure = _structure(tree)
    leaves, _ = optree.tree_flatten(tree, namespace=NAMESPACE)
    structure.generate(tree)
    assert structure.flatten(tree) == leaves
    numbers = list(range(len(leaves)))
    built, by_optree = structure.unflatten(numbers), structure.spec.unflatten(numbers)
    assert built == by_optree
    assert structure.flatten(built) == numbers
    assert str(built) == str(by_optree)  # the order of dicts too


@pytest.mark.parametrize(
    "other",
    [
        Layer([1.0, (2.0, 3.0)], {"b": 1.0, "a": (), "c": []}),
        Layer([1.0, [2.0, None]], {"b": 1.0, "a": (), "c": []}),
        Layer([1.0, (2.0, None)], {"b": 1.0, "a": (), "d": []}),
        Layer([1.0, (2.0, None)], {"b": 1.0, "a": ()}),
        Layer([1.0, (2.0, None)], OrderedDict(b=1.0, a=(), c=[])),
        Layer([1.0, (2.0, None)], {"b": 1.0, "a": (), "c": []}, "another"),
        Layer([1.0, (2.0, None, None)], {"b": 1.0, "a": (), "c": []}),
        Frozen(1.0),
        None,
        (1.0,),
    ],
    ids=str,
)
def test_another_structure_is_refused(other):
    structure = _structure(TREES[1])
    structure.generate(TREES[1])
    assert structure.flatten(TREES[1]) == [1.0, 2.0, 1.0]
    assert structure.flatten(other) is None


@pytest.mark.parametrize(
    "tree", [Layer(OrderedDict(a=1.0)), Layer({1: 2.0}), Layer([{"a": {2: 3.0}}])], ids=str
)
def test_unusual_nodes_are_left_to_optree(tree):
    structure = _structure(tree)
    with pytest.raises(Unusual):
        write_flatten(tree, "x", lambda *_: None, str, [], "return None")
    structure.generate(tree)
    assert structure.flatten is None
    assert structure.unflatten([5.0]) == structure.spec.unflatten([5.0])


def test_a_class_that_counts_what_is_set_is_built_past_its_setattr():
    tree = Counting(1.0)
    leaves, structure = pb.tree.flatten(tree)
    before = Counting.sets
    assert pb.tree.unflatten(structure, leaves) == tree
    assert pb.tree.unflatten(pb.tree.flatten([tree])[1], leaves) == [tree]  # by optree
    assert Counting.sets == before


def test_fields_of_a_registered_class():
    pb.tree.register(Layer)
    assert FIELDS[Layer] == (["W", "b"], ["name"])


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_a_compiled_function_returns_what_it_was_given(tree):
    @pb.compile
    def doubled(tree):
        return pb.tree.map(lambda x: 2.0 * x, tree)

    for _ in range(2):
        got = doubled(tree)
        assert got == pb.tree.map(lambda x: 2.0 * x, tree)
        assert type(got) is type(tree)


def test_a_dataclass_first_met_inside_a_seen_one():
    """Registration follows what is met, at any depth."""

    @dataclasses.dataclass
    class Inner:
        v: object

    @dataclasses.dataclass
    class Outer:
        inner: object

    assert pb.tree.leaves(Outer(1.0)) == [1.0]
    assert pb.tree.leaves(Outer(Inner(2.0))) == [2.0]
    assert pb.tree.paths(Outer(Inner(2.0))) == ["inner.v"]
    assert pb.grad(lambda o: o.inner.v**2)(Outer(Inner(2.0))) == Outer(Inner(4.0))


def test_slotted_dataclasses():
    @dataclasses.dataclass(slots=True)
    class Slotted:
        x: object

    got = pb.grad(lambda s: s.x * s.x)(Slotted(3.0))
    assert got.x == 6.0


def test_classes_with_a_default_leaf_shared_by_many():
    @dataclasses.dataclass
    class Shared:
        x: float = 1.0

    assert pb.grad(lambda t: t[0].x * t[1].x)([Shared(), Shared(2.0)])[0].x == 2.0
