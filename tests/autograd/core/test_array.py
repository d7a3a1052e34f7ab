"""The array type: conversions, copies, appearance, attributes, and what it refuses."""

from __future__ import annotations

import copy
import pickle
import weakref

import numpy as np
import pytest

import pullback as pb

from ..._host import A, numpy_is_active, same  # noqa: F401 - one is a fixture

xp = pb.xp

# ── conversions ────────────────────────────────────────────────────────────────────────────────────


def test_numbers_of_untraced_arrays():
    x = xp.asarray(2.75)
    assert (float(x), int(x), complex(x), x.item(), bool(x)) == (2.75, 2, 2.75 + 0j, 2.75, True)
    assert [10, 20, 30][xp.asarray(1)] == 20
    assert not xp.asarray(0.0)
    assert f"{x:.1f}" == "2.8"


def test_numbers_of_traced_arrays_are_refused_where_they_carry_a_derivative():
    def f(x):
        for read in (
            float,
            complex,
            pb.Array.item,
            np.asarray,
            pickle.dumps,
            pb.to_numpy,
            np.from_dlpack,
        ):
            with pytest.raises(TypeError, match=r"pb\.stop_gradient"):
                read(x)
        assert bool(x > 0)  # control flow is by values
        assert bool(x)
        k = xp.argmax(xp.stack([x, 2 * x]))
        assert (int(k), float(k)) == (1, 1.0)  # an index carries none
        assert np.asarray(k) == 1
        return x * float(pb.stop_gradient(x))

    assert pb.grad(f)(2.0) == 2.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: bool(xp.ones(2)),
        lambda: float(xp.ones(2)),
        lambda: bool(xp.ones(0)),
        lambda: [1, 2][xp.asarray(1.0)],
        lambda: len(xp.asarray(1.0)),
        lambda: iter(xp.asarray(1.0)).__next__(),
        lambda: hash(xp.ones(2)),
        lambda: float(xp.asarray(1j)),
        lambda: xp.ones(3).mT,
        lambda: xp.ones(2).__array_namespace__(api_version="1999.01"),
    ],
)
def test_conversions_that_have_no_meaning(call):
    with pytest.raises((TypeError, ValueError)):
        call()


def test_len_iteration_and_membership():
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    rows = list(x)
    same(rows[1], [3.0, 4.0])
    first, second = x[0]
    assert (float(first), float(second)) == (1.0, 2.0)
    assert 2.0 in x[0]
    np.testing.assert_array_equal(
        pb.grad(lambda x: sum(r[0] * r[1] for r in x))(pb.to_numpy(x)), [[2, 1], [4, 3]]
    )


def test_numpy_functions_of_untraced_arrays():
    x = xp.asarray(A)
    for got, expected in (
        (np.sin(x), np.sin(A)),
        (np.sum(x), A.sum()),
        (np.dot(x, x), A @ A),
        (np.add(x, x, out=np.ones(3)), 2 * A),
    ):
        np.testing.assert_allclose(np.asarray(got), expected)


# ── copies, appearance, the standard's attributes ──────────────────────────────────────────────────


def test_copies_of_traced_arrays_stay_traced():
    def f(x):
        y, z = copy.copy(x), copy.deepcopy({"x": x})["x"]
        x *= 10.0  # the copies keep the old value
        assert y.traced
        return xp.sum(y * z)

    np.testing.assert_allclose(pb.grad(f)(A), 2 * A)


def test_copies_of_untraced_arrays():
    x = xp.asarray(A)
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        same(y, A)
        y[0] = 50.0
        same(x, A)


def test_repr():
    assert repr(xp.asarray([1.0, 2.0])) == "Array([1., 2.], dtype=float64, device='cpu')"
    assert (
        "shape=()" in repr(xp.asarray(1.0))
        or repr(xp.asarray(1.0)) == "Array(1., dtype=float64, device='cpu')"
    )
    assert "shape=(0, 3)" in repr(xp.ones((0, 3)))
    seen = []
    pb.grad(lambda x: seen.append(repr(x)) or pb.grad(lambda y: seen.append(repr(y)) or y * x)(x))(
        2.0
    )
    assert all("traced" in text and "2." in text for text in seen)
    assert repr(xp.asarray([1, 2], dtype=xp.int32)) == "Array([1, 2], dtype=int32, device='cpu')"


def test_standard_attributes(lib):
    x = xp.asarray(lib.asarray(np.ones((2, 3)), np.float32))
    assert (x.shape, x.ndim, x.size, x.dtype) == ((2, 3), 2, 6, np.dtype(np.float32))
    assert x.device == lib.device
    assert x.T.shape == x.mT.shape == (3, 2)
    assert x.__array_namespace__() is pb.xp
    assert x.to_device(x.device) is x
    assert isinstance(x.dtype, np.dtype)


def test_to_device_is_recorded():
    strict = pytest.importorskip("array_api_strict", reason="a library with two devices is needed")
    there = strict.Device("device1")
    x = strict.asarray([1.0, 2.0])

    def f(x):
        y = x.to_device(there)
        assert y.device == there
        return xp.sum(y * y)

    g = pb.grad(f)(x)
    assert g.device == x.device
    np.testing.assert_array_equal(np.asarray(g), [2.0, 4.0])


def test_arrays_have_slots_and_weak_references():
    x = xp.asarray(A)
    assert weakref.ref(x)() is x
    with pytest.raises(AttributeError):
        x.note = 1
    for name in ("tobytes", "strides", "resize"):
        with pytest.raises(AttributeError, match="has no attribute"):
            getattr(x, name)


def test_nested_sequences_of_traced_numbers():
    f = lambda x: xp.sum(xp.asarray([[x[0], 1.0], [2.0, x[1] * x[0]]]) ** 2)
    pb.check_grads(f, (np.array([0.5, 1.5]),), order=2)
