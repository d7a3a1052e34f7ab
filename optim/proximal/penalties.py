"""Penalties as records, with values and proximal operators on pytrees, and the forms in which users may write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_complex
from ...autograd.core.typing import PyTree, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...backend import backend_of
from . import operators
from .base import Penalty, check_at_least
from .operators import number_like


@tree.register
@dataclass(frozen=True)
class L1(Penalty):
    """``alpha ‖x‖₁``, the penalty of the LASSO: `soft_threshold`.

    Parameters
    ----------
    alpha : float or array
        ≥ 0; an array is broadcast against x. It may be traced.

    Raises
    ------
    ValueError
        For a negative number.

    Notes
    -----
    Tibshirani, Regression shrinkage and selection via the lasso, 1996.

    Examples
    --------
    >>> import pullback as pb
    >>> g, v = pb.optim.proximal.L1(0.5), pb.asarray([3.0, -0.5])
    >>> float(g(v)), g.prox(v, step=2.0)
    (1.75, Array([2., 0.], dtype=float64, device='cpu'))
    """

    elementwise = True

    alpha: Any = 1.0

    def __post_init__(self) -> None:
        check_at_least("alpha", self.alpha)

    def value(self, x: Value) -> Any:
        """alpha Σ |x|."""
        return xp.sum(number_like(self.alpha, x) * xp.abs(x))

    def operator(self, v: Value, step: Any) -> Any:
        """`soft_threshold` by step · alpha."""
        return operators.soft_threshold(v, number_like(step, v) * number_like(self.alpha, v))


@tree.register
@dataclass(frozen=True)
class SquaredL2(Penalty):
    """``½ alpha ‖x‖²``, the penalty of ridge regression: ``v / (1 + step · alpha)``.

    Parameters
    ----------
    alpha : float or array
        ≥ 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.SquaredL2(1.0).prox(pb.asarray([3.0]), step=2.0)
    Array([1.], dtype=float64, device='cpu')
    """

    elementwise = True

    alpha: Any = 1.0

    def __post_init__(self) -> None:
        check_at_least("alpha", self.alpha)

    def value(self, x: Value) -> Any:
        """½ alpha Σ |x|²."""
        return 0.5 * xp.sum(number_like(self.alpha, x) * operators.sum_of_squares(x, ()))

    def operator(self, v: Value, step: Any) -> Any:
        """v / (1 + step · alpha)."""
        return v / (1 + number_like(step, v) * number_like(self.alpha, v))


@tree.register
@dataclass(frozen=True)
class ElasticNet(Penalty):
    """``alpha (l1_ratio ‖x‖₁ + ½ (1 − l1_ratio) ‖x‖²)``, with scikit-learn's parameters.

    Parameters
    ----------
    alpha : float or array
        ≥ 0.
    l1_ratio : float or array
        From 0 (ridge) to 1 (LASSO).

    Raises
    ------
    ValueError
        For numbers outside of these ranges.

    Notes
    -----
    ``soft_threshold(v, s α ρ) / (1 + s α (1 − ρ))`` (Parikh, Boyd, 2014, section 6.5.3; Zou, Hastie, Regularization
    and variable selection via the elastic net, 2005).

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.ElasticNet(1.0, l1_ratio=0.5).prox(pb.asarray([3.0, 0.25]))
    Array([1.66666667, 0.        ], dtype=float64, device='cpu')
    """

    elementwise = True

    alpha: Any = 1.0
    l1_ratio: Any = 0.5

    def __post_init__(self) -> None:
        check_at_least("alpha", self.alpha)
        if not hasattr(self.l1_ratio, "shape") and not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio={self.l1_ratio!r}: it has to be from 0 to 1")

    def value(self, x: Value) -> Any:
        """alpha (l1_ratio Σ |x| + ½ (1 − l1_ratio) Σ |x|²)."""
        alpha, ratio = number_like(self.alpha, x), number_like(self.l1_ratio, x)
        squares = operators.sum_of_squares(x, ())
        return xp.sum(alpha * (ratio * xp.abs(x) + 0.5 * (1 - ratio) * squares))

    def operator(self, v: Value, step: Any) -> Any:
        """`soft_threshold`, and a division."""
        alpha, ratio = (
            number_like(step, v) * number_like(self.alpha, v),
            number_like(self.l1_ratio, v),
        )
        return operators.soft_threshold(v, alpha * ratio) / (1 + alpha * (1 - ratio))


@tree.register
@dataclass(frozen=True)
class L2Norm(Penalty):
    """``alpha ‖x‖₂``, not squared: `block_soft_threshold`; an array is 0 as a whole or not at all.

    Parameters
    ----------
    alpha : float or array
        ≥ 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.L2Norm(1.0).prox(pb.asarray([3.0, 4.0]))
    Array([2.4, 3.2], dtype=float64, device='cpu')
    """

    alpha: Any = 1.0

    def __post_init__(self) -> None:
        check_at_least("alpha", self.alpha)

    def value(self, x: Value) -> Any:
        """alpha ‖x‖."""
        return number_like(self.alpha, x) * xp.linalg.vector_norm(x)

    def operator(self, v: Value, step: Any) -> Any:
        """`block_soft_threshold` by step · alpha."""
        return operators.block_soft_threshold(v, number_like(step, v) * number_like(self.alpha, v))


@tree.register
@dataclass(frozen=True)
class GroupLasso(Penalty):
    """``alpha Σ_G w_G ‖x_G‖₂``: groups of elements are 0 together.

    Parameters
    ----------
    alpha : float or array
        ≥ 0.
    axis : int or tuple of int
        The groups are the slices along these axes: ``axis=-1`` makes a group of each row.
    groups : sequence of int, optional
        Instead of `axis`, the number of the group of each element of a vector, 0, 1, ….
    weights : sequence of float, optional
        w, one for each of `groups`; the root of their sizes where they are not given (Yuan, Lin, 2006). 1 with `axis`.

    Raises
    ------
    ValueError
        If `groups` are no integers ≥ 0, or x is no vector of as many elements.

    Notes
    -----
    `block_soft_threshold` of each group.

    Examples
    --------
    >>> import pullback as pb
    >>> g = pb.optim.proximal.GroupLasso(1.0, groups=[0, 0, 1], weights=[1.0, 1.0])
    >>> g.prox(pb.asarray([3.0, 4.0, 0.5]))
    Array([2.4, 3.2, 0. ], dtype=float64, device='cpu')
    """

    alpha: Any = 1.0
    axis: Any = field(default=-1, metadata={"static": True})
    groups: Any = field(default=None, metadata={"static": True})
    weights: Any = field(default=None, metadata={"static": True})

    def __post_init__(self) -> None:
        check_at_least("alpha", self.alpha)
        if self.groups is None:
            return
        groups = np.asarray(self.groups)
        if groups.ndim != 1 or groups.dtype.kind not in "iu" or (groups.size and groups.min() < 0):
            raise ValueError("GroupLasso: groups have to be integers ≥ 0, one for each element")
        sizes = np.bincount(groups)
        weights = np.sqrt(sizes) if self.weights is None else np.asarray(self.weights, float)
        if weights.shape != sizes.shape or not np.all(weights >= 0):
            raise ValueError(
                f"GroupLasso: weights of shape {weights.shape} for {len(sizes)} groups; one ≥ 0 for each is needed"
            )
        # tuples: settings of a pytree are compared
        object.__setattr__(self, "groups", tuple(groups.tolist()))
        object.__setattr__(self, "weights", tuple(weights.tolist()))

    def _squares(self, x: Value) -> tuple[Any, Any, Any]:
        """Σ |x|² of each group, the weights, and the group of each element."""
        if self.groups is None:
            return operators.sum_of_squares(x, self.axis), 1.0, None
        if x.shape != (len(self.groups),):
            raise ValueError(
                f"GroupLasso: {len(self.groups)} groups' numbers for an array of shape {tuple(x.shape)}"
            )
        groups = array_on_device_of(np.asarray(self.groups), x)
        weights = array_on_device_of(np.asarray(self.weights), x)
        real = xp.real(x).dtype if is_complex(x.dtype) else x.dtype
        squares = xp.segment_sum(operators.sum_of_squares(x, ()), groups, len(self.weights))
        return squares, xp.astype(xp.asarray(weights), real), groups

    def value(self, x: Value) -> Any:
        """alpha Σ w ‖x_G‖."""
        squares, weights, _ = self._squares(x)
        positive = squares > 0  # the norm of a group of zeros has the subgradient 0
        root = xp.sqrt(xp.where(positive, squares, xp.ones_like(squares)))
        return xp.sum(number_like(self.alpha, x) * weights * xp.where(positive, root, 0 * squares))

    def operator(self, v: Value, step: Any) -> Any:
        """`block_soft_threshold` of each group by step · alpha · w."""
        squares, weights, groups = self._squares(v)
        factor = operators.shrink_factor(
            squares, number_like(step, v) * number_like(self.alpha, v) * weights
        )
        return v * (factor if groups is None else xp.take(factor, groups, axis=0))


def array_on_device_of(host: np.ndarray, x: Value) -> Any:
    """Constants of the host in the library and on the device of `x`."""
    return backend_of(backend_array(x)).asarray(host)


@tree.register
@dataclass(frozen=True)
class NuclearNorm(Penalty):
    """``alpha Σ σ_i(X)``, the sum of the singular values: `singular_value_threshold`; matrices of low rank.

    Parameters
    ----------
    alpha : float or array
        ≥ 0.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = pb.optim.proximal.NuclearNorm(1.0).prox(pb.asarray([[3.0, 0.0], [0.0, 0.5]]))
    >>> int(np.linalg.matrix_rank(pb.to_numpy(X)))
    1
    """

    alpha: Any = 1.0

    def __post_init__(self) -> None:
        check_at_least("alpha", self.alpha)

    def value(self, x: Value) -> Any:
        """alpha Σ σ."""
        return number_like(self.alpha, x) * xp.sum(xp.linalg.svdvals(x))

    def operator(self, v: Value, step: Any) -> Any:
        """`singular_value_threshold` by step · alpha."""
        return operators.singular_value_threshold(
            v, number_like(step, v) * number_like(self.alpha, v)
        )


@dataclass(frozen=True)
class Separable(Penalty):
    """A penalty of its own for each part of a pytree, such as weights with one and a bias without.

    Parameters
    ----------
    parts : dict, list or tuple
        In the structure of x down to the penalties; None, or a part that is not named in a dict, for none.

    Raises
    ------
    ValueError
        If x has another structure.

    Examples
    --------
    >>> import pullback as pb
    >>> g = pb.optim.proximal.Separable({"w": pb.optim.proximal.L1(1.0)})
    >>> g.prox({"w": pb.asarray([3.0]), "b": pb.asarray(3.0)})["b"]
    Array(3., dtype=float64, device='cpu')
    """

    parts: Any

    def __call__(self, x: PyTree) -> Any:
        """The sum of the values of the parts."""
        values = [part(value) for part, value in self._pairs(x) if part is not None]
        return sum(values[1:], values[0]) if values else xp.asarray(0.0)

    def prox(self, v: PyTree, step: Any = 1.0) -> Any:
        """The operator of each part."""
        done = [
            tree.map(xp.asarray, value) if part is None else part.prox(value, step)
            for part, value in self._pairs(v)
        ]
        if isinstance(self.parts, dict):
            return dict(zip(v, done, strict=True))
        return type(v)(*done) if hasattr(v, "_fields") else type(v)(done)

    def _pairs(self, x: PyTree) -> list[tuple[Any, Any]]:
        parts = self.parts
        if isinstance(parts, dict) and isinstance(x, dict) and parts.keys() <= x.keys():
            return [(penalty_of(parts.get(name)), value) for name, value in x.items()]
        sequences = isinstance(parts, list | tuple) and isinstance(x, list | tuple)
        if sequences and len(parts) == len(x):
            return [(penalty_of(part), value) for part, value in zip(parts, x, strict=True)]
        raise ValueError(
            f"Separable: penalties {parts!r} for a {type(x).__name__} of another structure"
        )


@dataclass(frozen=True)
class FromFunction(Penalty):
    """A user's function prox(v, step) as a penalty, whose value is not known and counts as 0."""

    function: Callable[[Any, Any], Any]

    def __call__(self, x: PyTree) -> Any:
        """0."""
        return 0.0

    def prox(self, v: PyTree, step: Any = 1.0) -> Any:
        """The result of the function."""
        return self.function(v, step)


def penalty_of(given: Any) -> Any:
    """A penalty as users give it: a record, parts of a pytree, a function prox(v, step), or None.

    Raises
    ------
    TypeError
        For anything else.
    """
    if given is None or isinstance(given, Penalty):
        return given
    if isinstance(given, dict | list | tuple):
        return Separable(given)
    if hasattr(given, "prox") and callable(given):
        return given
    if callable(given):
        return FromFunction(given)
    raise TypeError(
        f"prox={given!r}: give a penalty such as pb.optim.proximal.L1(0.1), a dict or list of them in the structure of "
        "x, or a function prox(v, step)"
    )


def l1_of(alpha: Any) -> Any:
    """``l1=``: a number, an array, or a dict or list of them in the structure of x."""
    if isinstance(alpha, dict):
        return Separable({name: l1_of(part) for name, part in alpha.items()})
    if isinstance(alpha, list | tuple):
        return Separable(type(alpha)(l1_of(part) for part in alpha))
    return None if alpha is None else L1(alpha)
