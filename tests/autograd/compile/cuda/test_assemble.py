"""Programs for a CUDA device, run on the emulator: the numbers are those of eager execution."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cuda import parts as cuda_parts
from pullback.autograd.compile.optimise import fused_ops
from pullback.autograd.compile.tracing import tracer_namespace as space
from pullback.backend import backend_of, register
from pullback.backend import select as _select
from pullback.backend.common.launches import Launch, Product

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS, EmulatedRuntime

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
RNG = np.random.default_rng(11)
xp = pb.xp


@pytest.fixture
def runtime():
    """NumPy's arrays stand for a device's; what is compiled runs as kernels on the emulator."""
    numpy, runtime = backend_of(np.zeros(1)), EmulatedRuntime()
    before = dict(space._CLASSES)
    space._CLASSES.clear()
    register(np.ndarray, dataclasses.replace(numpy, programs=runtime))
    yield runtime
    del _select._registered[np.ndarray]
    _select._of_type.cache_clear()
    space._CLASSES.clear()
    space._CLASSES.update(before)


def same(f, *args, calls=2, rtol=1e-9, atol=1e-11, **options):
    """Compiled and eager agree, call after call; the compiled function."""
    compiled = pb.compile(f, **options)
    for _ in range(calls):
        expected = pb.tree.leaves(f(*args))
        given = pb.tree.map(lambda x: x.copy() if isinstance(x, np.ndarray) else x, args)
        for ours, eager in zip(pb.tree.leaves(compiled(*given)), expected, strict=True):
            a, b = (pb.to_numpy(xp.asarray(v)) for v in (ours, eager))
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
    return compiled


def normal(*shape, dtype="float64"):
    """Normal variates."""
    return RNG.standard_normal(shape).astype(dtype)


SHAPES = [(), (1,), (7,), (300,), (5, 3), (1, 9), (33, 40), (3, 4, 5), (2, 1, 6), (70, 1100), (2, 20000), (1, 40000),
          (3000, 5), (700, 70)]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_reductions(runtime, shape, name):
    axes = [None, *range(len(shape)), *([(0, -1)] if len(shape) == 3 else [])]

    def f(x):
        y = x * 2 + 1
        every = [(axis, keep) for axis in axes for keep in (False, True)]
        return [getattr(xp, name)(y, axis=axis, keepdims=keep) for axis, keep in every] + [y]

    same(f, normal(*shape))
    assert all(isinstance(step, Launch) for step in runtime.steps)


def test_sums_over_axes_of_length_one_beside_others(runtime):
    """They are no sums: beside one over rows, each of their elements is an element."""

    def f(x):
        y = xp.sin(x)
        return xp.sum(y, axis=0), xp.sum(y), xp.sum(y * 2, axis=1) + xp.sum(y, axis=0) * 3

    same(f, normal(1, 5))
    same(f, normal(1, 1))


def test_reductions_keep_numbers_that_are_none(runtime):
    x = normal(9, 40)
    x[3, 5], x[7, 0] = np.nan, np.inf
    same(lambda x: [g(x, axis=a) for g in (xp.sum, xp.max, xp.min) for a in (0, 1, None)], x)


ELEMENTWISE = """abs acos acosh asin asinh atan atanh ceil cos cosh exp expm1 floor isfinite isinf isnan log log10 log1p
log2 negative reciprocal round sign sin sinh sqrt square tan tanh trunc""".split()  # noqa: SIM905 - a table
BINARY = """add atan2 copysign divide equal greater greater_equal hypot less less_equal maximum minimum multiply
not_equal pow subtract""".split()  # noqa: SIM905 - a table
SPECIAL = np.asarray(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 3.5, 1e-30, 700.0, np.nan, np.inf, -np.inf]
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_elementwise(runtime, dtype):
    x, y = (SPECIAL[:, None] * np.ones(13)).astype(dtype), (SPECIAL * np.ones((13, 1))).astype(dtype)  # fmt: skip

    def f(x, y):
        one = [getattr(xp, name)(x) for name in ELEMENTWISE]
        return one + [getattr(xp, name)(x, y) for name in BINARY] + [xp.where(x > y, x, 2.0)]

    same(f, x, y, rtol=1e-6 if dtype == "float32" else 1e-13, atol=0)


@pytest.mark.parametrize(
    "dtype", [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
)
def test_integers_wrap_around(runtime, dtype):
    limits = np.iinfo(dtype)
    x = np.asarray([limits.min, limits.max, 1, 2, 100], dtype)

    def f(x):
        y = x[::-1]
        return x + y, x - y, x * y, x & y, x | y, x ^ y, x < y, xp.maximum(x, y), xp.astype(x, xp.float32)  # fmt: skip

    with np.errstate(over="ignore"):
        same(f, x)


def test_views_are_read_where_they_lie(runtime):
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


def test_numbers_of_a_call_may_change(runtime):
    f = pb.compile(lambda x, rate, n: x * rate + n)
    x = normal(5)
    for rate, n in [(0.5, 1), (0.5, 2), (float("nan"), 2), (-3.0, -(2**40))]:
        np.testing.assert_allclose(f(x, rate, n), x * rate + n)
    assert len(f._executables) == 1


def test_calls_stand_between_segments(runtime):
    def f(A, b):
        x = xp.linalg.solve(xp.exp(A), b * 2)
        return xp.sort(x) + 1, xp.sum(x)

    same(f, normal(4, 4), normal(4))


ACTIVATIONS = ["relu", "tanh", "gelu", "sigmoid"]


def step_of(optimiser):
    """A training step."""

    def step(model, state, x, y):
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = optimiser.step(model, grads, state)
        return model, state, loss

    return step


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
@pytest.mark.parametrize("optimiser", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_steps(runtime, dtype, optimiser, donate):
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


def test_a_step_is_few_launches(runtime):
    """Eight products, and no more kernels between them than depend on each other."""
    model, opt = pb.models.MLP([64, 128, 64, 10], activation="relu", seed=0), pb.optim.Adam(1e-3)
    step = pb.compile(step_of(opt), donate_argnums=(0, 1))
    state, x, y = opt.init(model), normal(32, 64, dtype="float32"), RNG.integers(0, 10, 32)
    model, state, _ = step(model, state, x, y)
    step(model, state, x, y)
    products = [s for s in runtime.steps if isinstance(s, Product)]
    launches = [s for s in runtime.steps if isinstance(s, Launch)]
    assert len(products) == 8
    assert len(launches) == 7
    assert "device: 15 steps" in step.program()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_epilogues_of_products(runtime, depth):
    """Bias, relu and their gradients go into the products: a layer is one call each way."""
    runtime.epilogues = True
    model = pb.models.MLP([12, *[40 + i for i in range(depth)], 10], activation="relu", seed=3)
    opt, x, y = pb.optim.SGD(0.1), normal(50, 12, dtype="float32"), RNG.integers(0, 10, 50)
    same(step_of(opt), model, opt.init(model), x, y, rtol=2e-4, atol=1e-6)
    names = [s.epilogue for s in runtime.steps if isinstance(s, Product)]
    assert names.count("relu_bias_mask") == names.count("relu_vjp_bias_vjp") == depth


def test_an_activation_that_is_used_twice_keeps_its_product(runtime):
    runtime.epilogues = True
    x, W, b = (
        normal(5, 6, dtype="float32"),
        normal(6, 4, dtype="float32"),
        normal(4, dtype="float32"),
    )

    def f(x, W, b):
        z = x @ W
        return xp.maximum(z + b, 0), z + b, z

    same(f, x, W, b, rtol=1e-5, atol=1e-6)


def test_a_wrong_label_makes_the_loss_nan(runtime):
    f = pb.compile(lambda z, y: pb.models.cross_entropy(z, y))
    z, y = normal(6, 4), np.asarray([0, 1, 2, 3, 0, 1])
    f(z, y)
    assert np.isfinite(f(z, y))
    assert np.isnan(f(z, np.asarray([0, 1, 2, 4, 0, 1])))


@pytest.mark.parametrize("shape", [(8, 6), (40, 70), (3, 1500), (80, 1100)], ids=str)
def test_normalisation_is_one_kernel_each_way(runtime, shape):
    """The rows of a matrix are normalised, and their gradient taken, by phases of one part."""
    layer = pb.models.LayerNorm.init(shape[1])

    def f(x):
        return pb.value_and_grad(lambda x: xp.sum(xp.sin(layer(xp.asarray(x)))))(x)

    same(f, normal(*shape), rtol=1e-7, atol=1e-9)


def test_softmax_is_one_launch(runtime):
    same(lambda x: xp.softmax(x), normal(40, 300))
    assert len(runtime.steps) == 1


def test_checkpoints_and_nested_gradients(runtime):
    W = normal(6, 6)

    def f(x):
        inner = pb.checkpoint(lambda x: xp.tanh(x @ W))
        return pb.grad(lambda x: xp.sum(pb.grad(lambda x: xp.sum(inner(x) ** 2))(x) ** 2))(x)

    same(f, normal(5, 6))


def test_random_draws_are_fresh_and_the_same(runtime):
    same(lambda key: pb.random.normal(key, (50,)), pb.random.key(3))


def test_empty_arrays(runtime):
    same(lambda x: (x * 2, xp.sum(x, axis=0)), np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("shape", "reduced", "mode"),
    [((5, 6), (), "flat"), ((5, 6), (1,), "warp"), ((100, 5000), (1,), "block"), ((2, 50000), (1,), "split"),
     ((50, 60), (0,), "columns"), ((50, 60, 1), (1,), "warp"), ((3, 4, 5), (0, 2), "warp")],
)  # fmt: skip
def test_which_threads_share_a_row(shape, reduced, mode):
    assert cuda_parts.Part(shape, frozenset(reduced)).mode == mode


def test_another_fused_function_is_decomposed(monkeypatch, runtime):
    """A record of `FUSED_OPS` alone has a device compute a running sum in a kernel, which is else a call."""

    def running_sum(xp, x, /, **settings):
        i = xp.arange_like(x.shape[0], x)
        return xp.sum(xp.where(i[:, None] >= i, x, 0.0), axis=-1)

    def f(x):
        return 2 * xp.cumulative_sum(x * x)

    x = normal(9)
    assert "cumulative_sum" in same(f, x).program()
    space._CLASSES.clear()
    record = fused_ops.FusedOp("cumulative_sum", lambda op: True, running_sum, None, None)
    monkeypatch.setitem(fused_ops.FUSED_OPS, "cumulative_sum", record)
    program = same(f, x).program()
    assert "cumulative_sum" not in program
    assert "call" not in program
