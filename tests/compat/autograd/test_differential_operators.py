"""Tests of `compat/autograd/differential_operators.py`."""

import numpy as np
import pytest

import pullback as pb
import pullback.compat.autograd as ag
import pullback.compat.autograd.numpy as anp
from pullback.compat.autograd.misc.optimizers import adam
from pullback.compat.autograd.test_util import check_grads

A = np.random.default_rng(0).standard_normal((3, 4))
X = np.random.default_rng(1).standard_normal(4)
V = np.random.default_rng(2).standard_normal(4)


def vector(x):
    return anp.tanh(anp.dot(A, x))


def scalar(x):
    return anp.sum(vector(x) ** 2)


JACOBIAN = np.asarray(pb.jacobian(vector)(X))
HESSIAN = np.asarray(pb.hessian(scalar)(X))


def test_gradients_by_number_and_by_name():
    def f(x, y, z=1.0):
        return x * y**2 * z

    assert ag.grad(f)(2.0, 3.0) == 9.0
    assert ag.grad(f, 1)(2.0, 3.0, z=2.0) == 24.0
    assert ag.grad(f, argnum=(0, 1))(2.0, 3.0) == (9.0, 12.0)
    assert ag.grad(f, argnum=[1])(2.0, 3.0) == (12.0,)
    assert ag.grad_named(f, "y")(2.0, 3.0) == 12.0
    assert ag.multigrad_dict(f)(2.0, y=3.0) == {"x": 9.0, "y": 12.0, "z": 18.0}


def test_multigrad_takes_any_signature():
    def f(x, *rest, scale, **named):
        return x * sum(rest) * scale * named["k"]

    out = ag.multigrad_dict(f)(1.0, 2.0, 3.0, scale=4.0, k=5.0)
    assert out == {"x": 100.0, "rest": (20.0, 20.0), "scale": 25.0, "named": {"k": 20.0}}


def test_values_beside_gradients():
    value, gradient = ag.value_and_grad(scalar)(X)
    assert value == scalar(X)
    assert type(value) is np.float64
    assert np.allclose(gradient, ag.grad(scalar)(X))
    gradient, aux = ag.grad_and_aux(lambda x: (scalar(x), {"twice": 2 * x}))(X)
    assert np.allclose(gradient, ag.grad(scalar)(X))
    assert np.array_equal(aux["twice"], 2 * X)
    assert type(aux["twice"]) is np.ndarray


def test_matrices_of_derivatives():
    assert np.allclose(ag.jacobian(vector)(X), JACOBIAN)
    assert np.allclose(ag.hessian(scalar)(X), HESSIAN)
    assert ag.jacobian(lambda x: anp.outer(x, x))(X).shape == (4, 4, 4)
    assert np.allclose(ag.jacobian(lambda x: anp.stack([x, x**2]))(3.0), [1.0, 6.0])
    assert ag.jacobian(ag.jacobian(lambda x: anp.outer(x, x)))(X).shape == (4, 4, 4, 4)
    check_grads(lambda x: anp.sum(anp.sin(ag.jacobian(vector)(x))))(X)


def test_products_with_matrices_of_derivatives():
    u = np.asarray([1.0, 2.0, 3.0])
    assert np.allclose(ag.make_vjp(vector)(X)[0](u), u @ JACOBIAN)
    value, tangent = ag.make_jvp(vector)(X)(V)
    assert np.allclose(tangent, JACOBIAN @ V)
    assert np.array_equal(value, vector(X))
    assert np.allclose(ag.make_jvp_reversemode(vector)(X)(V), JACOBIAN @ V)
    hvp, gradient = ag.make_hvp(scalar)(X)
    assert np.allclose(hvp(V), HESSIAN @ V)
    assert np.allclose(gradient, ag.grad(scalar)(X))
    assert np.allclose(ag.hessian_vector_product(scalar)(X, V), HESSIAN @ V)
    assert np.allclose(ag.hessian_tensor_product(scalar)(X, V), HESSIAN @ V)
    assert np.allclose(ag.vector_jacobian_product(vector)(X, u), u @ JACOBIAN)
    assert np.allclose(ag.make_ggnvp(vector)(X)(V), JACOBIAN.T @ (JACOBIAN @ V))
    of_powers = ag.make_ggnvp(vector, lambda y: anp.sum(y**4))(X)(V)
    curvature = np.diag(12 * vector(X) ** 2)
    assert np.allclose(of_powers, JACOBIAN.T @ (curvature @ (JACOBIAN @ V)))


def test_products_with_tensors_of_several_axes():
    def f(a):
        return anp.roll(anp.sin(a), 1)

    a = np.random.default_rng(3).standard_normal((5, 4, 3))
    t = np.random.default_rng(4).standard_normal((5, 4))
    expected = np.tensordot(t, ag.jacobian(f)(a), axes=2)
    assert np.allclose(ag.tensor_jacobian_product(f)(a, t), expected)


def test_derivatives_of_each_element():
    assert np.allclose(ag.elementwise_grad(anp.tanh)(X), 1 - np.tanh(X) ** 2)
    assert np.allclose(ag.deriv(anp.tanh)(X), 1 - np.tanh(X) ** 2)
    second = ag.elementwise_grad(ag.elementwise_grad(anp.sin))
    assert np.allclose(second(X), -np.sin(X))
    with pytest.raises(TypeError, match="Elementwise_grad"):
        ag.elementwise_grad(lambda x: x * 1j)(1.0)


