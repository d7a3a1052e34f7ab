"""`vmap`: axes, results, refusals, and what it runs on."""

from __future__ import annotations

import gc
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.levels.level import OPEN

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
X = np.arange(12.0).reshape(3, 4)
Y = np.asarray([1.0, 10.0, 100.0])


@pytest.fixture(autouse=True)
def no_level_stays_open():
    yield
    assert OPEN == []


# ── axes ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("out", [0, 1, -1, -2])
def test_axes_in_and_out(axis, out):
    x = np.random.default_rng(0).standard_normal((3, 3, 3))
    got = pb.vmap(lambda a: a[0] * 2, in_axes=axis, out_axes=out)(x)
    wanted = np.moveaxis(np.moveaxis(x, axis, 0)[:, 0] * 2, 0, out)
    np.testing.assert_array_equal(got, wanted)


def test_axes_as_trees():
    tree = {"a": X, "b": (X.T.copy(), 2.0)}
    f = lambda t, y: {"sum": t["a"] + t["b"][0], "number": t["b"][1] * y, "y": y}
    out_axes = {"sum": 1, "number": 0, "y": 0}
    got = pb.vmap(f, in_axes=({"a": 0, "b": (1, None)}, 0), out_axes=out_axes)(tree, Y)
    np.testing.assert_array_equal(got["sum"], (2 * X).T)
    np.testing.assert_array_equal(got["number"], 2 * Y)
    got = pb.vmap(f, in_axes=({"a": 0, "b": (-1, None)}, 0))(tree, Y)
    np.testing.assert_array_equal(got["sum"], 2 * X)
    np.testing.assert_array_equal(pb.vmap(lambda t: t[0] + t[1][0], in_axes=[0])((X, [X])), 2 * X)


@dataclass
class Pair:
    first: object
    second: object


def test_dataclasses_and_none():
    got = pb.vmap(lambda p, y: Pair(p.first * y, None))(Pair(X, None), Y)
    np.testing.assert_array_equal(got.first, X * Y[:, None])
    assert got.second is None
    got = pb.vmap(lambda p, y: p.first * y, in_axes=(Pair(1, None), None))(
        Pair(X.T.copy(), None), 2.0
    )
    np.testing.assert_array_equal(got, X * 2)


def test_keyword_arguments_are_mapped_over_the_first_axis():
    got = pb.vmap(lambda x, scale, y: x * y * scale, in_axes=(0, None))(X, 3.0, y=Y)
    np.testing.assert_array_equal(got, X * Y[:, None] * 3)


def test_axis_size_without_a_mapped_argument():
    got = pb.vmap(lambda x: x * 2, in_axes=None, axis_size=2)(Y)
    np.testing.assert_array_equal(got, np.stack([Y * 2] * 2))
    assert type(got) is np.ndarray


def test_outputs_that_are_the_same_for_all_rows():
    kept = xp.asarray(Y)
    got = pb.vmap(lambda x: (kept, 1.5, x, np.ones(2)), out_axes=(None, 0, 0, 1))(X)
    np.testing.assert_array_equal(pb.to_numpy(got[0]), Y)
    np.testing.assert_array_equal(got[1], np.full(3, 1.5))
    assert got[3].shape == (2, 3)
    with pytest.raises(ValueError, match="varies from row to row, but out_axes is None"):
        pb.vmap(lambda x: x, out_axes=None)(X)


def test_results_have_the_class_of_the_arguments_and_their_own_memory():
    got = pb.vmap(lambda x: (x, x, x[::-1]))(X)
    for i, y in enumerate(got):
        assert type(y) is np.ndarray
        assert y.flags.owndata
        assert y.flags.writeable
        for other in (X, *got[:i]):
            assert not np.shares_memory(y, other)
    assert type(pb.vmap(lambda x: x)(xp.asarray(X))) is pb.Array
    assert pb.vmap(lambda x: xp.astype(x, xp.float32) * 2)(X).dtype == np.float32
    assert pb.vmap(lambda x: x > 2)(X).dtype == bool


