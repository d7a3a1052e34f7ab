"""One row of tests/cases/ after the other on Dask arrays in chunks, forward and gradient, against NumPy.

``python -m`` of this file's `main` runs all rows in all layouts, which takes minutes; the suite runs one row for each
function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import pullback as pb

from ....cases._table import Case, inexact_leaves, loss, weights_for
from ._dask import counted, da, values

# Q, U and V are determined up to signs: Dask's algorithm by chunks chooses others than LAPACK
UP_TO_SIGNS = {"linalg.qr", "linalg.svd"}

ADVICE = (
    "rechunk",
    "compute_chunk_sizes",
    ".compute()",
    "full_matrices",
    "mode='reduced'",
    "pb.to_numpy",
    "NumPy",
)


class Refused(Exception):
    """A row that Dask arrays are refused for, with advice."""


def run(case: Case, there: Any) -> None:
    """Check one row in one layout.

    Raises
    ------
    Refused
        If it was refused with a message that says what to do.
    AssertionError
        If a result is wrong, of another class, or computed early.
    """
    arrays = case.arrays()
    wanted = case.pullback(arrays)
    places = case.places()
    lazy = [there(a) for a in arrays]
    with counted() as count:
        try:
            out = case.pullback(lazy)
            weights = weights_for(inexact_leaves(wanted))
            known = not any(n != n for y in inexact_leaves(out) for n in y.shape)
            gradients = wanted_gradients = ()
            if places and weights and known:
                argnums = tuple(range(len(places)))
                given = [there(w) for w in weights]
                f = lambda *xs: loss(case.of_inputs(lazy)(*xs), given)
                gradients = pb.grad(f, argnums)(*[lazy[i] for i in places])
        except (NotImplementedError, TypeError, ValueError) as error:
            if any(text in str(error) for text in ADVICE):
                raise Refused(f"{type(error).__name__}: {error}") from error
            raise
        assert count.computes == 0, f"{count.computes} computations before the user asked for one"
    if len(gradients):
        f = lambda *xs: loss(case.of_inputs(arrays)(*xs), weights)
        wanted_gradients = pb.grad(f, argnums)(*[arrays[i] for i in places])
    leaves = [y for y in _leaves(out) if hasattr(y, "shape")]
    assert all(isinstance(y.value, da.Array) for y in leaves), [type(y.value) for y in leaves]
    assert all(isinstance(g, da.Array) for g in gradients), list(map(type, gradients))
    lazy = [*(y.value for y in leaves), *gradients]
    with counted():  # serially, and in one computation
        computed = list(map(np.asarray, da.compute(*lazy))) if lazy else []
    for y, value in zip(lazy, computed, strict=True):
        assert y.dtype == value.dtype
        assert all(n != n or n == m for n, m in zip(y.shape, value.shape, strict=True))
    if not same_outputs(case, out, wanted, iter(computed)):
        return  # other signs have another loss
    for got, w in zip(computed[len(leaves) :], wanted_gradients, strict=True):
        assert (got.shape, got.dtype) == (w.shape, w.dtype)
        np.testing.assert_allclose(got, w, rtol=1e-7, atol=1e-9)


def _leaves(out: Any) -> list[Any]:
    return pb.tree.leaves(tuple(out) if isinstance(out, tuple) else out)


def same_outputs(case: Case, out: Any, wanted: Any, computed: Iterator[np.ndarray]) -> bool:
    """Check outputs of NumPy's values, up to signs where these are open; say whether the signs agree."""
    agree = True
    got, right = _leaves(out), _leaves(wanted)
    assert len(got) == len(right)
    for y, w in zip(got, right, strict=True):
        if not hasattr(w, "shape"):
            assert y == w
            continue
        value, w = next(computed), values(w)
        assert (value.shape, value.dtype) == (w.shape, w.dtype)
        if case.name in UP_TO_SIGNS and not np.allclose(value, w):
            agree, value, w = False, np.abs(value), np.abs(w)
        np.testing.assert_allclose(value, w, rtol=1e-9, atol=1e-11)
    return agree
