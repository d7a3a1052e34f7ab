"""Tests of `autograd/functions/creation.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: xp.full((2, 3), a) * b,
        lambda a, b: xp.full_like(xp.ones((2, 3)), a) * b,
        lambda a, b: xp.linspace(a, b, 5) ** 2,
        lambda a, b: xp.linspace(a, 3.0, 5, endpoint=False) * b,
        lambda a, b: xp.linspace(1.0, b, 1) * a,
        lambda a, b: xp.asarray([a, [b][0], a * b]),
        lambda a, b: xp.stack([a, b]) * a,
        lambda a, b: xp.concat([xp.full(2, a), xp.full(3, b)]) * a,
        lambda a, b: xp.meshgrid(xp.stack([a, b]), xp.stack([b, b, a]))[0] * a,
        lambda a, b: xp.broadcast_arrays(a, xp.stack([a, b]))[0] * b,
        lambda a, b: xp.unstack(xp.stack([a, b]))[1] * a,
    ],
)  # fmt: skip
def test_creation_from_traced_numbers(f):
    pb.check_grads(f, (np.asarray(1.5), np.asarray(-0.7)), order=2)
    low = [np.asarray(v, np.float32) for v in (1.5, -0.7)]
    assert [g.dtype for g in pb.grad(lambda a, b: xp.sum(f(a, b)), argnums=(0, 1))(*low)] == [
        np.float32
    ] * 2


MAKERS = {
    "arange": lambda xp: xp.arange(3.0),
    "arange from": lambda xp: xp.arange(1.0, 9.0, 3.0),
    "asarray": lambda xp: xp.asarray([1.0, 2.0]),
    "asarray of a number": lambda xp: xp.asarray(2.0),
    "asarray of NumPy's number": lambda xp: xp.asarray(np.float64(2.0)),
    "empty": lambda xp: xp.empty((2, 0)),
    "eye": lambda xp: xp.eye(2, 3, k=1),
    "fftfreq": lambda xp: xp.fft.fftfreq(5, d=0.5),
    "full": lambda xp: xp.full(2, 1.5),
    "full of NumPy's number": lambda xp: xp.full((1, 2), np.float64(1.5)),
    "linspace": lambda xp: xp.linspace(0.0, 1.0, 5),
    "ones": lambda xp: xp.ones(3),
    "rfftfreq": lambda xp: xp.fft.rfftfreq(4),
    "zeros": lambda xp: xp.zeros((2, 3)),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_creation_follows_the_backend(make, lib, backend):
    y = make(pb.xp)
    assert type(y) is pb.Array
    assert lib.is_raw(y.value)
    with pb.backend.use("numpy"):
        there = make(pb.xp)
    assert y.dtype == there.dtype == np.float64
    np.testing.assert_array_equal(lib.to_numpy(y.value), pb.to_numpy(there))


@pytest.mark.parametrize("dtype", ["float32", "int16", "complex64"])
def test_creation_takes_dtypes(dtype, lib, backend):
    xp, x = pb.xp, pb.xp.asarray([1.0, 2.0])
    made = [
        xp.arange(3, dtype=dtype), xp.asarray([1, 2], dtype=dtype), xp.empty(2, dtype=dtype),
        xp.eye(2, dtype=dtype), xp.full(2, 1, dtype=dtype), xp.full_like(x, 1, dtype=dtype),
        xp.ones(2, dtype=dtype), xp.ones_like(x, dtype=dtype), xp.zeros(2, dtype=dtype),
        xp.zeros_like(x, dtype=getattr(xp, dtype)), xp.asarray(x, dtype=dtype), xp.empty_like(x, dtype=dtype),
        xp.asarray([x[0], 2.0], dtype=dtype), xp.full(2, x[0], dtype=dtype),
    ]  # fmt: skip
    for y in made:
        assert y.dtype == dtype
        assert lib.is_raw(y.value)


def test_arrays_stay_where_they_are(lib):
    """The active backend is NumPy: what is made beside an array is of its library and on its device."""
    xp, x = pb.xp, pb.xp.asarray(lib.asarray([1.0, 2.0]))
    with pb.backend.use("numpy"):
        made = [
            xp.asarray(x), xp.asarray(x, copy=True), xp.zeros_like(x), xp.full_like(x, x[0]), xp.full((2, 2), x[1]),
            xp.linspace(x[0], 3.0, 4), xp.arange(x[0], 5.0, x[1]), xp.asarray([x[0], 1.0]),
            xp.asarray([[x[0]], [x[1]]]),
            *xp.meshgrid(x, x), *xp.broadcast_arrays(x, x[0]), *xp.unique_all(x), xp.fft.fftfreq(4, d=x[0]),
        ]  # fmt: skip
    for y in made:
        assert lib.is_raw(y.value)


def test_float32_arrays_make_float32(lib):
    xp, x = pb.xp, pb.xp.asarray(lib.asarray([0.5, 2.0], "float32"))
    made = [
        xp.full(2, x[0]), xp.linspace(x[0], 3, 4), xp.arange(x[0], 5.0, 1), xp.asarray([x[0], 1.0, 2]),
        xp.fft.rfftfreq(4, d=x[0]), *xp.meshgrid(x, x),
    ]  # fmt: skip
    assert {y.dtype for y in made} == {np.dtype("float32")}


def test_asarray_returns_what_is_already_right():
    x = pb.xp.asarray([1.0, 2.0])
    assert pb.xp.asarray(x) is x
    assert pb.xp.asarray(x, dtype=pb.xp.float64, device="cpu", copy=False) is x
    other = pb.xp.asarray(x, copy=True)
    x[0] = 9.0
    np.testing.assert_array_equal(pb.to_numpy(other), [1.0, 2.0])
    with pytest.raises(ValueError, match=r"cop(y|ies)"):
        pb.xp.asarray(x, dtype=pb.xp.float32, copy=False)


def test_asarray_shares_memory_unless_told_to_copy():
    host = np.asarray([1.0, 2.0])
    shared, copied = pb.xp.asarray(host), pb.xp.asarray(host, copy=True)
    assert shared.value is host
    assert not np.shares_memory(copied.value, host)


def test_asarray_of_a_traced_array():
    def f(x):
        assert pb.xp.asarray(x) is x
        with pytest.raises(ValueError, match="copy=False"):
            pb.xp.asarray(x, dtype=pb.xp.float32, copy=False)
        other = pb.xp.asarray(x, copy=True)
        other[0] = 0.0
        low = pb.xp.asarray(x, dtype=pb.xp.float32)
        assert low.traced
        return pb.xp.sum(x * x) + pb.xp.sum(other) + pb.xp.astype(pb.xp.sum(low), pb.xp.float64)

    np.testing.assert_array_equal(pb.grad(f)(np.asarray([1.0, 2.0])), [3.0, 6.0])


def test_meshgrid_and_broadcast_arrays_say_what_is_wrong():
    with pytest.raises(ValueError, match="'yx'"):
        pb.xp.meshgrid(pb.xp.zeros(2), indexing="yx")
    with pytest.raises(ValueError, match="vectors"):
        pb.xp.meshgrid(pb.xp.zeros((2, 2)))
    assert pb.xp.meshgrid() == ()