def test_no_rows():
    assert pb.vmap(lambda x, y: xp.sum(x * y) + xp.zeros(2))(X[:0], Y[:0]).shape == (0, 2)
    assert pb.vmap(pb.grad(lambda x: xp.sum(xp.sin(x))))(X[:0]).shape == (0, 4)


# ── refusals ──────────────────────────────────────────────────────────────────────────────────


def test_sizes_that_differ_are_named():
    with pytest.raises(ValueError, match="inconsistent sizes") as caught:
        pb.vmap(lambda a, tree, **_: a)(X, {"w": Y[:2]}, late=X.T)
    said = str(caught.value)
    assert "argument a of shape (3, 4) has 3 along axis 0" in said
    assert "argument tree, leaf 'w', of shape (2,) has 2 along axis 0" in said
    assert "keyword argument late of shape (4, 3) has 4 along axis 0" in said
    with pytest.raises(ValueError, match="axis_size=5"):
        pb.vmap(lambda a: a, axis_size=5)(X)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: pb.vmap(3), TypeError, "expected a function, got int"),
        (lambda: pb.vmap(abs, in_axes="a"), TypeError, "in_axes holds 'a'"),
        (lambda: pb.vmap(abs, in_axes=1.0), TypeError, "in_axes holds 1.0, of type float"),
        (lambda: pb.vmap(abs, out_axes=(True,)), TypeError, "out_axes holds True"),
        (lambda: pb.vmap(abs, in_axes=(0, 0))(X), ValueError, "does not fit the arguments"),
        (lambda: pb.vmap(abs, in_axes=({"a": 0},))({"b": X}), ValueError, "does not fit the arguments"),
        (lambda: pb.vmap(lambda x: x, out_axes=(0, 0))(X), ValueError, "does not fit the result"),
        (lambda: pb.vmap(abs)(2.0), ValueError, "argument x along axis 0, which needs an array of at least 1 axes"),
        (lambda: pb.vmap(lambda w: w, in_axes=2)(X), ValueError, "argument w along axis 2, which needs an array of at"),
        (lambda: pb.vmap(lambda w: w, in_axes=-3)(X), ValueError, "at least 3 axes, but its shape is (3, 4)"),
        (lambda: pb.vmap(abs, in_axes=None)(X), ValueError, "no argument is mapped"),
        (lambda: pb.vmap(lambda x: x, out_axes=2)(Y), ValueError, "out_axes=2 for an output of 1 axes"),
        (lambda: pb.vmap(lambda x: "a")(X), TypeError, "returned 'a', of type str, which has no rows"),
    ],
)  # fmt: skip
def test_refused_arguments(make, error, match):
    import re

    with pytest.raises(error, match=re.escape(match)):
        make()


def _branch(x):
    return x if x[0] > 2 else -x


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (_branch, r"bool\(x\), as in `if x:`, of an array of shape \(\) under vmap.*pb.xp.where"),
        (lambda x: float(x[0]), r"float\(x\)"),
        (lambda x: int(x[0]), r"int\(x\)"),
        (lambda x: complex(x[0]), r"complex\(x\)"),
        (lambda x: x[0].item(), r"x.item\(\)"),
        (lambda x: range(xp.astype(x[0], xp.int64)), "use as an index"),
        (lambda x: np.asarray(x), r"numpy.asarray\(x\)"),
        (lambda x: pb.to_numpy(x), r"pb.to_numpy\(x\)"),
        (lambda x: x[x > 2], r"x\[mask\] under vmap.*pb.xp.where"),
        (lambda x: xp.at(x)[x > 2].set(x[:1]), r"x\[mask\] = v under vmap"),
        (lambda x: xp.nonzero(x), "nonzero under vmap: the shape of its result depends on values"),
        (lambda x: xp.unique_values(x), "depends on values"),
        (lambda x: xp.repeat(x, xp.astype(x, xp.int64)), "rows of different length"),
    ],
)
def test_values_that_differ_from_row_to_row_are_not_read(f, match):
    with pytest.raises(TypeError, match=match):
        pb.vmap(f)(X)
    with pytest.raises(TypeError, match=match):
        pb.vmap(pb.grad(lambda x: xp.sum(x * xp.sum(xp.asarray(f(pb.stop_gradient(x)))))))(X)


