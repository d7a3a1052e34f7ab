"""Data-parallel gradients: each rank has a part of the batch, and all get the gradient of the whole."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..autograd.core.array import Array, backend_array, is_traced
from ..autograd.core.dtypes import as_numpy
from ..autograd.core.generated import xp
from ..autograd.core.levels.batched import Batched
from ..autograd.core.namespaces import NAMESPACES, namespace_of
from ..autograd.core.tracer_like import TRACERS, program_constant
from ..autograd.core.typing import PyTree, Value
from ..autograd.pytree import tree
from ..autograd.transforms.announced import Differentiated, Forward, differentiated, forward
from ..autograd.transforms.arguments import (
    normalize_argnums,
    restore_type,
    seed_for,
    validate_argnums,
)
from ..autograd.transforms.grad import value_and_grad
from ..autograd.transforms.transformed import transformed
from ..backend import is_array
from .buckets import BUCKET_BYTES, Bucket, Flight, Memory, plan_buckets
from .collectives import all_reduce
from .communicators.base import Communicator, DistributedError
from .communicators.rounded import check_travel
from .world import group_or_world


def data_parallel(
    loss: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    rows: Callable[..., int] | None = None,
    bucket_bytes: int = BUCKET_BYTES,
    travel: str | None = None,
    reduce: bool = True,
    group: Communicator | None = None,
) -> Callable[..., Any]:
    """``value_and_grad(loss)`` of a batch whose rows lie on several ranks: each gives its part, all get the whole's.

    With L_r the loss of rank r, a mean over its n_r rows, value and gradient are those of ``Σ_r (n_r / Σ n) L_r``, the
    mean over all rows; the bits are the same on all ranks. Gradients travel in buckets, each sent as soon as the sweep
    has completed the last of its gradients, while it goes on to the layers before.

    Parameters
    ----------
    loss : callable
        Returns one real number, a mean over rows, or ``(number, aux)`` with `has_aux`.
    argnums : int or tuple of int
        Which arguments to differentiate: the same values on all ranks.
    has_aux : bool
        `loss` returns something besides, which is passed on: it is this rank's own, None on a rank without rows.
    rows : callable, optional
        ``rows(*args, **kwargs)``: how many rows this call has. Without it, the length of the first axis of the arrays
        among the other arguments, which has to be the same for all of them.
    bucket_bytes : int
        A bucket is sent when it holds that much, or more.
    travel : {None, "bfloat16"}
        With "bfloat16", gradients of 32 bits or more are rounded to 16 on their way, and summed in float32 (by NCCL
        in bfloat16): half the bytes, and 8 bits of precision. The value is not rounded.
    reduce : bool
        With False the gradients stay this rank's own shares, whose sum over the ranks is the gradient: what the `step`
        of `sharded` takes. The value is still that of the whole.
    group : Communicator, optional
        The ranks that share the batch; `world` without.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``, as `value_and_grad` describes them.

    Raises
    ------
    DistributedError
        From a call, on all ranks, if they differ in structure, shapes or dtypes of what is differentiated or in
        settings, or if another rank's loss has raised. The rank itself raises what its loss has raised.
    ValueError
        From a call: if the rows cannot be told, or no rank has any.
    TypeError
        As `value_and_grad`, from a call.

    Notes
    -----
    A rank may have no rows: its loss is not called, and its share is zero. Of what is computed of all rows in the loss
    itself, such as the statistics of `BatchNorm`, each rank sees its own rows alone.

    Gradients are views of their bucket's memory, which is used again in a later call once no view is left.

    Derivatives of the result (`grad` of it, Hessians) are those of the sum of all ranks' results, as of all
    collectives. They are reduced one by one, without buckets.

    References
    ----------
    Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020.

    Examples
    --------
    Rank 0 has one row, rank 1 three.

    >>> import numpy as np, pullback as pb
    >>> def loss(w, x):
    ...     return pb.xp.mean(w * x)
    >>> def rank(parts):
    ...     return pb.distributed.data_parallel(loss)(2.0, parts[pb.distributed.rank()])
    >>> parts = [np.asarray([1.0]), np.asarray([2.0, 3.0, 6.0])]
    >>> pb.distributed.simulate(rank, 2, parts)
    [(6.0, 3.0), (6.0, 3.0)]
    """
    indices, several = normalize_argnums(argnums)
    check_travel(travel)
    bucket_bytes = operator.index(bucket_bytes)
    if bucket_bytes < 1:
        raise ValueError(f"bucket_bytes={bucket_bytes}: a number of bytes ≥ 1 is needed")
    settings = _Settings(loss, indices, has_aux, rows, bucket_bytes, travel, reduce)
    alone = value_and_grad(loss, argnums, has_aux=has_aux)

    def with_grad(*args: Any, **kwargs: Any) -> Any:
        comm = group_or_world(group)
        if comm.size == 1:
            return alone(*args, **kwargs)
        value, aux, gradients = _Call(settings, comm, args, kwargs).run()
        result = tuple(gradients) if several else gradients[0]
        return ((value, aux) if has_aux else value), result

    return transformed(
        with_grad, data_parallel, loss, argnums=argnums, has_aux=has_aux, rows=rows,
        bucket_bytes=bucket_bytes, travel=travel, reduce=reduce, group=group,
    )  # fmt: skip


@dataclass(frozen=True)
class _Settings:
    loss: Callable[..., Any]
    indices: tuple[int, ...]
    has_aux: bool
    rows: Callable[..., int] | None
    bucket_bytes: int
    travel: str | None
    reduce: bool

    @functools.cached_property
    def text(self) -> str:
        """What has to be the same on all ranks, in words."""
        name = getattr(self.loss, "__qualname__", type(self.loss).__name__)
        return (
            f"{name}, argnums={self.indices}, bucket_bytes={self.bucket_bytes}, travel={self.travel!r}, "
            f"reduce={self.reduce}"
        )


@dataclass(frozen=True)
class _Plan:
    """How the gradients of one structure travel; the value is the leaf after the last."""

    buckets: tuple[Bucket, ...]
    value_dtype: str


@dataclass
class _Kept:
    """What is kept from call to call, for one group of ranks.

    Not for one result of `data_parallel`: a compiled function may make a new one whenever it is recorded, and other
    ranks record at other times.
    """

    plans: dict[str, _Plan] = field(default_factory=dict)
    texts: dict[Any, str] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)


_KEPT: WeakKeyDictionary[Communicator, _Kept] = WeakKeyDictionary()
_MOST = 256  # plans of one group


class _Call:
    """One call on one rank."""

    def __init__(
        self,
        settings: _Settings,
        comm: Communicator,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.settings, self.comm, self.args, self.kwargs = settings, comm, args, kwargs
        kept = _KEPT.get(comm)
        if kept is None:
            kept = _KEPT[comm] = _Kept()
        self.kept = kept

    def run(self) -> tuple[Any, PyTree, list[Any]]:
        """The value, what this rank's loss returned besides, and the gradient of each differentiated argument."""
        try:
            self._forward()
        except DistributedError:
            raise  # the other ranks have been told
        except Exception as error:
            self._tell(error)
            raise
        if self.traced:
            value, gradients = self._traced_gradients()
        else:
            with self.comm.held("data_parallel"):  # its buckets come in one order on all ranks
                value, gradients = self._gradients()
        leaves = self.of.leaves
        restored = [restore_type(g, leaf) for g, leaf in zip(gradients, leaves, strict=True)]
        value = restore_type(value, leaves[0] if leaves else value)
        aux = None if self.ran is None else self.ran.plain_aux()
        return value, aux, tree.unflatten(self.of.spec, restored)

    # ── this rank's loss ──────────────────────────────────────────────────────────────────────

    def _forward(self) -> None:
        settings, args, kwargs = self.settings, self.args, self.kwargs
        validate_argnums(settings.indices, args)
        self.n = _rows(settings, args, kwargs)
        self.of: Differentiated = differentiated(settings.indices, args)
        self.ran: Forward | None = None
        if self.n:
            self.ran = forward(settings.loss, self.of, args, kwargs, has_aux=settings.has_aux)
        inside = None if self.ran is None else self.ran.value
        # what derivatives are taken of around this call; and what `compile` records
        self.around = [x for x in tree.leaves((args, kwargs)) if is_traced(x)]
        self.traced = bool(self.around) or type(inside) in (Array, Batched)
        self.tracer = _tracer([inside, *tree.leaves((args, kwargs))])

    def _tell(self, error: Exception) -> None:
        """Have the other ranks raise, too."""
        what = f"data_parallel, where the loss has raised {type(error).__name__}: {error}"
        with contextlib.suppress(DistributedError):  # this rank's own error says more
            self.comm.agree(f"{what} (rank {self.comm.rank})")

    # ── what the ranks agree on ───────────────────────────────────────────────────────────────

    def _text(self) -> str:
        """What this rank is about to do, in words."""
        values, settings = self.of.values, self.settings
        shapes = tuple([(tuple(x.shape), as_numpy(x.dtype)) for x in values])
        key = (self.of.spec, shapes, self.traced, settings.text)
        text = self.kept.texts.get(key)
        if text is None:
            if len(self.kept.texts) >= _MOST:
                self.kept.texts.clear()
            paths = tree.paths(tree.unflatten(self.of.spec, values))
            parts = [
                f"{path} {as_numpy(x.dtype).name} {tuple(x.shape)}"
                for path, x in zip(paths, values, strict=True)
            ]
            how = settings.text + ", differentiated" * self.traced
            text = f"data_parallel({how}) of {', '.join(parts)}"
            self.kept.texts[key] = text
        return text

    def _plan(self, text: str, value_dtype: str | None) -> _Plan:
        """The buckets of this structure; made in its first call, in the order of the first rank that has rows."""
        plan = self.kept.plans.get(text)
        if plan is not None and value_dtype in (None, plan.value_dtype):
            return plan
        counts = self.comm.agree(f"{text}, for the first time", self.n)
        _total(counts)
        root = next(r for r, count in enumerate(counts) if count)
        mine = (self.ran.order(), value_dtype) if self.ran is not None else None
        order, dtype = self.comm.broadcast_object(mine, root)
        values = self.of.values
        n, settings = len(values), self.settings
        order = [n, *order] if settings.reduce else [n]
        shapes = [*(tuple(x.shape) for x in values), ()]
        dtypes = [*(as_numpy(x.dtype) for x in values), np.dtype(dtype)]
        exact = {n} if settings.travel else set()
        buckets = plan_buckets(shapes, dtypes, order, settings.bucket_bytes, exact=exact)
        if len(self.kept.plans) >= _MOST:
            self.kept.plans.clear()  # on all ranks at once: they have made the same ones
        plan = self.kept.plans[text] = _Plan(buckets, dtype)
        return plan

    def _weight(self, text: str, like: Value) -> Any:
        """The share of all rows that this rank has: a number, or an array of no dimension where `compile` records."""
        if self.tracer is None:
            return self.n / _total(self.comm.agree(text, self.n))
        return self.tracer.recorder.record(
            "agree",
            _agreed,
            (like, self.tracer),
            {"group": self.comm, "what": text, "rows": self.n},
        )

    # ── gradients ─────────────────────────────────────────────────────────────────────────────

    def _value(self, dtype: str | None) -> Any:
        """The value of this rank as an array; zero without rows."""
        value = None if self.ran is None else self.ran.value
        if value is not None and hasattr(value, "dtype"):
            return value
        likes = [*self._likes(), *(x for x in tree.leaves(self.args) if is_array(x))]
        if not likes:
            return np.asarray(0.0 if value is None else value)
        home = namespace_of(likes[0])
        zero = home.astype(
            home.real(home.zeros_on_device_of((), likes[0])), np.dtype(dtype or "float64")
        )
        return zero if value is None else home.asarray(zero + value)

    def _likes(self) -> list[Value]:
        """An array of the kind of each gradient: where `compile` records, numbers are none."""
        return [
            x.xp.asarray(x) if type(x) in TRACERS and x.is_number else x for x in self.of.values
        ]

    def _gradients(self) -> tuple[Any, list[Any]]:
        """The value and the gradients, by buckets that travel during the sweep."""
        settings, n = self.settings, len(self.of.values)
        text = self._text()
        value = None if self.ran is None else self._value(None)
        try:
            plan = self._plan(text, None if value is None else as_numpy(value.dtype).name)
            if value is None:
                value = self._value(plan.value_dtype)
            weight = self._weight(text, value)
        except BaseException:
            if self.ran is not None:
                self.ran.close()
            raise
        flight = Flight(
            plan.buckets, [*self._likes(), value], self.kept.memory,
            functools.partial(_start, self.comm, settings.travel),
            functools.partial(_place, self.comm, settings.travel), self.tracer,
        )  # fmt: skip
        flight.give(n, value * weight if self.ran is not None else None)
        own: list[Any] = []
        if self.ran is None:
            if settings.reduce:
                for i in range(n):
                    flight.give(i, None)
            else:
                own = [namespace_of(x).zeros_like(x) for x in self._likes()]
        elif settings.reduce:
            self.ran.sweep(_seed(value, weight), flight.give, flight.poll)
        else:
            own = self.ran.gradients(_seed(value, weight))
        out = flight.finish()
        total = namespace_of(out[n]).copy(out[n])  # or it would hold its bucket's memory
        return total, [out[i] for i in range(n)] if settings.reduce else own

    def _traced_gradients(self) -> tuple[Any, list[Any]]:
        """The value and the gradients as results that derivatives can be taken of."""
        counts = self.comm.agree(self._text(), self.n)
        weight = self.n / _total(counts)
        if self.ran is not None:
            value = self.ran.out if type(self.ran.out) is Array else self._value(None)
            own = self.ran.gradients(_seed(self.ran.value, weight))
            value = value * weight
        else:
            # zeros that hang on what is traced: this rank's sweep has to meet the others' collectives
            tie = sum(xp.sum(xp.reshape(xp.real(x), (-1,))[:0]) for x in self.around)
            value = tie
            own = [
                NAMESPACES[Array].zeros_like(x) + xp.astype(tie, x.dtype) for x in self.of.values
            ]
        if self.settings.reduce:
            own = [all_reduce(g, group=self.comm) for g in own]
        return all_reduce(value, group=self.comm), own


