"""Indexing functions: copies with some elements changed, ``x.at[key].add(v)`` as in JAX, and `segment_sum`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dispatch import SCALARS
from ..core.dtypes import as_numpy
from ..core.generated import xp as generated
from ..core.index_keys import clean_key, copied_key
from ..core.levels.batched import key_level
from ..core.levels.level import OPEN, NeedsRows
from ..core.namespaces import namespace_of
from ..core.typing import ArrayLike
from .creation import asarray


def at(x: ArrayLike, /) -> Any:
    """``x.at[key].set(v)``: a copy of `x` with some elements changed; differentiable in `x` and `v`.

    Parameters
    ----------
    x
        An array of any library; `Array` has this as the attribute ``x.at``.

    Returns
    -------
    At
        What takes a key: ``at(x)[key]``, with the methods below.

    Raises
    ------
    IndexError
        If a key is out of bounds.
    TypeError
        If `v` does not go into the dtype of `x` without a loss, a complex number into a real array.

    Notes
    -----
    ``at[key]`` has the methods ``get()``, ``set(v)``, ``add(v)``, ``subtract(v)``, ``multiply(v)``, ``divide(v)``,
    ``power(v)``, ``min(v)``, ``max(v)`` and ``apply(f)``. Keys are those of ``x[key]``; one out of bounds raises.
    Where an index repeats, `set` keeps the last value, and each of the others is applied once for each repetition, in
    order: `add` in one step, the rest in as many as an index has repetitions (which are counted on the host).

    The pullback of `set` is x_bar = ct with 0 at the key and v_bar = ct[key], 0 for a value that a later one overwrote;
    that of `add` is x_bar = ct and v_bar = ct[key].

    References
    ----------
    As ``jax.numpy.ndarray.at`` and ``array_api_extra.at``.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros(3)
    >>> x.at[1].set(5.0)
    Array([0., 5., 0.], dtype=float64, device='cpu')
    >>> x.at[pb.xp.asarray([0, 0, 2])].add(1.0)
    Array([2., 0., 1.], dtype=float64, device='cpu')
    >>> indices = pb.asarray([0, 0])
    >>> pb.grad(lambda v: pb.xp.sum(pb.xp.at(x)[indices].add(v) ** 2))(pb.xp.asarray([1.0, 2.0]))
    Array([6., 6.], dtype=float64, device='cpu')
    """
    return At(asarray(x))


class At:
    """The attribute ``x.at``, which takes a key."""

    __slots__ = ("x",)

    def __init__(self, x: Array) -> None:
        self.x = x

    def __getitem__(self, key: Any) -> Selection:
        return Selection(self.x, copied_key(clean_key(key)))

    def __repr__(self) -> str:
        return f"<at of an array of shape {self.x.shape}>"


class Selection:
    """The elements ``x[key]``, to be changed in a copy of `x`."""

    __slots__ = ("key", "x")

    def __init__(self, x: Array, key: Any) -> None:
        self.x, self.key = x, key

    def get(self) -> Array:
        """``x[key]``."""
        return generated.getitem(self.x, self.key)

    def set(self, values: Any) -> Array:
        """`x` with `values` at the key."""
        return generated.setitem(self.x, self._fitting(values), self.key)

    def add(self, values: Any) -> Array:
        """`x` with `values` added at the key."""
        if _indices(self.key) is None:
            return self._changed(generated.add, values)
        values = self._fitting(values)
        shape = namespace_of(backend_array(self.x)).getitem(backend_array(self.x), self.key).shape
        return self.x + generated.scatter_add(
            self.x.shape, self.key, generated.broadcast_to(values, shape)
        )

    def subtract(self, values: Any) -> Array:
        """`x` with `values` subtracted at the key."""
        return self.add(-self._fitting(values))

    def multiply(self, values: Any) -> Array:
        """`x` with ``x[key]`` multiplied by `values`."""
        return self._changed(generated.multiply, values)

    def divide(self, values: Any) -> Array:
        """`x` with ``x[key]`` divided by `values`."""
        return self._changed(generated.divide, values)

    def power(self, values: Any) -> Array:
        """`x` with ``x[key]`` raised to `values`."""
        return self._changed(generated.pow, values)

    def min(self, values: Any) -> Array:
        """`x` with the smaller of ``x[key]`` and `values`; equal ones share the cotangent."""
        return self._changed(generated.minimum, values)

    def max(self, values: Any) -> Array:
        """`x` with the larger of ``x[key]`` and `values`; equal ones share the cotangent."""
        return self._changed(generated.maximum, values)

    def apply(self, function: Callable[[Array], Array]) -> Array:
        """`x` with an elementwise function applied at the key."""
        return self._changed(lambda x, _: function(x), 0)

    def _fitting(self, values: Any) -> Array:
        """`values` in the dtype of `x`.

        Raises
        ------
        TypeError
            If that would cut off a part of them.
        """
        x = self.x
        if type(values) in SCALARS:
            lost = isinstance(values, complex) > (x.dtype.kind == "c") or (
                isinstance(values, float) and x.dtype.kind in "biu"
            )
            given: Any = type(values).__name__
        else:
            values = asarray(values)
            given = values.dtype
            lost = not np.can_cast(given, x.dtype, "same_kind")
        if lost:
            raise TypeError(
                f"x.at[key]: values of dtype {given} do not go into x of dtype {x.dtype}; cast one of them"
            )
        if type(values) in SCALARS:
            return Array(
                namespace_of(backend_array(x)).zeros_on_device_of((), backend_array(x)) + values
            )
        return generated.astype(values, x.dtype, copy=False)

    def _changed(self, change: Callable[[Any, Any], Any], values: Any) -> Array:
        values = self._fitting(values)
        picked = generated.getitem(self.x, self.key)
        rounds = _rounds(self.x, self.key)
        if len(rounds) < 2:
            return self._written(self.x, change(picked, values), self.key)
        flat = generated.reshape(self.x, (-1,))
        values = generated.reshape(generated.broadcast_to(values, picked.shape), (-1,))
        for indices, which in rounds:
            new = change(generated.getitem(flat, indices), generated.getitem(values, which))
            flat = self._written(flat, new, indices)
        return generated.reshape(flat, self.x.shape)

    def _written(self, x: Array, new: Any, key: Any) -> Array:
        return generated.setitem(x, Selection(x, key)._fitting(new), key)


def _indices(key: Any) -> Any:
    """The first integer array of a key, by which an element may be selected twice; None without one."""
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if getattr(part, "ndim", 0) and as_numpy(part.dtype).kind in "iu":
            return part
    return None


def _rounds(x: Array, key: Any) -> list[tuple[Any, Any]]:
    """Rounds of selected indices into the flattened `x` and of their updates; in no round an index repeats.

    There is no round where no index repeats anyway.
    """
    if _indices(key) is None:
        return []
    level = key_level(key) if OPEN else None
    if level is not None:
        raise NeedsRows(level)  # each row counts its own repetitions
    backend = backend_of(backend_array(x))
    xp = backend.xp
    every = xp.reshape(xp.arange_like(x.size, backend_array(x)), x.shape)
    indices = backend.to_numpy(xp.getitem(every, key)).reshape(-1)
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, ordered.size])
    if ordered.size == 0 or lengths.max() == 1:
        return []
    turn = np.empty_like(indices)
    turn[order] = np.arange(ordered.size) - np.repeat(starts, lengths)
    rounds = [np.flatnonzero(turn == k) for k in range(lengths.max())]
    return [(backend.asarray(indices[which]), backend.asarray(which)) for which in rounds]


def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None) -> Array:
    """The sums of the rows of `data` by segment, ``out[s] = Σ_{i: segment_ids[i] = s} data[i]``.

    Parameters
    ----------
    data
        Array (n, …).
    segment_ids
        Integers (n,), in any order; rows with an id outside 0 … num_segments − 1 are left out, as in JAX.
    num_segments : int, optional
        By default the largest id and one, which is read from the device.

    Returns
    -------
    Array
        Of shape (num_segments, …).

    Raises
    ------
    ValueError
        If there is not one id for each row.

    Notes
    -----
    The pullback is data_bar[i] = ct[segment_ids[i]], 0 for a row that was left out.

    References
    ----------
    As ``jax.ops.segment_sum``.

    Examples
    --------
    >>> import pullback as pb
    >>> data, ids = pb.xp.asarray([1.0, 2.0, 3.0]), pb.xp.asarray([1, 0, 1])
    >>> pb.xp.segment_sum(data, ids)
    Array([2., 4.], dtype=float64, device='cpu')
    >>> pb.grad(lambda data: pb.xp.sum(pb.xp.segment_sum(data, ids) ** 2))(data)
    Array([8., 4., 8.], dtype=float64, device='cpu')
    """
    data = asarray(data)
    if isinstance(segment_ids, list | tuple):
        segment_ids = backend_of(backend_array(data)).asarray(np.asarray(segment_ids))
    ids = backend_array(segment_ids)
    if not data.ndim or ids.shape != data.shape[:1]:
        raise ValueError(
            f"segment_sum: segment_ids of shape {tuple(ids.shape)} for data of shape {data.shape}; there has to be "
            "one id for each row"
        )
    xp = namespace_of(ids)
    if num_segments is None:
        num_segments = int(xp.max(ids)) + 1 if ids.shape[0] else 0
    inside = (ids >= 0) & (ids < num_segments)
    # a last row is for the ids that are left out
    ids = xp.where(inside, ids, num_segments)
    out = generated.sum_by_segment(data, ids, num_segments=num_segments + 1)
    return generated.getitem(out, (slice(0, num_segments), ...))


def install() -> None:
    """Give `Array` the attribute ``at``."""
    members: dict[str, Any] = {"at": property(at, doc=at.__doc__)}
    for name, member in members.items():
        setattr(Array, name, member)


install()
