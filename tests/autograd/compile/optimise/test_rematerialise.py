"""`pb.compile(memory=…)`: the same results bit for bit within a limit, and an error where it is too small."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ..cuda._assemble import runtime  # noqa: F401 - a fixture

xp = pb.xp
ROWS, WIDTH, DEPTH = 32, 64, 16


def layers(x: Any, weights: Any) -> Any:
    for W in weights:
        x = xp.tanh(x @ W)
    return x


def loss(weights: Any, x: Any) -> Any:
    return xp.sum(layers(x, weights) ** 2)


def chain(depth: int = DEPTH, rows: int = ROWS) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((WIDTH, WIDTH)) / math.sqrt(WIDTH) for _ in range(depth)]
    return weights, rng.standard_normal((rows, WIDTH))


def taken(compiled: Any, *args: Any) -> int:
    """The bytes that a program takes, as its text says."""
    found = re.search(r"memory: ([\d,]+) bytes", compiled.program(*args))
    assert found is not None
    return int(found[1].replace(",", ""))


def copied(args: Any) -> Any:
    return pb.tree.map(lambda x: x.copy() if isinstance(x, np.ndarray) else x, args)


def same(f: Any, *args: Any, parts: Any = (0.7, 0.4), calls: int = 2, **options: Any) -> list[Any]:
    """The compiled functions within parts of what `f` takes; their results are those without, bit for bit."""
    plain = pb.compile(f, **options)
    wanted = [plain(*copied(args)) for _ in range(calls)]
    need = taken(plain)
    found = []
    for part in parts:
        compiled = pb.compile(f, memory=int(need * part), **options)
        for out in wanted:
            ours = compiled(*copied(args))
            for a, b in zip(pb.tree.leaves(ours), pb.tree.leaves(out), strict=True):
                np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b), strict=True)
        assert taken(compiled) <= need * part
        found.append(compiled)
    return found


def products(compiled: Any) -> int:
    return compiled.program().count("= matmul(")


def test_less_memory_costs_products_and_no_bits():
    weights, x = chain()
    compiled = same(pb.grad(loss), weights, x, parts=(1.0, 0.75, 0.5, 0.35, 0.25), fast=False)
    counts = [products(c) for c in compiled]
    plain = 3 * DEPTH - 1
    assert counts[0] == plain
    assert counts[1] <= plain + 1  # a half of the values is a tanh of the others
    assert counts == sorted(counts)
    assert plain < counts[-1] <= plain + 1.1 * DEPTH


def test_checkpoints_in_segments_of_the_root_compute_more():
    def by_hand(weights: Any, x: Any) -> Any:
        step = math.isqrt(len(weights))
        for start in range(0, len(weights), step):
            x = pb.checkpoint(layers)(x, weights[start : start + step])
        return xp.sum(x**2)

    weights, x = chain(36)
    segments = pb.compile(pb.grad(by_hand), fast=False)
    segments(weights, x)
    need = taken(segments)
    ours = pb.compile(pb.grad(loss), memory=need, fast=False)
    ours(weights, x)
    assert products(segments) == 3 * 36 - 1 + 36
    assert products(ours) < 3 * 36 - 1 + 30


def test_memory_can_grow_as_the_root_of_the_depth():
    for depth in (16, 64):
        weights, x = chain(depth)
        limit = round(2 * math.sqrt(depth)) * x.nbytes
        compiled = pb.compile(pb.grad(loss), memory=limit, fast=False)
        compiled(weights, x)
        assert taken(compiled) <= limit
        assert products(compiled) <= 4 * depth


def test_with_kernels():
    weights, x = chain(6)
    same(pb.grad(loss), weights, x, parts=(0.6,), fast=True)


def test_on_a_device(runtime):  # noqa: F811 - the fixture
    weights, x = chain(8, 4)
    same(pb.grad(loss), weights, x, parts=(0.6,))


def adam(state: Any, x: Any, y: Any) -> Any:
    model, moments = state
    opt = pb.optim.Adam(0.01)
    value, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
    model, moments = opt.step(model, grads, moments)
    return (model, moments), value


def test_a_training_step_writes_into_what_is_donated():
    model = pb.models.MLP([12, *[24] * 8, 3], activation="tanh", seed=0)
    state = model, pb.optim.Adam(0.01).init(model)
    x, y = np.random.default_rng(0).standard_normal((40, 12)).astype("float32"), np.arange(40) % 3
    (compiled,) = same(adam, state, x, y, parts=(0.5,), donate_argnums=0, fast=False)
    plain = pb.compile(adam, donate_argnums=0, fast=False)
    inside = [
        re.search(r"(\d+) written in place", c.program(state, x, y)) for c in (plain, compiled)
    ]
    assert inside[0][1] == inside[1][1] != "0"
    given = copied(state)
    first = pb.tree.leaves(compiled(given, x, y)[0])
    assert all(a is b for a, b in zip(first, pb.tree.leaves(given), strict=True))


def test_a_parameter_is_read_again_before_it_is_overwritten():
    def step(w: Any, x: Any) -> Any:
        h = xp.tanh(x @ w)  # worth to be computed again, from `w`
        new = w - 0.1 * xp.sum(x)
        big = xp.sum(xp.sin(xp.concat([x @ x.mT] * 3, axis=1)))
        return new, xp.sum(h * big)

    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((16, 60)), rng.standard_normal((64, 16))
    same(step, w, x, parts=(0.9,), donate_argnums=0, fast=False)


def test_a_result_that_is_no_longer_written_in_place_counts():
    """What is read of the new parameter keeps its update where it is, before the old one is read again."""

    def step(w: Any, x: Any) -> Any:
        h = xp.tanh(x @ w)
        new = w - 0.1 * xp.sum(x)
        size = xp.sum(new @ new.mT)
        big = xp.sum(xp.sin(xp.concat([x @ x.mT] * 3, axis=1)))
        return new, xp.sum(h * big) * size

    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((16, 60)), rng.standard_normal((64, 16))
    plain = pb.compile(step, donate_argnums=0, fast=False)
    plain(w.copy(), x)
    limit = taken(plain)
    with pytest.raises(ValueError, match="at least with values computed again") as e:
        pb.compile(step, donate_argnums=0, memory=limit // 2, fast=False)(w.copy(), x)
    least = int(re.search(r"bytes, and ([\d,]+) at least", str(e.value))[1].replace(",", ""))
    compiled = pb.compile(step, donate_argnums=0, memory=least, fast=False)
    compiled(w.copy(), x)
    assert "1 written in place" in plain.program()
    assert "1 written in place" not in compiled.program()
    assert taken(compiled) + w.nbytes <= least < limit


def test_other_derivatives():
    weights, x = chain(5)
    gradient = pb.grad(loss)

    def tangent(ws: Any, x: Any) -> Any:
        return pb.jvp(lambda ws: gradient(ws, x), (ws,), (ws,))[1]

    def twice(ws: Any, x: Any) -> Any:
        return pb.grad(lambda ws: sum(xp.sum(g**2) for g in gradient(ws, x)))(ws)

    def each(ws: Any, x: Any) -> Any:
        return pb.vmap(lambda row: gradient(ws, row[None]))(x)

    for f in (tangent, twice, each):
        same(f, weights, x, parts=(0.6,), fast=False)


def test_under_vmap_and_for_other_shapes():
    weights, x = chain(6)
    limit = taken(pb.compile(pb.grad(loss), fast=False), weights, x) // 2
    compiled = pb.compile(pb.grad(loss), memory=limit, fast=False)
    plain = pb.compile(pb.grad(loss), fast=False)
    for rows in (ROWS, 5, 1, ROWS):
        for a, b in zip(compiled(weights, x[:rows]), plain(weights, x[:rows]), strict=True):
            np.testing.assert_array_equal(a, b)
    rows = x.reshape(8, 4, WIDTH)
    ours, theirs = (pb.vmap(f, in_axes=(None, 0))(weights, rows) for f in (compiled, plain))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b))


def test_convolutions_normalisation_and_dropout_by_key():
    model = pb.models.Sequential(
        pb.models.Conv2d.init(2, 4, 3, padding=1, seed=1),
        *[pb.models.Conv2d.init(4, 4, 3, padding=1, seed=s) for s in range(4)],
    )

    def f(model: Any, x: Any, key: Any) -> Any:
        def value(m: Any) -> Any:
            h = x
            for i, layer in enumerate(m.layers):
                h = xp.tanh(layer(h))
                h = xp.where(pb.random.uniform(pb.random.fold_in(key, i), h.shape) < 0.9, h, 0)
            return xp.sum(h**2)

        return pb.grad(value)(model)

    x = np.random.default_rng(0).standard_normal((3, 2, 8, 8)).astype("float32")
    same(f, model, x, pb.to_numpy(pb.random.key(1)), parts=(0.6,), fast=False)


def test_loops_stay_and_what_is_around_them_does_not():
    def f(weights: Any, x: Any) -> Any:
        def value(ws: Any) -> Any:
            h = layers(x, ws)
            last, _ = pb.scan(lambda c, row: (xp.tanh(c + row), c), h[0], h)
            return xp.sum(layers(last[None], ws)) + xp.sum(h)

        return pb.grad(value)(weights)

    same(f, *chain(6), parts=(0.7,), fast=False)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_numbers_that_are_special_stay_what_they_are():
    weights, x = chain(5)
    x[0], x[1], x[2], x[3] = np.nan, np.inf, -0.0, 5e-324
    same(pb.grad(loss), weights, x, parts=(0.5,), fast=False)
    same(
        pb.grad(loss),
        [w.astype("float32") for w in weights],
        x.astype("float32"),
        parts=(0.5,),
        fast=False,
    )


def test_programs_without_values_between():
    for f, x in ((lambda x: x * 2, np.ones(3)), (lambda x: x, np.ones(0)), (xp.sum, np.ones(()))):
        compiled = pb.compile(f, memory=1, fast=False)
        for _ in range(2):
            np.testing.assert_array_equal(compiled(x), f(x))


def test_a_limit_that_is_too_small():
    weights, x = chain()
    compiled = pb.compile(pb.grad(loss), memory=2 * x.nbytes, fast=False)
    with pytest.raises(
        ValueError, match=r"(?s)needs .* bytes, and .* at least.*matmul .*float64\[32, 64\]"
    ) as e:
        compiled(weights, x)
    least = int(re.search(r"bytes, and ([\d,]+) at least", str(e.value))[1].replace(",", ""))
    assert 2 * x.nbytes < least < 8 * x.nbytes
    enough = pb.compile(pb.grad(loss), memory=least, fast=False)
    enough(weights, x)
    assert taken(enough) <= least


@pytest.mark.parametrize("memory", ["1GB", 1.5, True, 1e9])
def test_memory_that_is_no_integer(memory):
    with pytest.raises(TypeError, match="number of bytes as an integer"):
        pb.compile(loss, memory=memory)


@pytest.mark.parametrize("memory", [0, -1])
def test_memory_that_is_not_positive(memory):
    with pytest.raises(ValueError, match="at least 1 byte"):
        pb.compile(loss, memory=memory)


def test_it_is_kept_where_a_function_is_sent():
    import pickle

    compiled = pb.compile(np.tanh, memory=1000)
    assert pickle.loads(pickle.dumps(compiled))._memory == 1000
