"""Tests of `autograd/solve/iterative/in_place.py`: the same as by the steps that serve every library."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.core.namespaces import namespace_of
from pullback.autograd.solve.iterative.differentiable import _by_cg_steps
from pullback.autograd.solve.iterative.in_place import applies, cg_in_place
from pullback.autograd.solve.iterative.iteration import Run

rng = np.random.default_rng(1)
L = rng.standard_normal((6, 6)) + 1j * rng.standard_normal((6, 6))
H = L @ L.conj().T + np.eye(6)


def both(A, M, x, r, tolerance, **settings):
    """x, steps and norm by each of the two."""
    run = Run(settings.get("maxiter", 50), 1, settings.get("callback"))
    assert applies(r, run)
    given = x.copy(), r.copy()
    one = cg_in_place(A, M, x, r, np.asarray(tolerance), run)
    np.testing.assert_array_equal((x, r), given)  # nothing that was given is written to
    xp = namespace_of(r)
    other = _by_cg_steps(xp, A, M, None, x, r, np.asarray(tolerance), run)
    return one, other


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("preconditioned", [False, True])
def test_as_by_steps(dtype, preconditioned):
    A = H.astype(dtype) if dtype.startswith("complex") else H.real.astype(dtype)
    d = np.diag(A).real.copy()
    M = (lambda r: r / d) if preconditioned else None
    x, r = np.zeros(6, dtype), rng.standard_normal(6).astype(dtype)
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-10
    one, other = both(A.__matmul__, M, x, r, rtol * np.linalg.norm(r))
    assert one[0].dtype == dtype
    assert one[1] == other[1] > 2
    np.testing.assert_allclose(one[0], other[0], rtol=10 * rtol)
    assert one[2] <= one[3] == other[3]


def test_maps_may_return_their_argument():
    r = rng.standard_normal(4)
    one, other = both(lambda v: v, lambda r: r, np.ones(4), r, 1e-12)
    np.testing.assert_allclose(one[0], 1.0 + r)
    assert one[1] == other[1] == 1


@pytest.mark.parametrize("r", [np.zeros(3), np.full(3, np.nan), np.zeros(0)])
def test_no_step(r):
    one, other = both(lambda v: v, None, np.ones_like(r), r, 0.0)
    assert one[1] == other[1] == 0
    assert not one[4]


def test_breakdowns_end_as_by_steps():
    """p A p = 0: no step is made, and all steps are used up."""
    skew = np.asarray([[0.0, 1.0], [-1.0, 0.0]])
    one, other = both(skew.__matmul__, None, np.zeros(2), np.ones(2), 1e-12, maxiter=4)
    assert one[1:] == other[1:]
    with np.errstate(all="ignore"):
        one, other = both(lambda v: v * np.inf, None, np.zeros(2), np.ones(2), 1e-12, maxiter=4)
    assert (np.isnan(one[2]), one[1]) == (np.isnan(other[2]), other[1])


def test_callbacks_get_arrays_of_their_own():
    seen = []
    both(H.real.__matmul__, None, np.zeros(6), np.ones(6), 1e-10, callback=seen.append)
    half = len(seen) // 2
    np.testing.assert_allclose(seen[:half], seen[half:])
    assert len({x.tobytes() for x in seen[:half]}) == half


def test_where_it_does_not_apply():
    assert not applies(np.ones(2), Run(3, 2))
    assert not applies(np.ones(2, np.float16), Run(3, 1))