def _tracer(xs: list[Any]) -> Any:
    """An array of the program that this thread records; None where there is none."""
    arrays = [x for x in map(backend_array, xs) if is_array(x)]
    found = next((x for x in arrays if type(x) in TRACERS), None)
    if found is None and arrays:
        constant = program_constant(arrays[0])
        found = None if constant is arrays[0] else constant
    return found


def _seed(value: Any, weight: Any) -> Any:
    """The cotangent of the value: this rank's share of all rows."""
    if type(weight) is not float:
        return weight
    if not hasattr(value, "dtype"):
        return None  # the loss is a constant, and nothing is swept
    seed = seed_for(value)
    return seed if weight == 1.0 else namespace_of(seed).asarray(seed * weight)


def _travel(bucket: Bucket, travel: str | None) -> str | None:
    """How a bucket travels: what has 16 bits, or is exact, as it is."""
    return None if bucket.exact or as_numpy(bucket.dtype).itemsize < 4 else travel


def _start(comm: Communicator, travel: str | None, buffer: Any, bucket: Bucket) -> Any:
    return comm.start_all_reduce(buffer, travel=_travel(bucket, travel))


def _place(comm: Communicator, travel: str | None, buffer: Any, bucket: Bucket) -> Any:
    return buffer if _travel(bucket, travel) is not None else comm.place(buffer)


