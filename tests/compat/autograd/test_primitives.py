"""Tests of `compat/autograd/primitives.py`."""

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import grad, hessian, make_jvp, make_vjp
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.core import VJPNode
from pullback.compat.autograd.extend import (
    SparseObject,
    def_linear,
    defjvp,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    register_notrace,
    vspace,
)
from pullback.compat.autograd.test_util import check_grads


def make_product(calls=None):
    @primitive
    def product(x, y, scale=1.0):
        if calls is not None:
            calls.append((type(x), type(y)))
        return scale * x * y

    return product


def test_a_primitive_sees_plain_values_at_every_order():
    calls = []
    product = make_product(calls)
    defvjp(
        product,
        lambda ans, x, y, scale=1.0: lambda g: scale * g * y,
        lambda ans, x, y, scale=1.0: lambda g: scale * g * x,
    )
    check_grads(product, (0, 1), modes=["rev"])(2.0, np.asarray(3.0))
    check_grads(lambda x, y: product(x, y, scale=2.0), (0, 1))(np.ones((2, 2)), np.ones((2, 2)))
    assert set(calls) <= {(np.float64, np.float64), (np.float64, np.ndarray), (np.ndarray,) * 2, (float, float),
                          (float, np.ndarray)}  # fmt: skip
    assert np.array_equal(hessian(lambda x: product(x[0], x[1]))(np.ones(2)), [[0, 1], [1, 0]])


def test_one_rule_for_an_argument_or_for_several():
    by_argnum, by_argnums = make_product(), make_product()
    defvjp_argnum(by_argnum, lambda i, ans, args, kwargs: lambda g: g * args[1 - i])
    defvjp_argnums(
        by_argnums, lambda nums, ans, args, kwargs: lambda g: [g * args[1 - i] for i in nums]
    )
    for f in (by_argnum, by_argnums):
        assert grad(f, (0, 1))(2.0, 3.0) == (3.0, 2.0)
        assert grad(f, 1)(2.0, 3.0) == 2.0


def test_rules_for_some_arguments_alone():
    product = make_product()
    defvjp(product, lambda ans, x, y: lambda g: g * x, argnums=[1])
    assert grad(product, 1)(2.0, 3.0) == 2.0
    with pytest.raises(NotImplementedError, match="argnum 0"):
        grad(product, 0)(2.0, 3.0)
    defvjp(product, None, lambda ans, x, y: lambda g: g * x)
    assert grad(product, (0, 1))(2.0, 3.0) == (0.0, 2.0)


def test_without_a_rule_it_is_refused_where_it_is_called():
    product = make_product()
    assert product(2.0, 3.0) == 6.0
    with pytest.raises(NotImplementedError, match="product"):
        grad(product)(2.0, 3.0)
    forward = make_jvp(product)(2.0, 3.0)
    with pytest.raises(NotImplementedError, match="product"):
        forward(1.0)
    with pytest.raises(TypeError, match="Bad VJP"):
        defvjp(product, "same")
    with pytest.raises(TypeError, match="Bad JVP"):
        defjvp(product, "other")


def test_a_rule_forwards_serves_backwards_too():
    @primitive
    def square(x):
        return x * x

    defjvp(square, lambda g, ans, x: 2 * x * g)
    check_grads(square)(np.asarray([1.0, 2.0]))

    @primitive
    def dot(x, y):
        return x @ y

    defjvp_argnums(
        dot,
        lambda nums, gs, ans, args, kwargs: sum(
            anp.dot(g, args[1]) if i == 0 else anp.dot(args[0], g)
            for i, g in zip(nums, gs, strict=True)
        ),
    )
    check_grads(dot, (0, 1))(np.ones((2, 3)), np.arange(6.0).reshape(3, 2))


