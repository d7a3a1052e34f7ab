"""The base of penalties and constraints, and the check of their parameters."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ...autograd.core.typing import PyTree, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree


class Penalty:
    """The base of penalties g: ``g(x)`` is the value, ``g.prox(v, step)`` the proximal operator of step · g.

    A class of one's own has the methods ``value(x)`` and ``operator(v, step)`` of an array; on a pytree, values are
    added up over its leaves, and the operator is applied to each.

    Examples
    --------
    A penalty on the distance from a point:

    >>> import pullback as pb
    >>> from pullback.optim.proximal import Penalty, soft_threshold
    >>> class Near(Penalty):
    ...     def value(self, x):
    ...         return pb.xp.sum(pb.xp.abs(x - 1.0))
    ...     def operator(self, v, step):
    ...         return 1.0 + soft_threshold(v - 1.0, step)
    >>> f = lambda x: pb.xp.sum((x - pb.xp.asarray([0.0, 3.0])) ** 2)
    >>> pb.optim.minimize(f, pb.xp.zeros(2), method="fista", prox=Near()).x
    Array([0.5, 2.5], dtype=float64, device='cpu')
    """

    # whether it is a sum over elements: a part of an array is then treated as in the whole
    elementwise: ClassVar[bool] = False

    def value(self, x: Value) -> Any:
        """g of one array."""
        raise NotImplementedError(f"{type(self).__name__} has no value(x)")

    def operator(self, v: Value, step: Any) -> Any:
        """argmin_x ½ ‖x − v‖² + step · g(x) of one array."""
        raise NotImplementedError(f"{type(self).__name__} has no operator(v, step)")

    def __call__(self, x: PyTree) -> Any:
        """g(x), added up over the leaves."""
        values = [self.value(xp.asarray(leaf)) for leaf in tree.leaves(x)]
        return sum(values[1:], values[0]) if values else xp.asarray(0.0)

    def prox(self, v: PyTree, step: Any = 1.0) -> Any:
        """argmin_x ½ ‖x − v‖² + step · g(x), for each leaf.

        Parameters
        ----------
        v : pytree of arrays
        step : float or array
            Positive.

        Returns
        -------
        pytree of `pb.Array`
        """
        return tree.map(lambda leaf: self.operator(xp.asarray(leaf), step), v)


def check_at_least(name: str, value: Any, low: float = 0.0, *, open: bool = False) -> None:
    """Refuse a number that is too small; arrays are taken as they are.

    Raises
    ------
    ValueError
        If it is not finite, or below.
    """
    if hasattr(value, "shape"):
        return
    if not (low < value < math.inf if open else low <= value < math.inf):
        raise ValueError(
            f"{name}={value!r}: it has to be finite and {'>' if open else '≥'} {low:g}"
        )
