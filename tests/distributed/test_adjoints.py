"""Tests of autograd/rules/collectives.py: the gradient of the sum of all ranks' losses."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.distributed import DistributedError, all_reduce, broadcast, rank, simulate

from ._table import ROWS

P = 3
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


def _inputs(row, dtype="float64", size=P, seed=0):
    rng = np.random.default_rng(seed)
    arrays = []
    for r in range(size):
        x = rng.normal(size=row.shape(r, size))
        arrays.append(x + 1j * rng.normal(size=x.shape) if "complex" in dtype else x)
    return [np.asarray(x, dtype=dtype) for x in arrays]


def _loss(row, x, r):
    """Real, of third order, and another one on each rank."""
    y = row.call(x) + (0.3 - 0.2 * r)
    return pb.xp.sum(pb.xp.real(y * y * y) * (1.0 + r)) + pb.xp.sum(pb.xp.abs(y) ** 2)


def _first(row):
    return lambda x: pb.value_and_grad(lambda x: _loss(row, x, rank()))(x)


def _second(row):
    """A loss that is made of gradients, and its gradient."""

    def along_gradient(x):
        g = pb.grad(lambda x: _loss(row, x, rank()))(x)
        return pb.xp.sum(pb.xp.real(g * (0.5 + 0.1j * rank() if g.dtype.kind == "c" else 0.5)))

    return pb.value_and_grad(along_gradient)


def _on_ranks(f, arrays):
    return simulate(lambda: f(arrays[rank()]), len(arrays))


def _central(f, arrays, step=1e-5):
    """∂/∂Re + i ∂/∂Im of the sum of all ranks' losses, by every element of every rank's array."""

    def total(r, i, change):
        moved = [x.copy() for x in arrays]
        moved[r].reshape(-1)[i] += change
        return sum(float(value) for value, _ in _on_ranks(f, moved))

    found = []
    for r, x in enumerate(arrays):
        g = np.zeros_like(x)
        for i in range(x.size):
            slope = [(total(r, i, step * u) - total(r, i, -step * u)) / (2 * step)
                     for u in ((1, 1j) if x.dtype.kind == "c" else (1,))]  # fmt: skip
            g.reshape(-1)[i] = slope[0] + (1j * slope[1] if len(slope) > 1 else 0)
        found.append(g)
    return found


@each_row
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradients_are_those_of_the_sum_of_losses(row, dtype, order):
    f = (_first if order == 1 else _second)(row)
    arrays = _inputs(row, dtype, size=2)
    got = [g for _, g in _on_ranks(f, arrays)]
    for mine, expected in zip(got, _central(f, arrays), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-6, atol=2e-6)


@each_row
def test_jvp_is_the_change_of_each_ranks_result(row):
    arrays, directions = _inputs(row), _inputs(row, seed=1)

    def f(h):
        return [x + h * v for x, v in zip(arrays, directions, strict=True)]

    def run(x):
        return row.call(x) ** 2

    found = simulate(lambda: pb.jvp(run, (arrays[rank()],), (directions[rank()],))[1], P)
    ahead, behind = (_on_ranks(run, f(h)) for h in (1e-5, -1e-5))
    for got, a, b in zip(found, ahead, behind, strict=True):
        np.testing.assert_allclose(got, (pb.to_numpy(a) - pb.to_numpy(b)) / 2e-5, atol=1e-7)


@each_row
def test_gradients_on_every_library(row, lib):
    dtype = "float32"
    arrays = _inputs(row, dtype)
    expected = [g for _, g in _on_ranks(_first(row), _inputs(row, "float64"))]
    given = [lib.asarray(x) for x in arrays]

    def both(x):
        compiled = pb.compile(_first(row), fast=False)
        return _first(row)(x)[1], compiled(x)[1], compiled(x)[1]

    for gradients, right in zip(_on_ranks(both, given), expected, strict=True):
        for g in gradients:
            assert lib.is_raw(g)
            assert lib.to_numpy(g).dtype == dtype
            np.testing.assert_allclose(lib.to_numpy(g), right, rtol=2e-5, atol=2e-5)


@each_row
@pytest.mark.parametrize("make", [_first, _second], ids=["first order", "second order"])
def test_compiled_is_eager_with_the_same_traffic(row, make):
    def run(arrays):
        # kernels take a second each to compile, and have nothing to do with collectives
        compiled, eager = pb.compile(make(row), fast=False), make(row)
        found = []
        for k in range(3):  # recorded, replayed, replayed
            x = arrays[rank()] + 0.1 * k
            group = pb.distributed.world()
            results = []
            for f in (compiled, eager):
                group.traffic.reset()
                value, g = f(x)
                results.append(
                    (float(value), g, {k: vars(c) for k, c in group.traffic.counts.items()})
                )
            found.append(results)
        return found

    for found in simulate(run, P, _inputs(row)):
        for (value, g, traffic), (value_e, g_e, traffic_e) in found:
            np.testing.assert_allclose(value, value_e, rtol=1e-13)
            np.testing.assert_allclose(g, g_e, rtol=1e-12, atol=1e-14)
            assert traffic == traffic_e


@each_row
def test_rows_under_vmap_are_one_collective(row):
    arrays = [np.stack([x, 2 * x, x - 1]) for x in _inputs(row)]

    def run():
        group = pb.distributed.world()
        xs = arrays[rank()]
        one_by_one = np.stack([pb.to_numpy(row.call(x)) for x in xs])
        group.traffic.reset()
        mapped = pb.vmap(row.call)(xs)
        calls = sum(c.calls for k, c in group.traffic.counts.items() if k != "agree")
        by_row = [pb.grad(lambda x: _loss(row, x, rank()))(x) for x in xs]
        mapped_g = pb.vmap(pb.grad(lambda x: _loss(row, x, rank())))(xs)
        return one_by_one, pb.to_numpy(mapped), calls, np.stack(by_row), mapped_g

    for one_by_one, mapped, calls, by_row, mapped_g in simulate(run, P):
        np.testing.assert_array_equal(mapped, one_by_one)
        assert calls == 1
        np.testing.assert_allclose(mapped_g, by_row, rtol=1e-13)


@each_row
def test_jacobian_by_one_sweep_of_many_cotangents(row):
    """Its rows: element i of all ranks' results is pulled back together."""
    arrays = _inputs(row)
    ones = [np.ones_like(y) for y in row.reference(arrays)]

    def run():
        x = arrays[rank()]
        J = pb.jacobian(row.call)(x)
        _, pull = pb.vjp(row.call, x)
        return J.reshape(-1, *x.shape).sum(0) if J.size else np.zeros_like(x), pull(ones[rank()])[0]

    for total, pulled in simulate(run, P):
        np.testing.assert_allclose(total, pulled, atol=1e-14)


