"""Pytrees: nested containers of arrays, by the library optree.

Dicts, lists, tuples, named tuples, None and dataclasses are containers; everything else is a leaf.
A dataclass is registered when it is first met, all its fields children but those made by `static`.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import optree

from .codegen import (
    FIELDS,
    LEAF_TYPES,
    NAMESPACE,
    PyTree,
    Structure,
    is_named_tuple,
    register_dataclass,
)

__all__ = [
    "flatten",
    "flatten_as",
    "leaves",
    "map",
    "parameter_mask",
    "paths",
    "register",
    "static",
    "unflatten",
]

T = TypeVar("T")
_structures: dict[Any, Structure] = {}


# The structure of what is itself a leaf.
_LEAF: Any = 0
_ONE_LEAF = Structure(optree.tree_structure(_LEAF, namespace=NAMESPACE))


@functools.lru_cache(maxsize=64)
def _tuple_of_leaves(n: int) -> Structure:
    """The structure of a tuple of n leaves, such as the arguments of a function."""
    example: Any = (_LEAF,) * n
    structure = Structure(optree.tree_structure(example, namespace=NAMESPACE))
    structure.generate(example)
    return structure


# The structure of the last tree of each dataclass and named tuple.
_latest: dict[type, Structure] = {}


def static(**options: Any) -> Any:
    """A dataclass field that belongs to the structure, not to the leaves.

    Parameters
    ----------
    **options
        As for `dataclasses.field`.

    Returns
    -------
    dataclasses.Field
        Its value has to be hashable: trees with different values have different structures, and `pb.compile`
        records once for each. 1, 1.0 and True are different, and so are 0.0 and -0.0.

    Examples
    --------
    >>> import dataclasses, pullback as pb
    >>> @dataclasses.dataclass
    ... class Scale:
    ...     factor: float
    ...     name: str = pb.tree.static(default="scale")
    >>> pb.tree.leaves(Scale(2.0))
    [2.0]
    """
    metadata = {**options.pop("metadata", {}), "static": True}
    return dataclasses.field(metadata=metadata, **options)


def register(cls: type[T]) -> type[T]:
    """Make a dataclass a pytree, by a flatten function written out for its fields.

    It is not needed: a dataclass is registered when it is first met.

    Parameters
    ----------
    cls : type
        A dataclass. Its fields are children, but for those made by `static`.

    Returns
    -------
    type
        `cls`, so that this is a decorator.

    Raises
    ------
    TypeError
        If `cls` is not a dataclass.

    Examples
    --------
    >>> import dataclasses, pullback as pb
    >>> @pb.tree.register
    ... @dataclasses.dataclass
    ... class Pair:
    ...     x: float
    ...     y: float
    >>> pb.grad(lambda p: p.x * p.y)(Pair(2.0, 3.0))
    Pair(x=3.0, y=2.0)
    """
    if not dataclasses.is_dataclass(cls):
        raise TypeError(
            f"{cls.__qualname__} is not a dataclass: decorate it with @dataclasses.dataclass first"
        )
    if cls not in FIELDS:
        register_dataclass(cls)
    return cls


def flatten(tree: PyTree) -> tuple[list[Any], Any]:
    """The leaves of a tree, and its structure.

    Parameters
    ----------
    tree
        Any pytree.

    Returns
    -------
    leaves : list
    spec
        What `unflatten` takes.

    Examples
    --------
    >>> import pullback as pb
    >>> leaves, spec = pb.tree.flatten({"b": 1.0, "a": [2.0, None]})
    >>> leaves
    [2.0, 1.0]
    >>> pb.tree.unflatten(spec, leaves)
    {'b': 1.0, 'a': [2.0, None]}
    """
    if type(tree) in LEAF_TYPES:
        return [tree], _ONE_LEAF
    if type(tree) is tuple and LEAF_TYPES.issuperset([type(part) for part in tree]):
        return list(tree), _tuple_of_leaves(len(tree))
    structure = _latest.get(type(tree))
    if structure is not None and (generated := structure.flatten) is not None:
        found = generated(tree)
        if found is not None and LEAF_TYPES.issuperset([type(leaf) for leaf in found]):
            return found, structure
    found, spec = optree.tree_flatten(tree, namespace=NAMESPACE)
    for leaf_type in {type(leaf) for leaf in found} - LEAF_TYPES:
        if dataclasses.is_dataclass(leaf_type):
            register(leaf_type)
            return flatten(tree)
        LEAF_TYPES.add(leaf_type)
    if not (type(tree) in FIELDS or is_named_tuple(tree)):
        # made anew: two that are equal may differ in the order of a dict's keys
        return found, Structure(spec)
    structure = _structures.get(spec)  # of a model, or the state of an optimiser
    if structure is None:
        if len(_structures) > 256:
            _structures.clear()
            _latest.clear()
        structure = _structures[spec] = Structure(spec)
        structure.generate(tree)
    elif structure.flatten is not None and structure.flatten(tree) is None:
        return found, Structure(spec)  # the same
    if structure.flatten is not None:
        _latest[type(tree)] = structure
    return found, structure


def flatten_as(structure: Any, tree: PyTree) -> list[Any]:
    """The leaves of a tree that has this structure, in less than half the time of `flatten`.

    Parameters
    ----------
    structure
        What `flatten` returned with the leaves of another such tree.
    tree : pytree
        The tree.

    Returns
    -------
    list
        The leaves; where the structure has a leaf, all of what stands there, a container too.

    Raises
    ------
    ValueError
        If it has another structure.

    Examples
    --------
    >>> import pullback as pb
    >>> _, structure = pb.tree.flatten({"a": 1.0, "b": 2.0})
    >>> pb.tree.flatten_as(structure, {"b": 4.0, "a": 3.0})
    [3.0, 4.0]
    """
    if (generated := structure.flatten) is not None:
        found = generated(tree)
        if found is not None and LEAF_TYPES.issuperset([type(leaf) for leaf in found]):
            return found
    return structure.spec.flatten_up_to(tree)


def unflatten(spec: Any, leaves: Iterable[Any]) -> PyTree:
    """The tree of structure `spec` with these leaves.

    Parameters
    ----------
    spec
        What `flatten` returned.
    leaves : iterable
        As many as the structure has.

    Returns
    -------
    pytree

    Raises
    ------
    ValueError
        If there are more leaves or fewer.

    Examples
    --------
    >>> import pullback as pb
    >>> leaves, spec = pb.tree.flatten({"a": 1.0, "b": [2.0]})
    >>> pb.tree.unflatten(spec, [10.0 * x for x in leaves])
    {'a': 10.0, 'b': [20.0]}
    """
    return spec.unflatten(leaves)


def leaves(tree: PyTree) -> list[Any]:
    """The leaves of a tree, in order.

    Parameters
    ----------
    tree : pytree
        Dicts, lists, tuples, named tuples, None and dataclasses are containers; everything else is a leaf.

    Returns
    -------
    list
        In the order of the fields, or of a dict's keys, sorted; None has no leaf.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tree.leaves({"b": 2.0, "a": [1.0, None]})
    [1.0, 2.0]
    """
    return flatten(tree)[0]


def map(f: Callable[..., Any], tree: PyTree, *rest: PyTree) -> PyTree:
    """Apply `f` to corresponding leaves of trees of one structure.

    Parameters
    ----------
    f : callable
        ``f(leaf, *leaves)``, with a leaf of each tree.
    tree : pytree
        The first tree.
    *rest : pytree
        Further ones of the same structure.

    Returns
    -------
    pytree
        Of that structure, with the results for leaves.

    Raises
    ------
    ValueError
        If the structures differ.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tree.map(lambda x, y: x + y, {"a": 1.0}, {"a": 2.0})
    {'a': 3.0}
    """
    first, spec = flatten(tree)
    columns = [first]
    for other in rest:
        column, other_spec = flatten(other)
        if other_spec != spec:
            raise ValueError(f"tree.map: trees of different structure: {spec} and {other_spec}")
        columns.append(column)
    return unflatten(spec, [f(*row) for row in zip(*columns, strict=True)])


def parameter_mask(tree: PyTree) -> PyTree:
    """A tree of bools: True for leaves, False for those in fields of training's own state.

    Such fields have ``"state"`` in their metadata, as `pullback.models.state` makes them: running statistics.

    Parameters
    ----------
    tree : pytree
        A model, or any tree with models in it.

    Returns
    -------
    pytree
        Of the structure of `tree`. Decay and second-order methods leave out what is False.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tree.leaves(pb.tree.parameter_mask([pb.models.BatchNorm.init(3), 1.0]))
    [True, True, False, False, True]
    """
    cls = type(tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        new = object.__new__(cls)
        for field in dataclasses.fields(tree):
            value = getattr(tree, field.name)
            if field.metadata.get("state"):
                value = map(lambda _: False, value)
            elif not field.metadata.get("static"):
                value = parameter_mask(value)
            object.__setattr__(new, field.name, value)
        return new
    if cls in (tuple, list):
        return cls(parameter_mask(part) for part in tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return cls(*(parameter_mask(part) for part in tree))
    if cls in (dict, OrderedDict, defaultdict):
        masks = copy.copy(tree)  # with the factory of a defaultdict
        masks.update({key: parameter_mask(part) for key, part in tree.items()})
        return masks
    return map(lambda _: True, tree)


def paths(tree: PyTree) -> list[str]:
    """A name for each leaf, such as ``"layers.0.W"``.

    Parameters
    ----------
    tree : pytree
        The tree.

    Returns
    -------
    list of str
        In the order of `leaves`: fields, keys and indices with dots between them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tree.paths({"layers": [{"W": 1.0, "b": 2.0}]})
    ['layers.0.W', 'layers.0.b']
    """
    flatten(tree)  # registers the dataclasses in it
    found, _, _ = optree.tree_flatten_with_accessor(tree, namespace=NAMESPACE)
    return [".".join(str(_part(entry)) for entry in accessor) for accessor in found]


def _part(entry: Any) -> Any:
    """The field of a named tuple or dataclass, the key of a dict, the index in a list."""
    return getattr(entry, "field", None) or getattr(entry, "name", entry.entry)


def __dir__() -> list[str]:
    return sorted(__all__)
