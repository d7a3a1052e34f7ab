"""`pb.compile`: what is replayed is what eager computes, whatever the caller does with arguments and results."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import threading
import tracemalloc
import warnings
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError, native

xp = pb.xp
NO_NUMBA = "" if importlib.util.find_spec("numba") else "numba is not installed (extra `fast`)"


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: Any) -> Any:
    """A folder for compiled kernels, shared by the tests of one run."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(params=[False, True], ids=["numpy", "kernels"])
def fast(request: Any, monkeypatch: Any, kernels: Any) -> bool:
    if request.param and NO_NUMBA:
        pytest.skip(NO_NUMBA)
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))
    return request.param


def close(ours: Any, theirs: Any, rtol: float = 1e-6) -> None:
    a, spec = pb.tree.flatten(ours)
    b, other = pb.tree.flatten(theirs)
    assert spec == other
    for x, y in zip(a, b, strict=True):
        assert type(x) is type(y)
        if not hasattr(x, "shape"):
            assert x == y
            continue
        x, y = pb.to_numpy(x), pb.to_numpy(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-7)


def arrays(*shapes: tuple[int, ...], seed: int = 0, dtype: Any = "float64") -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 2.0, shape).astype(dtype) for shape in shapes]


# ── programs equal eager ──────────────────────────────────────────────────────────────────────


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Scale:
    factor: Any
    name: str = pb.tree.static(default="scale")


def cubes(x: Any) -> Any:
    return xp.sum(xp.sin(x) ** 3)


def integers(x: Any) -> Any:
    i = xp.astype(x * 100, xp.uint8)
    j = xp.astype(x * 1000, xp.int64)
    small = xp.astype(xp.asarray(i), xp.uint32) * 3 + 7
    return (
        i > 300,
        i < -1,
        j // 7,
        j % 7,
        j / 3,
        j**2,
        (small << 3) ^ (small >> 2),
        -j,
        abs(-j),
        xp.sqrt(j),
        ~j,
        j & 255,
    )


def checkpointed(x: Any) -> Any:
    f = pb.checkpoint(lambda x: xp.tanh(2 * xp.sin(x)))
    return xp.sum(f(f(x)))


@pb.custom_vjp
def square(x: Any) -> Any:
    return x * x


square.defvjp(lambda x: (x * x, x), lambda x, ct: (xp.clip(ct * x, -1.0, 1.0),))


def solved(M: Any, b: Any) -> Any:
    return xp.sum(xp.linalg.solve(M @ M.mT + 3 * xp.eye(3), b) ** 2)


def convolved(x: Any, y: Any) -> Any:
    return xp.sum(xp.fft.irfft(xp.fft.rfft(x) * xp.fft.rfft(y)) ** 2)


A, B = (4, 3), (3,)
TABLE = np.arange(30.0).reshape(10, 3)

