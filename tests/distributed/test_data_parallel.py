"""Gradients of a batch in parts: those of the whole, equal bits on all ranks; buckets start early; errors are told."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.distributed.communicators.threads import ThreadCommunicator

from ._ranks import run_ranks

xp, d = pb.xp, pb.distributed
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((9, 3)), RNG.standard_normal((9, 2))
PARAMS = {
    "layer": {"W": RNG.standard_normal((3, 4)), "b": RNG.standard_normal(4)},
    "V": RNG.standard_normal((4, 2)),
    "unused": np.ones((2, 2)),
}


def loss(p, x, y):
    hidden = xp.tanh(xp.matmul(x, p["layer"]["W"]) + p["layer"]["b"])
    return xp.mean((xp.matmul(hidden, p["V"]) - y) ** 2)


# Which rows each rank has: equal and unequal parts, and ranks without any.
CUTS = [[4], [0], [9], [2, 5, 5], [0, 0, 1]]


def parts(cuts, *arrays):
    """This rank's rows."""
    return [np.split(a, cuts)[d.rank()].copy() for a in arrays]


def assert_same(results, value, gradient):
    """Equal bits on all ranks, and the gradient of one process to 1e-12."""
    first = [np.asarray(g) for g in pb.tree.leaves(results[0][1])]
    for found, gradients in results:
        np.testing.assert_allclose(found, value, rtol=1e-12)
        assert np.asarray(found).tobytes() == np.asarray(results[0][0]).tobytes()
        leaves = pb.tree.leaves(gradients)
        assert len(leaves) == len(pb.tree.leaves(gradient))
        for g, whole, of_first in zip(leaves, pb.tree.leaves(gradient), first, strict=True):
            np.testing.assert_allclose(g, whole, rtol=1e-12, atol=1e-14)
            assert type(g) is type(whole)
            assert np.asarray(g).tobytes() == of_first.tobytes()


@pytest.mark.parametrize("cuts", CUTS, ids=str)
@pytest.mark.parametrize("bucket_bytes", [1, 100, 2**20])
def test_the_gradient_of_the_whole_batch(cuts, bucket_bytes):
    def rank():
        both = d.data_parallel(loss, bucket_bytes=bucket_bytes)
        both(
            PARAMS, *parts(cuts, 2 * X, Y)
        )  # the first call makes the plan, the second one uses memory again
        return both(PARAMS, *parts(cuts, X, Y))

    assert_same(d.simulate(rank, len(cuts) + 1), *pb.value_and_grad(loss)(PARAMS, X, Y))