def test_complex_numbers_have_the_conjugate_of_our_gradient():
    def f(z):
        return anp.sum(anp.abs(z) ** 2 + anp.real(z) * anp.imag(z))

    z = np.asarray([1 + 2j, -0.5 + 0.3j])
    assert np.allclose(ag.grad(f)(z), np.conj(pb.grad(f)(z)))
    assert np.allclose(ag.grad(lambda z: anp.real(z) * 2)(1j), 2)
    assert np.isclose(ag.holomorphic_grad(lambda z: z**3)(1 + 1j), 3 * (1 + 1j) ** 2)
    with pytest.warns(UserWarning, match="not complex"):
        ag.holomorphic_grad(lambda z: z**3)(2.0)
    rows = ag.jacobian(lambda z: anp.stack([anp.real(z), anp.imag(z)]))(np.asarray(1 + 1j))
    assert np.allclose(rows, [1.0, -1j])
    with pytest.raises(TypeError, match="complex"):
        ag.jacobian(lambda z: z * 2)(z)
    check_grads(ag.grad(f))(z)


@pytest.mark.parametrize("operator", [ag.grad, ag.value_and_grad])
def test_gradients_are_of_one_real_number(operator):
    for f in (lambda x: x, lambda x: anp.sum(x) * 1j):
        with pytest.raises(TypeError, match="only applies to real scalar-output functions"):
            operator(f)(np.ones(2))
    with pytest.raises(TypeError, match="derivatives"):
        operator(lambda x: x)(1)


def test_a_jacobian_is_of_one_array_and_one_array():
    with pytest.raises(TypeError, match="flatten"):
        ag.jacobian(lambda p: p[0])([1.0, 2.0])
    with pytest.raises(TypeError, match="tuple"):
        ag.jacobian(lambda x: (x, x))(X)
    with pytest.warns(UserWarning, match="independent"):
        assert np.array_equal(ag.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 4)))


def test_arrays_of_integers_are_differentiated_as_floats():
    assert np.array_equal(ag.grad(lambda x: anp.sum(x**2))(np.asarray([1, 2])), [2.0, 4.0])


def test_names():
    assert ag.grad.__name__ == "grad"
    assert ag.grad(scalar, 1).__name__ == "grad_of_scalar_wrt_argnum_1"


def test_a_checkpoint_gives_the_same():
    counted = []

    def f(x, scale=1.0):
        counted.append(x)
        return anp.sin(anp.sin(x)) * scale

    out = ag.grad(lambda x: anp.sum(ag.checkpoint(f)(x, scale=2.0)))(X)
    assert np.allclose(out, ag.grad(lambda x: anp.sum(f(x, scale=2.0)))(X))
    assert len(counted) == 3
    assert type(ag.checkpoint(f)(X)) is np.ndarray


def test_a_gradient_is_compiled(fast):
    def loss(p, x):
        return anp.mean((anp.dot(x, p["w"]) - p["b"]) ** 2) + anp.sum(anp.concatenate([x, x]))

    step = pb.compile(ag.value_and_grad(loss))
    for scale in (1.0, 2.0):
        p, x = (
            {"w": np.asarray([1.0, -scale]), "b": 0.5 * scale},
            np.asarray([[1.0, 2.0], [0.5, 1.0]]),
        )
        (value, gradient), (expected, g) = step(p, x), ag.value_and_grad(loss)(p, x)
        assert np.isclose(value, expected)
        assert type(gradient["w"]) is np.ndarray
        assert np.allclose(gradient["w"], g["w"])
        assert np.isclose(gradient["b"], g["b"])
    assert np.allclose(pb.compile(ag.hessian(scalar))(X), HESSIAN)


def test_on_every_library(lib, backend):
    x = lib.asarray([0.5, 1.0, 2.0], dtype="float32")
    out = ag.grad(lambda x: anp.sum(anp.log(x) * x))(x)
    assert lib.is_raw(out)
    assert lib.to_numpy(out).dtype == np.float32
    assert np.allclose(lib.to_numpy(out), np.log([0.5, 1.0, 2.0]) + 1, rtol=1e-6)
    rows = ag.jacobian(lambda x: anp.sin(x))(x)
    assert lib.is_raw(rows)
    _, tangent = ag.make_jvp(anp.sin)(x)(lib.asarray([1.0, 1.0, 1.0], dtype="float32"))
    assert np.allclose(lib.to_numpy(tangent), np.cos([0.5, 1.0, 2.0]), rtol=1e-6)


def test_programs_on_every_library(lib, backend):
    """Checked against differences, with containers, numbers, products, matrices, lists, and an optimiser."""
    p = {"W": lib.asarray([[0.2, -0.4], [0.3, 0.1]]), "b": [lib.asarray([0.1, -0.2]), 0.5]}
    x = lib.asarray([[1.0, 2.0], [0.5, -1.0], [0.3, 0.7]])

    def loss(p, i=0):
        hidden = anp.tanh(anp.dot(x, p["W"]) + p["b"][0] * anp.ones(2))
        both = anp.concatenate([hidden, p["b"][1] + anp.zeros((1, 2))])
        spread = anp.linalg.inv(anp.dot(both.T, both) + anp.eye(2))
        return anp.sum(anp.where(both > 0.0, both, both**2)) + anp.trace(spread)

    check_grads(loss)(p)
    out = ag.grad(loss)(p)
    assert lib.is_raw(out["W"])
    assert lib.is_raw(out["b"][0])
    assert isinstance(out["b"][1], float)
    better = adam(ag.grad(loss), p, num_iters=5, step_size=0.01)
    assert float(lib.to_numpy(anp.asarray(loss(better)))) < float(
        lib.to_numpy(anp.asarray(loss(p)))
    )
