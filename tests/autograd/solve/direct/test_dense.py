"""Tests of `autograd/solve/direct/dense.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._solve import KINDS, draw, host

xp = pb.xp


la = pb.linalg


@pytest.mark.parametrize("kind", KINDS[:8], ids=lambda k: k.name)
def test_what_lies_outside_of_the_structure_is_not_read(kind):
    M, b = draw((4, 4)), draw((4, 2))
    A = host(kind.make(xp.asarray(M)))
    spoiled = A.copy()
    if kind.name != "general":
        upper = kind.name.endswith("upper")
        spoiled[np.tril_indices(4, -1) if upper else np.triu_indices(4, 1)] = np.nan
    if kind.name.startswith("unit"):
        spoiled[range(4), range(4)] = np.nan
    v = la.solve(spoiled, b, assume=kind.name)
    np.testing.assert_allclose(host(v), np.linalg.solve(A, b), atol=1e-12)


def test_names_of_scipy_and_unknown_ones():
    A, b = host(KINDS[3].make(xp.asarray(draw((3, 3))))), draw((3,))
    for name in ("gen", "sym", "her", "pos", "positive definite"):
        np.testing.assert_allclose(host(la.solve(A, b, assume=name)), np.linalg.solve(A, b))
    with pytest.raises(ValueError, match="none of general, symmetric"):
        la.solve(A, b, assume="toeplitz")
    with pytest.raises(ValueError, match="none of general"):
        la.factorize(A, assume="toeplitz")


def test_the_gradient_is_within_the_structure():
    """Of what is not read nothing comes back; of a symmetric matrix a symmetric gradient."""
    M, b = draw((4, 4)), draw((4,))
    for kind in KINDS:
        A = host(kind.make(xp.asarray(M)))
        g = pb.grad(lambda A, kind=kind: xp.sum(la.solve(A, b, assume=kind.name, **kind.settings)))(A)  # fmt: skip
        if kind.name in ("symmetric", "hermitian", "positive"):
            np.testing.assert_allclose(g, g.T, atol=1e-15)
        elif kind.name not in ("general", "circulant"):
            there = A != 0
            if kind.name.startswith("unit"):
                there = there & ~np.eye(4, dtype=bool)
            assert np.all(g[~there] == 0)
            assert np.all(g[there] != 0)


OUT_OF_STRUCTURE = {
    "symmetric": [[1.0, 2.0], [3.0, 4.0]],
    "hermitian": [[1j, 0], [0, 1]],
    "positive": [[2.0, 1.0], [0.0, 2.0]],
    "lower": [[1.0, 2.0], [3.0, 4.0]],
    "upper": [[1.0, 2.0], [3.0, 4.0]],
    "unit lower": [[2.0, 0.0], [3.0, 1.0]],
    "unit upper": [[1.0, 0.0], [3.0, 1.0]],
    "diagonal": [[1.0, 2.0], [0.0, 4.0]],
    "tridiagonal": [[1.0, 0, 2.0], [0, 1, 0], [0, 0, 1]],
    "circulant": [[1.0, 2.0], [3.0, 1.0]],
}


@pytest.mark.parametrize("assume", OUT_OF_STRUCTURE)
def test_structure_is_checked_where_asked_for(assume, lib):
    A = lib.asarray(OUT_OF_STRUCTURE[assume])
    b = lib.asarray(np.ones(A.shape[-1]), A.dtype if lib.name == "numpy" else None)
    for function in (la.solve, lambda A, b, **how: la.factorize(A, **how)):
        with pytest.raises(la.StructureError, match=f'assume="{assume}"'):
            function(A, b, assume=assume, check="structure")
    eye = lib.asarray(np.eye(A.shape[-1]))
    la.solve(eye, lib.asarray(np.ones(A.shape[-1])), assume=assume, check="structure")


def test_rounding_is_no_breach_of_symmetry():
    X = np.random.default_rng(0).normal(size=(30, 50))
    A = (X * np.linspace(1, 2, 50)) @ X.T
    A[0, 1] = np.nextafter(A[0, 1], 10)
    la.solve(A, np.ones(30), assume="positive", check="structure")