# ── ranks whose losses differ ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("compiled", [False, True])
@each_row
def test_a_loss_on_one_rank_alone(row, compiled):
    """The others take part in the pullback with zeros, whether their loss is on the tape or not."""
    arrays = _inputs(row)

    def loss(x):
        y = row.call(x)
        if rank() == 1:
            return pb.xp.sum(y**2)
        return pb.xp.sum(x) if rank() == 0 else pb.xp.asarray(1.0)

    def run():
        f = pb.value_and_grad(loss)
        return (pb.compile(f, fast=False) if compiled else f)(arrays[rank()])

    def expected(r, arrays):
        return np.sum(row.reference(arrays)[1] ** 2) + np.sum(arrays[0])

    for r, (_, g) in enumerate(simulate(run, P)):
        for i in range(arrays[r].size):
            moved = [[x.copy() for x in arrays] for _ in range(2)]
            moved[0][r].reshape(-1)[i] += 1e-5
            moved[1][r].reshape(-1)[i] -= 1e-5
            slope = (expected(r, moved[0]) - expected(r, moved[1])) / 2e-5
            np.testing.assert_allclose(g.reshape(-1)[i], slope, atol=1e-6)


def test_second_order_of_a_loss_on_one_rank_alone():
    def run():
        x = np.asarray([1.0, 2.0]) + rank()

        def loss(x):
            y = all_reduce(x)
            return pb.xp.sum(y**3) if rank() == 0 else pb.xp.sum(y) if rank() == 1 else pb.xp.sum(x)

        return pb.hvp(loss, x, np.ones(2))

    for got in simulate(run, P):  # Σ_s 6 y v_s
        np.testing.assert_allclose(got, 6 * np.asarray([6.0, 9.0]) * 3)


def test_a_tape_whose_output_depends_on_nothing():
    def run():
        with pb.Tape() as tape:
            x = tape.watch(np.asarray([1.0, 2.0]))
            y = pb.xp.sum(all_reduce(x) ** 2)
        if rank() == 0:
            return tape.gradient(y, x)
        return tape.gradient(pb.xp.asarray(0.0), x)

    for g in simulate(run, 2):
        np.testing.assert_array_equal(pb.to_numpy(g), [4.0, 8.0])


def test_a_constant_on_one_rank_is_told_where_others_are_differentiated():
    """A collective of a constant is on no tape: that rank takes no part in the pullback."""

    def run():
        x = np.asarray([1.0, 2.0])
        return pb.grad(lambda x: pb.xp.sum(broadcast(x if rank() == 0 else np.zeros(2))) + x[0])(x)

    with pytest.raises(DistributedError, match=r"rank 0 asks for reduce\(root=0, op='sum'\)"):
        simulate(run, 2)


def test_integers_are_moved_and_have_no_derivative():
    def run():
        n = np.asarray([1, 2 + rank()])
        total = all_reduce(n)
        return total, pb.grad(lambda x: pb.xp.sum(x * all_reduce(n)))(np.ones(2))

    for total, g in simulate(run, 2):
        assert total.dtype == n_dtype
        np.testing.assert_array_equal(total, [2, 5])
        np.testing.assert_array_equal(g, [2.0, 5.0])


n_dtype = np.asarray([1]).dtype


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_checkpoint_with_a_collective_is_pulled_back_where_its_result_is_not_used(
    compiled, order
):
    def loss(x):
        y = pb.checkpoint(lambda x: pb.xp.sin(all_reduce(x)))(x)
        return pb.xp.sum(y**3) if rank() != 1 else pb.xp.asarray(0.0)

    def inner(total):
        return 2 * pb.xp.sum(pb.xp.sin(total) ** 3)  # the losses of ranks 0 and 2

    def program():
        x = np.asarray([0.3, 0.7]) + rank()
        f = pb.grad(loss)
        if order == 2:
            f = pb.grad(lambda x: pb.xp.sum(pb.grad(loss)(x) * (1.0 + rank())))
        return (pb.compile(f) if compiled else f)(x)

    total = sum(np.asarray([0.3, 0.7]) + r for r in range(P))
    expected = pb.grad(inner)(total)
    if order == 2:  # Σ_r (1 + r) g_r, and g_r is the same everywhere
        expected = 6 * pb.grad(lambda t: pb.xp.sum(pb.grad(inner)(t)))(total)
    for found in simulate(program, P):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
