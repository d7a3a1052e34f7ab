"""Cotangents with several shares, cotangents that are deferred, and shares made to fit their input."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend.common.base import LAZY
from ...backend.common.lengths import broadcasts, same_shape, unknown
from .array import Array, unwrap_closed
from .dtypes import as_numpy, is_complex
from .levels.batched import Batched
from .namespaces import namespace_of
from .typing import Cotangent, DType, Key, Value


class RuleError(RuntimeError):
    """A rule returned something that cannot be the cotangent of its input."""


class AccumulatedCotangent:
    """A cotangent with more than one share, in a buffer of our own: further shares are added in place."""

    __slots__ = ("total",)

    def __init__(self, total: Cotangent) -> None:
        self.total = total

    def add(self, share: Cotangent) -> None:
        """Add one more share."""
        if type(share) is ScatteredCotangent:
            share = share.materialize()
        if type(share) is Array:
            self.total = as_constant(self.total) + share  # libraries differ in ``raw + Array``
        elif type(self.total) is not type(share):
            self.total = self.total + share
        else:
            self.total += share

    def materialize(self) -> Value:
        """The sum."""
        return self.total.materialize() if type(self.total) in DEFERRED else self.total


class ScatteredCotangent:
    """The cotangent of ``x[key]``: `values` at `key`, zeros elsewhere, not laid out until it is needed.

    A loop over the rows of an array would otherwise make an array of zeros for each of them.
    """

    __slots__ = ("dtype", "key", "shape", "values")

    def __init__(self, shape: tuple[int, ...], key: Key, values: Value) -> None:
        self.shape, self.key, self.values, self.dtype = shape, key, values, values.dtype

    def materialize(self) -> Value:
        """The cotangent as an array, zero where the key selects nothing."""
        return namespace_of(self.values).scatter_add(self.shape, self.key, self.values)

    def add_to(self, total: Cotangent) -> Cotangent:
        """The sum with a buffer of our own, in place where that can be; the key selects no element twice.

        Rows that a tape records are no buffer: ``total += x`` makes a new array of them.
        """
        if type(self.key) is tuple and None in self.key:  # which the standard does not write to
            total += self.materialize()
        else:
            total[self.key] += self.values
        return total


# Cotangents that are laid out when they are needed; `solve/direct/factorize.py` adds one.
DEFERRED: set[type] = {AccumulatedCotangent, ScatteredCotangent}


def accumulate(cts: list[Any], slot: int, prior: Cotangent, share: Cotangent) -> None:
    """Add `share` to the cotangent `prior` of `slot`; the fan-out of the graph ends here."""
    if type(prior) is AccumulatedCotangent:
        # a sum of no dimension may be NumPy's scalar, which cannot be written to
        total = prior.total
        writeable = type(total) is not Array and type(total) not in LAZY
        if (
            writeable
            and type(share) is ScatteredCotangent
            and share.shape
            and type(share.values) is not Array
        ):
            prior.total = share.add_to(total)
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
    if type(share) is Array and type(prior) is not Array:
        prior = as_constant(prior)  # libraries differ in ``raw + Array``
    cts[slot] = AccumulatedCotangent(prior + share)


def add_share(cts: list[Any], slot: int, share: Cotangent) -> None:
    """Add `share` to the cotangent of `slot`, if there is one yet."""
    prior = cts[slot]
    if prior is None:
        cts[slot] = share
    else:
        accumulate(cts, slot, prior, share)


def fit(share: Cotangent, shape: tuple[int, ...], dtype: DType, rule: str) -> Any:
    """A rule's result as the cotangent of its input: its shape, its dtype, real if the input is real.

    Raises
    ------
    RuleError
        If the result has a shape from which no broadcasting leads back to the input's.
    ValueError
        If that is not known, since a length is not (NaN, in shapes of Dask arrays).
    """
    if type(share) is ScatteredCotangent:
        if share.shape == shape and as_numpy(share.dtype) == as_numpy(dtype):
            return share
        share = share.materialize()
    elif type(share) in DEFERRED:
        return share  # and fitted when it is laid out
    if not hasattr(share, "shape"):
        raise RuleError(
            f"the rule of {rule} returned {share!r}; it has to return an array of shape {shape}"
        )
    xp = namespace_of(share)
    if share.shape != shape and not same_shape(share.shape, shape):
        if not broadcasts(shape, share.shape):
            if unknown((*share.shape, *shape)):
                raise ValueError(
                    f"the gradient by {rule}: the cotangent has shape {tuple(share.shape)}, the input {shape}, and "
                    "whether these agree is not known; x.compute_chunk_sizes() finds unknown lengths of a Dask array"
                )
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


def in_rows(x: Any) -> Any:
    """A NumPy array in C order, for rules on Dask's cotangents; everything else as it is.

    Dask names ``ct * x`` by the memory of `x`, so that a square matrix and its transpose were one product.
    """
    if type(x) is np.ndarray and x.ndim > 1 and not x.flags.c_contiguous:
        return np.ascontiguousarray(x)
    return x


# ── of collectives ────────────────────────────────────────────────────────────────────────────


def template_of(out: Value) -> Any:
    """What the tape keeps of a collective's output for `on_tapes_of`; of a raw array its shape and kind alone."""
    if type(out) is Array or type(out) is Batched:
        return out
    return tuple(out.shape), namespace_of(out).zeros_on_device_of((0,), out)


def on_tapes_of(template: Any, ct: Value | None) -> Value:
    """The cotangent of a collective's output, zeros where there is none, on all tapes that the output is on.

    The pullback of a collective is a collective, which all ranks have to call. A rank whose loss does not depend on
    the output calls it with zeros. Under higher derivatives the pullback is itself recorded, by the tapes that its
    cotangent is on. They have to be the same on all ranks, and so they are made those of the output.
    """
    if type(template) is tuple:
        return namespace_of(template[1]).zeros_on_device_of(*template) if ct is None else ct
    out = unwrap_closed(template)
    xp = namespace_of(out)
    if ct is None:
        ct = xp.zeros_like(out)
    if type(out) is not Array:
        return ct
    if type(ct) is Batched and ct.level is None:  # the cotangents of a sweep with many
        return Batched(_recorded_with(out, ct.value, xp))
    return _recorded_with(out, ct, xp)


def _recorded_with(out: Value, ct: Value, xp: Any) -> Value:
    """The cotangent, or many of them, on the tapes of `out`."""
    if _on_same_tapes(ct, out):
        return ct
    # `ct` everywhere, and recorded on the tapes of `out`, by which its derivative is zero
    return xp.where(xp.ones_like(out, dtype=bool), as_constant(ct), out)


def _on_same_tapes(ct: Value, out: Value) -> bool:
    while type(out) is Array:
        if type(ct) is not Array or ct.tape is not out.tape:
            return False
        ct, out = ct.value, unwrap_closed(out.value)
    return True