W = RNG.standard_normal(3)
Z = W + 1j * RNG.standard_normal(3)
CASES = {
    "several arguments": (lambda a, x, b: xp.mean(x @ a) * xp.sum(b), (0, 2), (W, X, Y[0].copy())),
    "from the end": (lambda x, a: xp.mean((x @ a) ** 2), -1, (X, W)),
    "complex": (lambda z, x: xp.mean(xp.abs(x @ z) ** 2), 0, (Z, X)),
    "a number": (lambda a, x: xp.mean((a * x) ** 2), 0, (2.0, X)),
    "one leaf twice": (lambda p, x: xp.mean(x @ (p["a"] * p["b"])), 0, ({"a": W, "b": W}, X)),
    "two dtypes": (
        lambda p, x: xp.mean(x @ p[0]) + xp.astype(xp.sum(p[1] ** 2), xp.float64),
        0,
        ([W, W.astype(np.float32)], X),
    ),
    "a constant": (lambda a, x: xp.mean(x), 0, (W, X)),
    "a leaf itself": (lambda a, x: a, 0, (np.asarray(3.0), X)),
    "no elements": (lambda a, x: xp.mean(x) + xp.sum(a), 0, (np.ones((0, 2)), X)),
    "no leaves": (lambda a, x: xp.mean(x), 0, ((), X)),
    "arrays of pullback": (lambda a, x: xp.mean(x @ a), 0, (xp.asarray(W), X)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_what_value_and_grad_takes(case, compiled):
    f, argnums, args = CASES[case]
    value, gradient = pb.value_and_grad(f, argnums)(*args)

    def rank():
        def run(*given):
            return d.data_parallel(f, argnums)(*given)

        if compiled:
            run = pb.compile(run, fast=False)
        for cuts in ([4, 4], [0, 9], [4, 4]):  # rank 1 or rank 2 have no rows
            given = [parts(cuts, a)[0] if a is X else a for a in args]
            found, gradients = run(*given)
        return found, gradients

    results = d.simulate(rank, 3)
    for found, _ in results:
        np.testing.assert_allclose(np.asarray(found), np.asarray(value), rtol=1e-7)
    host = [
        (np.asarray(v), pb.tree.map(lambda g: np.asarray(g), gradients)) for v, gradients in results
    ]
    in_one = pb.tree.map(lambda g: np.asarray(g), gradient)
    for _, gradients in host:
        for g, whole in zip(pb.tree.leaves(gradients), pb.tree.leaves(in_one), strict=True):
            single = whole.dtype == np.float32
            np.testing.assert_allclose(g, whole, rtol=1e-6 if single else 1e-12, atol=1e-14)
            assert g.dtype == whole.dtype
    for a, b in zip(pb.tree.leaves(host[0]), pb.tree.leaves(host[2]), strict=True):
        assert a.tobytes() == b.tobytes()
    for a, b in zip(pb.tree.leaves(results[0][1]), pb.tree.leaves(gradient), strict=True):
        assert type(a) is type(b)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_leaf_that_is_used_on_one_rank_alone_and_another_order_on_each(compiled):
    p = [normal.copy() for normal in (W, 2 * W, 3 * W)]

    def f(p, x, first):
        a, b, c = p
        if first:
            return xp.mean(xp.tanh(x @ a) * xp.sum(b))
        return xp.mean(xp.tanh(x @ c) * (x @ a))

    def rank():
        both = d.data_parallel(lambda p, x: f(p, x, d.rank() == 0), bucket_bytes=1)
        if compiled:
            both = pb.compile(both, fast=False)
        for _ in range(3):
            out = both(p, parts([4], X)[0])
        return out

    def whole(p):
        return (4 * f(p, X[:4], True) + 5 * f(p, X[4:], False)) / 9

    assert_same(d.simulate(rank, 2), *pb.value_and_grad(whole)(p))


def test_aux_is_the_ranks_own():
    def rank():
        f = d.data_parallel(
            lambda w, x: (xp.mean(w * x), {"rows": len(x), "wx": w * x}), has_aux=True
        )
        return f(2.0, parts([0, 4], np.arange(6.0))[0])

    empty, four, two = d.simulate(rank, 3)
    assert empty == ((5.0, None), 2.5)
    assert four[0][0] == 5.0
    assert four[0][1]["rows"] == 4
    assert two[0][1]["rows"] == 2
    np.testing.assert_array_equal(pb.to_numpy(two[0][1]["wx"]), [8.0, 10.0])


def test_rows_that_no_array_says():
    def rank():
        return d.data_parallel(lambda w, k: w * k, rows=lambda w, k: k)(3.0, 1 + d.rank())

    # (1 · 3 + 2 · 6)/3
    assert d.simulate(rank, 2) == [(5.0, pytest.approx(5 / 3))] * 2


def test_without_reduction_the_shares_add_up():
    def rank():
        both = d.data_parallel(loss, reduce=False)
        return both(PARAMS, *parts([2, 2], X, Y))

    value, gradient = pb.value_and_grad(loss)(PARAMS, X, Y)
    results = d.simulate(rank, 3)
    assert not any(np.any(g) for g in pb.tree.leaves(results[1][1]))
    for name in ("V", "unused"):
        np.testing.assert_allclose(sum(g[name] for _, g in results), gradient[name], rtol=1e-12)
    for found, _ in results:
        assert found == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("fast", [None, False, True], ids=["eager", "calls", "kernels"])
@pytest.mark.parametrize("size", [2, 4])
def test_twenty_steps_of_training(size, fast):
    """Value, gradients and the optimiser's step in one program, new parts in each call, buffers donated."""
    opt = pb.optim.Adam(0.01)

    def train(both, part):
        def step(p, state, x, y):
            value, grads = both(p, x, y)
            return *opt.step(p, grads, state), value

        if fast is not None:
            step = pb.compile(step, donate_argnums=(0, 1), fast=fast)
        p = pb.tree.map(np.copy, PARAMS)
        state, values = opt.init(p), []
        for i in range(20):
            p, state, value = step(p, state, *part(i, X + 0.1 * i, Y))
            values.append(float(value))
        return values, p

    def rank():
        cuts = ([3, 3, 5], [2, 4, 6]) if size == 4 else ([5], [3])
        return train(
            d.data_parallel(loss, bucket_bytes=64), lambda i, x, y: parts(cuts[i % 2], x, y)
        )

    values, p = train(pb.value_and_grad(loss), lambda i, x, y: (x, y))
    assert_same(d.simulate(rank, size), values, p)


def test_a_compiled_step_has_the_collectives_in_order():
    def rank():
        step = pb.compile(
            lambda p, x, y: d.data_parallel(loss, bucket_bytes=1)(p, x, y)[0], fast=False
        )
        args = PARAMS, *parts([4], X, Y)
        step(*args)
        return step.program(*args)

    text = d.simulate(rank, 2)[0]
    steps = [line for line in text.splitlines() if "all_reduce" in line or "agree" in line]
    # the value, the leaf without a use, V, b and W; no gradient is asked for, and they travel all the same
    kinds = [next(k for k in ("agree", "start", "wait") if k in line) for line in steps]
    assert kinds == ["agree"] + ["start"] * 5 + ["wait"] * 5


# ── buckets start while the sweep goes on ─────────────────────────────────────────────────────────


def test_the_first_bucket_starts_before_the_sweep_is_at_the_first_layer(monkeypatch):
    events = []
    start = ThreadCommunicator.start_all_reduce
    monkeypatch.setattr(
        ThreadCommunicator,
        "start_all_reduce",
        lambda self, *a, **k: events.append("start") or start(self, *a, **k),
    )

    @pb.custom_vjp
    def first(x):
        return x

    first.defvjp(lambda x: (x, None), lambda res, ct: (events.append("first layer") or ct,))

    def rank():
        def f(p, x):
            hidden = xp.tanh(first(x @ p[0]))
            return xp.mean((hidden @ p[1]) ** 2)

        both = d.data_parallel(f, bucket_bytes=1)
        args = [PARAMS["layer"]["W"], PARAMS["V"]], parts([4], X)[0]
        both(*args)
        if d.rank() == 0:
            events.clear()
        d.world().barrier()
        both(*args)

    d.simulate(rank, 2)
    # value and V of both ranks, then the first layer; the last start is that of its weights
    assert events.index("first layer") >= 2
    assert events[-1] == "start"
    assert events.count("start") == 6


def test_messages_and_bytes_are_those_of_the_formula():
    def rank():
        both = d.data_parallel(loss, bucket_bytes=2**20)
        args = PARAMS, *parts([2, 5, 5], X, Y)
        both(*args)
        d.world().traffic.reset()
        both(*args)
        return d.world().traffic

    n = sum(p.nbytes for p in pb.tree.leaves(PARAMS)) + 8
    for traffic in d.simulate(rank, 4):
        reduced, agreed = traffic["all_reduce"], traffic["agree"]
        assert (reduced.calls, reduced.messages) == (1, 2 * 3)
        assert reduced.bytes == 2 * 3 * n // 4
        assert (agreed.calls, agreed.messages, agreed.bytes) == (1, 3, 3 * 24)
        assert traffic.total().bytes == reduced.bytes + agreed.bytes


def test_bfloat16_halves_the_bytes_and_rounds_once_or_twice():
    single = pb.tree.map(lambda p: p.astype(np.float32), PARAMS)
    x, y = X.astype(np.float32), Y.astype(np.float32)

    def rank():
        both = d.data_parallel(loss, travel="bfloat16")
        both(single, *parts([2, 5, 5], x, y))
        d.world().traffic.reset()
        return both(single, *parts([2, 5, 5], x, y)), d.world().traffic

    value, gradient = pb.value_and_grad(loss)(single, x, y)
    results = d.simulate(rank, 4)
    n = sum(p.size for p in pb.tree.leaves(PARAMS))
    padded = -(-n // 4) * 4
    for (found, gradients), traffic in results:
        np.testing.assert_allclose(found, value, rtol=1e-6)  # the value is not rounded
        moved = traffic["all_to_all"].bytes + traffic["all_gather"].bytes
        assert moved == 2 * 3 * padded * 2 // 4
        leaves = (
            pb.tree.leaves(gradients),
            pb.tree.leaves(gradient),
            pb.tree.leaves(results[0][0][1]),
        )
        for g, exact, first in zip(*leaves, strict=True):
            scale = np.abs(exact).max()
            np.testing.assert_allclose(g, exact, atol=2**-7 * max(scale, 1e-30), rtol=0)
            assert g.tobytes() == first.tobytes()
            bits = g.view(np.uint32)
            assert not np.any(bits & 0xFFFF)  # bfloat16 numbers


def test_memory_is_used_again_when_no_gradient_is_left():
    def rank():
        both = d.data_parallel(loss)
        args = PARAMS, *parts([4], X, Y)
        kept = both(*args)[1]
        before = pb.tree.map(np.copy, kept)
        addresses = []
        for k in range(4):
            _, g = both(PARAMS, args[1] * k, args[2])
            addresses.append(g["V"].__array_interface__["data"][0])
            del g
        return kept, before, addresses

    for kept, before, addresses in d.simulate(rank, 2):
        for a, b in zip(pb.tree.leaves(kept), pb.tree.leaves(before), strict=True):
            np.testing.assert_array_equal(a, b)  # what somebody holds is not written over
        assert len(set(addresses)) == 1


# ── derivatives around it, and other libraries ────────────────────────────────────────────────────


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_second_derivatives_are_those_of_the_sum_over_ranks(compiled):
    w = np.asarray([0.3, -0.7, 0.2])

    def f(w, x):
        return xp.mean(xp.sin(x @ w) ** 2)

    def rank():
        def outer(w, x):
            value, gradient = d.data_parallel(f)(w, x)
            return value + xp.sum(gradient**2)

        both = pb.grad(outer)
        if compiled:
            both = pb.compile(both, fast=False)
        for cuts in ([4, 4], [4, 4]):
            out = both(w, parts(cuts, X)[0])
        return out

    def one(w, x):
        value, gradient = pb.value_and_grad(f)(w, x)
        return value + xp.sum(gradient**2)

    results = d.simulate(rank, 3)
    # every rank's outer result is that of the whole, and there are three of them
    np.testing.assert_allclose(sum(results), 3 * pb.grad(one)(w, X), rtol=1e-10)
    np.testing.assert_array_equal(results[1], np.zeros(3))  # this rank has no rows


def test_on_every_library(lib):
    p = pb.tree.map(lib.asarray, PARAMS)

    def rank():
        mine = [lib.asarray(a) for a in parts([4, 4], X, Y)]
        return d.data_parallel(loss, bucket_bytes=100)(p, *mine)

    value, gradient = pb.value_and_grad(loss)(PARAMS, X, Y)
    results = d.simulate(rank, 3)
    for found, gradients in results:
        assert lib.is_raw(found)
        np.testing.assert_allclose(lib.to_numpy(found), value, rtol=1e-12)
        pairs = zip(pb.tree.leaves(gradients), pb.tree.leaves(gradient), strict=True)
        for g, whole in pairs:
            assert lib.is_raw(g)
            np.testing.assert_allclose(lib.to_numpy(g), whole, rtol=1e-12, atol=1e-14)


def test_one_rank_is_value_and_grad():
    both = d.data_parallel(loss)
    value, gradient = both(PARAMS, X, Y)
    expected = pb.value_and_grad(loss)(PARAMS, X, Y)
    assert value == expected[0]
    np.testing.assert_array_equal(gradient["V"], expected[1]["V"])


# ── errors ────────────────────────────────────────────────────────────────────────────────────────


def told(f, size=2):
    """What each rank raised, as ``(type, message)``."""

    def rank():
        with pytest.raises(Exception) as caught:
            f()
        return caught.type, str(caught.value)

    return d.simulate(rank, size, timeout=20)


def test_a_loss_that_raises_on_one_rank_is_told_to_all():
    def f():
        def broken(w, x):
            if d.rank() == 1:
                raise ZeroDivisionError("a broken row")
            return xp.mean(w * x)

        d.data_parallel(broken)(1.0, X[:, 0])

    others = told(f, 3)
    assert others[1] == (ZeroDivisionError, "a broken row")
    for kind, text in (others[0], others[2]):
        assert kind is d.DistributedError
        assert (
            "rank 1: data_parallel, where the loss has raised ZeroDivisionError: a broken row"
            in text
        )


def mean_of(w, x):
    return xp.mean(x) * xp.sum(w)


DIFFERENT = {
    "shapes": (lambda: d.data_parallel(mean_of)(np.ones(2 + d.rank()), X), ["(2,)", "(3,)"]),
    "structures": (
        lambda: d.data_parallel(lambda w, x: mean_of(next(iter(w.values())), x))(
            {"ab"[d.rank()]: W}, X
        ),
        ["0.a float64", "0.b float64"],
    ),
    "dtypes": (
        lambda: d.data_parallel(mean_of)(W.astype(["f4", "f8"][d.rank()]), X),
        ["float32", "float64"],
    ),
    "settings": (
        lambda: d.data_parallel(mean_of, travel=[None, "bfloat16"][d.rank()])(W, X),
        ["travel=None", "travel='bfloat16'"],
    ),
    "losses": (
        lambda: d.data_parallel([mean_of, loss][d.rank()], rows=lambda *_: 0)(W, X),
        ["mean_of", "loss"],
    ),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_ranks_that_differ_are_told_so(case):
    f, words = DIFFERENT[case]
    for kind, text in told(f):
        assert kind is d.DistributedError
        assert all(word in text for word in words), text


def test_what_is_no_number_or_has_no_rows_is_refused_as_in_one_process():
    assert all(
        kind is TypeError and "reduce it" in text
        for kind, text in told(lambda: d.data_parallel(lambda w, x: w * x)(2.0, X))
    )
    for kind, text in told(lambda: d.data_parallel(mean_of)(np.asarray([1]), X)):
        assert kind is TypeError
        assert "int64" in text
    for kind, text in told(lambda: d.data_parallel(mean_of)(W, X[:0])):
        assert kind is ValueError
        assert "no rank has any rows" in text
    for kind, text in told(lambda: d.data_parallel(lambda w, k: w * k)(2.0, 3)):
        assert kind is ValueError
        assert "rows=" in text
    for kind, text in told(lambda: d.data_parallel(lambda w, x, y: mean_of(w, x))(W, X, Y[:4])):
        assert kind is ValueError
        assert "[4, 9]" in text
    for kind, text in told(lambda: d.data_parallel(mean_of, rows=lambda *_: -1)(W, X)):
        assert kind is ValueError
        assert "-1" in text


def test_settings_are_checked():
    with pytest.raises(ValueError, match="bfloat16"):
        d.data_parallel(loss, travel="float8")
    with pytest.raises(ValueError, match="bucket_bytes=0"):
        d.data_parallel(loss, bucket_bytes=0)
    with pytest.raises(TypeError, match="argnums"):
        d.data_parallel(loss, argnums="0")


# ── processes ─────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """
import hashlib
xp = pb.xp
rng = np.random.default_rng(0)
p = [rng.standard_normal((20, 30)), rng.standard_normal((30, 5)), rng.standard_normal(5)]
X, Y = rng.standard_normal((13, 20)), rng.standard_normal((13, 5))

def loss(p, x, y):
    return xp.mean((xp.tanh(x @ p[0]) @ p[1] + p[2] - y) ** 2)

def train(both, part, compiled):
    opt = pb.optim.Adam(0.01)
    def step(p, s, x, y):
        value, g = both(p, x, y)
        return *opt.step(p, g, s), value
    if compiled:
        step = pb.compile(step, donate_argnums=(0, 1), fast=False)
    q = pb.tree.map(np.copy, p)
    s, values = opt.init(q), []
    for i in range(20):
        q, s, value = step(q, s, *part(i))
        values.append(float(value))
    return q, values

def part(i, group):
    cuts = [3 + (i + k) % 4 * k for k in range(group.size - 1)]
    cuts = sorted(min(c, 13) for c in cuts)
    return [np.split(a, cuts)[group.rank].copy() for a in (X, Y)]

reference, values = train(pb.value_and_grad(loss), lambda i: (X, Y), False)
pair = world.split(d.rank() // 2)
result = {}
for name, compiled, settings in [
    ("eager", False, {}), ("buckets", False, {"bucket_bytes": 64}),
    ("compiled", True, {"bucket_bytes": 64}), ("bfloat16", False, {"travel": "bfloat16"}),
    ("pair", False, {"group": pair}), ("compiled pair", True, {"group": pair}),
]:
    group = settings.get("group", world)
    q, found = train(d.data_parallel(loss, **settings), lambda i: part(i, group), compiled)
    group.traffic.reset()
    d.data_parallel(loss, **settings)(p, *part(1, group))
    result[name] = {
        "bits": hashlib.sha256(b"".join(x.tobytes() for x in q)).hexdigest(),
        "error": max(float(np.max(np.abs(a - b) / (1e-2 + np.abs(b)))) for a, b in zip(q, reference)),
        "value": max(abs(a / b - 1) for a, b in zip(found, values)),
        "calls": group.traffic["all_reduce"].calls,
        "bytes": group.traffic["all_reduce"].bytes,
    }

def told():
    def broken(p, x, y):
        if d.rank() == 0:
            raise ValueError("a broken row")
        return loss(p, x, y)
    try:
        d.data_parallel(broken)(p, *part(1, world))
    except Exception as error:
        return [type(error).__name__, "a broken row" in str(error)]

result["told"] = told()
"""


def test_processes_of_mpi():
    """Four ranks, and twice two of them: unequal parts, ranks without rows, one bucket or one for each gradient."""
    run = run_ranks(4, PROGRAM)
    assert run.code == 0, run.err
    nbytes = 8 * (20 * 30 + 30 * 5 + 5 + 1)  # with the value
    for rank, found in enumerate(run.results):
        exact = ["eager", "buckets", "compiled", "pair", "compiled pair"]
        for name in (*exact, "bfloat16"):
            assert found[name]["bits"] == run.results[0][name]["bits"], name
        for name in exact:
            assert found[name]["value"] < 1e-12, name
            assert found[name]["error"] < 1e-12, name
        for name, size in (("eager", 4), ("pair", 2)):
            assert found[name]["calls"] == 1
            assert abs(found[name]["bytes"] - 2 * (size - 1) * nbytes / size) < 2
        assert found["told"] == ["ValueError" if rank == 0 else "DistributedError", True]
