"""One row of tests/cases/ after the other on Dask arrays in chunks, forward and gradient, against NumPy.

``python -m`` of this file's `main` runs all rows in all layouts, which takes minutes; the suite runs one row for each
function.
"""

from __future__ import annotations

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
    if not same_outputs(case, out, wanted):
        return  # other signs have another loss
    for g, w in zip(gradients, wanted_gradients, strict=True):
        assert isinstance(g, da.Array), type(g)
        assert (g.shape, g.dtype) == (w.shape, w.dtype)
        got = np.asarray(g)
        assert (got.shape, got.dtype) == (w.shape, w.dtype)
        np.testing.assert_allclose(got, w, rtol=1e-7, atol=1e-9)


def same_outputs(case: Case, out: Any, wanted: Any) -> bool:
    """Check outputs of NumPy's values, up to signs where these are open; say whether the signs agree."""
    agree = True
    got, right = (pb.tree.leaves(tuple(y) if isinstance(y, tuple) else y) for y in (out, wanted))
    assert len(got) == len(right)
    for y, w in zip(got, right, strict=True):
        if not hasattr(w, "shape"):
            assert y == w
            continue
        assert isinstance(y.value, da.Array), type(y.value)
        computed = np.asarray(y.value)
        w = values(w)
        assert (computed.shape, computed.dtype, y.value.dtype) == (w.shape, w.dtype, w.dtype)
        if case.name in UP_TO_SIGNS and not np.allclose(computed, w):
            agree, computed, w = False, np.abs(computed), np.abs(w)
        np.testing.assert_allclose(computed, w, rtol=1e-9, atol=1e-11)
    return agree
