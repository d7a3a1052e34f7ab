"""Tests of `compat/autograd/numpy/linalg.py`."""

import numpy as np
import pytest

from pullback.compat.autograd import grad, jacobian
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.test_util import check_grads

A = np.asarray([[2.0, 0.3, -0.5], [0.1, 1.5, 0.7], [0.4, -0.2, 3.0]])


@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize("make_complex", [False, True])
def test_one_triangle_is_read(uplo, make_complex):
    a = A + 1j * A.T if make_complex else A
    check_grads(lambda x: anp.linalg.eigvalsh(x, uplo))(a)
    check_grads(lambda x: tuple(anp.abs(v) for v in anp.linalg.eigh(x, uplo)))(a)
    out = grad(lambda x: anp.sum(anp.linalg.eigvalsh(x, uplo) ** 2))(a)
    unread = np.triu(out, 1) if uplo == "L" else np.tril(out, -1)
    assert np.array_equal(unread, np.zeros((3, 3)))
    w, v = anp.linalg.eigh(a, uplo)
    assert np.allclose(w, np.linalg.eigvalsh(a, uplo))
    whole = np.tril(a) if uplo == "L" else np.triu(a)
    whole = whole + (whole - np.diag(np.diag(whole))).conj().T
    whole[np.diag_indices(3)] = whole[np.diag_indices(3)].real
    assert np.allclose(whole @ v, v * w)


@pytest.mark.parametrize(
    "f",
    [
        anp.linalg.inv,
        anp.linalg.det,
        anp.linalg.pinv,
        lambda x: anp.linalg.slogdet(x)[1],
        lambda x: anp.linalg.solve(x, A[0]),
        lambda x: anp.linalg.norm(x, axis=1),
        lambda x: anp.linalg.svd(x, compute_uv=False),
        lambda x: anp.linalg.cholesky(anp.dot(x, x.T)),
        anp.linalg.T,
    ],
)
def test_matrices(f):
    check_grads(f)(A)
    assert type(f(A)) is not type(grad)


def test_norms_of_lists():
    assert np.isclose(grad(lambda x: anp.linalg.norm([x, 2.0 * x]))(3.0), np.sqrt(5))
    assert jacobian(lambda x: anp.linalg._dot(x, x))(A).shape == (3, 3, 3, 3)
    assert anp.linalg.LinAlgError is np.linalg.LinAlgError