def test_values_that_are_the_same_for_all_rows_are_read():
    def f(x, n, flag):
        return x * sum(range(int(n))) if flag else -x

    got = pb.vmap(f, in_axes=(0, None, None))(X, xp.asarray(3), xp.asarray(True))
    np.testing.assert_array_equal(got, 3 * X)
    assert pb.vmap(lambda x: x * bool(xp.all(xp.zeros_like(x) == 0)))(X).sum() == X.sum()


def test_an_index_out_of_bounds_is_an_error_as_in_numpy():
    with pytest.raises(IndexError):
        pb.vmap(lambda x, i: x[i])(X, np.asarray([0, 4, 1]))
    with pytest.raises(IndexError):
        pb.vmap(lambda x, i: xp.at(x)[i].set(0.0))(X, np.asarray([0, -5, 1]))


def test_writes_to_what_is_closed_over_are_refused():
    total = xp.zeros(4)

    def f(x):
        total[0] = x[0]
        return x

    with pytest.raises(
        TypeError, match=r"writes in place to an array of shape \(4,\) that it closes over"
    ):
        pb.vmap(f)(X)


def test_writes_to_arguments_stay_inside():
    def f(x, w):
        x[0] = 5.0
        w[0] = x[1]
        return x + w

    x, w = xp.asarray(X), xp.asarray(X[0])
    got = pb.vmap(f, in_axes=(0, None))(x, w)
    np.testing.assert_array_equal(pb.to_numpy(x), X)
    np.testing.assert_array_equal(pb.to_numpy(w), X[0])
    wanted = np.stack(
        [pb.to_numpy(f(xp.asarray(row.copy()), xp.asarray(X[0].copy()))) for row in X]
    )
    np.testing.assert_array_equal(pb.to_numpy(got), wanted)


def test_the_callers_arrays_are_read_only_while_a_derivative_is_taken():
    x = X.copy()

    def f(row):
        x[0] = 7.0
        return xp.sum(row**2)

    with pytest.raises(ValueError, match="read-only"):
        pb.vmap(pb.grad(f))(x)
    with pytest.raises(ValueError, match="read-only"):
        pb.grad(lambda x: xp.sum(pb.vmap(f)(x)))(x)
    x[0] = 1.0
    view = x[0]
    pb.vmap(lambda a, b: pb.grad(lambda v: v @ a + v @ b)(view))(x, x[:, ::-1])
    assert x.flags.writeable
    assert view.flags.writeable


def test_a_constant_that_is_changed_before_the_pull():
    A, b = np.tril(X[:, :3]) + np.eye(3), X[:, :3].copy()
    solved = lambda b: pb.linalg.solve(A, b, assume="lower")
    wanted = pb.vjp(pb.vmap(solved), b)[1](np.ones((3, 3)))[0]
    _, pull = pb.vjp(pb.vmap(solved), b)
    A[:] = 7.0
    np.testing.assert_array_equal(pull(np.ones((3, 3)))[0], wanted)


def test_derivatives_against_differences():
    pb.check_grads(pb.vmap(lambda x: xp.sin(x) * x[0]), (X,))
    pb.check_grads(lambda x: pb.vmap(pb.grad(lambda x: xp.sum(xp.sin(x) ** 2)))(x), (X,))


def test_what_leaks_is_refused():
    kept = []

    def f(x):
        kept.append(x * 2)
        return x

    pb.vmap(f)(X)
    with pytest.raises(TypeError, match="a call of vmap that is over"):
        kept[0] + 1


