"""Cotangents and tangents that are constants of a compiled function: they are recorded like any other operand.

A rule runs in the namespace of its cotangent: one that is a plain array beside recorded values has to become a
constant of the recording first.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
A = np.array([[1.6, -1.3, 0.4], [0.2, 1.4, -0.7], [-0.5, 0.9, 2.1]])
Z = A + 1j * A[::-1]

FUNCTIONS = {
    "relu": (lambda x: xp.relu(x) * x, A),
    "maximum": (lambda x: xp.maximum(x, 0.3 * x * x), A),
    "where": (lambda x: xp.where(x > 0.3, x * x, x), A),
    "clip": (lambda x: xp.clip(x, -0.6, 1.5) ** 2, A),
    "max": (lambda x: xp.max(x, axis=0) ** 2, A),
    "sort": (lambda x: xp.sort(x, axis=0) ** 3, A),
    "take_along_axis": (lambda x: xp.take_along_axis(x, xp.argsort(x), axis=-1) ** 2, A),
    "getitem": (lambda x: x[xp.argmax(x[:, 0])] ** 2, A),
    "setitem": (lambda x: _written(x * x), A),
    "cross": (lambda x: xp.linalg.cross(x, x * x), A),
    "cross, complex": (lambda x: xp.linalg.cross(x, x * x), Z),
    "einsum": (lambda x: xp.einsum("ij,ij->j", x, x), A),
    "einsum, complex": (lambda x: xp.einsum("ij,kj->ik", x, x), Z),
    "solve": (lambda x: xp.linalg.solve(x, x * x), A),
    "pb.linalg.solve": (lambda x: pb.linalg.solve(x, x * x), A),
    "qr": (lambda x: xp.linalg.qr(x)[1] ** 2, A),
    "cholesky": (lambda x: xp.linalg.cholesky(x @ x.T + xp.eye(3)), A),
    "i0e": (lambda x: xp.special.i0e(x) * x, A),
    "prod": (lambda x: xp.prod(x, axis=1) ** 2, A),
    "logsumexp": (lambda x: xp.logsumexp(x, axis=1) * x, A),
    "rfft": (lambda x: xp.fft.rfft(x) ** 2, A),
    "abs, complex": (lambda x: xp.abs(x) ** 3, Z),
}  # fmt: skip


def _written(y):
    y[0] = 2.0 * y[1]
    return y


def _loss(f):
    def of(x):
        y = f(x)
        return xp.sum(xp.real(y * xp.conj(y)))

    return of


def _pull(f, x):
    out, pull = pb.vjp(f, x)
    return pull(np.cos(np.arange(out.size)).reshape(out.shape).astype(out.dtype))[0]


WAYS = {
    "vjp, a constant cotangent": _pull,
    "jvp, a constant tangent": lambda f, x: pb.jvp(f, (x,), (A.astype(x.dtype),))[1],
    "hvp, a constant vector": lambda f, x: pb.hvp(_loss(f), x, A.astype(x.dtype)),
    "linearize": lambda f, x: pb.linearize(f, x)[1](A.astype(x.dtype)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_constant_direction_is_recorded(name, way):
    f, x = FUNCTIONS[name]
    compiled = pb.compile(lambda x: WAYS[way](f, x), fast=False)
    for given in (x, 1.1 * x + 0.05, x):
        np.testing.assert_allclose(compiled(given), WAYS[way](f, given), rtol=1e-9, atol=1e-12)


def test_a_cotangent_by_argument_differs_from_call_to_call():
    compiled = pb.compile(lambda x, ct: pb.vjp(xp.relu, x)[1](ct)[0], fast=False)
    for ct in (A, 2 * A):
        np.testing.assert_allclose(compiled(A, ct), np.where(A > 0, ct, 0))


C = A[::-1] + 2 * np.eye(3)
BESIDE_CONSTANTS = {
    "cross": lambda x: xp.linalg.cross(x, C),
    "cross, from the left": lambda x: xp.linalg.cross(C, x),
    "vecdot": lambda x: xp.vecdot(x, C),
    "concat": lambda x: xp.concat([C, x, C], axis=1),
    "stack": lambda x: xp.stack([C, x * x]),
    "einsum": lambda x: xp.einsum("ij,kj->ik", C, x),
    "tensordot": lambda x: xp.tensordot(C, x, axes=((1,), (0,))),
    "matmul": lambda x: C @ x @ C,
    "kron": lambda x: xp.kron(x[0], C[0]),
    "outer": lambda x: xp.linalg.outer(C[0], x[0]),
    "where": lambda x: xp.where(C > 0.5, x, C),
    "setitem": lambda x: _put(xp.asarray(C, copy=True), x),
    "linear": lambda x: xp.linear(x, C, C[0]),
    "solve, the matrix": lambda x: xp.linalg.solve(C, x),
    "solve, the side": lambda x: xp.linalg.solve(x, C),
    "pb.linalg.solve, the matrix": lambda x: pb.linalg.solve(C, x),
    "maximum": lambda x: xp.maximum(x, C),
    "hypot": lambda x: xp.hypot(C, x),
    "logaddexp": lambda x: xp.logaddexp(C, x),
    "take_along_axis": lambda x: xp.take_along_axis(x, np.argsort(C, axis=0), axis=0),
}


def _put(y, x):
    y[1:] = x[:2]
    return y


MATRICES = {
    "jacobian": lambda f, x: pb.jacobian(f)(x),
    "jacobian of a square": lambda f, x: pb.jacobian(lambda x: f(x) ** 2)(x),
    "hessian": lambda f, x: pb.hessian(_loss(f))(x),
    "hessian of a linear part": lambda f, x: pb.hessian(lambda x: xp.sum(f(x)) + xp.sum(x**3))(x),
}


@pytest.mark.parametrize("way", MATRICES)
@pytest.mark.parametrize("name", BESIDE_CONSTANTS)
def test_all_rows_together_beside_a_constant(name, way):
    f = BESIDE_CONSTANTS[name]
    compiled = pb.compile(lambda x: MATRICES[way](f, x), fast=False)
    for given in (A, 1.1 * A + 0.05, A):
        np.testing.assert_allclose(compiled(given), MATRICES[way](f, given), rtol=1e-9, atol=1e-12)
