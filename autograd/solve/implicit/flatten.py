"""A pytree of arrays as one vector, for solvers that know vectors alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy
from ...functions import namespace as xp
from ...pytree import tree
from ..iterative.differentiable import inexact


def as_array(v: Any) -> Array:
    """A raw array as an `Array`, whose operators other libraries' arrays lack."""
    return v if type(v) is Array else Array(v)


class Flat(NamedTuple):
    """A pytree of arrays as one vector."""

    start: Any  # the raw vector of v0
    spec: Any
    shapes: list[tuple[int, ...]]
    dtypes: list[Any]

    @staticmethod
    def of(v0: Any, name: str) -> Flat:
        """The vector of v0, without derivatives.

        Raises
        ------
        ValueError
            If there are no numbers in v0.
        """
        leaves, spec = tree.flatten(v0)
        arrays = [Array(backend_array(inexact(x))) for x in leaves]
        if not arrays or not any(math.prod(x.shape) for x in arrays):
            raise ValueError(f"{name}: there are no numbers in v0={v0!r}")
        start = (
            xp.concat([xp.reshape(x, (-1,)) for x in arrays])
            if len(arrays) > 1
            else xp.reshape(arrays[0], (-1,))
        )
        return Flat(
            backend_array(start), spec, [tuple(x.shape) for x in arrays], [x.dtype for x in arrays]
        )

    def unravel(self, v: Any) -> Any:
        """The structure of v0; leaves keep their dtype, unless that of the vector was promoted."""
        v = as_array(v)
        if len(self.shapes) == 1:
            return tree.unflatten(self.spec, [xp.reshape(v, self.shapes[0])])
        leaves, first = [], 0
        promoted = v.dtype != as_numpy(self.start.dtype)
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            n = math.prod(shape)
            leaf = xp.reshape(v[first : first + n], shape)
            leaves.append(leaf if promoted or leaf.dtype == dtype else xp.astype(leaf, dtype))
            first += n
        return tree.unflatten(self.spec, leaves)

    def ravel(self, values: Any, what: str) -> Array:
        """Concatenate the leaves to one vector.

        Raises
        ------
        ValueError
            If the structure or a shape is not that of v0.
        """
        leaves, spec = tree.flatten(values)
        leaves = [inexact(x) for x in leaves]
        shapes = [tuple(x.shape) for x in leaves]
        if spec != self.spec or shapes != self.shapes:
            raise ValueError(
                f"{what} has structure {spec} with shapes {shapes}, v has {self.spec} with {self.shapes}; they "
                "have to be the same"
            )
        flat = [xp.reshape(x, (-1,)) for x in leaves]
        return flat[0] if len(flat) == 1 else xp.concat(flat)
