"""Where gradients go wrong in other libraries: matrices, complex numbers, transforms.

26 ways, collected from issue trackers, in four files; a test is named after its number.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from ..autograd.solve.iterative.test_differentiable import tiny_cotangents
from ..autograd.solve.iterative.test_preconditioners import transposed_preconditioners
from ..cases._table import look_up
from ._pitfalls import needs, rows

xp = pb.xp


@pytest.mark.parametrize(
    ("f", "expected"),
    rows(
        ("eigvalsh", "linalg.eigvalsh", lambda x: xp.sum(xp.linalg.eigvalsh(x)), np.eye(3)),
        ("svdvals", "linalg.svdvals", lambda x: xp.sum(xp.linalg.svdvals(x)), np.eye(3)),
        (
            "nuclear norm",
            "linalg.matrix_norm",
            lambda x: xp.linalg.matrix_norm(x, ord="nuc"),
            np.eye(3),
        ),
        ("eigh's values", "linalg.eigh", lambda x: xp.sum(xp.linalg.eigh(x)[0]), np.eye(3)),
        (
            "svd's values",
            "linalg.svd",
            lambda x: xp.sum(xp.linalg.svd(x, full_matrices=False)[1]),
            np.eye(3),
        ),
    ),
)
def test_08_values_of_the_identity_have_a_gradient(f, expected):
    np.testing.assert_allclose(pb.grad(f)(np.eye(3)), expected, atol=1e-14)


# Functions of the values, the same without them, and their second derivatives along V at the identity.
SPECTRAL = {
    "sum of squares": (
        lambda x: xp.sum(xp.linalg.eigvalsh(x) ** 2),
        lambda x: xp.linalg.matrix_norm(x) ** 2,
        lambda V: 2 * V,
    ),
    "log-determinant": (
        lambda x: xp.sum(xp.log(xp.linalg.eigvalsh(x))),
        lambda x: xp.linalg.slogdet(x)[1],
        lambda V: -V,
    ),
    "squares of singular values": (
        lambda x: xp.sum(xp.linalg.svdvals(x) ** 2),
        lambda x: xp.sum(x * x),
        lambda V: 2 * V,
    ),
}


@pytest.mark.parametrize("name", SPECTRAL)
def test_08_second_derivatives_of_values_are_nan_where_they_are_equal(name):
    """As in JAX and PyTorch: no cotangents of equal values tell them. Apart, or without the values, they are right."""
    by_values, without, expected = SPECTRAL[name]
    V = np.array([[1.0, 0.5, -0.3], [0.5, -1.0, 0.2], [-0.3, 0.2, 0.7]])
    assert np.all(np.isnan(pb.hvp(by_values, np.eye(3), V)))
    np.testing.assert_allclose(pb.hvp(without, np.eye(3), V), expected(V), atol=1e-14)
    apart = np.diag([1.0, 2.0, 4.0])
    np.testing.assert_allclose(
        pb.hvp(by_values, apart, V), pb.hvp(without, apart, V), rtol=1e-12, atol=1e-14
    )


@needs("linalg.det")
def test_09_det_of_a_singular_matrix_is_the_adjugate():
    A = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(pb.grad(xp.linalg.det)(A), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-12)
    B = np.diag([2.0, 3.0, 0.0])
    np.testing.assert_allclose(pb.grad(xp.linalg.det)(B), np.diag([0.0, 0.0, 6.0]), atol=1e-12)


@pytest.mark.parametrize(
    "f",
    rows(
        ("cholesky", "linalg.cholesky", lambda x: xp.linalg.cholesky(x)),
        ("cholesky upper", "linalg.cholesky", lambda x: xp.linalg.cholesky(x, upper=True)),
        ("eigvalsh", "linalg.eigvalsh", lambda x: xp.linalg.eigvalsh(x)),
    ),
)
@pytest.mark.parametrize("complex_too", [False, True])
def test_10_gradients_of_symmetric_functions_are_symmetrised(f, complex_too):
    rng = np.random.default_rng(1)
    M = rng.standard_normal((3, 3)) + (1j * rng.standard_normal((3, 3)) if complex_too else 0)
    A = M @ M.conj().T + 3 * np.eye(3)
    g = pb.grad(lambda x: xp.sum(xp.abs(f(x)) ** 2) + xp.sum(xp.real(f(x)) ** 3))(A)
    np.testing.assert_allclose(g, g.conj().T, rtol=1e-12, atol=1e-14)
    assert np.abs(g).max() > 0.1


def _real_and_complex(name: str, call=None):
    return (name, name, call or (lambda *xs: look_up(xp, name)(*xs)))


@pytest.mark.parametrize(
    "f",
    rows(
        *(_real_and_complex(n) for n in ("multiply", "divide", "add", "subtract", "matmul")),
        _real_and_complex("vecdot"),
        _real_and_complex("linalg.solve", lambda a, b: xp.linalg.solve(a + 5 * np.eye(2), b)),
        _real_and_complex("where", lambda a, b: xp.where(np.array([True, False]), a, b)),
        _real_and_complex("concat", lambda a, b: xp.concat([a, b])),
        _real_and_complex("astype", lambda a, b: b * xp.astype(a, b.dtype)),
    ),
)
def test_11_a_real_input_has_a_real_cotangent(f):
    rng = np.random.default_rng(2)
    a = rng.standard_normal((2, 2))
    b = rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
    g, h = pb.grad(
        lambda a, b: xp.sum(xp.real(f(a, b)) ** 2) + xp.sum(xp.imag(f(a, b))), argnums=(0, 1)
    )(a, b)
    assert (g.dtype, h.dtype) == (np.float64, np.complex128)
    pb.check_grads(lambda a, b: f(a, b), (a, b), order=2)


def test_11_complex_gradients_descend():
    """∂L/∂Re z + i ∂L/∂Im z: of |z − w|² it is 2 (z − w), and z − s·gradient goes to w."""
    w, z = np.array([1 + 2j, -3j]), np.array([0.5 - 1j, 2.0 + 0j])
    f = lambda z: xp.sum(xp.abs(z - w) ** 2)
    np.testing.assert_allclose(pb.grad(f)(z), 2 * (z - w), rtol=1e-14)
    for _ in range(60):
        z = z - 0.25 * pb.grad(f)(z)
    np.testing.assert_allclose(z, w, atol=1e-12)


_POSITIVE = lambda x: x @ x.mT + 3 * np.eye(3)


@pytest.mark.parametrize(
    "f",
    rows(
        ("solve", "linalg.solve", lambda x: xp.linalg.solve(_POSITIVE(x), x)),
        ("cholesky", "linalg.cholesky", lambda x: xp.linalg.cholesky(_POSITIVE(x))),
        ("inv", "linalg.inv", lambda x: xp.linalg.inv(_POSITIVE(x))),
        ("det", "linalg.det", lambda x: xp.linalg.det(_POSITIVE(x)) / 100),
        ("slogdet", "linalg.slogdet", lambda x: xp.linalg.slogdet(_POSITIVE(x))[1]),
        ("eigh", "linalg.eigh", lambda x: xp.linalg.eigh(_POSITIVE(x))[0]),
        ("eigvalsh", "linalg.eigvalsh", lambda x: xp.linalg.eigvalsh(_POSITIVE(x))),
        ("svdvals", "linalg.svdvals", lambda x: xp.linalg.svdvals(_POSITIVE(x))),
        ("qr", "linalg.qr", lambda x: xp.linalg.qr(_POSITIVE(x))[1]),
    ),
)
def test_17_third_order_through_factorisations(f):
    """No factor is a constant of the higher derivatives."""
    x = np.random.default_rng(3).uniform(-1, 1, (3, 3))
    pb.check_grads(f, (x,), order=3, rtol=1e-5)


def test_18_krylov_solvers_report_failure():
    A = np.diag(np.linspace(1e-12, 1.0, 50))
    with pytest.raises(pb.linalg.ConvergenceError, match=r"after 3 steps: the residual's norm is"):
        pb.linalg.cg(A, np.ones(50), maxiter=3)


def test_18_krylov_adjoints():
    """The definitive tests are those of `autograd/solve/iterative/test_differentiable.py`."""
    tiny_cotangents()
    transposed_preconditioners()


@needs("fft.rfft", "fft.irfft")
@pytest.mark.parametrize("n", [4, 5, 6, 7, 8, 11])
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("length", [5, 6])
def test_23_real_fft(n, norm, length):
    rng = np.random.default_rng(n)
    x = rng.standard_normal((2, length))
    z = x + 1j * rng.standard_normal((2, length))
    pb.check_grads(lambda x: xp.fft.rfft(x, n=n, norm=norm), (x,))
    pb.check_grads(lambda z: xp.fft.irfft(z, n=n, norm=norm), (z,))
    pb.check_grads(lambda x: xp.fft.irfft(xp.fft.rfft(x, norm=norm), n=length, norm=norm), (x,))
