"""Programs for a CUDA device, run on the emulator: the numbers are those of eager execution."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.optimise import fused_ops
from pullback.autograd.compile.tracing import tracer_namespace as space
from pullback.backend.common.launches import Launch

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    RNG,
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
    step_of,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
xp = pb.xp


def test_views_are_read_where_they_lie(runtime):  # noqa: F811 - a fixture
    def f(x, v):
        y = xp.permute_dims(x, (2, 0, 1))[::-1, 1:, ::2] * v
        return (
            y,
            xp.sum(y, axis=(0, 2)),
            xp.reshape(x + 1, (-1, 5)) * 2,
            xp.broadcast_to(v, (3, 2)) + 0,
        )

    compiled = same(f, normal(4, 6, 5), normal(2)[:1])
    assert "permute_dims" not in compiled.source()


def test_numbers_of_a_call_may_change(runtime):  # noqa: F811 - a fixture
    f = pb.compile(lambda x, rate, n: x * rate + n)
    x = normal(5)
    for rate, n in [(0.5, 1), (0.5, 2), (float("nan"), 2), (-3.0, -(2**40))]:
        np.testing.assert_allclose(f(x, rate, n), x * rate + n)
    assert len(f._executables) == 1


ACTIVATIONS = ["relu", "tanh", "gelu", "sigmoid"]


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
@pytest.mark.parametrize("optimiser", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_steps(runtime, dtype, optimiser, donate):  # noqa: F811 - a fixture
    model = pb.models.MLP([12, 40, 33, 10], activation="relu", seed=3)
    model = pb.tree.map(lambda x: x.astype(dtype), model)
    opt = getattr(pb.optim, optimiser)(1e-2)
    x, y = normal(50, 12, dtype=dtype), RNG.integers(0, 10, 50)
    eager, compiled = step_of(opt), pb.compile(step_of(opt), donate_argnums=donate)
    a = pb.tree.map(np.copy, (model, opt.init(model)))
    b = pb.tree.map(np.copy, (model, opt.init(model)))
    for _ in range(5):
        *a, loss = eager(*a, x, y)
        *b, ours = compiled(*b, x, y)
        np.testing.assert_allclose(ours, loss, rtol=1e-5 if dtype == "float32" else 1e-11)
    for ours, theirs in zip(pb.tree.leaves(b), pb.tree.leaves(a), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3 if dtype == "float32" else 1e-8, atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("wrong", [4, -1])
def test_a_wrong_label_makes_the_loss_nan_and_its_row_of_the_gradient(runtime, wrong):  # noqa: F811 - a fixture
    f = pb.compile(pb.value_and_grad(lambda z, y: pb.models.cross_entropy(z, y)))
    z, y = normal(6, 4), np.asarray([0, 1, 2, 3, 0, 1])
    f(z, y)
    assert all(np.isfinite(out).all() for out in f(z, y))
    y[3] = wrong
    loss, gradient = f(z, y)
    assert np.isnan(loss)
    np.testing.assert_array_equal(np.isnan(gradient), np.arange(6)[:, None] == np.full(4, 3))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_labels_whose_dtype_does_not_hold_the_number_of_classes(runtime, dtype):  # noqa: F811 - a fixture
    y = np.asarray([0, 1, 2, 100, 127, 1], dtype)
    same(lambda z, y: pb.value_and_grad(pb.models.cross_entropy)(z, y), normal(6, 256), y)


def test_checkpoints_and_nested_gradients(runtime):  # noqa: F811 - a fixture
    W = normal(6, 6)

    def f(x):
        inner = pb.checkpoint(lambda x: xp.tanh(x @ W))
        return pb.grad(lambda x: xp.sum(pb.grad(lambda x: xp.sum(inner(x) ** 2))(x) ** 2))(x)

    same(f, normal(5, 6))


def test_random_draws_are_fresh_and_the_same(runtime):  # noqa: F811 - a fixture
    same(lambda key: pb.random.normal(key, (50,)), pb.random.key(3))


def test_empty_arrays(runtime):  # noqa: F811 - a fixture
    same(lambda x: (x * 2, xp.sum(x, axis=0)), np.zeros((0, 3)))


def test_another_fused_function_is_decomposed(monkeypatch, runtime):  # noqa: F811 - a fixture
    """A record of `FUSED_OPS` alone has a device compute a running sum in a kernel, which is else a call."""

    def running_sum(xp, x, /, **settings):
        i = xp.arange_like(x.shape[0], x)
        return xp.sum(xp.where(i[:, None] >= i, x, 0.0), axis=-1)

    def f(x):
        return 2 * xp.cumulative_sum(x * x)

    x = normal(9)
    before = same(f, x).program()
    assert "cumulative_sum" in before
    assert ": call" in before
    space._CLASSES.clear()
    record = fused_ops.FusedOp("cumulative_sum", lambda op: True, running_sum, None, None)
    monkeypatch.setitem(fused_ops.FUSED_OPS, "cumulative_sum", record)
    program = same(f, x).program()
    assert "cumulative_sum" not in program
    assert ": call" not in program


def test_programs_of_thousands_of_operations_have_kernels(runtime):  # noqa: F811 - a fixture
    """As deep networks have them, whose kernels are each of a few hundred at most."""

    def f(x):
        for i in range(1100):
            x = xp.sin(x) + float(i)
        return x

    compiled = same(f, normal(4))
    assert ": call" not in compiled.program()
    assert len(runtime.steps) < 40


def test_so_have_steps_of_loops(runtime):  # noqa: F811 - a fixture
    def step(c, x):
        for i in range(1100):
            c = xp.sin(c) * x + float(i)
        return c, c

    same(lambda c, xs: pb.scan(step, c, xs), normal(4), normal(2, 4))
    assert sum(isinstance(s, Launch) for s in runtime.steps) > 20


def test_a_constant_in_another_order_that_a_kernel_and_a_call_read(runtime):  # noqa: F811 - a fixture
    C = np.asfortranarray(normal(3, 3) + 4 * np.eye(3))

    def f(x):
        y = xp.tanh(x * C)
        return y, xp.linalg.solve(xp.asarray(C), y)

    same(f, normal(3, 3))