def test_custom_vjp_with_a_row_in_its_closure_is_refused():
    def loss(w):
        def row(x):
            @pb.custom_vjp
            def f(w):
                return w * x

            f.defvjp(lambda w: (w * x, x), lambda x, ct: (ct * x,))
            return xp.sum(f(w))

        return xp.sum(pb.vmap(row)(X))

    with pytest.raises(TypeError, match="varies from row to row under vmap"):
        pb.grad(loss)(X[0])


def test_an_exception_leaves_no_level_open():
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pb.vmap(f)(X)


@pytest.mark.usefixtures("only_new_objects")
def test_no_reference_cycle_is_left():
    f = pb.vmap(pb.grad(lambda x: xp.sum(xp.sin(x) ** 2)))
    f(X)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(5):
            f(X)
        assert len(gc.get_objects()) - before < 20
    finally:
        gc.enable()


def test_writes_to_what_is_returned_collect_no_garbage(monkeypatch):
    """Only an array that is written to and is still there for no known reason is worth a collection."""
    collected = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))

    def f(x):
        part = x[:1]
        part += 1.0
        z = xp.zeros(2)
        z[0] = x[0]
        return z, part

    pb.vmap(f)(X)
    assert collected == []


def square(x):
    return x * x


def test_pickles_by_its_function():
    f = pickle.loads(pickle.dumps(pb.vmap(square, in_axes=1)))
    np.testing.assert_array_equal(f(X), (X * X).T)
    assert "vmap of square" in repr(pb.vmap(square))


# ── libraries ─────────────────────────────────────────────────────────────────────────────────


ON_LIBRARIES = {
    "matrices": lambda m, v: m @ v + v @ m @ m,
    "layers": lambda m, v: xp.sum(pb.models.relu(m @ v) ** 2),
    "solve": lambda m, v: pb.linalg.solve(m @ m.mT + xp.eye(3, device=m.device) * 4, v),
    "sort": lambda m, v: xp.sort(m, axis=0) * xp.softplus(v) if hasattr(xp, "softplus") else xp.sort(m, axis=0),
    "where": lambda m, v: xp.where(m > v, m, v),
    "slices": lambda m, v: xp.stack([m[1, :], v])[:, ::-1],
    "moments": lambda m, v: xp.var(m, axis=0) + xp.special.logsumexp(m, axis=1) * v,
    "einsum": lambda m, v: xp.einsum("ij,j->i", m, v),
}  # fmt: skip


