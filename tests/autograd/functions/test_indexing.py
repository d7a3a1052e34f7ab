"""`x.at[key]`, against NumPy's ufuncs and JAX, and sums over segments."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
X = np.asarray([[0.7, 1.9], [1.3, 0.6], [2.1, 1.1]])
METHODS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "power": np.power,
    "min": np.minimum, "max": np.maximum,
}  # fmt: skip
REPEATED = np.asarray([0, 0, 2, 0])
MASK = np.asarray([True, False, True])
# (key, shapes of values): with and without repetition, everything that an index may be
KEYS = [
    (1, [(), (2,)]), (slice(1, None), [(), (2,), (2, 2)]), ((slice(None), 0), [(3,)]), ((..., -1), [()]), (REPEATED,
    [(), (2,), (4, 2)]),
    ((REPEATED, 1), [(4,), ()]), ((np.asarray([[0, 2], [2, 2]]), np.asarray([0, 1])), [(2, 2), (2,)]), (MASK, [(2,
    2), (2,)]),
    ((slice(None), np.asarray([1, 1])), [(3, 2), (2,)]), (np.asarray([-1, 2]), [(2, 2)]), ([0, 0], [(2, 2)]), (X > 1,
    [(), (4,)]),
    (np.asarray([], int), [(0, 2), ()]), ((None, 1), [(1, 2)]),
]  # fmt: skip


def by_numpy(method, x, key, values):
    x = x.copy()
    METHODS[method].at(x, np.asarray(key) if isinstance(key, list) else key, values)
    return x


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("key", "shapes"), KEYS, ids=lambda k: str(k) if not isinstance(k, list) else ""
)
def test_every_update_at_every_key(method, key, shapes):
    for shape in shapes:
        values = np.random.default_rng(3).uniform(0.5, 2.0, shape)

        def f(x, values):
            return getattr(xp.at(x)[key], method)(values)

        np.testing.assert_allclose(
            pb.to_numpy(f(X, values)), by_numpy(method, X, key, values), rtol=1e-14
        )
        pb.check_grads(f, (X, values), order=2, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_numbers(method):
    got = getattr(xp.asarray(X).at[REPEATED], method)(2)
    np.testing.assert_allclose(pb.to_numpy(got), by_numpy(method, X, REPEATED, 2))
    for dtype in (np.float32, np.int16):
        x = xp.astype(xp.asarray(X), dtype)
        assert (
            getattr(x.at[1:], "add" if method in ("divide", "power") else method)(1).dtype == dtype
        )


def test_set_and_get():
    x = xp.asarray(X)
    np.testing.assert_array_equal(pb.to_numpy(x.at[0].get()), X[0])
    np.testing.assert_array_equal(pb.to_numpy(x.at[0].set(5.0)), [[5.0, 5.0], *X[1:]])
    np.testing.assert_array_equal(pb.to_numpy(x), X)
    g = pb.grad(lambda v: xp.sum(x.at[np.asarray([0, 0])].set(v)))(
        np.asarray([[1.0, 2.0], [3.0, 4.0]])
    )
    np.testing.assert_array_equal(g, [[0.0, 0.0], [1.0, 1.0]])


def test_apply():
    key = np.asarray([0, 0, 1])
    got = xp.at(X)[key].apply(xp.exp)
    np.testing.assert_allclose(pb.to_numpy(got), [np.exp(np.exp(X[0])), np.exp(X[1]), X[2]])
    pb.check_grads(lambda x: xp.at(x)[key].apply(xp.sin), (X,), order=3)


def test_equal_elements_share_the_cotangent():
    x = np.asarray([1.0, 2.0])
    for method in ("min", "max"):
        gx, gv = pb.grad(
            lambda x, v, method=method: xp.sum(getattr(xp.at(x)[:], method)(v)), argnums=(0, 1)
        )(x, x.copy())
        np.testing.assert_array_equal(gx, 0.5)
        np.testing.assert_array_equal(gv, 0.5)


def test_products_at_zero():
    """Each factor's cotangent is the product of the others."""
    key = np.asarray([0, 0, 0])
    g = pb.grad(lambda v: xp.sum(xp.at(np.ones(1))[key].multiply(v)))(np.asarray([0.0, 2.0, 3.0]))
    np.testing.assert_array_equal(g, [6.0, 0.0, 0.0])


