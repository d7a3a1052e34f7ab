"""jvp, linearize, jacobian, hessian and hvp against central differences and against each other."""

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.defvjp import library_defvjp
from pullback.autograd.core.registry import find
from pullback.autograd.transforms import jacobian as forward
from pullback.autograd.transforms.batching import sweep as batched_sweep

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._jacobian import FUNCTIONS, RNG, V, W, X, Z

xp = pb.xp


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


def test_jacobian_of_holomorphic_function():
    np.testing.assert_allclose(pb.jacobian(lambda z: z * z * z)(Z), np.diag(3 * Z**2))
    columns = pb.jacobian(lambda z: xp.concat([z * z, z]))(Z)
    np.testing.assert_allclose(columns, np.concatenate([np.diag(2 * Z), np.eye(2)]))


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


def test_bad_input():
    with pytest.raises(ValueError, match="1 primals but 2 tangents"):
        pb.jvp(xp.sin, (X,), (X, X))
    with pytest.raises(ValueError, match="shape"):
        pb.jvp(xp.sin, (X,), (np.ones(2),))
    with pytest.raises(TypeError, match="int64"):
        pb.jacobian(lambda x: x * 2)(np.asarray([1, 2]))


# ── the batched sweep ─────────────────────────────────────────────────────────────────────────


@pb.custom_vjp
def tripled(x):
    return 3 * x


tripled.defvjp(lambda x: (3 * x, None), lambda _, ct: (3 * ct,))


@pb.custom_vjp
def both(x, y):
    return x * y, x + y


both.defvjp(
    lambda x, y: ((x * y, x + y), (x, y)),
    lambda kept, cts: (cts[0] * kept[1] + cts[1], cts[0] * kept[0] + cts[1]),
)

BY_ROWS = {  # entries of the tape that are pulled row by row
    "custom_vjp": lambda x: xp.sin(tripled(xp.exp(x))),
    "custom_vjp of two outputs": lambda x: xp.stack([*both(xp.sin(x), x), x]),
    "one output of two unused": lambda x: both(xp.sin(x), x)[1] * x,
    "checkpoint": lambda x: xp.exp(pb.checkpoint(lambda y: xp.sin(y) * y)(x * x)),
}