@pytest.mark.parametrize("name", ON_LIBRARIES)
def test_on_every_library(name, lib, backend):
    rng = np.random.default_rng(0)
    m, v = rng.uniform(-1, 1, (3, 3, 3)), rng.uniform(0.5, 1.5, (3, 3))
    f = ON_LIBRARIES[name]
    raw = lib.asarray(m), lib.asarray(v)
    got = pb.vmap(f)(*raw)
    assert lib.is_raw(got)
    for i in range(3):
        wanted = f(*(xp.asarray(a[i, ...]) for a in raw))
        np.testing.assert_allclose(lib.to_numpy(got)[i], pb.to_numpy(wanted), rtol=1e-9, atol=1e-12)
    number = lambda m, v: xp.sum(f(m, v) ** 2)
    inside = pb.vmap(pb.grad(number, argnums=(0, 1)))(*raw)
    outside = pb.grad(lambda m, v: xp.sum(pb.vmap(number)(m, v)), argnums=(0, 1))(*raw)
    for i in range(3):
        wanted = pb.grad(number, argnums=(0, 1))(*(a[i, ...] for a in raw))
        for a, b, w in zip(inside, outside, wanted, strict=True):
            assert lib.is_raw(a)
            assert lib.is_raw(b)
            np.testing.assert_allclose(lib.to_numpy(a)[i], lib.to_numpy(w), rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(lib.to_numpy(b)[i], lib.to_numpy(w), rtol=1e-8, atol=1e-10)


def test_indices_and_writes_on_every_library(lib, backend):
    if lib.name == "array_api_strict":
        pytest.skip("the standard does not write at arrays of integers")

    def f(v, i):
        z = xp.zeros_like(v)
        z[i] = v[0]
        return z + v[i]

    v, i = np.random.default_rng(0).uniform(0.5, 1.5, (3, 4)), np.asarray([2, 0, 3])
    got = pb.vmap(f)(lib.asarray(v), lib.asarray(i))
    wanted = np.stack(
        [np.where(np.arange(4) == j, row[0], 0) + row[j] for row, j in zip(v, i, strict=True)]
    )
    np.testing.assert_allclose(lib.to_numpy(got), wanted)


def test_reads_at_indices_of_each_row_on_every_library(lib):
    x, i = lib.asarray(X), lib.asarray(np.asarray([[2, 0], [3, -1], [1, 1]]))
    got = pb.vmap(lambda x, i: xp.take(x, i, axis=0) * x[i[0]])(x, i)
    wanted = np.stack([row[j] * row[j[0]] for row, j in zip(X, lib.to_numpy(i), strict=True)])
    np.testing.assert_allclose(lib.to_numpy(got), wanted)


# ── what is no operation on a row ─────────────────────────────────────────────────────────────

SQUARE = np.random.default_rng(1).standard_normal((3, 3))


@pytest.mark.parametrize(
    "f",
    [
        lambda v: xp.sum(v, axis=-2),
        lambda v: xp.max(v, axis=1),
        lambda v: xp.sum(v, axis=(0, -2)),
        lambda v: xp.sort(v, axis=-2),
        lambda v: xp.cumulative_sum(v, axis=-2),
        lambda v: xp.take(v, pb.asarray([0, 1]), axis=-2),
        lambda v: xp.take_along_axis(v, pb.asarray([0, 1]), axis=-2),
        lambda v: xp.permute_dims(v, (-2,)),
        lambda v: xp.concat([v, v], axis=-2),
        lambda v: xp.stack([v, v], axis=-3),
        lambda v: xp.expand_dims(v, axis=-3),
        lambda v: xp.flip(v, axis=-2),
        lambda v: xp.roll(v, 1, axis=-2),
        lambda v: xp.moveaxis(v, -2, 0),
        lambda v: xp.repeat(v, 2, axis=-2),
        lambda v: xp.fft.fft(xp.astype(v, xp.complex128), axis=-2),
        lambda v: xp.fft.fftn(xp.astype(v, xp.complex128), axes=(-2,)),
        lambda v: xp.vecdot(v, v, axis=-2),
        lambda v: v.mT,
        lambda v: xp.matrix_transpose(v),
        lambda v: xp.linalg.inv(v),
        lambda v: xp.linalg.trace(v),
        lambda v: xp.linalg.matrix_norm(v),
        lambda v: xp.linalg.cholesky(v),
        lambda v: v[0] @ v[:1],
        lambda v: v[:1] @ v[0],
        lambda v: xp.vecdot(v[0], v[:1]),
    ],
)
def test_what_a_row_cannot_do_is_refused_and_rows_are_not_mixed(f):
    # each of these would have an answer if the axis of the rows were one of the row's own
    with pytest.raises(Exception) as alone:
        f(xp.asarray(SQUARE[0]))
    with pytest.raises(Exception) as mapped:
        pb.vmap(f)(SQUARE)
    expected = (ValueError, IndexError)  # np.exceptions.AxisError is both, LinAlgError a ValueError
    assert isinstance(alone.value, expected)
    assert isinstance(mapped.value, expected)


@pytest.mark.parametrize("axis", [0, -1])
def test_a_number_has_the_axis_that_the_library_gives_it(axis):
    got = pb.vmap(lambda s: xp.sum(s, axis=axis) * 2)(Y)  # not a sum over rows
    np.testing.assert_array_equal(got, 2 * Y)
