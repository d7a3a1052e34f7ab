"""Every array library that array-api-compat knows is differentiated: Dask and torch where they are installed.

Neither has ``__array_namespace__``; Dask's arrays have no device either, and stay lazy.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._select_libraries import A, B, X, _dask

xp = pb.xp
PLACES, Y = np.asarray([0, 2, 2]), np.asarray([0, 1, 3])


def _torch():
    torch = pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")
    return torch.Tensor, lambda x: torch.as_tensor(x.copy()), lambda x: x.detach().numpy()


def _jax():
    jax = pytest.importorskip("jax", reason="JAX is a peer, not a dependency")
    jax.config.update("jax_enable_x64", True)
    return jax.Array, jax.numpy.asarray, np.asarray


LIBRARIES = {"dask": _dask, "torch": _torch, "jax": _jax}


@pytest.fixture(params=LIBRARIES)
def library(request):
    """Its class of arrays, and the ways there and back."""
    return LIBRARIES[request.param]()


def _written(x):
    y = xp.asarray(x) * 1.0
    y[1:3] = 7.0
    return y


CASES = {
    "square": (lambda x: xp.sum(xp.asarray(x) * x), (X,)),
    "numbers": (lambda x: xp.sum(2.0 * xp.asarray(x) ** 3 - 1), (X,)),
    "elementwise": (lambda x: xp.sum(xp.exp(xp.sin(x)) / (1 + xp.tanh(x) ** 2)), (X,)),
    "power": (lambda x: xp.sum(xp.abs(x) ** 2.5), (X,)),
    "where": (lambda x: xp.sum(xp.where(xp.asarray(x) > 0, xp.asarray(x) ** 2, 0.0)), (X,)),
    "clip": (lambda x: xp.sum(xp.clip(x, -0.3, 0.3)), (X,)),
    "logaddexp": (lambda x: xp.sum(xp.logaddexp(x, xp.zeros_like(x))), (X,)),
    "mean": (lambda x: xp.mean(x) ** 2, (X,)),
    "max": (lambda x: xp.max(x), (X,)),
    "prod": (lambda x: xp.prod(x), (X,)),
    "std": (lambda x: xp.std(x), (X,)),
    "var": (lambda A: xp.sum(xp.var(A, axis=0)), (B,)),
    "cumulative_sum": (lambda x: xp.sum(xp.cumulative_sum(x) ** 2), (X,)),
    "sort": (lambda x: xp.sum(xp.sort(x) * xp.asarray(x)), (X,)),
    "reshape": (lambda A: xp.sum(xp.reshape(xp.asarray(A) ** 2, (-1,))), (B,)),
    "transpose": (lambda A: xp.sum(xp.asarray(A).T @ A), (B,)),
    "concat": (lambda x, y: xp.sum(xp.concat([x, y]) ** 2), (X, X[::-1].copy())),
    "broadcast": (lambda A, x: xp.sum((xp.asarray(A) + x) ** 2), (B, X)),
    "matmul": (lambda A, x: xp.sum((xp.asarray(A) @ x) ** 2), (A, X)),
    "layer": (lambda x, W, b: xp.sum(xp.linear(x, W, b) ** 2), (B, A, X)),
    "layer with relu": (lambda x, W, b: xp.sum(xp.linear_relu(x, W, b) ** 2), (B, A, X)),
    "linear, relu": (lambda A, x: xp.sum(pb.models.relu(xp.asarray(A) @ A + x)), (A, X)),
    "slice": (lambda x: xp.sum(xp.asarray(x)[1:3] ** 2), (X,)),
    "row": (lambda A: xp.sum(xp.asarray(A)[1] ** 3), (B,)),
    "write": (lambda x: xp.sum(_written(x) ** 2), (X,)),
    "norm": (lambda A: xp.linalg.matrix_norm(A), (A,)),
    "solve": (lambda A, x: xp.sum(xp.linalg.solve(A, x)), (A, X)),
    "pb solve": (lambda A, x: xp.sum(pb.linalg.solve(A, x)), (A, X)),
    "inv": (lambda A: xp.sum(xp.linalg.inv(A)), (A,)),
    "complex": (lambda x: xp.sum(xp.real(xp.astype(x, xp.complex128) * (1 + 2j)) ** 2), (X,)),
    "cholesky": (lambda A: xp.sum(xp.linalg.cholesky(xp.asarray(A) @ xp.matrix_transpose(A))), (A,)),
}  # fmt: skip
WITH_PLACES = {
    "index": (lambda x, i: xp.sum(xp.asarray(x)[i] ** 2), X, PLACES),
    "take": (lambda x, i: xp.sum(xp.take(x, i) ** 2), X, PLACES),
    "cross entropy": (lambda z, y: pb.models.cross_entropy(z, y), B, Y),
}


def _same(got, wanted, kind, back):
    assert isinstance(got, kind)
    np.testing.assert_allclose(back(got), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_numpy_s_and_of_the_library(name, library):
    (kind, there, back), (f, args) = library, CASES[name]
    places = tuple(range(len(args)))
    values, gradients = pb.value_and_grad(f, argnums=places)(*map(there, args))
    wanted_values, wanted = pb.value_and_grad(f, argnums=places)(*args)
    _same(values, wanted_values, kind, back)
    for g, w in zip(gradients, wanted, strict=True):
        _same(g, w, kind, back)


@pytest.mark.parametrize("name", WITH_PLACES)
def test_places_are_of_the_library_too(name, library):
    (kind, there, back), (f, x, places) = library, WITH_PLACES[name]
    _same(pb.grad(f)(there(x), there(places)), pb.grad(f)(x, places), kind, back)


def test_higher_order(library):
    kind, there, back = library
    f = lambda x: xp.sum(xp.exp(xp.asarray(x) ** 2))
    _same(pb.hessian(f)(there(X)), pb.hessian(f)(X), kind, back)
    _same(
        pb.grad(lambda x: xp.sum(pb.grad(f)(x) ** 2))(there(X)),
        pb.grad(lambda x: xp.sum(pb.grad(f)(x) ** 2))(X),
        kind,
        back,
    )


def test_what_arrays_are(library):
    kind, there, _ = library
    x = there(X)
    assert pb.backend.is_array(x)
    assert isinstance(xp.asarray(x).value, kind)
    np.testing.assert_array_equal(pb.to_numpy(x), X)
    np.testing.assert_array_equal(pb.to_numpy(xp.asarray(x)), X)
    assert "Array(" in repr(xp.asarray(x))
    assert xp.asarray(x).device is not None
    with pb.backend.use("numpy"):
        np.testing.assert_array_equal(pb.asarray(x), X)
    if kind.__module__.startswith("dask"):  # which NumPy's arrays join
        return
    with (
        pytest.raises(TypeError, match=r"x2 = pb\.asarray\(x2\)|x2 = pb\.to_numpy\(x2\)"),
        pb.backend.use("numpy"),
    ):
        xp.add(X, x)


def test_what_no_array_is():
    for x in ([1.0], 1.0, "x", None, np.float64, np.ndarray, np.dtype("f8"), object()):
        assert not pb.backend.is_array(x)
    for x in (X, np.float64(1), xp.asarray(X)):
        assert pb.backend.is_array(x)
