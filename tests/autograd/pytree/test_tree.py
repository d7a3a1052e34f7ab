"""Pytrees: structure, order, names of leaves, dataclasses, errors."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, namedtuple

import numpy as np
import optree
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class Layer:
    W: object
    b: object = 0.0
    name: str = pb.tree.static(default="layer")


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: object
    k: int = pb.tree.static(default=3)


@dataclasses.dataclass
class Empty:
    kind: str = pb.tree.static(default="none")


TREES = [
    (1.0, [1.0], [""]),
    ([1.0, [2.0, 3.0]], [1.0, 2.0, 3.0], ["0", "1.0", "1.1"]),
    ({"b": 1.0, "a": 2.0}, [2.0, 1.0], ["a", "b"]),
    (OrderedDict(b=1.0, a=2.0), [1.0, 2.0], ["b", "a"]),
    ((1.0, None, ()), [1.0], ["0"]),
    (Point(1.0, (2.0,)), [1.0, 2.0], ["x", "y.0"]),
    (Layer(1.0, None), [1.0], ["W"]),
    (
        {"layers": [Layer(1.0, 2.0), Layer(3.0)]},
        [1.0, 2.0, 3.0, 0.0],
        ["layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b"],
    ),
    (Frozen((1.0, 2.0)), [1.0, 2.0], ["x.0", "x.1"]),
    (Empty(), [], []),
    (None, [], []),
    ({}, [], []),
]


@pytest.mark.parametrize(("tree", "leaves", "paths"), TREES, ids=[str(t[0])[:40] for t in TREES])
def test_flatten_unflatten_and_paths(tree, leaves, paths):
    got, spec = pb.tree.flatten(tree)
    assert got == leaves
    assert pb.tree.leaves(tree) == leaves
    again = pb.tree.unflatten(spec, got)
    assert again == tree
    assert type(again) is type(tree)
    assert pb.tree.paths(tree) == paths
    assert pb.tree.flatten_as(spec, tree) == leaves


def test_static_fields_belong_to_the_structure():
    one, other = Layer(1.0, name="a"), Layer(1.0, name="b")
    assert pb.tree.flatten(one)[1] != pb.tree.flatten(other)[1]
    doubled = pb.tree.map(lambda x: 2 * x, one)
    assert doubled == Layer(2.0, 0.0, "a")


def test_map_over_several_trees():
    a, b = {"x": [1.0, 2.0], "y": None}, {"x": [10.0, 20.0], "y": None}
    assert pb.tree.map(lambda p, q: p + q, a, b) == {"x": [11.0, 22.0], "y": None}


@pytest.mark.parametrize(
    "other", [{"x": [1.0]}, {"y": [1.0, 2.0]}, [1.0, 2.0], {"x": (1.0, 2.0)}, None]
)
def test_map_refuses_another_structure(other):
    with pytest.raises(ValueError, match="structure"):
        pb.tree.map(lambda p, q: p, {"x": [1.0, 2.0]}, other)


def test_flatten_as_refuses_another_structure():
    _, spec = pb.tree.flatten({"a": 1.0, "b": 2.0})
    with pytest.raises(ValueError):
        pb.tree.flatten_as(spec, {"a": 1.0})


def test_arrays_are_leaves():
    x = np.ones(3)
    assert pb.tree.leaves([x, pb.xp.asarray(x)])[0] is x
    assert len(pb.tree.leaves([x, pb.xp.ones(2), 1, "s"])) == 4


def test_a_dataclass_with_post_init_is_rebuilt_without_running_it():
    """Under a transform the fields hold traced arrays, of which __post_init__ knows nothing."""

    @dataclasses.dataclass
    class Checked:
        x: object

        def __post_init__(self):
            if not isinstance(self.x, float):
                raise TypeError("x has to be a float")

    assert pb.grad(lambda c: c.x * c.x)(Checked(3.0)).x == 6.0


def test_a_dataclass_subclass_has_its_own_fields():
    @dataclasses.dataclass
    class Wide(Layer):
        extra: object = 5.0

    assert pb.tree.leaves(Wide(1.0)) == [1.0, 0.0, 5.0]


def test_register_refuses_other_classes():
    class Plain:
        pass

    with pytest.raises(TypeError, match=r"Plain.*dataclass"):
        pb.tree.register(Plain)
    assert pb.tree.register(Layer) is Layer
    assert pb.tree.register(Layer) is Layer


def test_a_dataclass_class_itself_is_a_leaf():
    """Only instances are containers."""
    assert pb.tree.leaves([Layer, 1.0]) == [Layer, 1.0]


def test_a_leaf_and_a_tuple_of_leaves_need_no_optree(monkeypatch):
    x, y = np.zeros(2), np.ones(3)
    pb.tree.flatten([x, 1.0])  # the classes of these leaves are known then
    wanted = {n: optree.tree_structure((0,) * n, namespace="pullback") for n in range(3)}
    monkeypatch.setattr(optree, "tree_flatten", None)
    for tree, leaves in ((x, [x]), ((x, y), [x, y]), ((x,), [x]), ((), []), (2.0, [2.0])):
        found, structure = pb.tree.flatten(tree)
        assert list(map(id, found)) == list(map(id, leaves))
        again = pb.tree.unflatten(structure, found)
        assert type(again) is type(tree)
        assert again is tree or list(map(id, again)) == list(map(id, tree))
        if type(tree) is tuple:
            assert structure.spec == wanted[len(tree)]
        for wrong in ([*found, 1.0], found[1:]):
            if len(wrong) != len(found):
                with pytest.raises(ValueError, match=r"values to unpack|leaves"):
                    pb.tree.unflatten(structure, wrong)


def test_structures_of_leaves_are_those_of_optree():
    _, spec = pb.tree.flatten(np.zeros(2))
    assert spec == pb.tree.flatten(1.0)[1] != pb.tree.flatten((1.0,))[1]
    assert pb.tree.flatten_as(spec, (1.0, 2.0)) == [(1.0, 2.0)]
    assert pb.tree.flatten_as(spec, None) == [None]
    for nested in (((1.0, 2.0), 3.0), (None, 1.0), ([1.0], 2.0)):
        leaves, spec = pb.tree.flatten(nested)
        assert pb.tree.unflatten(spec, leaves) == nested
    with pytest.raises(ValueError, match=r"tuple|Expected"):
        pb.tree.flatten_as(pb.tree.flatten((1.0, 2.0))[1], (1.0, 2.0, 3.0))


def test_dicts_of_equal_structure_keep_their_own_order():
    a, b = {"x": 1.0, "y": 2.0}, {"y": 3.0, "x": 4.0}
    assert pb.tree.flatten(a)[1] == pb.tree.flatten(b)[1]
    for d in (a, b, a):
        for tree in (d, [d], Point(d, 0.0), Layer(d)):
            out = pb.tree.map(lambda x: 2 * x, tree)
            found = out if isinstance(out, dict) else out.W if isinstance(out, Layer) else out[0]
            assert list(found.items()) == [(key, 2 * x) for key, x in d.items()]


def test_a_gradient_is_that_of_the_arguments_order():
    first = pb.grad(lambda d: 3.0 * next(iter(d.values())))
    assert first({"x": 1.0, "y": 1.0}) == {"x": 3.0, "y": 0.0}
    assert first({"y": 1.0, "x": 1.0}) == {"x": 0.0, "y": 3.0}
