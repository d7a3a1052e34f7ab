"""The reverse sweep.

For v_1 … v_N in the order of the tape: v̄_N = seed, then for i = N … 1 the cotangent v̄_i is complete, and
the operation that made v_i adds its share v̄_i ∂v_i/∂v_j to each of its inputs' v̄_j. This file knows no
function and no array library.

For complex numbers the sweep carries conj(∂L/∂Re z + i ∂L/∂Im z), which makes every rule the plain
transpose of the function's derivative; seeds and leaves are conjugated, in `transforms/grad.py`.
"""

from __future__ import annotations

from typing import Any

from ...backend import backend_of
from .array import Array
from .dtypes import as_numpy, is_complex


class RuleError(RuntimeError):
    """A rule returned something that cannot be the cotangent of its input."""


class NamespaceCache(dict):
    """The namespace of each class of values: ``NAMESPACES[type(x)]``.

    `Array` is set by `functions/namespace.py`; classes of backend arrays are looked up once. A library with several
    devices has one namespace for all.
    """

    def of(self, x: Any) -> Any:
        """The namespace that computes on `x`."""
        space = self.get(type(x))
        if space is None:
            space = self[type(x)] = backend_of(x).xp
        return space


NAMESPACES = NamespaceCache()
namespace_of = NAMESPACES.of


class AccumulatedCotangent:
    """A cotangent with more than one share, in a buffer of our own: further shares are added in place."""

    __slots__ = ("total",)

    def __init__(self, total: Any) -> None:
        self.total = total

    def add(self, share: Any) -> None:
        """Add one more share."""
        if type(share) is ScatteredCotangent:
            share = share.materialize()
        if type(self.total) is Array or type(share) is Array:
            self.total = self.total + share
        else:
            self.total += share

    def materialize(self) -> Any:
        """The sum."""
        return self.total.materialize() if type(self.total) in DEFERRED else self.total


class ScatteredCotangent:
    """The cotangent of ``x[key]``: `values` at `key`, zeros elsewhere, not laid out until it is needed.

    A loop over the rows of an array would otherwise make an array of zeros for each of them.
    """

    __slots__ = ("dtype", "key", "shape", "values")

    def __init__(self, shape: tuple[int, ...], key: Any, values: Any) -> None:
        self.shape, self.key, self.values, self.dtype = shape, key, values, values.dtype

    def materialize(self) -> Any:
        """As an array."""
        return namespace_of(self.values).scatter_add(self.shape, self.key, self.values)

    def add_to(self, total: Any) -> None:
        """Add to a buffer of our own; the key selects no element twice."""
        if type(self.key) is tuple and None in self.key:  # which the standard does not write to
            total += self.materialize()
        else:
            total[self.key] += self.values


# Cotangents that are laid out when they are needed; `solve/direct/factorize.py` adds one.
DEFERRED: set[type] = {AccumulatedCotangent, ScatteredCotangent}


Cotangents: Any = list  # `diagnostics/debug_nans.py` puts a list that checks here


def cotangents(record: Any) -> list[Any]:
    """A slot for the cotangent of each entry of a tape, all empty."""
    empty = [None] * len(record.entries)
    return empty if Cotangents is list else Cotangents(empty)


def accumulate(cts: list[Any], slot: int, prior: Any, share: Any) -> None:
    """Add `share` to the cotangent `prior` of `slot`; the fan-out of the graph ends here."""
    if type(prior) is AccumulatedCotangent:
        # a sum of no dimension may be NumPy's scalar, which cannot be written to
        if type(share) is ScatteredCotangent and share.shape and type(prior.total) is not Array:
            share.add_to(prior.total)
        else:
            prior.add(share)
        return
    if type(prior) is ScatteredCotangent:
        total = prior.materialize()
        if type(total) is not Array:
            cts[slot] = mine = AccumulatedCotangent(
                total
            )  # fresh zeros with one share in them: ours to write to
            accumulate(cts, slot, mine, share)
            return
        prior = total
    if type(share) is ScatteredCotangent:
        share = share.materialize()
    cts[slot] = AccumulatedCotangent(prior + share)


def sweep(record: Any, cts: list[Any], *, consume: bool) -> None:
    """Carry the cotangents in `cts` (one slot per entry) back to the watched inputs.

    Parameters
    ----------
    record
        The tape.
    cts
        ``cts[slot]`` is the cotangent of that slot, or None. Left holding those of the inputs.
    consume
        Drop each entry, and what its rule kept, as soon as it has been passed.
    """
    entries = record.entries
    if consume:
        pop = entries.pop
        while entries:
            entry = pop()
            if entry is not None:
                entry[0](len(entries), cts, entry)
    else:
        for slot in range(len(entries) - 1, -1, -1):
            entry = entries[slot]
            if entry is not None:
                entry[0](slot, cts, entry)


def fit(share: Any, shape: tuple[int, ...], dtype: Any, rule: str) -> Any:
    """A rule's result as the cotangent of its input: its shape, its dtype, real if the input is real.

    Raises
    ------
    RuleError
        If the result has a shape from which no broadcasting leads back to the input's.
    """
    if getattr(share, "deferred", False):
        return share  # and fitted when it is laid out
    if not hasattr(share, "shape"):
        raise RuleError(
            f"the rule of {rule} returned {share!r}; it has to return an array of shape {shape}"
        )
    if type(share) is ScatteredCotangent:
        if share.shape == shape and as_numpy(share.dtype) == as_numpy(dtype):
            return share
        share = share.materialize()
    xp = namespace_of(share)
    if share.shape != shape:
        if not _broadcasts(shape, share.shape):
            raise RuleError(
                f"the rule of {rule} returned a cotangent of shape {tuple(share.shape)} for an input of shape {shape}"
            )
        share = xp.sum_to_shape(share, shape)
    if as_numpy(share.dtype) != as_numpy(dtype):
        if is_complex(share.dtype) and not is_complex(dtype):
            share = xp.real(share)
        share = xp.astype(share, dtype, copy=False)
    return share


def as_constant(x: Any) -> Any:
    """A raw array as an `Array`, for rules under higher derivatives: libraries differ in ``raw * Array``."""
    return Array(x) if hasattr(x, "shape") and type(x) is not Array else x


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    lead = len(large) - len(small)
    return lead >= 0 and all(n in (1, m) for n, m in zip(small, large[lead:], strict=True))
