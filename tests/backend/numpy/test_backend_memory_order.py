"""The order of elements in memory is NumPy's, traced or not: it decides whether `ravel` and `reshape` give views."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
A = np.array([[4.0, 1.0, 0.5], [0.2, 3.0, 1.0], [1.0, 0.1, 5.0]])
B = np.arange(6.0).reshape(3, 2)

FUNCTIONS = {
    "solve": lambda xp, a: xp.linalg.solve(a, xp.asarray(B)),
    "solve, transposed": lambda xp, a: xp.linalg.solve(a.T, xp.asarray(B)),
    "solve, a stack": lambda xp, a: xp.linalg.solve(xp.stack([a, a]), xp.asarray(B)),
    "solve, complex": lambda xp, a: xp.linalg.solve(a, xp.asarray(B + 1j)),
    "inv": lambda xp, a: xp.linalg.inv(a),
    "inv, transposed": lambda xp, a: xp.linalg.inv(a.T),
    "pinv": lambda xp, a: xp.linalg.pinv(a),
    "cholesky": lambda xp, a: xp.linalg.cholesky(a @ a.T),
    "qr": lambda xp, a: xp.linalg.qr(a)[1],
    "svd": lambda xp, a: xp.linalg.svd(a)[0],
    "eigh": lambda xp, a: xp.linalg.eigh(a + a.T)[1],
    "eig": lambda xp, a: xp.linalg.eig(a)[1],
    "matrix_power": lambda xp, a: xp.linalg.matrix_power(a, -2),
    "matmul": lambda xp, a: a.T @ xp.asarray(B),
    "exp, transposed": lambda xp, a: xp.exp(a.T),
    "fft": lambda xp, a: xp.fft.fft(a, axis=0),
    "meshgrid": lambda xp, a: xp.meshgrid(a[0], a[1, :2])[0],
    "meshgrid, ij": lambda xp, a: xp.meshgrid(a[0], a[1, :2], indexing="ij")[1],
    "tile": lambda xp, a: xp.tile(a[:1], (3, 1)),
}


def _order(x):
    assert isinstance(x, np.ndarray)
    return x.flags.c_contiguous, x.flags.f_contiguous


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_results_lie_as_numpy_s_do(f):
    import array_api_compat.numpy as host

    expected = f(host, A)
    seen = []

    def traced(a):
        seen.append(pb.to_numpy(pb.stop_gradient(f(xp, a))))
        return xp.sum(a)

    pb.grad(traced)(A)
    for out in (pb.to_numpy(f(xp, xp.asarray(A))), *seen):
        assert _order(out) == _order(expected)
        np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-12)


FUSED = {
    "logsumexp": xp.logsumexp,
    "log_softmax": xp.log_softmax,
    "softmax": xp.softmax,
    "softmax_cross_entropy": lambda x, axis: xp.softmax_cross_entropy(x, np.zeros(x.shape[0], int)),
    "linear": lambda x, axis: xp.linear(x, xp.matrix_transpose(x), x[:, 0]),
    "sum": xp.sum,
    "max": xp.max,
    "var": xp.var,
    "cumulative_sum": xp.cumulative_sum,
    "sort": xp.sort,
}
LAID = {
    "transposed": lambda x: np.asfortranarray(x),
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "every other": lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2],
    "transposed and reversed": lambda x: np.asfortranarray(x[::-1])[::-1],
    "a broadcast row": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lay", LAID.values(), ids=LAID)
@pytest.mark.parametrize("f", FUSED.values(), ids=FUSED)
def test_values_and_gradients_do_not_depend_on_the_order(f, lay, axis):
    laid = lay(A)
    plain = np.ascontiguousarray(laid)

    def loss(x):
        out = f(x, axis=axis)
        return xp.sum(out * out)

    for of in (lambda x: pb.to_numpy(f(xp.asarray(x), axis=axis)), pb.grad(loss)):
        np.testing.assert_allclose(of(laid), of(plain), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_the_grids_are_arrays_of_their_own(indexing):
    """NumPy copies: a grid may be written to, and changes neither its vector nor another grid."""
    x = np.array([1.0, 2.0, 3.0])
    for grid in xp.meshgrid(x, x, indexing=indexing):
        assert not np.shares_memory(pb.to_numpy(grid), x)
        assert pb.to_numpy(grid).flags.writeable
    (alone,) = xp.meshgrid(x)
    assert not np.shares_memory(pb.to_numpy(alone), x)

    def f(v):
        one, other = xp.meshgrid(v, v, indexing=indexing)
        one *= 3.0
        return xp.sum(one * other)

    np.testing.assert_allclose(pb.grad(f)(x), np.full(3, 6 * x.sum()))


def test_the_elements_of_a_vector_are_numbers():
    """As NumPy's scalars: a later write to the vector changes none of them; rows of a matrix are views."""

    def f(v):
        v = v * 1.0
        one, two, three = xp.unstack(v)
        v *= 10.0
        return one * two + three + xp.sum(v)

    x = np.array([1.0, 2.0, 3.0])
    assert float(f(xp.asarray(x))) == 65.0
    np.testing.assert_allclose(pb.grad(f)(x), [12.0, 11.0, 11.0])
