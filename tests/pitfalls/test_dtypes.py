"""Where gradients go wrong in other libraries: dtypes, refused inputs, emptiness (see test_kinks.py)."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@pytest.mark.parametrize("low", [np.float32, np.float16])
def test_12_mixed_dtypes_cast_back_where_they_were_promoted(low):
    x, y = np.ones(3, low), np.full(3, 2.0)
    g, h = pb.grad(lambda x, y: xp.sum(x * y), argnums=(0, 1))(x, y)
    assert (g.dtype, h.dtype) == (low, np.float64)
    np.testing.assert_array_equal(g, y.astype(low))


def test_12_python_numbers_are_weak():
    x = np.ones(3, np.float32)
    f = lambda x: xp.sum(1 / (2.5 * x + 1) ** 3 - 0.5 * x / 3 + 2**x)
    assert pb.xp.asarray(f(xp.asarray(x))).dtype == np.float32
    value, g = pb.value_and_grad(f)(x)
    assert (value.dtype, g.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.arange(3), "int64"), (np.array([True]), "bool"), (3, "pass a float"), (True, "pass a float"),
     (np.int32(3), "int32"), ({"a": np.ones(2), "b": np.arange(2)}, r"leaf '(0\.)?b'")],
    ids=["integers", "booleans", "int", "bool", "NumPy int", "a leaf"],
)  # fmt: skip
@pytest.mark.parametrize("transform", ["grad", "value_and_grad", "vjp"])
def test_13_integers_and_booleans_are_refused(x, message, transform):
    f = lambda x: xp.sum(xp.asarray(1.0))
    call = (lambda: pb.vjp(f, x)) if transform == "vjp" else (lambda: getattr(pb, transform)(f)(x))
    with pytest.raises(TypeError, match=message):
        call()


def test_13_non_scalar_output_names_vjp_and_jacobian():
    with pytest.raises(TypeError, match=r"shape \(3,\).*pb\.vjp.*pb\.jacobian"):
        pb.grad(lambda x: x * 2)(np.ones(3))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xp.asarray(3.0),
        lambda x: 3.0,
        lambda x: xp.sum(pb.stop_gradient(x)),
        lambda x: xp.sum(xp.floor(x)),
        lambda x: xp.sum(xp.astype(x > 0, xp.float64)),
        lambda x: xp.sum(xp.astype(xp.argmax(x), xp.float64)),
        lambda x: xp.sum(xp.zeros_like(x)),
    ],
)
def test_13_independent_output_has_zero_gradient(f):
    for x in (np.ones(3), np.ones((0, 2)), np.ones(2, np.float32)):
        if x.size == 0 and "argmax" in f.__code__.co_names:
            continue  # has no argmax
        g = pb.grad(f)(x)
        np.testing.assert_array_equal(g, np.zeros_like(x))
        assert g.dtype == x.dtype


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (lambda x: xp.sum(x), (0,)),
        (lambda x: xp.sum(xp.sum(x, axis=0)), (0, 3)),
        (lambda x: xp.sum(xp.max(x, axis=1)), (0, 3)),
        (lambda x: xp.sum(x @ x.mT), (2, 0)),
        (lambda x: xp.sum(x.mT @ x), (2, 0)),
        (lambda x: xp.sum(xp.reshape(x, (0, 4))), (2, 0)),
        (lambda x: xp.sum(xp.concat([x, x])), (0, 2)),
        (lambda x: xp.sum(x[:, 0]), (0, 2)),
        (lambda x: xp.sum(xp.mean(x, axis=1)), (0, 2)),
        (lambda x: xp.sum(xp.linear(x, np.ones((2, 3)), np.ones(3))), (0, 2)),
        (lambda x: xp.sum(xp.log_softmax(x)), (0, 2)),
        (lambda x: xp.sum(xp.exp(x)), ()),
        (lambda x: xp.max(x) * xp.min(x) + xp.mean(x), ()),
        (lambda x: xp.reshape(x, ()) + xp.sum(xp.reshape(x, (1, 1))), ()),
        (lambda x: xp.sum(xp.squeeze(x, 0) + x), (1,)),
        (lambda x: x @ x, (0,)),
    ],
)  # fmt: skip
def test_14_empty_and_0d(f, shape):
    x = np.full(shape, 0.5)
    g = pb.grad(f)(x)
    assert g.shape == shape
    if x.size:
        pb.check_grads(f, (x,), order=2)
