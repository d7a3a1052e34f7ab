"""Containers of arrays as one vector: `flatten` and `flatten_func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....autograd.core.array import Array
from ....autograd.core.dtypes import is_complex
from ....autograd.functions import namespace
from ....autograd.pytree import tree
from ..values import as_leaf, plain

__all__ = [
    "flatten",
    "flatten_func",
]


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A container of arrays and numbers as one vector, and the function that takes the vector back.

    Parameters
    ----------
    value
        Any nesting of tuples, lists and dicts, with real or complex arrays and numbers in it.

    Returns
    -------
    vector
        The elements, in the order of the containers; of dicts in that of their sorted keys.
    unflatten : callable
        From such a vector to the container; both are differentiable.

    Examples
    --------
    >>> from pullback.compat.autograd.misc import flatten
    >>> vector, unflatten = flatten({"b": 2.0, "a": [1.0]})
    >>> vector
    array([1., 2.])
    """
    leaves, spec = tree.flatten(value)
    leaves = [as_leaf(x) for x in leaves]
    arrays = [namespace.asarray(x) for x in leaves]
    shapes = [x.shape for x in arrays]
    sizes = [x.size for x in arrays]
    dtypes = [x.dtype for x in arrays]
    numbers = [not hasattr(x, "shape") or (x.shape == () and type(x) is not Array) for x in leaves]
    if arrays:
        vector = plain(namespace.concat([namespace.reshape(x, (-1,)) for x in arrays]))
    else:
        vector = plain(namespace.asarray([]))

    def unflatten(vector: Any) -> Any:
        vector = namespace.asarray(vector)
        if vector.shape != (sum(sizes),):
            raise ValueError(
                f"unflatten: the vector has shape {vector.shape}, the container {sum(sizes)} elements"
            )
        parts, start = [], 0
        for shape, size, dtype, number in zip(shapes, sizes, dtypes, numbers, strict=True):
            part = vector[start] if number else namespace.reshape(vector[start : start + size], shape)  # fmt: skip
            if is_complex(vector.dtype) and not is_complex(dtype):
                part = namespace.real(part)
            out = plain(part)
            parts.append(out[()] if number and type(out) is np.ndarray else out)
            start += size
        return tree.unflatten(spec, parts)

    return vector, unflatten


def flatten_func(
    func: Callable[..., Any], example: Any
) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """A function of a container as one of vectors, the function that takes vectors back, and the vector of `example`.

    Parameters
    ----------
    func : callable
        Of a container and other arguments; returns a container.
    example
        A container like those that it is called with.
    """
    vector, unflatten = flatten(example)

    def of_vectors(x: Any, *args: Any) -> Any:
        return flatten(func(unflatten(x), *args))[0]

    return of_vectors, unflatten, vector


def __dir__() -> list[str]:
    return sorted(__all__)
