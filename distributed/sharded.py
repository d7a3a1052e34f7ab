"""An optimiser whose state is divided among the ranks: ZeRO's first stage.

All ranks have the same parameters, and each would keep the same state and take the same step. Instead the elements of
all parameters, one leaf behind the other, are divided into as many parts as there are ranks. Each rank gets the sum of
all gradients of its part (`reduce_scatter`), keeps the state of its part, takes the step of its part, and sends the
new parameters to all (`all_gather`). That moves as many bytes as the all-reduce of the gradients does.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autograd.core.array import Array, backend_array, unwrap_closed
from ..autograd.core.dtypes import as_numpy, is_complex, is_inexact
from ..autograd.core.namespaces import NAMESPACES, namespace_of
from ..autograd.core.tracer_like import TRACERS
from ..autograd.core.typing import ArrayLike, PyTree, Value
from ..autograd.pytree import tree
from .collectives import all_gather, reduce_scatter
from .communicators.base import Communicator
from .partition import Partition, partition
from .world import group_or_world


@tree.register
@dataclass(frozen=True)
class Shard:
    """The parts of the leaves of a tree that a rank has: vectors, in the place of the tree.

    Attributes
    ----------
    parts : list
        The elements of each leaf that are this rank's, flat; leaves without any are left out.
    """

    parts: list[Any]


def sharded(opt: Any, *, reduced: bool = False, group: Communicator | None = None) -> Sharded:
    """An optimiser whose state is divided among the ranks: each keeps, and steps, a P-th of all elements.

    ``ḡ = Σ_r g_r`` on this rank's part (reduce-scatter), the step of `opt` there, and all parts to all ranks
    (all-gather): P ranks and n bytes of parameters send 2 (P − 1)/P · n bytes each, as an all-reduce of the gradients.

    Parameters
    ----------
    opt : optimiser
        Any of `pullback.optim`: the step is the same to rounding, and for given sums of gradients to the bit. Where it
        looks at all gradients (`Clipped` by norm, `Finite`, `LossScaling`), it looks at those of all ranks.
    reduced : bool
        Whether `step` gets gradients that are the same on all ranks already, those of ``data_parallel(loss)``. By
        default it gets this rank's own, those of ``data_parallel(loss, reduce=False)``, and adds them up.
    group : Communicator, optional
        The ranks among which the state is divided; `world` without.

    Returns
    -------
    Sharded
        An optimiser: ``state = opt.init(params)``, ``params, state = opt.step(params, grads, state)``.

    Raises
    ------
    TypeError
        If `opt` is no optimiser, or, from `init`, one that does not say how it steps parts of arrays.
    ValueError
        From `init`, for a penalty of whole arrays in `Proximal`.

    Notes
    -----
    Gradients that were reduced already would be added up once more, which nothing stops: a factor of P that Adam hides.
    So the first step looks at some of them, and warns where all ranks have the same.

    Wrappers belong inside, ``sharded(Clipped(Adam(1e-3), norm=1.0))``; `Averaged` and `Proximal` work around it, too.

    The state has the structure of the optimiser's own, with a `Shard` in each place of a tree of the parameters'
    structure. Another number of ranks, or one process alone, takes what `Sharded.gather_state` makes of it.

    References
    ----------
    Rajbhandari et al., "ZeRO: Memory optimizations toward training trillion parameter models", SC 2020, section 5.1.

    Examples
    --------
    Four numbers on two ranks, each of which keeps the momentum of two.

    >>> import numpy as np, pullback as pb
    >>> def rank():
    ...     opt = pb.distributed.sharded(pb.optim.SGD(1.0, momentum=0.5))
    ...     w = {"a": np.zeros(3), "b": np.zeros(1)}
    ...     state = opt.init(w)
    ...     w, state = opt.step(w, pb.tree.map(np.ones_like, w), state)
    ...     return w["a"], state.first.parts
    >>> for result in pb.distributed.simulate(rank, 2):
    ...     print(result)
    (array([-2., -2., -2.]), [array([2., 2.])])
    (array([-2., -2., -2.]), [array([2.]), array([2.])])
    """
    if not callable(getattr(opt, "init", None)) or not callable(getattr(opt, "step", None)):
        raise TypeError(f"sharded: {type(opt).__name__} is no optimiser with init and step")
    if isinstance(opt, Sharded):
        raise TypeError("sharded: the optimiser is sharded already")
    return Sharded(opt, reduced, group)


@dataclass(frozen=True)
class Sharded:
    """An optimiser with its state divided among ranks; made by `sharded`."""

    opt: Any
    reduced: bool = False
    group: Communicator | None = field(default=None, repr=False)  # not the same text on all ranks
    _known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    outermost = True  # clipping around it would look at one rank's gradients

    def init(self, params: PyTree) -> PyTree:
        """The state of this rank's part before the first step; nothing is sent.

        Parameters
        ----------
        params : pytree
            The same on all ranks.

        Raises
        ------
        TypeError
            If the optimiser does not say how it steps parts of arrays, or a parameter is a Python number.
        ValueError
            For a penalty of whole arrays in `Proximal`.
        """
        comm = self._group()
        if comm.size == 1:
            return self.opt.init(params)
        mine = self._parts(params, comm)
        return mine.opt.init(mine.of(params))

    def step(
        self, params: PyTree, grads: PyTree, state: PyTree, *, lr: ArrayLike = None
    ) -> tuple[PyTree, PyTree]:
        """New parameters, the same on all ranks, and the state of this rank's part.

        Parameters
        ----------
        params : pytree
            The same on all ranks.
        grads : pytree
            In the structure of `params`: this rank's share of the gradients; or with `reduced`, the gradients.
        state : pytree
            What `init` or the step before returned.
        lr : float or array, optional
            For this step, instead of the optimiser's own.

        Raises
        ------
        ValueError, TypeError
            As the optimiser's own step.
        DistributedError
            On all ranks, if their parameters differ in structure, shapes or dtypes.

        Warns
        -----
        RuntimeWarning
            From the first step, without `reduced`, if all ranks give the same gradients.
        """
        comm = self._group()
        if comm.size == 1:
            return self.opt.step(params, grads, state, lr=lr)
        mine = self._parts(params, comm)
        own = mine.sums(grads, self.reduced)
        new, after = mine.opt.step(mine.of(params), own, state, lr=lr)
        whole = mine.joined(new, params)
        mine.warn_if_alike()
        return whole, after

    def scale(self, loss: Value, state: PyTree) -> Value:
        """The scaled loss of a `LossScaling` inside."""
        return self.opt.scale(loss, state)

    def gather_state(self, state: PyTree, params: PyTree) -> PyTree:
        """The whole state, as the optimiser without `sharded` has it, on all ranks: to be saved.

        Parameters
        ----------
        state : pytree
            Of this rank.
        params : pytree
            The parameters that belong to it.

        Returns
        -------
        pytree
            In the structure of ``opt.init(params)``, the same bits on all ranks.

        Raises
        ------
        DistributedError
            On all ranks, if one of them does not call it, or has another state.
        """
        comm = self._group()
        if comm.size == 1:
            return state
        mine = self._parts(params, comm)
        return _paired(state, self.opt.init(params), mine.whole, 0)

    def scatter_state(self, state: PyTree, params: PyTree) -> PyTree:
        """The part of a whole state that this rank keeps; nothing is sent.

        Parameters
        ----------
        state : pytree
            The state of one process, or of `gather_state` on any number of ranks; the same on all ranks.
        params : pytree
            The parameters that belong to it.
        """
        comm = self._group()
        if comm.size == 1:
            return state
        mine = self._parts(params, comm)
        return _paired(mine.opt.init(mine.of(params)), state, lambda _, whole: mine.of(whole), 1)

    def __reduce__(self) -> Any:
        return Sharded, (self.opt, self.reduced, self.group)

    def _group(self) -> Communicator:
        return group_or_world(self.group)

    def _parts(self, params: PyTree, comm: Communicator) -> _Parts:
        """What this rank has of parameters of this structure; made once."""
        leaves, spec = tree.flatten(params)
        kinds = tuple([_kind(x) for x in leaves])
        key = (spec, kinds, comm.rank, comm.size)
        mine = self._known.get(key)
        if mine is None or mine.comm is not comm:
            mine = self._known[key] = _Parts(self.opt, params, leaves, spec, kinds, comm)
        return mine


class _Parts:
    """What this rank has of the parameters of one structure: `pullback.optim.first_order.parts.Parts`."""

    def __init__(
        self,
        opt: Any,
        params: PyTree,
        leaves: list[Any],
        spec: Any,
        kinds: tuple[Any, ...],
        comm: Communicator,
    ) -> None:
        self.spec, self.kinds, self.comm = spec, kinds, comm
        self.looks, self.seen = _LOOKS, 0
        groups: dict[Any, list[int]] = {}
        for i, kind in enumerate(kinds):
            if kind is not None:
                groups.setdefault(kind[1], []).append(i)
        self.partitions: list[Partition] = [
            partition(indices, [kinds[i][0] for i in indices], comm.size, comm.rank)
            for indices in groups.values()
        ]
        self.pieces = [piece for p in self.partitions for piece in p.pieces]
        paths = tree.paths(params)
        self.paths = paths
        self.names = [paths[piece.leaf] for piece in self.pieces]
        self.home = next(
            (backend_array(x) for x, k in zip(leaves, kinds, strict=True) if k is not None), None
        )
        self.params = params
        self.opt = _on_parts(opt, self)
        # only what masks were asked of
        del self.params
        if self.home is not None:
            self.home = namespace_of(self.home).zeros_on_device_of((0,), self.home)

    # ── what the optimiser asks for ───────────────────────────────────────────────────────────

    def spread(self, of_leaves: list[Any]) -> Shard:
        """Something of each leaf, for the parts of it."""
        return Shard([of_leaves[piece.leaf] for piece in self.pieces])

    def gather(self, x: Value) -> Value:
        """The numbers of all ranks."""
        x = unwrap_closed(x)
        if type(x) is np.ndarray and self.home is not None and type(self.home) is not np.ndarray:
            x = namespace_of(self.home).asarray(x.item())
        return all_gather(namespace_of(x).reshape(x, (1,)), group=self.comm)

    # ── arrays and their parts ────────────────────────────────────────────────────────────────

    def of(self, whole: PyTree) -> Shard:
        """The parts of the leaves of a tree that this rank has."""
        leaves = tree.flatten_as(self.spec, whole)
        return Shard([self._part(leaves[piece.leaf], piece) for piece in self.pieces])

    def _part(self, x: Value, piece: Any) -> Value:
        if x is None:
            return None
        x = unwrap_closed(x)
        return namespace_of(x).reshape(x, (-1,))[piece.start : piece.stop]

    def sums(self, grads: PyTree, reduced: bool) -> Shard:
        """The parts of the gradients that this rank has, summed over ranks."""
        try:
            leaves = tree.flatten_as(self.spec, grads)
        except ValueError as error:
            raise ValueError(
                f"step: gradients do not have the structure of the parameters: {error}"
            ) from None
        leaves = [self._checked(g, i) for i, g in enumerate(leaves)]
        missing = [i for i, g in enumerate(leaves) if g is None and self.kinds[i] is not None]
        if missing:  # on all ranks, or the others are told
            self.comm.agree(f"sharded: step without gradients of leaves {missing}")
        self.seen = 0
        if reduced:
            self.looks = 0
            return Shard([self._part(leaves[piece.leaf], piece) for piece in self.pieces])
        self.seen = _ALIKE * bool(self.looks)
        parts: list[Any] = []
        for p in self.partitions:
            with_gradient = [i for i in p.leaves if leaves[i] is not None]
            if not with_gradient:
                parts += [None] * len(p.pieces)
                continue
            flat = self._flat([leaves[i] for i in p.leaves], p)
            total = reduce_scatter(flat, length=p.length, group=self.comm)
            if self.looks:
                self._look(flat, total, p)
            for piece in p.pieces:
                part = total[piece.place : piece.place + piece.size]
                parts.append(None if leaves[piece.leaf] is None else part)
        return Shard(parts)

    def _look(self, flat: Value, total: Value, p: Partition) -> None:
        """Note whether the sum is what it is where all ranks have the same gradients.

        It may be so by chance on one rank, whose part no data reach. So what all ranks have seen goes along with the
        lengths of the parts of the new parameters, and costs no message: a rank cannot know whether the others look.
        """
        own, found = _concrete(flat), _concrete(total)
        if own is None or found is None or not p.pieces:
            return
        first = p.starts[p.leaves.index(p.pieces[0].leaf)] + p.pieces[0].start
        xp, n = namespace_of(own), min(p.length, _LOOKED_AT)
        own, found = own[first : first + n], found[:n]
        size = xp.abs(own)
        largest = xp.max(size)
        # equal constants, such as the gradient of a sum, say nothing
        if bool(xp.min(xp.where(size > 0, size, largest)) < largest):
            self.seen |= _TELLING
        eps = float(np.finfo(as_numpy(own.dtype)).eps) * 4 * self.comm.size
        if not bool(xp.all(xp.abs(found - self.comm.size * own) <= eps * xp.abs(found))):
            self.seen &= ~_ALIKE

    def warn_if_alike(self) -> None:
        """Warn if all ranks have given the same gradients."""
        if not self.looks:
            return
        remarks = self.comm.remarks
        told = any(remark & _TELLING for remark in remarks)
        self.looks = 0 if told else self.looks - 1
        if told and all(remark & _ALIKE for remark in remarks):
            warnings.warn(
                f"sharded: all {self.comm.size} ranks give the step the same gradients, which it adds up. If they are "
                "reduced already, those of data_parallel(loss), say sharded(opt, reduced=True), or take them from "
                "data_parallel(loss, reduce=False). If they are shares, and equal because the ranks have the same "
                "rows, all is well.",
                RuntimeWarning,
                stacklevel=3,
            )

    def _checked(self, g: Any, i: int) -> Any:
        """A gradient, or None where no step moves the leaf."""
        kind = self.kinds[i]
        if g is None or kind is None:
            return None
        g, name = unwrap_closed(g), self.paths[i] or "the parameter"
        if not hasattr(g, "dtype"):
            raise TypeError(f"step: the gradient of {name} is {type(g).__name__}, not an array")
        if tuple(g.shape) != kind[0]:
            raise ValueError(
                f"step: the gradient of {name} has shape {tuple(g.shape)}, the parameter {kind[0]}"
            )
        if is_complex(g.dtype) and not is_complex(kind[1]):
            raise TypeError(f"step: the gradient of {name} is complex, the parameter real")
        return g

    def _flat(self, xs: list[Any], p: Partition) -> Value:
        """Leaves one behind the other, in one dtype; zeros where there is none."""
        first = next(x for x in xs if x is not None)
        xp = namespace_of(first)
        dtype = np.result_type(*[as_numpy(x.dtype) for x in xs if x is not None])
        flat = [
            xp.zeros_on_device_of((size,), first) if x is None else xp.reshape(x, (-1,))
            for x, size in zip(xs, p.sizes, strict=True)
        ]
        flat = [x if as_numpy(x.dtype) == dtype else xp.astype(x, dtype) for x in flat]
        return xp.concat(flat) if len(flat) > 1 else flat[0]

    def joined(self, new: Shard, params: PyTree) -> PyTree:
        """Whole parameters from the new parts of all ranks."""
        leaves = list(tree.flatten_as(self.spec, params))
        self._fill(new, leaves, self.seen)
        return tree.unflatten(self.spec, leaves)

    def whole(self, shard: Shard, like: PyTree) -> PyTree:
        """A whole tree from the parts of all ranks; leaves that no step moves are those of `like`."""
        leaves = list(tree.flatten_as(self.spec, like))
        self._fill(shard, leaves)
        return tree.unflatten(self.spec, leaves)

    def _fill(self, shard: Shard, leaves: list[Any], remark: int = 0) -> None:
        self.comm.remarks = []
        start = 0
        for p in self.partitions:
            parts = shard.parts[start : start + len(p.pieces)]
            start += len(p.pieces)
            like = next(leaves[i] for i in p.leaves)
            xp = namespace_of(unwrap_closed(like))
            mine = [unwrap_closed(x) for x in parts]
            if mine:
                flat = xp.concat(mine) if len(mine) > 1 else mine[0]
            else:
                flat = xp.zeros_on_device_of((0,), unwrap_closed(like))
            self.comm.remark = remark if p is self.partitions[-1] else 0
            try:
                total = all_gather(flat, group=self.comm)
            finally:
                self.comm.remark = 0
            for i, at, size in zip(p.leaves, p.starts, p.sizes, strict=True):
                x = namespace_of(total).reshape(total[at : at + size], self.kinds[i][0])
                leaves[i] = Array(x) if type(leaves[i]) is Array and type(x) is not Array else x


# Steps that look at whether gradients are reduced already, until one can tell; and elements that they look at.
_LOOKS, _LOOKED_AT = 8, 4096
# What a rank has seen: that its gradients may be those of all ranks, and that they are not constants.
_ALIKE, _TELLING = 1, 2


def _concrete(x: Any) -> Any:
    """The numbers of an array, also where `compile` records; None where derivatives are taken of it."""
    x = unwrap_closed(x)
    if type(x) in TRACERS:
        x = x.real_value
    return x if type(x) in NAMESPACES and type(x) is not Array and type(x) not in TRACERS else None


def _kind(x: Any) -> tuple[tuple[int, ...], Any] | None:
    """Shape and dtype of a leaf that a step may move; None of another."""
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        if isinstance(x, float | complex):
            raise TypeError(
                f"a parameter is the Python number {x!r}: make it an array, xp.asarray({x!r})"
            )
        return None
    return (tuple(x.shape), as_numpy(dtype)) if is_inexact(dtype) else None


def _on_parts(opt: Any, parts: _Parts) -> Any:
    make = getattr(opt, "on_parts", None)
    if make is None:
        raise TypeError(
            f"sharded: {type(opt).__name__} does not say whether it can step parts of arrays: give it a method "
            "on_parts(parts), which returns self where the step of an element reads that element, its gradient and its "
            "state alone"
        )
    return make(parts)


def _paired(a: Any, b: Any, join: Callable[[Shard, Any], Any], which: int) -> Any:
    """The state `a`: each `Shard` joined with what `b` has there, and every other leaf that of ``(a, b)[which]``."""
    if isinstance(a, Shard):
        return join(a, b)
    if isinstance(a, tuple):
        parts = [_paired(x, y, join, which) for x, y in zip(a, b, strict=True)]
        return a._make(parts) if hasattr(a, "_make") else tuple(parts)
    if isinstance(a, list):
        return [_paired(x, y, join, which) for x, y in zip(a, b, strict=True)]
    if isinstance(a, dict):
        return {key: _paired(x, b[key], join, which) for key, x in a.items()}
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        names = [f.name for f in dataclasses.fields(a)]
        new = {n: _paired(getattr(a, n), getattr(b, n), join, which) for n in names}
        return dataclasses.replace(a, **new)
    return (a, b)[which]