@pytest.mark.parametrize("name", BY_ROWS)
@pytest.mark.parametrize("rows", [True, False], ids=["rows", "columns"])
def test_operations_that_are_not_batched(name, rows, monkeypatch):
    monkeypatch.setattr(forward, "_rows_are_cheaper", lambda _: rows)
    f = BY_ROWS[name]
    np.testing.assert_allclose(pb.jacobian(f)(X), differences(f, X), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("rows", [True, False], ids=["rows", "columns"])
@pytest.mark.parametrize("elements", [1, 20, 1 << 20])
def test_either_side_in_chunks_of_any_size(name, rows, elements, monkeypatch):
    f, x = FUNCTIONS[name]
    expected = pb.jacobian(f)(x)
    monkeypatch.setattr(forward, "_rows_are_cheaper", lambda _: rows)
    monkeypatch.setattr(batched_sweep, "ELEMENTS", elements)
    J = pb.jacobian(f)(x)
    np.testing.assert_allclose(J, expected, rtol=1e-12, atol=1e-14)
    assert J.flags.carray
    assert J.flags.owndata or J.base.flags.owndata


def test_one_sweep_for_all_rows(monkeypatch):
    sweeps = []
    original = batched_sweep.sweep_batched

    def counted(record, cts, k, first):
        sweeps.append(k)
        original(record, cts, k, first)

    monkeypatch.setattr(batched_sweep, "sweep_batched", counted)
    pb.jacobian(lambda x: xp.tanh(W @ x))(X)
    assert sweeps == [3]
    sweeps.clear()
    pb.jacobian(lambda x: xp.sin(xp.broadcast_to(x, (10_000,))))(np.asarray([0.5]))
    assert sweeps == [1]  # one column, not ten thousand rows


def test_jacobian_on_every_library(lib):
    def f(x, y):
        return {"a": xp.sin(x @ y) + x[0, 0], "b": xp.sum(y, axis=0) * xp.exp(x)}

    hosts = RNG.standard_normal((2, 2)), RNG.standard_normal((2, 2))
    expected = pb.jacobian(f, argnums=(0, 1))(*hosts)
    for dtype, rtol in (("float64", 1e-12), ("float32", 2e-5)):
        got = pb.jacobian(f, argnums=(0, 1))(*(lib.asarray(h, dtype) for h in hosts))
        for a, b in zip(pb.tree.leaves(got), pb.tree.leaves(expected), strict=True):
            assert lib.is_raw(a)
            assert lib.to_numpy(a).dtype == dtype
            np.testing.assert_allclose(lib.to_numpy(a), b, rtol=rtol, atol=rtol)
    hessian = pb.hessian(lambda x: xp.sum(f(x, x)["a"] ** 2))
    np.testing.assert_allclose(
        lib.to_numpy(hessian(lib.asarray(hosts[0]))), hessian(hosts[0]), rtol=1e-10, atol=1e-12
    )


def test_blocks_share_no_memory():
    both_blocks = pb.jacobian(lambda x, y: x + y, argnums=(0, 1))(X, X)
    assert not np.shares_memory(*both_blocks)
    for block in both_blocks:
        np.testing.assert_array_equal(block, np.eye(3))
        block[0, 0] = 5.0


def test_complex_values_of_real_arguments_and_the_reverse():
    J = pb.jacobian(lambda x: xp.exp(1j * x))(X)
    np.testing.assert_allclose(J, np.diag(1j * np.exp(1j * X)))
    gradient = pb.grad(lambda z: xp.sum(xp.abs(z) ** 2))(Z)
    J = pb.jacobian(lambda z: xp.sum(xp.abs(z) ** 2))(Z)
    np.testing.assert_allclose(J, np.conj(gradient))


def test_gradient_of_a_jacobian():
    def of_jacobian(x):
        return xp.sum(pb.jacobian(lambda y: xp.sin(W @ y) * y[0])(x) ** 2)

    pb.check_grads(of_jacobian, (X,), order=2)
    np.testing.assert_allclose(pb.grad(of_jacobian)(X), differences(of_jacobian, X), rtol=1e-6)


KEYS = {
    "a new axis behind": (slice(None), None),
    "a new axis in front": None,
    "new axes on both sides": (None, ..., None),
    "a slice": slice(1, None),
    "a slice and a new axis": (slice(None, None, 2), None),
    "an element": 1,
}


@pytest.mark.parametrize("outside", ["grad", "jacobian", "grad of vmap"])
@pytest.mark.parametrize("transform", [pb.jacobian, pb.hessian], ids=["jacobian", "hessian"])
@pytest.mark.parametrize("uses", [0, 1, 2])
@pytest.mark.parametrize("key", KEYS)
def test_derivatives_of_jacobians_of_what_is_used_whole_and_at_a_key(key, uses, transform, outside):
    """The share at the key is added to rows that the outer tape records, which cannot be written to in place."""

    def f(x):
        part = xp.sum(x[KEYS[key]] * xp.sin(x)[KEYS[key]] ** 2)
        whole = [x * (k + 1.5) for k in range(uses)]
        y = sum(whole, xp.cos(x) * part)
        return y if transform is pb.jacobian else xp.sum(y * x)

    def element(x, i):
        return f(x)[i] if transform is pb.jacobian else pb.grad(f)(x)[i]

    def by_rows(x):
        return xp.stack([pb.grad(element)(x, i) for i in range(3)])

    def outer(g):
        total = lambda x: xp.sum(xp.sin(g(x)))
        if outside == "jacobian":
            return pb.jacobian(lambda x: xp.sum(xp.sin(g(x)), axis=0))
        if outside == "grad":
            return pb.grad(total)
        return pb.grad(lambda x: xp.sum(pb.vmap(total)(xp.stack([x, x * 1.5]))))

    x = np.asarray([0.3, -0.7, 1.1])
    np.testing.assert_allclose(outer(transform(f))(x), outer(by_rows)(x), rtol=1e-10, atol=1e-12)


def test_vectors_of_a_number():
    np.testing.assert_allclose(pb.jacobian(lambda x: xp.stack([x, x * x]))(3.0), [1.0, 6.0])


def test_a_rule_of_the_user_s_gets_one_cotangent():
    rules = dict(find("reciprocal").rules)
    shapes = []

    def of_numpy(ct, out):
        shapes.append(np.asarray(ct).shape)
        return -np.asarray(ct) * out * out

    pb.defvjp("reciprocal", x=of_numpy)
    try:
        J = pb.jacobian(lambda x: xp.reciprocal(xp.sin(x)) * 2)(X)
    finally:
        library_defvjp("reciprocal", **rules)
    assert find("reciprocal").batched
    assert shapes == [(3,)] * 3
    np.testing.assert_allclose(J, np.diag(-2 * np.cos(X) / np.sin(X) ** 2))
