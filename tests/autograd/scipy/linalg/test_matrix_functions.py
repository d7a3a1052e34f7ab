"""Tests of `autograd/scipy/linalg/matrix_functions.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.scipy import linalg

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._rows import COMPLEX, NEAR_ONE, POSITIVE, RNG, S3, A, make, table_tests

STABLE = 0.2 * NEAR_ONE
LARGE = 0.1 * RNG.standard_normal((11, 11))

ROWS = [
    make("sqrtm", "real", NEAR_ONE), make("sqrtm", "positive", POSITIVE), make("sqrtm", "complex", COMPLEX),
    make("sqrtm", "negative eigenvalues", A, libraries="numpy"), make("logm", "real", NEAR_ONE), make("logm",
    "positive", POSITIVE, rtol=1e-8), make("logm", "complex", COMPLEX), make("expm", "real", A), make("expm",
    "complex", COMPLEX), make("expm_frechet", "both", A, NEAR_ONE), make("fractional_matrix_power", "third", NEAR_ONE,
    t=1 / 3), make("fractional_matrix_power", "whole", NEAR_ONE, t=-2), *(make(name, "real", 0.3 * A) for name in
    ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")), make("cosm", "complex", 0.2 * COMPLEX),
    make("solve_sylvester", "real", NEAR_ONE, S3, RNG.standard_normal((4, 3))), make("solve_sylvester", "complex",
    COMPLEX, S3 + 0j, RNG.standard_normal((4, 3)) + 0j), make("solve_continuous_lyapunov", "real", NEAR_ONE,
    POSITIVE), make("solve_continuous_lyapunov", "complex", COMPLEX, COMPLEX), *(make("solve_discrete_lyapunov",
    f"{method}", STABLE, POSITIVE, method=method, rtol=1e-8) for method in (None, "direct", "bilinear")),
    make("solve_discrete_lyapunov", "complex", 0.2 * COMPLEX, COMPLEX), make("solve_discrete_lyapunov", "large",
    LARGE, np.eye(11), order=1, rtol=1e-8),
]  # fmt: skip
globals().update(table_tests(ROWS, ("sqrtm", "logm", "expm", "solve_sylvester")))


def test_the_logarithm_inverts_the_exponential():
    small = 0.3 * A
    np.testing.assert_allclose(pb.to_numpy(linalg.logm(linalg.expm(small))), small, atol=1e-12)
    jacobian = pb.jacobian(lambda x: linalg.logm(linalg.expm(x)))(small)
    np.testing.assert_allclose(jacobian.reshape(16, 16), np.eye(16), atol=1e-11)


def test_where_the_logarithm_jumps():
    turned = np.asarray([[-1.0, 1.0], [0.0, -2.0]])
    np.testing.assert_allclose(pb.to_numpy(linalg.logm(turned)), scipy.linalg.logm(turned))
    with pytest.raises(NotImplementedError, match="principal logarithm"):
        pb.grad(lambda x: pb.xp.real(pb.xp.sum(linalg.logm(x))))(turned)


def test_no_root_by_iteration_where_it_does_not_converge(lib):
    if lib.name == "numpy":
        return
    with pytest.raises((ValueError, np.linalg.LinAlgError)):
        linalg.sqrtm(lib.asarray(np.diag([-1.0, 2.0])))


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(n, n\), \(m, m\), \(n, m\)"):
        linalg.solve_sylvester(NEAR_ONE, S3, S3)
    with pytest.raises(ValueError, match="square"):
        linalg.sqrtm(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="'direct' or 'bilinear'"):
        linalg.solve_discrete_lyapunov(A, A, method="newton")
    with pytest.raises(ValueError, match="blockEnlarge"):
        linalg.expm_frechet(A, A, method="SPS")


def test_real_beside_complex():
    """A real matrix with complex eigenvalues beside a complex one, which SciPy's own gets wrong."""
    b = np.asarray([[0.5, 2.0], [-2.0, 0.5]])
    q = RNG.standard_normal((4, 2))
    out = pb.to_numpy(linalg.solve_sylvester(COMPLEX, b, q))
    np.testing.assert_allclose(COMPLEX @ out + out @ b, q, atol=1e-12)
    pb.check_grads(linalg.solve_sylvester, (COMPLEX, b, q), order=2)