FUNCTIONS = {
    "gradient": (pb.grad(cubes), [A]),
    "value and gradient": (pb.value_and_grad(cubes), [A]),
    "second order": (pb.grad(lambda x: xp.sum(pb.grad(cubes)(x) ** 2)), [A]),
    "hessian": (pb.hessian(cubes), [B]),
    "jacobian": (pb.jacobian(lambda x: xp.sin(x) * x[0]), [B]),
    "jvp": (lambda x, v: pb.jvp(cubes, (x,), (v,)), [A, A]),
    "vjp": (lambda x, ct: pb.vjp(lambda x: xp.sin(x) * x, x)[1](ct), [A, A]),
    "hvp": (lambda x, v: pb.grad(lambda x: xp.sum(pb.grad(cubes)(x) * v))(x), [A, A]),
    "checkpoint": (pb.value_and_grad(checkpointed), [A]),
    "custom vjp": (pb.grad(lambda x: xp.sum(square(x) * 3)), [A]),
    "solve": (pb.grad(solved, argnums=(0, 1)), [(3, 3), B]),
    "decomposition": (pb.grad(lambda M: xp.sum(xp.linalg.eigh(M + M.mT).eigenvalues ** 2)), [(3, 3)]),
    "fan-out": (pb.grad(lambda x: xp.sum(x * x * xp.exp(-x) + x)), [A]),
    "rows and columns": (lambda x, y: (x + y, x * y[None, :], x[:, :1] - y, x.mT @ x), [A, B]),
    "softmax": (pb.grad(lambda x: xp.sum(xp.softmax(x, axis=-1)[:, 0] + xp.logsumexp(x, axis=1))), [A]),
    "norms": (lambda x: (x - xp.mean(x, axis=0)) / xp.sqrt(xp.var(x, axis=0) + 1e-5), [A]),
    "views": (lambda x: (x[1:, ::2], x.mT, xp.reshape(x, (2, 6)), xp.flip(x), x[0]), [A]),
    "updates": (pb.grad(lambda x: xp.sum(x.at[1].add(2 * x[0]) ** 2)), [A]),
    "in place": (lambda x: changed_in_place(xp.asarray(x)), [A]),
    "constants": (lambda x: (x, xp.ones((2, 2)), 3.5, "text", None, TABLE), [A]),
    "twice the same": (lambda x: (2 * x, 2 * x, [2 * x]), [A]),
    "trees": (lambda x, y: {"b": Pair(x, Scale(y)), "a": [x * 2, (None, y)]}, [A, B]),
    "masks": (pb.grad(lambda x: xp.sum(xp.where(x > 1.2, x**2, -x) + xp.maximum(x, 1.0) + abs(x - 1.5))), [A]),
    "maxima": (pb.grad(lambda x: xp.sum(xp.max(x, axis=1)) + xp.min(x)), [A]),
    "operators on raw arrays": (lambda x: (x + 1) @ x.T / 2 - x.sum(axis=0)[0], [A]),
    "NumPy's own functions": (lambda x: np.sin(x) + np.mean(x, axis=0) + np.sqrt(x), [A]),
    "special": (pb.grad(lambda x: xp.sum(xp.special.erf(x) + xp.special.gammaln(x))), [A]),
    "integers": (integers, [A]),
    "long sum": (pb.value_and_grad(lambda x: xp.mean(x * x) + xp.sum(x[0])), [(40, 50)]),
    "loop": (pb.grad(lambda x: sum((xp.sum(x[i] * x[i - 1]) for i in range(4)), 0.0)), [A]),
    "convolution": (pb.grad(convolved, argnums=(0, 1)), [(8,), (8,)]),
    "sorted": (pb.grad(lambda x: xp.sum(xp.sort(x, axis=0) * xp.asarray(x))), [A]),
    "einsum": (pb.grad(lambda x: xp.sum(xp.einsum("ij,kj->ik", x, x) ** 2)), [A]),
}  # fmt: skip


def changed_in_place(x: Any) -> Any:
    y = x * 1
    y += x
    y[0] = 7.0
    y *= 2
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_replay_equals_eager(name, dtype, fast):
    f, shapes = FUNCTIONS[name]
    compiled = pb.compile(f, fast=fast)
    rtol = 1e-9 if dtype == "float64" else 2e-4
    for seed in (0, 1, 2, 0):
        given = arrays(*shapes, seed=seed, dtype=dtype)
        kept = [x.copy() for x in given]
        close(compiled(*given), f(*given), rtol)
        close(given, kept)
    assert len(compiled._entries) == 1


def test_pullback_arrays_come_back_as_such(fast):
    compiled = pb.compile(lambda x: (x + 1, xp.sum(x)), fast=fast)
    for value in (1.0, 2.0, 3.0):
        y, total = compiled(xp.asarray([value, 1.0]))
        assert type(y) is type(total) is pb.Array
        assert float(total) == value + 1


def _model_and_step(opt: Any) -> tuple[Any, Any]:
    model = pb.models.MLP([6, 16, 12, 3], activation="relu", seed=0)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = opt.step(model, grads, state)
        return model, state, loss

    return model, step


