"""Tests of `autograd/numpy/sections/ufuncs.py`."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy.sections.ufuncs import UFUNCS

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, P, R, X, Z, front

# (name, interval where it is smooth)
OF_ONE = [
    ("absolute", 0.5, 2), ("arccos", -0.8, 0.8), ("arccosh", 1.5, 3), ("arcsin", -0.8, 0.8), ("arcsinh", -2, 2),
    ("arctan", -2, 2), ("arctanh", -0.8, 0.8), ("cbrt", 0.5, 2), ("ceil", 0.1, 0.9), ("conjugate", -2, 2),
    ("cos", -2, 2), ("cosh", -2, 2), ("deg2rad", -2, 2), ("degrees", -2, 2), ("exp", -2, 2), ("exp2", -2, 2),
    ("expm1", -2, 2), ("fabs", 0.5, 2), ("floor", 0.1, 0.9), ("frexp", 1.1, 1.9), ("log", 0.5, 2),
    ("log10", 0.5, 2), ("log1p", -0.5, 2), ("log2", 0.5, 2), ("modf", 0.1, 0.9), ("negative", -2, 2),
    ("positive", -2, 2),
    ("rad2deg", -2, 2), ("radians", -2, 2), ("reciprocal", 0.5, 2), ("rint", 0.6, 0.9), ("sign", 0.5, 2),
    ("sin", -2, 2),
    ("sinh", -2, 2), ("sqrt", 0.5, 2), ("square", -2, 2), ("tan", -1, 1), ("tanh", -2, 2), ("trunc", 0.1, 0.9),
]  # fmt: skip
# Without kinks between two draws, or with them: central differences say.
OF_TWO = [
    "add",
    "arctan2",
    "copysign",
    "divide",
    "divmod",
    "float_power",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "multiply",
    "power",
    "remainder",
    "subtract",
]
FLOAT64 = {"float32": "float_power is in double precision, whatever it is given"}

ROWS = [front(name, R(2, 3, low=low, high=high)) for name, low, high in OF_ONE]
ROWS += [
    front(name, P(2, 3), P(3), _skip=FLOAT64 if name == "float_power" else {}) for name in OF_TWO
]
ROWS += [
    front("fmod", R(2, 3, low=-9.0, high=-3.0), P(3)),
    front("modf", R(3, low=-1.9, high=-1.1)),
    front("frexp", R(3, low=-7.9, high=-4.1)),
    front("ldexp", R(3), K([2, -1, 3])),
    front("nextafter", R(3), K(2.0), _skip={"gradients": "x1 is moved by one bit"}),
    front("matmul", R(2, 3), R(3, 2)),
    front("matmul", Z(2, 3), Z(3)),
    front("matvec", R(2, 4, 3), R(3)),
    front("vecmat", Z(2, 3), Z(3, 4)),
    front("vecdot", Z(2, 3), Z(3)),
    front("vecdot", R(3, 2), R(3, 2), axis=0, keepdims=True),
    front("matmul", R(3, 2), R(4, 3), axes=[(1, 0), (1, 0), (1, 0)]),
    front("sin", Z(2, 3)),
    front("multiply", Z(2, 3), R(3)),
    front("exp2", Z(3), _rtol=1e-11),
    front("divide", 1.0, P(3)),
    front("logaddexp2", X([1000.0, -1000.0, 3.0]), X([1001.0, -1000.5, -700.0])),
]

NUMPYS = sorted(n for n in dir(np) if isinstance(getattr(np, n), np.ufunc))
CONSTANTS = NUMPYS


def test_all_are_here():
    assert sorted(UFUNCS) == NUMPYS


@pytest.mark.parametrize("ufunc", NUMPYS)
def test_attributes(ufunc):
    ours, theirs = UFUNCS[ufunc], getattr(np, ufunc)
    for attribute in ("__name__", "nin", "nout", "nargs", "identity", "signature"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert ours is UFUNCS[theirs.__name__]
    assert inspect.getdoc(ours)


KINDS = {
    "floats": [0.3, 0.7, -0.2],
    "integers": [3, 2, 1],
    "small integers": np.asarray([3, 2, 1], np.int8),
    "booleans": [True, False, True],
    "single": np.asarray([0.25, 0.5, 2.0], np.float32),
    "numbers": 1.5,
}


@pytest.mark.parametrize("made", [lambda x: x, pb.xp.asarray], ids=["as given", "arrays"])
@pytest.mark.parametrize("ufunc", [n for n in NUMPYS if n != "isnat"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_kinds_of_operands(ufunc, made):
    """NumPy's values and dtypes for each kind of operand, or a TypeError where NumPy has one."""
    for kind in KINDS:
        _kind_of_operand(ufunc, kind, made)


