"""Tests of `compat/autograd/numpy/custom.py`."""

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.test_util import check_grads

NUMPY = pb.backend.current().name == "numpy"
X = np.asarray([[0.3, 0.7], [0.9, 0.4], [0.1, 0.2]])


@pytest.mark.parametrize(
    "name",
    ["concatenate", "concat", "vstack", "hstack", "dstack", "column_stack", "stack", "row_stack"],
)
def test_sequences_may_be_any_iterable(name):
    f = getattr(anp, name)
    expected = getattr(np, name if name != "row_stack" else "vstack")([X, 2 * X])
    assert np.array_equal(f(k * X for k in (1, 2)), expected)
    check_grads(lambda x: f(map(anp.sin, [x, 2 * x])))(X)
    assert np.array_equal(f(np.stack([X, 2 * X])), expected)


@pytest.mark.parametrize(
    ("condition", "x", "y", "kind"),
    [(True, 1, 2, int), (False, 3.0, 4.0, float), (True, [1, 2], [3, 4], list),
     (True, np.float32([1.0]), np.float32([2.0]), np.ndarray)],
)  # fmt: skip
@pytest.mark.skipif(not NUMPY, reason="what NumPy's function returns")
def test_where_of_pythons_numbers_gives_such(condition, x, y, kind):
    assert type(anp.where(condition, x, y)) is kind


def test_where_takes_names_and_traced_arrays():
    assert anp.where([True, False], x=np.ones(2), y=0.0).tolist() == [1.0, 0.0]
    assert [i.tolist() for i in anp.where(np.asarray([0, 1, 1]))] == [[1, 2]]
    assert np.array_equal(
        grad(lambda x: anp.sum(anp.where(X > 0.3, x, -x)))(X), np.where(X > 0.3, 1.0, -1.0)
    )
    with pytest.raises(ValueError, match="neither"):
        anp.where(True, 1.0)


KEYS = [
    lambda x: (x,),
    lambda x: (x, x),
    lambda x: (x[0], 1.0, [2.0, 3.0], slice(0, 3), x[0]),
    lambda x: ("0,2,-1", x[0], x[1]),
    lambda x: (slice(0, 1, 5j), x[0]),
]


@pytest.mark.parametrize("key", KEYS)
def test_r_and_c(key):
    for name in ("r_", "c_"):
        mine, numpys = getattr(anp, name), getattr(np, name)
        try:
            expected = numpys[key(X)]
        except ValueError:
            continue  # parts that do not fit together along the second axis
        seen = []
        out = grad(lambda x, m=mine, s=seen: s.append(m[key(x)]) or anp.sum(anp.sin(s[0])))(X)
        assert np.array_equal(pb.to_numpy(seen[0]), expected)
        assert np.isfinite(out).all()
        assert np.array_equal(mine[key(X)], expected)
        check_grads(lambda x, m=mine: m[key(x)], order=1)(X)


def test_diagonals_of_matrices():
    assert np.array_equal(anp.make_diagonal(X, axis1=-1, axis2=-2)[1], np.diag(X[1]))
    check_grads(lambda x: anp.make_diagonal(x, axis1=-1, axis2=-2))(X)
    with pytest.raises(NotImplementedError, match="offset=0"):
        anp.make_diagonal(X)


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin"])
def test_extremes_of_complex_arrays(name):
    z = X + 1j * X[::-1]
    f = getattr(anp, name)
    for settings in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}):
        assert np.array_equal(f(z, **settings), getattr(np, name)(z, **settings))
        check_grads(lambda z, s=settings: f(z, **s))(z)
        check_grads(lambda x, s=settings: f(x, **s))(X)


def test_integers_of_traced_arrays_are_constants():
    def f(x):
        order = anp.int64(x * 0 + 2.0)
        assert type(order) is np.ndarray
        assert order.dtype == np.int64
        return anp.sum(x[order])

    assert np.array_equal(grad(f)(np.ones(3)), [0.0, 0.0, 3.0])
    assert isinstance(np.int64(3), anp.int64)
    assert isinstance(np.int8(3), anp.int8)
    assert not isinstance(3.0, anp.int64)
    assert np.zeros(2, dtype=anp.int32).dtype == np.int32
    assert issubclass(np.int64, anp.int64)


def test_what_is_known_without_values():
    seen = []
    grad(lambda x: seen.append(anp.metadata(x)) or anp.sum(x))(X)
    assert seen == [((3, 2), 2, np.dtype("float64"), False)]
    check_grads(lambda x: anp.concatenate_args(1, x, X, x))(X)
    check_grads(lambda x: anp.array_from_args((), {}, x, x))(X)
