"""Collectives that derivatives pass through, of arrays and of pytrees of them."""

from __future__ import annotations

from collections.abc import Callable

from ..autograd.core.array import Array, unwrap_closed
from ..autograd.core.generated import xp
from ..autograd.core.typing import ArrayLike, PyTree
from ..autograd.functions.namespace import asarray
from ..autograd.pytree import tree
from .communicators.base import Communicator
from .world import group_or_world


def all_reduce(x: PyTree, op: str = "sum", *, group: Communicator | None = None) -> PyTree:
    """The sum or the mean of all ranks' arrays, the same bits on every rank.

    ``y = Σ_s x_s`` on each rank; for losses L_r of the ranks, the gradient of Σ_r L_r is ``x̄_r = Σ_s ȳ_s``, the same
    collective of the cotangents. With ``op="mean"`` both are divided by the number of ranks.

    Parameters
    ----------
    x : array or pytree of arrays
        Of one shape and dtype on all ranks; integers have no derivative and no mean.
    op : {"sum", "mean"}
        How to combine.
    group : Communicator, optional
        The ranks that take part, by default all.

    Returns
    -------
    array or pytree
        As `x`.

    Raises
    ------
    DistributedError
        On every rank, if they call different collectives, or with different shapes or dtypes.
    TypeError
        For a leaf that is no array of numbers or that `group` does not send (CuPy's by MPI), for booleans, and for the
        mean of integers.
    ValueError
        If `op` is neither "sum" nor "mean".

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def f():
    ...     x = np.asarray(1.0 + pb.distributed.rank())
    ...     return pb.value_and_grad(lambda x: pb.distributed.all_reduce(x) ** 2)(x)
    >>> pb.distributed.simulate(f, 2)    # Σ_r L_r = 2 (x_0 + x_1)²
    [(array(9.), array(12.)), (array(9.), array(12.))]
    """
    chosen = _group(group)
    return _each(lambda leaf: xp.all_reduce(leaf, group=chosen, op=op), x)


def all_gather(x: PyTree, axis: int = 0, *, group: Communicator | None = None) -> PyTree:
    """All ranks' arrays joined along an axis, in the order of ranks, on every rank.

    ``y = (x_0, …, x_P−1)`` on each rank; the gradient of Σ_r L_r is this rank's part of ``Σ_s ȳ_s``.

    Parameters
    ----------
    x : array or pytree of arrays
        Of one dtype on all ranks, and of one shape but for their length along `axis`.
    axis : int
        Along which to join. Numbers have none: give them one by ``reshape(x, (1,))``.
    group : Communicator, optional
        The ranks that take part, by default all.

    Returns
    -------
    array or pytree
        As `x`, longer along `axis`.

    Raises
    ------
    DistributedError
        On every rank, if they call different collectives, or with shapes or dtypes that do not fit.
    TypeError
        For a leaf that is no array of numbers or that `group` does not send (CuPy's by MPI).
    ValueError
        If an array has no such axis.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def f():
    ...     return pb.distributed.all_gather(np.full(1 + pb.distributed.rank(), 1.0 * pb.distributed.rank()))
    >>> pb.distributed.simulate(f, 2)
    [array([0., 1., 1.]), array([0., 1., 1.])]
    """
    chosen = _group(group)
    return _each(lambda leaf: xp.all_gather(leaf, group=chosen, axis=axis), x)


