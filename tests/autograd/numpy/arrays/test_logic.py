"""Tests of `autograd/numpy/arrays/logic.py`: answers are NumPy's, of traced arrays too, and cut nothing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy.arrays import logic

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pnp = pullback.numpy
X = np.asarray([[1.0, np.nan, 3.0], [0.0, np.inf, -2.0]])
ANSWERS = {
    "isclose": lambda n, x: n.isclose(x, x + 1e-9),
    "isclose equal_nan": lambda n, x: n.isclose(x, x, equal_nan=True),
    "isclose list": lambda n, x: n.isclose(x, [1.0, 2.0, 3.0], rtol=0.1),
    "allclose": lambda n, x: n.allclose(x, x),
    "allclose equal_nan": lambda n, x: n.allclose(x, x, equal_nan=True),
    "array_equal": lambda n, x: n.array_equal(x, x),
    "array_equal equal_nan": lambda n, x: n.array_equal(x, x, equal_nan=True),
    "array_equal shapes": lambda n, x: n.array_equal(x, x[0, :]),
    "array_equiv": lambda n, x: n.array_equiv(x[0:1, :1] * n.ones((2, 2)), x[0:1, :1]),
    "array_equiv shapes": lambda n, x: n.array_equiv(x, x[:, :2]),
    "iscomplex": lambda n, x: n.iscomplex(x),
    "iscomplex complex": lambda n, x: n.iscomplex(n.nan_to_num(x) * 1j),
    "isreal": lambda n, x: n.isreal(n.nan_to_num(x) * 1j),
    "iscomplexobj": lambda n, x: (n.iscomplexobj(x), n.iscomplexobj([1j]), n.isrealobj(x)),
    "isscalar": lambda n, x: (n.isscalar(3.0), n.isscalar("a"), n.isscalar([1])),
    "isfortran": lambda n, x: n.isfortran(x),
    "shape": lambda n, x: (n.shape(x), n.shape([[1, 2]]), n.shape(3)),
    "ndim": lambda n, x: (n.ndim(x), n.ndim(2), n.ndim([1])),
    "size": lambda n, x: (n.size(x), n.size(x, 1), n.size([1, 2, 3])),
    "result_type": lambda n, x: n.result_type(x, np.float32, 1j),
    "can_cast": lambda n, x: (n.can_cast(x.dtype, int), n.can_cast("f8", "f4", "same_kind")),
    "common_type": lambda n, x: n.common_type(x, n.ones(2, dtype="float32")),
    "min_scalar_type": lambda n, x: (n.min_scalar_type(300), n.min_scalar_type(x)),
    "promote_types": lambda n, x: n.promote_types("f4", "i8"),
    "issubdtype": lambda n, x: n.issubdtype(x.dtype, n.floating),
    "isdtype": lambda n, x: n.isdtype(x.dtype, "real floating"),
    "finfo": lambda n, x: n.finfo(n.float32).eps,
    "iinfo": lambda n, x: n.iinfo(n.int16).max,
    "array_repr": lambda n, x: n.array_repr(x),
    "array_str": lambda n, x: n.array_str(x, precision=2),
    "array2string": lambda n, x: n.array2string(x, separator=", "),
    "format_float_positional": lambda n, x: n.format_float_positional(x[0, 2], precision=2),
    "format_float_scientific": lambda n, x: n.format_float_scientific(x[0, 2]),
    "base_repr": lambda n, x: (n.base_repr(5, 2), n.binary_repr(3, 4)),
    "typename": lambda n, x: (n.typename("d"), n.mintypecode("fd")),
}  # fmt: skip


@pytest.mark.parametrize("call", ANSWERS.values(), ids=ANSWERS)
def test_answers_are_those_of_numpy(call):
    wanted = call(np, X)

    def check(x):
        got = call(pnp, x)
        assert not getattr(got, "traced", False)
        if isinstance(got, pb.Array):
            np.testing.assert_array_equal(pb.to_numpy(got), wanted)
        else:
            assert got == wanted
        return pnp.sum(x)

    check(pb.xp.asarray(X))
    pb.grad(check)(X)


def test_on_every_library(lib):
    x = pb.xp.asarray(lib.asarray(np.asarray([1.0, 2.0])))
    assert pnp.allclose(x, [1.0, 2.0])
    assert pnp.array_equal(x, x)
    assert lib.is_raw(pnp.isclose(x, 1.0).value)
    assert pnp.shape(lib.asarray([1.0])) == (1,)
    assert pnp.result_type(lib.asarray([1.0]), "float32") == np.float64
    assert not pnp.isscalar(lib.asarray(1.0))
    assert pnp.array_repr(x) == "array([1., 2.])"


def test_views_share_memory():
    x = pnp.ones((2, 3))
    for y in (x, x[0], x.T, x.reshape(-1)[1:]):
        assert pnp.shares_memory(x, y)
        assert pnp.may_share_memory(y, x)
    for y in (x.copy(), x + 1, pnp.ones(2)):
        assert not pnp.shares_memory(x, y)
    seen = []
    pb.grad(
        lambda x: (
            seen.append((np.shares_memory(x[1:], x), np.shares_memory(x, 2 * x))) or pnp.sum(x)
        )
    )(np.ones(3))
    assert seen == [(True, False)]


@pytest.mark.parametrize("name", logic.__all__)
def test_signatures(name):
    ours, theirs = getattr(pnp, name), getattr(np, name)
    if ours is theirs:
        return
    try:
        wanted = inspect.signature(theirs).parameters.values()
    except ValueError:
        pytest.skip("this version of NumPy does not tell the signatures of its functions in C")
    assert [(p.name, p.kind, p.default) for p in inspect.signature(ours).parameters.values()] == [
        (p.name, p.kind, p.default) for p in wanted
    ]