def _agreed(like: Value, anchor: Value, *, group: Communicator, what: str, rows: int) -> Any:
    """The share of all rows that this rank has, in the dtype of `like`: a step of a recorded program."""
    weight = rows / _total(group.agree(what, rows))
    ones = namespace_of(like).ones_like(like)
    return namespace_of(like).asarray(ones * weight)


def _total(counts: list[int]) -> int:
    total = sum(counts)
    if total == 0:
        raise ValueError("data_parallel: no rank has any rows, and the mean over none is no number")
    return total


def _rows(settings: _Settings, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """How many rows this rank has.

    Raises
    ------
    ValueError
        If the arrays do not say so.
    """
    if settings.rows is not None:
        n = operator.index(settings.rows(*args, **kwargs))
        if n < 0:
            raise ValueError(f"data_parallel: rows(…) is {n}, and there cannot be fewer than 0")
        return n
    chosen = {i % len(args) for i in settings.indices}
    others = ([x for i, x in enumerate(args) if i not in chosen], kwargs)
    arrays = [x for x in tree.leaves(others) if is_array(backend_array(x)) and len(x.shape)]
    lengths = sorted({int(x.shape[0]) for x in arrays})
    if len(lengths) != 1:
        found = f"have lengths {lengths}" if lengths else "hold no array with a first axis"
        raise ValueError(
            f"data_parallel: the arguments that are not differentiated {found} along their first axis, so that the "
            "number of rows is unknown; say it by rows=lambda *args: …"
        )
    return lengths[0]
