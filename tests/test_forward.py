"""jvp, linearize, jacobian, hessian and hvp against central differences and against each other."""

import numpy as np
import pytest

import pullback as pb

xp = pb.xp
RNG = np.random.default_rng(0)
X = np.asarray([0.7, 1.9, 3.1])
V = np.asarray([0.3, -1.0, 0.2])
Z = np.asarray([1 + 2j, 0.3 - 1j])
W = RNG.standard_normal((3, 3))

FUNCTIONS = {
    "wide": (lambda x: xp.concat([x, xp.sin(x), x * x[0]]), X),  # more outputs than inputs: columns
    "tall": (lambda x: xp.stack([x[0] * x[1], xp.exp(x[2])]), X),  # fewer: rows
    "scalar": (lambda x: xp.sum(x**3), X),
    "matrix": (lambda x: xp.tanh(W @ x)[:, None] * x, X),
    "0-d": (lambda x: xp.sin(x) * x, np.asarray(0.4)),
    "solve-free matmul": (lambda A: A @ A, W),
}


def differences(f, x, eps=1e-6):
    """J by central differences, with the shape of the output and then of x."""
    columns = []
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = eps
        columns.append((pb.to_numpy(f(x + step)) - pb.to_numpy(f(x - step))) / (2 * eps))
    return np.stack(columns, axis=-1).reshape((*columns[0].shape, *x.shape))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobian(name):
    f, x = FUNCTIONS[name]
    J = pb.jacobian(f)(x)
    assert type(J) is np.ndarray
    np.testing.assert_allclose(J, differences(f, x), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jvp_is_jacobian_times_tangent(name):
    f, x = FUNCTIONS[name]
    v = np.random.default_rng(1).standard_normal(x.shape)
    out, moved = pb.jvp(f, (x,), (v,))
    np.testing.assert_allclose(out, pb.to_numpy(f(x)))
    J = pb.jacobian(f)(x).reshape(out.size, x.size)
    np.testing.assert_allclose(moved.ravel(), J @ v.ravel(), rtol=1e-12, atol=1e-14)


def test_jacobian_of_holomorphic_function():
    np.testing.assert_allclose(pb.jacobian(lambda z: z * z * z)(Z), np.diag(3 * Z**2))
    columns = pb.jacobian(lambda z: xp.concat([z * z, z]))(Z)
    np.testing.assert_allclose(columns, np.concatenate([np.diag(2 * Z), np.eye(2)]))


def test_jvp_complex():
    _, moved = pb.jvp(lambda z: z * z, (Z,), (np.asarray([1, 1j]),))
    np.testing.assert_allclose(moved, 2 * Z * np.asarray([1, 1j]))


def test_linearize_evaluates_once():
    calls = []

    def f(x):
        calls.append(1)
        return xp.sin(x)

    out, push = pb.linearize(f, X)
    for v in (V, 2 * V):
        np.testing.assert_allclose(push(v), np.cos(X) * v)
    assert len(calls) == 1
    np.testing.assert_allclose(out, np.sin(X))


def test_hessian_and_hvp():
    def f(x):
        return xp.sum(x**3) * x[0] + xp.exp(x[1])

    H = pb.hessian(f)(X)
    np.testing.assert_allclose(H, H.T)
    np.testing.assert_allclose(H, differences(pb.grad(f), X), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(pb.hvp(f, X, V), H @ V, rtol=1e-12)


def test_third_order():
    third = pb.jacobian(pb.hessian(lambda x: xp.sum(x**4)))(X)
    expected = np.zeros((3, 3, 3))
    for i in range(3):
        expected[i, i, i] = 24 * X[i]
    np.testing.assert_allclose(third, expected)


def test_hvp_of_a_model():
    model = pb.models.MLP([3, 4, 2], seed=0, dtype="float64", activation="tanh")
    x, y = RNG.standard_normal((5, 3)), np.asarray([0, 1, 1, 0, 1])
    v = pb.tree.map(lambda p: np.random.default_rng(2).standard_normal(p.shape), model)

    def loss(m):
        return pb.models.cross_entropy(m(x), y)

    reverse = pb.tree.leaves(pb.hvp(loss, model, v))
    forward = pb.tree.leaves(pb.jvp(pb.grad(loss), (model,), (v,))[1])
    for a, b in zip(reverse, forward, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_several_arguments_and_pytrees():
    both = pb.jacobian(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    assert both == (3.0, 2.0)
    J = pb.jacobian(lambda d: {"o": d["a"] * d["b"]})({"a": X, "b": 2.0})
    np.testing.assert_allclose(J["o"]["a"], 2 * np.eye(3))
    np.testing.assert_allclose(J["o"]["b"], X)


def test_kwargs_and_aux():
    assert pb.jacobian(lambda x, *, k: k * x)(2.0, k=5.0) == 5.0
    out, moved, aux = pb.jvp(lambda x: (x * x, "aux"), (3.0,), (1.0,), has_aux=True)
    assert (out, moved, aux) == (9.0, 6.0, "aux")


def test_output_that_does_not_depend_on_the_input():
    np.testing.assert_array_equal(pb.jacobian(lambda x: xp.ones(2))(X), np.zeros((2, 3)))


def test_jvp_under_grad():
    gradient = pb.grad(lambda x: xp.sum(pb.jvp(xp.sin, (x,), (x,))[1]))(X)
    np.testing.assert_allclose(gradient, np.cos(X) - X * np.sin(X), rtol=1e-12)


def test_bad_input():
    with pytest.raises(ValueError, match="1 primals but 2 tangents"):
        pb.jvp(xp.sin, (X,), (X, X))
    with pytest.raises(ValueError, match="shape"):
        pb.jvp(xp.sin, (X,), (np.ones(2),))
    with pytest.raises(TypeError, match="int64"):
        pb.jacobian(lambda x: x * 2)(np.asarray([1, 2]))
