"""Tests of `compat/autograd/reverse.py`."""

import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd.reverse import make_jvp, make_vjp, value_and_gradient


def sum_of_squares(x):
    return pb.xp.sum(x * x)


def test_a_pullback_may_be_called_again_and_is_not_changed_by_the_caller(lib):
    x = lib.asarray([1.0, 2.0])
    vjp, value = make_vjp(lambda x: x * x, x)
    one = lib.asarray([1.0, 1.0])
    first = vjp(one)
    assert lib.is_raw(first)
    assert lib.is_raw(value)
    assert np.array_equal(lib.to_numpy(value), [1.0, 4.0])
    assert np.array_equal(lib.to_numpy(first), lib.to_numpy(vjp(one)))
    if lib.name == "numpy":
        x[:], one[:] = 7.0, 3.0
        assert np.array_equal(first, [2.0, 4.0])
        assert np.array_equal(vjp(np.ones(2)), [2.0, 4.0])


def test_what_comes_out_is_a_buffer_of_its_own():
    g = np.ones(2)
    out = make_vjp(lambda x: x + 1.0, np.zeros(2))[0](g)
    out[:] = 5.0
    assert np.array_equal(g, [1.0, 1.0])
    x = np.ones(2)
    value = make_vjp(lambda x: x, x)[1]
    value[:] = 5.0
    assert np.array_equal(x, [1.0, 1.0])


def test_complex_cotangents_are_not_conjugated():
    """Re(g · Jv) = Re(vjp(g) · v) for every v: HIPS autograd's convention."""
    z, c, v = np.asarray([1 + 2j]), np.asarray([0.3 - 1j]), np.asarray([0.2 + 0.7j])
    vjp, _ = make_vjp(lambda z: z * z * pb.xp.conj(z), z)
    _, tangent = make_jvp(lambda z: z * z * pb.xp.conj(z), z)(v)
    assert np.isclose(np.sum(c * tangent).real, np.sum(vjp(c) * v).real)
    value, gradient = value_and_gradient(lambda z: pb.xp.sum(pb.xp.abs(z) ** 2), z, "")
    assert np.isclose(value, 5.0)
    assert np.allclose(gradient, 2 * np.conj(z))


def test_containers_go_in_and_come_out():
    x = {"a": [1.0, np.ones(2)], "b": (np.ones((1, 2)),)}
    vjp, value = make_vjp(lambda x: [x["a"][0] * x["a"][1], x["b"][0]], x)
    out = vjp([np.asarray([1.0, 2.0]), np.ones((1, 2))])
    assert out["a"][0] == 3.0
    assert type(out["a"][0]) is np.float64
    assert np.array_equal(out["a"][1], [1.0, 2.0])
    assert type(out["b"]) is tuple
    assert np.array_equal(value[1], [[1.0, 1.0]])


def test_a_result_that_does_not_depend_on_the_argument_is_said():
    with pytest.warns(UserWarning, match="independent"):
        vjp, value = make_vjp(lambda x: 3.0, np.ones(2))
    assert value == 3.0
    assert np.array_equal(vjp(1.0), [0.0, 0.0])
    with pytest.warns(UserWarning, match="independent"):
        assert value_and_gradient(lambda x: 3.0, 2.0, "")[1] == 0.0


def test_forward_derivatives_say_nothing_of_zeros():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, tangent = make_jvp(lambda x: pb.xp.asarray([1.0, 2.0]), np.ones(3))(np.ones(3))
    assert np.array_equal(tangent, [0.0, 0.0])
    assert np.array_equal(value, [1.0, 2.0])


def test_a_forward_derivative_of_a_forward_derivative():
    def first(x):
        return make_jvp(lambda x: x**3, x)(1.0)[1]

    assert np.isclose(make_jvp(first, 2.0)(1.0)[1], 12.0)
    assert np.isclose(make_vjp(first, 2.0)[0](1.0), 12.0)


@pytest.mark.parametrize("x", [1, True, "text", [1.0, None, 2]])
def test_arguments_that_are_no_vectors_are_refused(x):
    with pytest.raises(TypeError, match="derivatives"):
        make_vjp(lambda x: 0.0, x)


def test_cotangents_of_another_shape_or_structure_are_refused():
    vjp, _ = make_vjp(lambda x: x * 2, np.ones(2))
    for g in (1.0, np.ones(3)):
        with pytest.raises(ValueError, match="cotangent"):
            vjp(g)
    vjp, _ = make_vjp(lambda x: (x, x), np.ones(2))
    with pytest.raises(ValueError, match="structure"):
        vjp([np.ones(2), np.ones(2)])


def test_a_value_of_one_element_has_a_gradient_and_others_are_refused():
    _, gradient = value_and_gradient(lambda x: pb.xp.sum(x, keepdims=True), np.ones((2, 1)), "")
    assert np.array_equal(gradient, np.ones((2, 1)))
    for f in (lambda x: x, lambda x: pb.xp.sum(x) * 1j, lambda x: True, lambda x: "text"):
        with pytest.raises(TypeError):
            value_and_gradient(f, np.ones(2), "only one number")


def test_the_argument_is_locked_meanwhile_and_free_afterwards():
    x = np.ones(2)

    def f(y):
        out = sum_of_squares(y)
        x[0] = 5.0
        return out

    with pytest.raises(ValueError, match="read-only"):
        value_and_gradient(f, x, "")
    x[0] = 5.0
    assert np.array_equal(value_and_gradient(sum_of_squares, x, "")[1], [10.0, 2.0])


def test_dtypes_stay(lib):
    x = lib.asarray([1.0, 2.0], dtype="float32")
    value, gradient = value_and_gradient(sum_of_squares, x, "")
    assert lib.to_numpy(gradient).dtype == np.float32
    assert np.asarray(lib.to_numpy(value) if lib.is_raw(value) else value).dtype == np.float32


def test_the_value_is_no_view_of_the_argument():
    x = np.ones((1, 1))
    value, _ = value_and_gradient(lambda x: x, x, "")
    value[:] = 5.0
    assert x[0, 0] == 1.0
