"""Tests of distributed/collectives.py, and of collectives as steps of compiled programs."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d
from pullback.distributed import DistributedError, simulate

from .._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._table import ROWS

P = 3
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


# ── forward ───────────────────────────────────────────────────────────────────────────────────


def _array(kind, shape, r):
    """Arrays in many forms, by what they lie like in memory."""
    x = np.random.default_rng(r).normal(size=(*shape, 2))[..., 0] * 8
    if kind == "fortran":
        return np.asfortranarray(x)
    if kind == "strided":
        return x  # every second element of the random numbers
    if kind == "read-only":
        x = np.array(x)
        x.flags.writeable = False
        return x
    return np.ascontiguousarray(x).reshape(shape).astype(kind)


@each_row
@pytest.mark.parametrize(
    "kind", ["fortran", "strided", "read-only", "float32", "float16", "complex64", "int32", ">f8"]
)
def test_what_each_is(row, kind):
    if kind == "int32" and row.settings.get("op") == "mean":
        pytest.skip("integers have no mean: test_refusals")
    arrays = [_array(kind, row.shape(r, P), r) for r in range(P)]
    before = [x.copy() for x in arrays]
    found = simulate(lambda: pb.to_numpy(row.call(arrays[d.rank()])), P)
    for got, right in zip(found, row.reference(before), strict=True):
        assert got.shape == np.shape(right)
        assert got.dtype == before[0].dtype.newbyteorder("=")
        assert got.dtype.isnative
        np.testing.assert_allclose(got, right, rtol=2e-3 if kind == "float16" else 1e-6)
        assert not any(np.shares_memory(got, x) for x in arrays)
    for x, y in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, y)


@each_row
def test_a_world_of_one(row):
    if row.settings.get("root", 0):
        pytest.skip("there is no rank 1")
    x = np.random.default_rng(0).normal(size=row.shape(0, 1) or (1,))
    y = pb.to_numpy(row.call(x))
    np.testing.assert_allclose(y, row.reference([x])[0])
    assert not np.shares_memory(x, y)


def test_trees_and_what_was_given():
    def run():
        r = d.rank()
        raw, array = np.ones(2) * r, pb.xp.asarray(np.ones(2) * r)
        out = d.all_reduce({"a": raw, "b": [array, 1.0 + r]})
        return out, d.all_gather(raw), d.broadcast(array, 1), d.reduce_scatter(np.arange(4.0))

    for r, (out, gathered, sent, part) in enumerate(simulate(run, 2)):
        assert type(out["a"]) is np.ndarray
        assert type(out["b"][0]) is type(out["b"][1]) is type(sent) is pb.Array
        assert float(out["b"][1]) == 3.0
        np.testing.assert_array_equal(out["a"], [1, 1])
        np.testing.assert_array_equal(gathered, [0, 0, 1, 1])
        np.testing.assert_array_equal(pb.to_numpy(sent), [1, 1])
        np.testing.assert_array_equal(part, [[0, 2], [4, 6]][r])


def test_replicate():
    def run():
        tree = {
            "W": np.ones((2, 2)) * d.rank(),
            "name": f"rank {d.rank()}",
            "n": np.asarray(d.rank()),
        }
        return d.replicate(tree, root=1)

    for r, tree in enumerate(simulate(run, 2)):
        np.testing.assert_array_equal(tree["W"], np.ones((2, 2)))
        assert tree["n"] == 1
        assert tree["name"] == f"rank {r}"


def test_tensor_times_data_parallel_by_groups():
    """Groups in a grid of 2 × 2, used in turn."""

    def run():
        world = d.world()
        row, column = world.split(world.rank // 2), world.split(world.rank % 2)
        x = np.asarray([1.0 + world.rank])
        along = d.all_reduce(x, group=row)
        across = d.all_reduce(along, group=column)
        g = pb.grad(
            lambda x: pb.xp.sum(d.all_reduce(d.all_reduce(x, group=row) ** 2, group=column))
        )(x)
        return along, across, g

    found = simulate(run, 4)
    np.testing.assert_array_equal([a for a, _, _ in found], [[3.0], [3.0], [7.0], [7.0]])
    np.testing.assert_array_equal([a for _, a, _ in found], [[10.0]] * 4)
    # Σ of all losses is 2 (3² + 7²): each rank's own x by 2 · 2 · 2 · (sum in its row)
    np.testing.assert_array_equal([g for _, _, g in found], [[24.0], [24.0], [56.0], [56.0]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: d.all_reduce(np.ones(2), "max"), ValueError, "op='max' is neither"),
        (lambda: d.all_reduce(np.ones(2, int), "mean"), TypeError, "floating-point"),
        (lambda: d.all_reduce(np.ones(2, bool)), TypeError, "convert it by astype to an integer"),
        (lambda: d.all_gather(np.asarray(1.0)), ValueError, r"give a number an axis first"),
        (lambda: d.all_gather(np.ones(2), 1), ValueError, "axis=1 of an array of shape"),
        (lambda: d.reduce_scatter(np.ones(3)), ValueError, "2 ranks cannot share equally"),
        (lambda: d.reduce_scatter(np.ones(3), length=2), ValueError, r"ask for \[2, 2\]"),
        (lambda: d.broadcast(np.ones(3), 2), ValueError, r"root=2, and the ranks are 0 … 1"),
        (lambda: d.broadcast("text"), TypeError, "expected an array"),
        (lambda: d.world().all_reduce(np.asarray(["a"])), TypeError, "broadcast_object"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        simulate(call, 2)


# ── steps of compiled programs ────────────────────────────────────────────────────────────────


def _counted(f, *calls):
    """The results of calls of a function, and the kinds of collectives that each made, in order."""
    kinds: list[str] = []
    group = d.world()
    agree = group.agree

    def spy(what, number=0):
        kinds.append(what.partition("(")[0])
        return agree(what, number)

    group.agree = spy
    found = []
    for args in calls:
        kinds.clear()
        found.append((f(*args), list(kinds)))
    return found


def _same(f, *calls, kinds=None):
    """Compiled calls do what eager calls do, collective by collective."""

    def run():
        eager = _counted(f, *calls)
        compiled = _counted(pb.compile(f, fast=False), *calls)
        again = pb.compile(f, fast=False)
        return eager, compiled, _counted(again, calls[0], *calls)[1:]

    for eager, *others in simulate(run, 2):
        for compiled in others:
            for (a, a_kinds), (b, b_kinds) in zip(eager, compiled, strict=True):
                pb.tree.map(
                    lambda x, y: np.testing.assert_allclose(pb.to_numpy(x), pb.to_numpy(y)), a, b
                )
                assert a_kinds == b_kinds
        if kinds is not None:
            assert eager[0][1] == kinds


X = np.asarray([1.0, 2.0])


def test_a_result_that_is_not_used_is_no_dead_code():
    def f(x):
        d.all_reduce(x)
        y = d.all_reduce(x * 2)
        d.all_gather(x)
        return y

    _same(f, (X,), (X + 1,), kinds=["all_reduce", "all_reduce", "all_gather"])


def test_two_that_are_equal_are_two():
    _same(lambda x: (d.all_reduce(x), d.all_reduce(x)), (X,), (X + 1,), kinds=["all_reduce"] * 2)


def test_those_of_constants_are_not_folded():
    def f(x):
        n = d.all_reduce(np.asarray(3.0 + d.rank()))
        m = d.all_reduce(pb.xp.ones(2)) + d.all_reduce(2.0)
        return x / n + m

    _same(f, (X,), (X + 1,), kinds=["all_reduce"] * 3)


def test_those_of_constants_under_derivatives_and_vmap_are_not_folded():
    def f(x):
        w, rows = np.asarray([1.0, 3.0]), np.ones((2, 2)) * d.rank()
        g = pb.grad(lambda w: pb.xp.sum(d.all_reduce(w) ** 2))(w)
        return g * x + pb.vmap(lambda row: d.all_reduce(row))(rows)

    _same(f, (X,), (X + 1,), kinds=["all_reduce"] * 3)


def test_order_is_kept():
    """Independent ones, whose results are read in another order, with loops between them."""

    def f(x):
        a = d.all_gather(x)
        b = d.reduce_scatter(pb.xp.exp(x) + 1)
        c = d.broadcast(x * 3, 1)
        e = d.all_reduce(pb.xp.sin(x), "mean")
        return pb.xp.sum(e) * pb.xp.sum(c), pb.xp.sum(b), a

    _same(f, (X,), (X + 1,), kinds=["all_gather", "reduce_scatter", "broadcast", "all_reduce"])
    _same(
        lambda x: pb.grad(lambda x: f(x)[0] + f(x)[1] + pb.xp.sum(f(x)[2] ** 2))(x), (X,), (X + 1,)
    )


def test_in_a_loop_they_happen_as_often_as_in_eager_mode():
    """A recorded loop would run its step once more, on the ranks that record and not on those that replay."""

    def f(x):
        def step(c, _):
            c = d.all_reduce(c, "mean") * 0.5 + x
            return c, pb.xp.sum(c)

        return pb.scan(step, x, None, length=3)

    _same(f, (X,), (X + 1,), kinds=["all_reduce"] * 3)
    _same(lambda x: pb.grad(lambda x: pb.xp.sum(f(x)[0] ** 2))(x), (X,), (X + 1,))


def test_a_while_loop_is_refused():
    def f(x):
        return pb.while_loop(lambda c: pb.xp.sum(c) < 100, lambda c: d.all_reduce(c), x)

    for got in simulate(lambda: f(X), 2):
        assert pb.to_numpy(got).sum() >= 100
    with pytest.raises(pb.TraceError):
        simulate(lambda: pb.compile(f, fast=False)(X), 2)


def test_under_vmap_and_checkpoint():
    def f(x):
        rows = pb.vmap(lambda row: d.all_reduce(row) ** 2)(pb.xp.stack([x, 2 * x]))
        return pb.xp.sum(rows) + pb.xp.sum(pb.checkpoint(lambda x: d.all_reduce(pb.xp.sin(x)))(x))

    _same(pb.value_and_grad(f), (X,), (X + 1,))


def test_a_rank_that_records_again_goes_with_those_that_replay():
    """The last batch is shorter on one rank alone."""

    def run():
        f = pb.compile(
            pb.value_and_grad(lambda w, x: pb.xp.sum(d.all_reduce(w * pb.xp.sum(x)) ** 2)),
            fast=False,
        )
        g = pb.value_and_grad(lambda w, x: pb.xp.sum(d.all_reduce(w * pb.xp.sum(x)) ** 2))
        found = []
        for k, n in enumerate((4, 4, 4 - d.rank(), 4, 4 - d.rank())):
            w, x = X + k, np.arange(float(n))
            found.append((f(w, x), g(w, x)))
        return found

    for found in simulate(run, 2):
        for (value, grad), (value_e, grad_e) in found:
            np.testing.assert_allclose(value, value_e)
            np.testing.assert_allclose(grad, grad_e)


def test_other_lengths_on_other_ranks_are_refused_and_not_taken_for_the_recorded_ones():
    def run():
        f = pb.compile(lambda x: pb.xp.sum(d.all_gather(x)), fast=False)
        first = float(f(np.ones(2)))
        assert first == 4
        return f(np.ones(2 if d.rank() == 0 else 3))

    with pytest.raises(
        pb.TraceError, match=r"result has shape \(5,\), and .* recorded with \(4,\)"
    ):
        simulate(run, 2)


def test_programs_that_differ_are_told():
    def run():
        f = pb.compile(lambda x: d.all_reduce(x) if d.rank() == 0 else d.all_gather(x), fast=False)
        return f(X)

    with pytest.raises(DistributedError, match=r"rank 0: all_reduce(.|\n)*rank 1: all_gather"):
        simulate(run, 2)


def test_with_kernels():
    """The steps between collectives are compiled by numba."""
    pytest.importorskip("numba", reason="kernels need numba (extra `fast`)")

    def f(x):
        y = d.all_reduce(x * 2 + 1)
        return d.all_reduce(y * y + x, "mean") - y

    def run():
        compiled = pb.compile(f, fast=True)
        return [(compiled(X + k), pb.to_numpy(f(X + k))) for k in range(3)]

    for found in simulate(run, 2):
        for got, right in found:
            np.testing.assert_allclose(got, right, rtol=1e-13)
