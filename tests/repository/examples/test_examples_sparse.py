"""The examples of adjoint gradients run in a small setting, and find what they are to find."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._examples import drawn, example

pytest.importorskip("matplotlib", reason="the examples draw pictures")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    yield path
    assert drawn(path)


def test_poisson_inversion(picture):
    m, truth, losses = example("poisson_inversion").main(picture, n=30, steps=60)
    assert losses[-1] < 0.05 * losses[0]
    assert np.corrcoef(m.ravel(), truth.ravel())[0, 1] > 0.6


def test_the_matrix_of_the_inversion_is_right():
    """Against the same equations written cell by cell; and its gradient."""
    module, n = example("poisson_inversion"), 4
    m = np.random.default_rng(0).normal(size=(n, n))
    kappa, wanted = np.exp(m), np.zeros((n * n, n * n))
    for i in range(n):
        for j in range(n):
            for a, b in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                here = i * n + j
                if 0 <= a < n and 0 <= b < n:
                    T = 2 / (1 / kappa[i, j] + 1 / kappa[a, b]) * n**2
                    wanted[here, a * n + b] -= T
                else:
                    T = 2 * kappa[i, j] * n**2
                wanted[here, here] += T
    made = pb.to_numpy(module.matrix(m, module.places(n)).toarray())
    np.testing.assert_allclose(made, wanted)
    np.testing.assert_allclose(made, made.T)
    pb.check_grads(
        lambda m: pb.linalg.spsolve(module.matrix(m, module.places(n)), np.ones(n * n)), (m,)
    )


def test_adjoint_cost(picture):
    """That both gradients agree is asserted in the example; here, that their costs grow apart by about M."""
    adjoint, differences = example("adjoint_cost").main(
        picture, counts=(1, 10, 100, 1000), most=100
    )
    assert differences - adjoint > 0.5