def _kind_of_operand(ufunc, kind, made):
    ours, theirs = UFUNCS[ufunc], getattr(np, ufunc)
    x = np.eye(3, dtype=np.asarray(KINDS[kind]).dtype) if theirs.signature else KINDS[kind]
    given = [x] * theirs.nin
    try:
        wanted = theirs(*given)
    except TypeError:
        with pytest.raises(TypeError):
            ours(*map(made, given))
        return
    got = ours(*map(made, given))
    pairs = zip(got, wanted, strict=True) if theirs.nout > 1 else [(got, wanted)]
    for y, ref in pairs:
        ref = np.asarray(ref)
        assert type(y) is pb.Array
        assert (y.dtype, y.shape) == (ref.dtype, ref.shape)
        np.testing.assert_allclose(
            pb.to_numpy(y), ref, rtol=1e-6 if ref.dtype.itemsize < 8 else 1e-13
        )


def test_dtype_and_casting():
    x = np.asarray([1.0, 2.0])
    assert UFUNCS["add"](x, x, dtype="float32").dtype == np.float32
    with pytest.raises(TypeError, match="cast"):
        UFUNCS["add"](x, x, dtype="float32", casting="safe")
    with pytest.raises(TypeError, match="signature="):
        UFUNCS["add"](x, x, signature="dd->d")
    with pytest.raises(ValueError, match="memory order"):
        UFUNCS["add"](x, x, order="F")
    with pytest.raises(TypeError, match="existing arrays"):
        UFUNCS["add"](x, x, x)
    with pytest.raises(TypeError, match="existing arrays"):
        UFUNCS["modf"](x, out=(x, x))
    assert UFUNCS["modf"](x, out=(None, None))[0].shape == (2,)
    with pytest.raises(TypeError):
        UFUNCS["add"](x, x, wrong=1)


def test_where_leaves_out_values_and_slopes():
    x = np.asarray([-1.0, 0.0, 4.0])
    g = pb.grad(lambda x: pullback.numpy.sum(pullback.numpy.log(x, where=x > 0)))(x)
    np.testing.assert_array_equal(g, [0.0, 0.0, 0.25])
    y = pullback.numpy.divide(1.0, x, where=x != 0)
    np.testing.assert_array_equal(pb.to_numpy(y), [-1.0, 0.0, 0.25])
    g = pb.grad(lambda x: pullback.numpy.sum(pullback.numpy.arccosh(x, where=x > 1)))(x)
    np.testing.assert_allclose(g, [0, 0, 1 / np.sqrt(15)])
    fraction, whole = pullback.numpy.modf(np.asarray([1.5, 2.5]), where=[True, False])
    np.testing.assert_array_equal(pb.to_numpy(fraction), [0.5, 0.0])
    np.testing.assert_array_equal(pb.to_numpy(whole), [1.0, 0.0])


def test_isnat_is_for_dates():
    with pytest.raises(TypeError, match="datetime64"):
        UFUNCS["isnat"](pb.xp.ones(2))


@pytest.mark.parametrize("name", ["fmax", "fmin"])
def test_nan_is_skipped(name):
    x, y = np.asarray([np.nan, 1.0, np.nan, 2.0]), np.asarray([3.0, np.nan, np.nan, 2.0])
    f = UFUNCS[name]
    np.testing.assert_array_equal(pb.to_numpy(f(x, y)), getattr(np, name)(x, y))
    gx, gy = pb.grad(lambda x, y: pullback.numpy.nansum(f(x, y)), argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(gx[[0, 1, 3]], [0, 1, 0.5])
    np.testing.assert_array_equal(gy[[0, 1, 3]], [1, 0, 0.5])


def test_no_step_in_front_of_the_function():
    """A plain call makes two Python calls more than `pb.xp`'s at most."""
    import sys

    def calls(f, *args):
        count = 0

        def profile(frame, event, arg):
            nonlocal count
            count += event == "call"

        f(*args)
        sys.setprofile(profile)
        f(*args)
        sys.setprofile(None)
        return count

    x = pb.xp.asarray([1.0, 2.0])
    assert calls(UFUNCS["sin"], x) <= calls(pb.xp.sin, x) + 1
    assert calls(UFUNCS["add"], x, 2.0) <= calls(pb.xp.add, x, 2.0) + 1
