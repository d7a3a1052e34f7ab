"""`pb.compile`: errors, threads, nesting, and what a program shows of itself."""

from __future__ import annotations

import importlib.util
import inspect
import threading
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels as native

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import OPTIMISERS, arrays, close, model_and_step

xp = pb.xp
NO_NUMBA = "" if importlib.util.find_spec("numba") else "numba is not installed (extra `fast`)"


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
def test_an_error_leaves_it_usable(fast, donate):
    opt = OPTIMISERS["sgd"]
    model, step = model_and_step(opt)
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
    assert compiled._executables == []


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
    assert len(compiled._executables) == 1


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
    assert len(compiled._executables) == 1


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
    run = compiled._executables[0].runner()
    assert "x0" in inspect.getsource(run)
    compiled.clear()
    assert compiled._executables == []


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


def test_numbers_on_a_librarys_second_device():
    """A result of no dimension is the library's own array, not NumPy's."""
    strict = pytest.importorskip("array_api_strict", reason="the standard's own implementation")
    device = strict.Device("device1")
    x = strict.asarray([1.0, 2.0], device=device)
    compiled = pb.compile(lambda x, n: (xp.sum(x) * n, n * 2.0))
    for n in (0.5, 1.5, 2.5):
        total, twice = compiled(x, strict.asarray(n, device=device))
        assert total.device == twice.device == device
        assert (float(total), float(twice)) == (3 * n, 2 * n)