def test_what_does_not_fit_is_refused():
    for x, values, message in (
        (np.ones(2), 1j, "dtype complex do not go into x of dtype float64"),
        (np.ones(2, int), 1.5, "dtype float do not go into x of dtype int64"),
        (np.ones(2, int), np.ones(2), "dtype float64 do not go into x of dtype int64"),
        (np.ones(2), np.ones(2, complex), "dtype complex128 do not go into"),
    ):
        for method in ("set", "add", "multiply"):
            with pytest.raises(TypeError, match=message):
                getattr(xp.at(x)[:], method)(values)
    with pytest.raises(TypeError, match="do not go into x of dtype int64"):
        xp.at(np.ones(2, int))[:].divide(2)
    with pytest.raises(IndexError):
        xp.at(np.ones(2))[np.asarray([5])].add(1.0)


def test_on_every_library(lib):
    x, v = lib.asarray(X), lib.asarray([0.5, 2.0])
    rows = lib.asarray([0, 2])
    for key in ((slice(1, 3), ...), (rows, rows - rows)):
        host = key if key[1] is ... else tuple(lib.to_numpy(k) for k in key)
        # the standard has no writing at index arrays
        for method in METHODS if key[1] is ... else ("add", "subtract"):
            got = pb.grad(
                lambda x, v, k=key, m=method: xp.sum(getattr(xp.at(x)[k], m)(v) ** 2),
                argnums=(0, 1),
            )(x, v)
            wanted = pb.grad(
                lambda x, v, k=host, m=method: xp.sum(getattr(xp.at(x)[k], m)(v) ** 2),
                argnums=(0, 1),
            )(X, lib.to_numpy(v))
            for g, w in zip(got, wanted, strict=True):
                assert lib.is_raw(g)
                np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-12)


def test_at_under_nested_derivatives():
    """Keys may be pullback arrays; the update is recorded at every level."""
    key = xp.asarray(REPEATED)
    f = lambda v: xp.sum(xp.zeros(3).at[key].add(v) ** 3)
    v = np.asarray([1.0, 2.0, 3.0, 4.0])
    total = 1.0 + 2.0 + 4.0
    hessian = pb.hessian(f)(v)
    same = (REPEATED[:, None] == REPEATED) * np.where(REPEATED == 0, 6 * total, 18.0)
    np.testing.assert_allclose(hessian, same)


def test_segments_that_are_empty_or_left_out():
    data = np.arange(6.0).reshape(3, 2)
    ids = np.asarray([2, -3, 7])
    np.testing.assert_array_equal(
        pb.to_numpy(xp.segment_sum(data, ids, 3)), [[0, 0], [0, 0], [0, 1]]
    )
    g = pb.grad(lambda x: xp.sum(xp.segment_sum(x, ids, 3)))(data)
    np.testing.assert_array_equal(g, [[1, 1], [0, 0], [0, 0]])
    assert xp.segment_sum(data, ids).shape == (8, 2)
    assert xp.segment_sum(np.ones((0, 2)), np.zeros(0, int)).shape == (0, 2)
    assert xp.segment_sum(np.ones((0, 2)), np.zeros(0, int), 2).shape == (2, 2)
    assert xp.segment_sum(np.ones((3, 0)), ids, 2).shape == (2, 0)


@pytest.mark.parametrize("method", ["set", *METHODS])
def test_the_results_are_jax_s(method):
    jax = pytest.importorskip("jax", reason="JAX is a peer, not a dependency")
    v = np.asarray([[1.5, 0.5], [0.8, 2.0]])
    key = np.asarray([2, 0])
    with jax.enable_x64(True):
        # JAX differentiates products only where no index repeats
        wanted = jax.grad(
            lambda x, v: (getattr(x.at[key], method)(v, unique_indices=True) ** 2).sum(),
            argnums=(0, 1),
        )(jax.numpy.asarray(X), jax.numpy.asarray(v))
    got = pb.grad(lambda x, v: xp.sum(getattr(xp.at(x)[key], method)(v) ** 2), argnums=(0, 1))(X, v)
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-12)


def test_segment_sum_is_jax_s():
    jax = pytest.importorskip("jax", reason="JAX is a peer, not a dependency")
    data, ids = np.arange(8.0).reshape(4, 2), np.asarray([1, 0, 1, 9])
    with jax.enable_x64(True):
        wanted = jax.ops.segment_sum(data, ids, 3)
        slope = jax.grad(lambda d: (jax.ops.segment_sum(d, ids, 3) ** 2).sum())(data)
    np.testing.assert_array_equal(pb.to_numpy(xp.segment_sum(data, ids, 3)), wanted)
    np.testing.assert_array_equal(
        pb.grad(lambda d: xp.sum(xp.segment_sum(d, ids, 3) ** 2))(data), slope
    )