def reduce_scatter(
    x: PyTree,
    op: str = "sum",
    axis: int = 0,
    *,
    length: int | None = None,
    group: Communicator | None = None,
) -> PyTree:
    """The sum or the mean of all ranks' arrays, of which each rank gets its part.

    ``y_r = (Σ_s x_s)[part r]``; the gradient of Σ_r L_r is ``(ȳ_0, …, ȳ_P−1)``, joined along `axis`.

    Parameters
    ----------
    x : array or pytree of arrays
        Of one shape and dtype on all ranks.
    op : {"sum", "mean"}
        How to combine.
    axis : int
        Which axis is divided among the ranks, in their order.
    length : int, optional
        How long this rank's part is; the parts of all ranks make up the axis. Without, all are equally long.
    group : Communicator, optional
        The ranks that take part, by default all.

    Returns
    -------
    array or pytree
        As `x`, shorter along `axis`.

    Raises
    ------
    DistributedError
        On every rank, if they call different collectives, or with different shapes or dtypes.
    TypeError
        For a leaf that is no array of numbers or that `group` does not send (CuPy's by MPI), for booleans, and for the
        mean of integers.
    ValueError
        On every rank, if the axis cannot be divided so, or an array has no such axis.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.distributed.simulate(lambda: pb.distributed.reduce_scatter(np.asarray([1.0, 2.0, 3.0, 4.0])), 2)
    [array([2., 4.]), array([6., 8.])]
    """
    chosen = _group(group)
    return _each(
        lambda leaf: xp.reduce_scatter(leaf, group=chosen, op=op, axis=axis, length=length), x
    )


def broadcast(x: PyTree, root: int = 0, *, group: Communicator | None = None) -> PyTree:
    """The array of rank `root`, on every rank.

    ``y_r = x_root``; the gradient of Σ_r L_r is ``Σ_s ȳ_s`` on the root, and 0 on the others.

    Parameters
    ----------
    x : array or pytree of arrays
        Of one shape and dtype on all ranks; what the others give is not looked at.
    root : int
        Whose array it is.
    group : Communicator, optional
        The ranks that take part, by default all.

    Returns
    -------
    array or pytree
        As `x`.

    Raises
    ------
    DistributedError
        On every rank, if they call different collectives, or with different shapes or dtypes.
    TypeError
        For a leaf that is no array of numbers or that `group` does not send (CuPy's by MPI).
    ValueError
        If there is no rank `root`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.distributed.simulate(lambda: pb.distributed.broadcast(np.asarray([1.0 + pb.distributed.rank()])), 2)
    [array([1.]), array([1.])]
    """
    chosen = _group(group)
    return _each(lambda leaf: xp.broadcast_from(leaf, group=chosen, root=root), x)


def replicate(x: PyTree, root: int = 0, *, group: Communicator | None = None) -> PyTree:
    """A pytree of rank `root`, on every rank: parameters before training, with equal bits.

    Parameters
    ----------
    x : pytree
        Of one structure on all ranks; leaves that are no arrays stay each rank's own.
    root : int
        Whose arrays they are.
    group : Communicator, optional
        The ranks that take part, by default all.

    Returns
    -------
    pytree
        As `x`. Derivatives pass through it as through `broadcast`.

    Raises
    ------
    DistributedError
        On every rank, if their arrays differ in number, shapes or dtypes.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def f():
    ...     return pb.distributed.replicate({"w": np.full(2, pb.distributed.rank()), "name": "w"}, root=1)
    >>> pb.distributed.simulate(f, 2)[0]
    {'w': array([1, 1]), 'name': 'w'}
    """
    chosen = _group(group)

    def of_root(leaf: ArrayLike) -> Array:
        return xp.broadcast_from(leaf, group=chosen, root=root)

    return tree.map(lambda leaf: _applied(of_root, leaf) if hasattr(leaf, "shape") else leaf, x)


def _group(group: Communicator | None) -> Communicator:
    return group_or_world(group)


def _each(collective: Callable[[ArrayLike], Array], x: PyTree) -> PyTree:
    """A collective of each leaf, in the order of leaves, which is the same on all ranks."""
    return tree.map(lambda leaf: _applied(collective, leaf), x)


def _applied(collective: Callable[[ArrayLike], Array], leaf: ArrayLike) -> ArrayLike:
    """The result as an array of the library that the leaf is of; as an `Array` if that, or a number, was given."""
    if not hasattr(leaf, "shape"):
        return collective(asarray(leaf))
    y = collective(leaf)
    return y if type(leaf) is Array else unwrap_closed(y)