OPTIMISERS = {
    "sgd": pb.optim.SGD(0.1),
    "momentum": pb.optim.SGD(0.1, momentum=0.9, nesterov=True),
    "decayed": pb.optim.SGD(0.1, weight_decay=0.01),
    "adam": pb.optim.Adam(0.01),
    "adamw": pb.optim.AdamW(0.01),
}


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_equals_eager(name, donate, fast):
    opt = OPTIMISERS[name]
    model, step = _model_and_step(opt)
    mine = pb.tree.map(np.copy, model)
    state, my_state = opt.init(model), opt.init(mine)
    compiled = pb.compile(step, fast=fast, donate_argnums=donate)
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.standard_normal((10, 6)).astype("float32"), rng.integers(0, 3, 10)
        model, state, loss = step(model, state, x, y)
        mine, my_state, my_loss = compiled(mine, my_state, x, y)
        np.testing.assert_allclose(my_loss, loss, rtol=2e-5)
    close(mine, model, 2e-4)
    close(my_state, state, 2e-4)
    assert len(compiled._entries) == 1


# ── whose memory is it ────────────────────────────────────────────────────────────────────────


def test_results_never_change(fast):
    compiled = pb.compile(lambda x: (x * 2, xp.sum(x), xp.sin(x)[1:]), fast=fast)
    kept, views, copies = [], [], []
    for seed in range(12):
        out = compiled(*arrays((5, 4), seed=seed))
        kept.append(out)
        views.append((out[0][1:, ::2].T, memoryview(out[0])))
        copies.append(pb.tree.map(np.copy, out))
        if seed % 3 == 2:  # some are let go, and only a view of them stays
            kept.pop(seed // 3)
            continue
    for out in kept:
        x = out[0] / 2
        np.testing.assert_allclose(float(out[1]), x.sum())
    for (view, memory), copy in zip(views, copies, strict=True):
        np.testing.assert_array_equal(view, copy[0][1:, ::2].T)
        np.testing.assert_array_equal(np.asarray(memory), copy[0])


def test_inputs_are_not_returned_changed(fast):
    compiled = pb.compile(lambda x: (x, x + 1), fast=fast)
    for seed in range(4):
        (x,) = arrays((3,), seed=seed)
        same, more = compiled(x)
        assert same is x
        np.testing.assert_array_equal(more, x + 1)


def test_donated_arrays_are_written_in_place(fast):
    compiled = pb.compile(lambda w, g: w - 0.1 * g, fast=fast, donate_argnums=0)
    w, g = arrays((4, 3), (4, 3))
    w = compiled(w, g)
    before, wanted = w, w - 0.1 * g
    after = compiled(w, g)
    assert after is before
    np.testing.assert_allclose(after, wanted)


def test_a_whole_donated_argument_comes_back(fast):
    compiled = pb.compile(
        lambda p: Pair(p.first * 2, p.second + p.first), fast=fast, donate_argnums=0
    )
    p = compiled(Pair(*arrays((3,), (3,))))
    first, second = p.first.copy(), p.second.copy()
    out = compiled(p)
    np.testing.assert_allclose(out.first, first * 2)
    np.testing.assert_allclose(out.second, second + first)


def test_donated_arrays_that_overlap(fast):
    def f(a: Any, b: Any, x: Any) -> Any:
        return a + x, b * 2, xp.sum(x) + xp.sum(a)

    compiled = pb.compile(f, fast=fast, donate_argnums=(0, 1))
    compiled(*arrays((4,), (4,), (4,)))
    for _ in range(2):
        same, x = arrays((4,), (4,))
        close(compiled(same, same, x), f(*arrays((4,)), *arrays((4,)), x))
        a, b = arrays((4,), (4,))
        wanted = f(a.copy(), b.copy(), a.copy())
        close(compiled(a, b, a), wanted)  # the argument that is read is also written to
        a, b = arrays((4,), (4,))
        view = a[::-1]
        wanted = f(a.copy(), b.copy(), view.copy())
        close(compiled(a, b, view), wanted)
        a, b = arrays((4,), (4,))
        window = np.lib.stride_tricks.as_strided(a, (4,), (8,))
        wanted = f(a.copy(), b.copy(), window.copy())
        close(compiled(a, b, window), wanted)


def test_donated_arrays_that_cannot_be_written_to(fast):
    compiled = pb.compile(lambda w: w * 2, fast=fast, donate_argnums=0)
    compiled(*arrays((4, 4)))
    (base,) = arrays((4, 4))
    locked = base.copy()
    locked.flags.writeable = False
    for w in (base.T, base[:, ::1].view(), np.asfortranarray(base), locked):
        kept = w.copy()
        np.testing.assert_array_equal(compiled(w), 2 * kept)
        np.testing.assert_array_equal(w, kept)


@pytest.mark.parametrize("donate", [(), (0,), (0, 1)])
def test_large_arrays_block_by_block(fast, donate):
    """Chains on large arrays run over blocks; what is written in place is read before."""

    def f(p: Any, m: Any, g: Any, scale: Any) -> Any:
        m = 0.9 * m + g * g
        new = p - scale * m / (xp.sqrt(m) + 1.0)
        return new, m, p * 2 + m, xp.maximum(g, p)

    shape = (301, 701)  # not a whole number of blocks
    compiled = pb.compile(f, fast=fast, donate_argnums=donate)
    for seed in range(4):
        given = arrays(shape, shape, shape, (), seed=seed)
        wanted = f(*[x.copy() for x in given])
        close(compiled(*given), wanted, 1e-12)
    if not fast:
        assert "for i in range(0, 211001" in compiled.source()


@pytest.mark.parametrize("how", ["after", "before", "both", "number", "array"])
def test_updates_taken_into_products(fast, how):
    """``w − s · A B`` in place, unless the old w, or the gradient itself, is needed afterwards."""
    if native.products(kernels=fast) is False:
        pytest.skip("NumPy was built against a BLAS that is not called directly")

    def f(w: Any, a: Any, b: Any, s: Any) -> Any:
        g = a.mT @ b
        x = w @ b.mT if how == "before" else b
        new = w - (0.1 if how in ("after", "before", "both") else s) * g
        late = xp.sum(w) if how == "after" else xp.sum(g) if how == "both" else xp.sum(x)
        return new, xp.sum(x), late

    scale = 0.3 if how == "number" else np.asarray(0.3, "float32")
    compiled = pb.compile(f, fast=fast, donate_argnums=0)
    for seed in range(4):
        w, a, b = arrays((600, 500), (40, 600), (40, 500), seed=seed, dtype="float32")
        wanted = f(w.copy(), a, b, scale)
        close(compiled(w, a, b, scale), wanted, 2e-5)
    call = "np.float32(1.0), x0.ctypes.data, 500)" if fast else "add_product("
    assert (call in compiled.source()) is (how in ("before", "number", "array"))


def test_swapped_donated_arrays(fast):
    def f(a: Any, b: Any) -> Any:
        return b, a + b

    compiled = pb.compile(f, fast=fast, donate_argnums=(0, 1))
    a, b = arrays((4,), (4,))
    mine = [a.copy(), b.copy()]
    for _ in range(6):
        a, b = f(a, b)
        mine = list(compiled(*mine))
        close(mine, [a, b])


def test_what_a_model_was_changed_to_is_used(fast):
    model, step = _model_and_step(OPTIMISERS["sgd"])
    compiled = pb.compile(step, fast=fast, donate_argnums=(0, 1))
    x, y = arrays((5, 6), dtype="float32")[0], np.asarray([0, 1, 2, 0, 1])
    state = OPTIMISERS["sgd"].init(model)
    model = pb.tree.map(np.copy, model)
    for _ in range(3):
        model, state, _ = compiled(model, state, x, y)
    model.layers[0].W = np.zeros_like(model.layers[0].W)
    wanted = step(pb.tree.map(np.copy, model), state, x, y)
    close(compiled(model, state, x, y), wanted, 1e-4)


def test_no_allocation_in_steady_state(fast):
    resource = pytest.importorskip("resource", reason="page faults are counted by Unix")
    sizes, batch = [64, 400, 300, 10], 256
    model = pb.models.MLP(sizes, activation="relu", seed=0)
    opt = pb.optim.SGD(0.01)
    state = opt.init(model)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        return *opt.step(model, grads, state), loss

    x = arrays((batch, 64), dtype="float32")[0]
    y = np.arange(batch) % 10
    for donate in ((), (0, 1)):
        compiled = pb.compile(step, fast=fast, donate_argnums=donate)
        for _ in range(5):
            model, state, loss = compiled(model, state, x, y)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(10):
            model, state, loss = compiled(model, state, x, y)
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        assert peak < 64_000, (
            f"{peak} bytes"
        )  # NumPy buffers 32 kB of a broadcast sum; hidden layers take 400 and 300
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            model, state, loss = compiled(model, state, x, y)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults < 40
    assert np.isfinite(loss)


# ── guards ────────────────────────────────────────────────────────────────────────────────────


def test_what_changes_is_recorded_anew(fast):
    calls = []

    def f(x: Any, *rest: Any, **named: Any) -> Any:
        calls.append(1)
        return xp.sum(xp.asarray(x) * 2), len(rest), sorted(named)

    compiled = pb.compile(f, fast=fast, programs=16)
    x = np.ones((2, 3))
    variants: list[tuple[Any, Any]] = [
        ((x,), {}), ((np.ones((3, 2)),), {}), ((x.astype("float32"),), {}), ((x, x), {}), ((x, [x, (x,)]), {}),
        ((x,), {"k": x}), ((x, True), {}), ((x, "a"), {}),
    ]  # fmt: skip
    for _ in range(3):
        for args, kwargs in variants:
            close(compiled(*args, **kwargs), f(*args, **kwargs))
            calls.pop()
    assert len(calls) == len(variants)
    compiled(x, False)
    assert len(calls) == len(variants) + 1


def test_numbers_may_change(fast):
    compiled = pb.compile(lambda x, n, t: (x * n, n + 1, (n + 1) ** 2 / t), fast=fast)
    x = np.ones(3, "float32")
    for n, t in ((2, 3.0), (5, 0.5), (7, 2.0)):
        y, m, q = compiled(x, n, t)
        assert (y.dtype, y[0]) == (np.float32, n)
        assert (m, q) == (n + 1, (n + 1) ** 2 / t)
        assert type(m) is int
        assert type(q) is float
    assert len(compiled._entries) == 1
    compiled(x, 2.0, 3.0)  # a float where an int was
    assert len(compiled._entries) == 2


def test_numbers_that_are_read_are_guarded(fast):
    compiled = pb.compile(lambda x, n: x * 2 if n > 3 else xp.reshape(x, (n, -1)), fast=fast)
    (x,) = arrays((6,))
    for n in (2, 3, 4, 2, 3, 4):
        np.testing.assert_array_equal(compiled(x, n), x * 2 if n > 3 else x.reshape(n, -1))
    assert len(compiled._entries) == 3


def test_static_arguments(fast):
    def f(x: Any, how: Any, n: int) -> Any:
        return x.sum() * n if how["sum"] else x

    compiled = pb.compile(f, static_argnums=(1, 2), fast=fast)
    (x,) = arrays((3,))
    for total in (True, False, True):
        for n in (1, 2):
            np.testing.assert_allclose(compiled(x, {"sum": total}, n), x.sum() * n if total else x)
    assert len(compiled._entries) == 4


def test_too_many_recordings_warn():
    compiled = pb.compile(lambda x: x * 2, fast=False, programs=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 4):
            compiled(np.ones(n))
    with pytest.warns(
        RuntimeWarning, match=r"recorded 4 times.*'0' changed from float64\[3\] to float64\[4\]"
    ):
        compiled(np.ones(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(np.ones(5))  # once is enough
    assert len(compiled._entries) == 3
    np.testing.assert_array_equal(compiled(np.ones(1)), [2.0])


def test_the_warning_names_the_line_that_reads_a_number():
    compiled = pb.compile(lambda x, n: x * float(n), fast=False, programs=2)
    compiled(np.ones(2), 0)
    compiled(np.ones(2), 1)
    with pytest.warns(RuntimeWarning, match=r"its value is read at .*test_compile\.py"):
        compiled(np.ones(2), 2)


class Odd:
    """Cannot be compared."""

    def __ne__(self, other: object) -> bool:
        raise ValueError("no")

    __hash__ = None  # type: ignore[assignment]


def test_unusual_arguments(fast):
    @dataclass(frozen=True)
    class Frozen:
        x: Any

    def f(tree: Any, odd: Any = None, nan: Any = None) -> Any:
        every = pb.tree.leaves(tree)
        return OrderedDict(a=every[0] * 2), Frozen(every[0] + len(every)), {1: every[0], (2,): 3.0}

    compiled = pb.compile(f, fast=fast, static_argnums=2)
    (x,) = arrays((3,))
    odd = Odd()
    for given in (
        OrderedDict(b=x, a=x),
        {1: x, 2: x},
        defaultdict(list, {"a": x}),
        Frozen(x),
        {},
        None,
    ):
        for _ in range(3):
            if pb.tree.leaves(given):
                close(compiled(given, nan=float("nan")), f(given))
    assert len(compiled._entries) == 4
    compiled(x, odd)
    before = compiled._recorded
    compiled(x, odd)
    assert compiled._recorded == before
    compiled(x, Odd())  # another one might be different
    assert compiled._recorded == before + 1


def test_no_arguments(fast):
    compiled = pb.compile(lambda: (xp.ones(3), 2), fast=fast)
    for _ in range(3):
        close(compiled(), (xp.ones(3), 2))


def test_derivatives_by_python_numbers(fast):
    f = pb.value_and_grad(lambda t, x: xp.sum(xp.sin(t * x)) * t)
    compiled = pb.compile(lambda t, x: (f(t, x), f(t, x)[1] * 2 * x), fast=fast)
    (x,) = arrays((3,))
    for t in (1.0, 2.0, 0.5):
        close(compiled(t, x), (f(t, x), f(t, x)[1] * 2 * x), 1e-12)
        assert type(compiled(t, x)[0][1]) is float
    assert len(compiled._entries) == 1


# ── what cannot be recorded ───────────────────────────────────────────────────────────────────

REFUSED = {
    "branch": (lambda x: x if xp.sum(x) > 0 else -x, r"bool\(x\)"),
    "float": (lambda x: float(xp.sum(x)), r"float\(x\)"),
    "int": (lambda x: int(xp.argmax(x)), r"int\(x\)"),
    "index": (lambda x: x[: xp.argmax(x).value], "index"),
    "range": (lambda x: list(range(xp.argmax(x))), "index"),
    "item": (lambda x: xp.sum(x).item(), r"item\(\)"),
    "host": (lambda x: pb.to_numpy(x * 2), "to_numpy"),
    "NumPy array": (lambda x: np.asarray(xp.sin(x)), "asarray"),
    "mask": (lambda x: x[x > 0], "shape of its result depends on values"),
    "nonzero": (lambda x: xp.nonzero(x), "shape of its result depends on values"),
    "unique": (lambda x: xp.unique_values(x), "shape of its result depends on values"),
    "foreign": (lambda x: np.unique(x), "cannot be recorded"),
    "flatnonzero": (lambda x: np.flatnonzero(x), "cannot be recorded"),
    "math": (lambda x: __import__("math").sin(xp.sum(x)), r"float\(x\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line(name):
    f, message = REFUSED[name]
    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        with pytest.raises(TraceError, match=message) as caught:
            compiled(np.asarray([1.0, -2.0]))
        assert "test_compile.py:" in str(caught.value)


def test_functions_recorded_whole(fast):
    from pullback.autograd.whole import whole

    @whole
    def halved(x: Any, *, times: dict[str, Any]) -> Any:
        count = 0
        while abs(x).max() > times["limit"]:
            x, count = x / 2, count + 1
        return x, {"count": count}  # which is no array

    @whole
    def doubled(x: Any, info: Any) -> Any:
        return x * 2 ** info["count"]

    def f(x: Any, limit: Any) -> Any:
        small, info = halved(x * 2, times={"limit": limit})
        return small + 1, doubled(small, info)

    compiled = pb.compile(f, fast=fast)
    for scale in (1.0, 50.0, 3.0):
        x = scale * arrays((3,))[0]
        close(compiled(x, np.asarray(1.0)), f(x, np.asarray(1.0)))
    assert len(compiled._entries) == 1


def test_what_leaks_from_a_recording_is_refused():
    leaked = []

    def f(x: Any) -> Any:
        leaked.append(xp.sin(x))
        return x

    pb.compile(f, fast=False)(np.ones(2))
    with pytest.raises(TraceError, match="recording that is over"):
        leaked[0] + 1


def test_constants_may_be_read():
    def f(x: Any) -> Any:
        n = xp.sum(xp.ones_like(x))
        return x * float(n) if n > 2 else x

    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(np.ones(3)), 3 * np.ones(3))


# ── errors, threads, nesting ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
def test_an_error_leaves_it_usable(fast, donate):
    opt = OPTIMISERS["sgd"]
    model, step = _model_and_step(opt)
    compiled = pb.compile(step, fast=fast, donate_argnums=donate)
    x, y = arrays((5, 6), dtype="float32")[0], np.asarray([0, 1, 2, 0, 1])
    mine, state = pb.tree.map(np.copy, model), opt.init(model)
    for i in range(6):
        for wrong in (3, -1):
            with pytest.raises(IndexError, match="label"):
                compiled(mine, state, x, np.where(y == 2, wrong, y))
        wanted = step(pb.tree.map(np.copy, mine), state, x, y)
        mine, state, loss = compiled(mine, state, x, y)
        close((mine, state, loss), wanted, 1e-4)
        assert int(state.step) == i + 1


def test_an_error_while_recording_leaves_nothing():
    def f(x: Any) -> Any:
        raise ValueError("no")

    compiled = pb.compile(f)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            compiled(np.ones(2))
    assert compiled._entries == []


def test_threads(fast):
    compiled = pb.compile(pb.value_and_grad(lambda x: xp.sum(xp.sin(x) @ x.mT)), fast=fast)
    compiled(*arrays((30, 30)))
    compiled(*arrays((30, 30)))
    wrong = []

    def work(seed: int) -> None:
        for i in range(40):
            (x,) = arrays((30, 30), seed=100 * seed + i)
            value, gradient = compiled(x)
            eager = pb.value_and_grad(lambda x: xp.sum(xp.sin(x) @ x.mT))(x)
            if not np.allclose(gradient, eager[1]) or not np.allclose(value, eager[0]):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
    assert len(compiled._entries) == 1


def test_nesting(fast):
    inner = pb.compile(lambda x: xp.sin(x) * 2, fast=fast)
    (x,) = arrays((3,))
    for _ in range(3):
        np.testing.assert_allclose(inner(x), 2 * np.sin(x))
        np.testing.assert_allclose(pb.grad(lambda x: xp.sum(inner(x)))(x), 2 * np.cos(x))
    outer = pb.compile(pb.grad(lambda x: xp.sum(inner(x) * inner(x))), fast=fast)
    for _ in range(3):
        np.testing.assert_allclose(outer(x), 8 * np.sin(x) * np.cos(x))
    assert "sin" in outer.program()


def test_recursion(fast):
    def f(x: Any, depth: int) -> Any:
        return x if depth == 0 else xp.sin(compiled(x, depth - 1))

    compiled = pb.compile(f, fast=fast, static_argnums=1)
    (x,) = arrays((3,))
    for _ in range(2):
        np.testing.assert_allclose(compiled(x, 3), np.sin(np.sin(np.sin(x))))


def test_what_is_traced_outside_runs_eagerly(fast):
    def f(w: Any) -> Any:
        return pb.compile(lambda x: xp.sum(w * x), fast=fast)(np.ones(3))

    for _ in range(2):
        np.testing.assert_array_equal(pb.grad(f)(np.arange(3.0)), np.ones(3))


def test_debug_nans_looks_into_compiled_functions():
    compiled = pb.compile(lambda x: xp.log(x), fast=False)
    with np.errstate(all="ignore"):
        compiled(np.ones(2))
        compiled(np.ones(2))
    with pb.debug_nans(), pytest.raises(FloatingPointError, match="log"):
        compiled(np.asarray([1.0, -1.0]))


def test_other_libraries():
    strict = pytest.importorskip("array_api_strict", reason="no array-api-strict")
    compiled = pb.compile(pb.grad(lambda x: xp.sum(xp.sin(x) * x)))
    for seed in (0, 1, 2):
        (x,) = arrays((3,), seed=seed)
        out = compiled(strict.asarray(x))
        assert type(out) is type(strict.asarray(x))
        np.testing.assert_allclose(np.asarray(out), np.cos(x) * x + np.sin(x))
    assert len(compiled._entries) == 1


def test_as_a_method_and_a_decorator(fast):
    class Model:
        def __init__(self, w: Any) -> None:
            self.w = w

        @pb.compile(fast=fast)
        def __call__(self, x: Any) -> Any:
            return x * self.w

    a, b = Model(2.0), Model(3.0)
    for _ in range(2):
        assert [float(m(np.ones(()))) for m in (a, b)] == [2.0, 3.0]


# ── what is shown ─────────────────────────────────────────────────────────────────────────────


def test_the_listing(fast):
    compiled = pb.compile(pb.value_and_grad(lambda w, x: xp.sum(xp.tanh(x @ w) ** 2)), fast=fast)
    w, x = arrays((3, 2), (4, 3))
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        compiled.program()
    text = compiled.program(w, x)
    for part in ("f64[3, 2]", "matmul", "tanh", "bytes in one block", "return"):
        assert part in text
    compiled(w, x)
    assert compiled.program() == text
    compiled(w, x)
    source = compiled.source()
    assert "def run(args, kwargs):" in source
    assert ("def kernel(" in source) is fast
    run = compiled._entries[0].runner()
    assert "x0" in inspect.getsource(run)
    compiled.clear()
    assert compiled._entries == []


def test_it_is_drawn(fast):
    compiled = pb.compile(lambda w, x: xp.sum(xp.sin(x @ w) * 2), fast=fast)
    text = pb.draw(compiled, *arrays((3, 2), (4, 3)))
    assert "matmul<br/>(4, 2) float64" in text
    assert ("sin, multiply, sum" in text) is fast
    assert text.count("-->") >= 4 - fast
    compiled(*arrays((3, 2), (4, 3)))
    assert pb.draw(compiled) == text
    assert "digraph" in pb.draw(compiled, language="dot")


def test_repeated_and_dead_work_is_left_out():
    def f(x: Any) -> Any:
        xp.exp(x)
        a, b = xp.sin(x) * 2, xp.sin(x) * 2
        return a + b, xp.sum(xp.zeros_like(x) + 1.0)

    compiled = pb.compile(f, fast=False)
    (x,) = arrays((3,))
    text = compiled.program(x)
    assert "taken out" in text
    assert text.count("sin(") == 1
    assert "exp(" not in text
    assert "zeros_like" not in text
    close(compiled(x), f(x))
    close(compiled(x), f(x))


def test_kernels_are_kept_on_disk(monkeypatch, tmp_path):
    if NO_NUMBA:
        pytest.skip(NO_NUMBA)
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))

    def run() -> Any:
        compiled = pb.compile(lambda x: xp.sum(x * x + 3.0), fast=True)
        (x,) = arrays((7,))
        compiled(x)
        return compiled(x)

    first = run()
    files = sorted(p.name for p in tmp_path.glob("kernel_*.py"))
    assert len(files) == 1
    native._LOADED.clear()
    np.testing.assert_array_equal(run(), first)
    assert sorted(p.name for p in tmp_path.glob("kernel_*.py")) == files
    assert list(tmp_path.glob("__pycache__/*.nbi"))


@pytest.mark.parametrize(
    ("wrong", "error"), [({"f": 3}, TypeError), ({"f": abs, "programs": 0}, ValueError)]
)
def test_wrong_settings(wrong, error):
    with pytest.raises(error, match="compile"):
        pb.compile(**wrong)


def test_two_models_in_one_result_are_two_even_where_their_leaves_are_wrapped():
    """A model that comes back from `has_aux` holds untraced Arrays; donated, it was mixed up with the moments."""
    r = np.random.default_rng(0)
    x, y = r.standard_normal((20, 5)).astype("float32"), r.integers(0, 3, 20)
    opt = pb.optim.Adam(0.1)

    def step(model, state):
        def loss(model):
            return pb.models.cross_entropy(model(x), y), model

        (value, model), grads = pb.value_and_grad(loss, has_aux=True)(model)
        model, state = opt.step(model, grads, state)
        return model, state, value

    losses = {}
    for how in (None, (), (0,), (0, 1)):
        run = step if how is None else pb.compile(step, donate_argnums=how, fast=False)
        model = pb.models.MLP([5, 4, 3])
        state, losses[how] = opt.init(model), []
        for _ in range(6):
            model, state, value = run(model, state)
            losses[how].append(float(value))
        arrays = [pb.to_numpy(leaf) for leaf in pb.tree.leaves((model, state))]
        assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    for found in losses.values():
        np.testing.assert_allclose(found, losses[None], rtol=1e-5)
