"""Optimisers that step parts of arrays, while the other parts are stepped elsewhere: `pullback.distributed.sharded`.

A method whose step of an element reads that element alone steps a part as it is. What is said of whole arrays has to be
said of their parts: which of them decay. And what is computed of all gradients has to be computed of those elsewhere,
too: their norm, and whether they are finite.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import PyTree, Value
from ...autograd.pytree import tree
from .leaves import Mask, decayed_leaves


class Parts(Protocol):
    """Parts of the leaves of a tree of parameters, and what is known of those elsewhere.

    Attributes
    ----------
    params : pytree
        The whole parameters.
    names : list of str
        Of the leaf that each part is of.
    """

    params: PyTree
    names: list[str]

    def spread(self, of_leaves: list[Any]) -> PyTree:
        """Something of each leaf, for the parts of it: in the structure of the parts."""

    def gather(self, x: Value) -> Value:
        """An array of no dimension here, and those elsewhere: a vector of all of them, the same everywhere."""


def mask_of_parts(mask: Mask, parts: Parts) -> PyTree:
    """Which parts decay, where a mask says it of whole parameters."""
    leaves, spec = tree.flatten(parts.params)
    return parts.spread(decayed_leaves(mask, parts.params, spec, leaves))


class Elementwise:
    """Methods whose step of an element reads that element, its gradient and its state alone."""

    def on_parts(self, parts: Parts) -> Any:
        """The method for parts of the parameters; another one only in what its `mask` says."""
        if not hasattr(self, "mask"):
            return self
        own: Any = self  # a dataclass, as all methods are
        return replace(own, mask=mask_of_parts(own.mask, parts))


def on_parts(opt: Any, parts: Parts) -> Any:
    """An optimiser for parts of the parameters.

    Raises
    ------
    TypeError
        If the optimiser does not say how it steps parts.
    """
    make = getattr(opt, "on_parts", None)
    if make is None:
        raise TypeError(
            f"{type(opt).__name__} does not say whether it can step parts of arrays: give it a method on_parts(parts), "
            "which returns self where the step of an element reads that element, its gradient and its state alone"
        )
    return make(parts)


def all_true(fine: Value, parts: Parts) -> Any:
    """Whether something is true everywhere: a bool where it can be read, else an array."""
    if isinstance(fine, bool | np.bool_):
        fine = np.asarray(fine)
    found = parts.gather(backend_array(fine))
    everywhere = backend_array(namespace_of(found).all(found))
    return bool(everywhere) if isinstance(everywhere, np.bool_ | np.ndarray) else everywhere


def check_inside(name: str, opt: Any) -> None:
    """Refuse an optimiser that is to be around all others, inside of one that looks at all gradients.

    Raises
    ------
    ValueError
        It says in which order they belong.
    """
    if getattr(opt, "outermost", False):
        raise ValueError(
            f"{name}: it would look at this rank's gradients alone; put sharded around it: sharded({name}(opt, …))"
        )