def test_a_linear_function_has_its_derivative_forwards_alone():
    @primitive
    def double(x):
        return 2 * x

    def_linear(double)
    value, tangent = make_jvp(double)(np.ones(2))(np.asarray([1.0, 3.0]))
    assert np.array_equal(tangent, [2.0, 6.0])
    assert np.array_equal(value, [2.0, 2.0])
    with pytest.raises(NotImplementedError, match="VJP of double"):
        grad(lambda x: anp.sum(double(x)))(np.ones(2))
    defjvp(double, "same")
    assert np.array_equal(make_jvp(double)(np.ones(2))(np.ones(2))[1], [2.0, 2.0])
    defjvp(double, None)
    assert np.array_equal(make_jvp(double)(np.ones(2))(np.ones(2))[1], [0.0, 0.0])


def test_containers_are_arguments_and_results():
    @primitive
    def swap(pair):
        return {"a": pair[1], "n": 3, "b": 2 * pair[0]}

    defvjp(swap, lambda ans, pair: lambda g: (2 * g["b"], g["a"]))

    def f(x, y):
        out = swap((x, y))
        assert out["n"] == 3
        return anp.sum(out["a"] * out["b"])

    check_grads(f, (0, 1))(np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0]))
    assert grad(lambda x: swap((x, 1.0))["b"])(2.0) == 2.0


def test_sparse_cotangents_are_added():
    @primitive
    def first(x):
        return x[0]

    def rule(ans, x):
        def add(g, A):
            A[0] += g
            return A

        return lambda g: SparseObject(vspace(x), lambda A: add(g, A))

    defvjp(first, rule)
    assert np.array_equal(grad(lambda x: first(x) * 3 + anp.sum(x))(np.ones(2)), [4.0, 1.0])


def test_cotangents_are_summed_to_the_shape_of_the_argument():
    product = make_product()
    defvjp(product, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
    gx, gy = grad(lambda x, y: anp.sum(product(x, y)), (0, 1))(2.0, np.ones((2, 3)))
    assert gx == 6.0
    assert np.array_equal(gy, np.full((2, 3), 2.0))


def test_traced_arrays_that_would_be_lost_are_refused():
    product = make_product()
    defvjp(product, lambda ans, x, y, scale: lambda g: g, lambda ans, x, y, scale: lambda g: g)
    with pytest.raises(TypeError, match="by position"):
        grad(lambda x: product(1.0, 2.0, scale=x))(1.0)

    def f(x):
        @primitive
        def leak(y):
            return x * y

        defvjp(leak, lambda ans, y: lambda g: g)
        return leak(x)

    with pytest.raises(TypeError, match="closure"):
        grad(f)(1.0)


def test_a_constant_to_derivatives():
    @notrace_primitive
    def count(x, value=0.0):
        assert type(x) is np.ndarray
        return int(np.sum(x > value))

    assert np.array_equal(grad(lambda x: anp.sum(x) * count(x))(np.ones(2)), [2.0, 2.0])

    @primitive
    def rounded(x):
        return np.round(x)

    register_notrace(VJPNode, rounded)
    assert grad(lambda x: x * rounded(x))(1.6) == 2.0


def test_a_rule_replaces_that_of_a_function_of_numpy():
    original = anp.cosh._override
    fast = pb.xp.cosh
    defvjp(anp.cosh, lambda ans, x: lambda g: 7.0 * g)
    try:
        assert grad(anp.cosh)(1.0) == 7.0
        assert anp.cosh(0.0) == 1.0
    finally:
        original(fast)
    assert np.isclose(grad(anp.cosh)(1.0), np.sinh(1.0))


def test_an_array_of_any_library_is_what_a_primitive_gets(lib, backend):
    seen = []

    @primitive
    def double(x):
        seen.append(lib.is_raw(x))
        return x * 2

    defvjp(double, lambda ans, x: lambda g: 2 * g)
    x = lib.asarray([1.0, 2.0])
    out = grad(lambda x: anp.sum(double(x) * x))(x)
    assert seen == [True]
    assert lib.is_raw(out)
    assert np.array_equal(lib.to_numpy(out), [4.0, 8.0])


def test_pullbacks_of_primitives_are_differentiable():
    product = make_product()
    defvjp(product, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
    pulled = lambda x, g: make_vjp(product)(x, 3.0)[0](g)
    assert grad(pulled, 1)(2.0, 1.0) == 3.0
