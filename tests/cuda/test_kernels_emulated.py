"""The hand-written CUDA kernels, run by the emulator of blocks of threads."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special

from pullback.backend.cuda import kernels, updates
from pullback.backend.generic.rounding import loaded, stored
from pullback.backend.numpy import updates as _updates_numpy
from pullback.optim.first_order.formulas import REAL

from ..backend.cuda.test_products import DTYPES, _draw, _pointer, emulated
from ..backend.cuda.test_updates import IDS, SCALARS, VARIANTS
from ._emulator import (
    backward,  # noqa: F401 - a fixture
    dtype,  # noqa: F401 - a fixture
    pointer,
    unwritten,
)
from .emulator import MISSING, run_kernel

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "g++ is here")


TOLERANCE = {"float32": 3e-6, "float64": 1e-14}


SHAPES = [(1, 1), (7, 10), (6, 33), (5, 1024), (2, 1025), (2, 3000)]  # a warp a row, or a block


def run(name, dtype, rows, cols, *arguments, backward=False):  # noqa: F811 - a fixture
    """One hand-written kernel, in the shape that the CuPy backend launches."""
    grid, block = kernels.launch_shape(name, rows, cols)
    if name not in kernels.BY_ROW:
        grid = (min(grid[0], 3), 1, 1)  # fewer blocks than elements ask for: threads take several
    values = [pointer(a) if isinstance(a, np.ndarray) else np.int64(a) for a in arguments]
    source = kernels.source(name, dtype)
    run_kernel(source, name, grid, block, values, backward=backward)


def close(ours, theirs, dtype):  # noqa: F811 - a fixture
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=10 * TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize(("rows", "cols"), SHAPES)
def test_bias_and_relu(rows, cols, dtype, backward):  # noqa: F811 - a fixture
    r = np.random.default_rng(rows * cols)
    x, ct = r.standard_normal((2, rows, cols)).astype(dtype)
    b = r.standard_normal(cols).astype(dtype)
    out = x.copy()
    run("bias_add", dtype, rows, cols, out, b, rows, cols, backward=backward)
    close(out, x + b, dtype)
    out = x.copy()
    out[0, 0] = np.nan
    run("bias_relu", dtype, rows, cols, out, b, rows, cols, backward=backward)
    assert np.isnan(out[0, 0])
    close(out.reshape(-1)[1:], np.maximum(x + b, 0).reshape(-1)[1:], dtype)
    x_bar = unwritten(x.shape, dtype)
    run("relu_vjp", dtype, rows, cols, ct, x, x_bar, rows * cols, backward=backward)
    close(x_bar, ct * (x > 0), dtype)


@pytest.mark.parametrize(("rows", "cols"), SHAPES)
def test_rows(rows, cols, dtype, backward):  # noqa: F811 - a fixture
    r = np.random.default_rng(rows * cols)
    x = (4 * r.standard_normal((rows, cols))).astype(dtype)
    x[0] += 1000
    wide = x.astype("float64")
    out = unwritten((rows,), dtype)
    run("logsumexp", dtype, rows, cols, x, out, rows, cols, backward=backward)
    close(out, scipy.special.logsumexp(wide, axis=1), dtype)
    out = unwritten(x.shape, dtype)
    run("log_softmax", dtype, rows, cols, x, out, rows, cols, backward=backward)
    np.testing.assert_allclose(
        out, scipy.special.log_softmax(wide, axis=1), rtol=1e2 * TOLERANCE[dtype], atol=1e2 * TOLERANCE[dtype]
    )  # fmt: skip


@pytest.mark.parametrize("label", kernels.LABELS)
@pytest.mark.parametrize(("rows", "cols"), SHAPES)
def test_cross_entropy(rows, cols, label, dtype, backward):  # noqa: F811 - a fixture
    r = np.random.default_rng(rows * cols)
    z = r.standard_normal((rows, cols)).astype(dtype)
    y = r.integers(0, cols, rows).astype(label)
    loss, slope = unwritten((rows,), dtype), unwritten(z.shape, dtype)
    name = f"cross_entropy_{label}"
    run(name, dtype, rows, cols, z, y, loss, slope, rows, cols, backward=backward)
    log_p = scipy.special.log_softmax(z.astype("float64"), axis=1)
    close(loss, -log_p[np.arange(rows), y], dtype)
    close(slope, (np.exp(log_p) - (np.arange(cols) == y[:, None])) / rows, dtype)
    y[-1] = cols
    run(name, dtype, rows, cols, z, y, loss, slope, rows, cols)
    for made in (loss, slope):
        assert np.isnan(made[-1]).all()
        assert np.isfinite(made[:-1]).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 3), (300, 64)])
def test_rows_by_index(height, width, dtype, backward):  # noqa: F811 - a fixture
    """Words are copied whatever they stand for, and an index wraps around."""
    r = np.random.default_rng(height)
    chosen = r.integers(-2 * height, 3 * height, 2 * height + 1)
    for x in (r.standard_normal((height, width)).astype(dtype), r.integers(0, 9, height)):
        out = unwritten((chosen.size, *x.shape[1:]), x.dtype)
        words = out.nbytes // (4 * chosen.size)
        sizes = (chosen.size, words)
        run("take_rows", dtype, *sizes, x, chosen, out, *sizes, height, backward=backward)
        np.testing.assert_array_equal(out, x[chosen % height])


def test_rows_of_infinities_and_nan(dtype):  # noqa: F811 - a fixture
    x = np.full((4, 40), -np.inf, dtype)
    x[1, 33], x[2, 4], x[3] = np.inf, np.nan, 1.0
    out = unwritten((4,), dtype)
    run("logsumexp", dtype, 4, 40, x, out, 4, 40)
    close(out, [-np.inf, np.inf, np.nan, 1 + np.log(40)], dtype)


class Device(SimpleNamespace):
    """NumPy under CuPy's names, with a `RawModule` that launches on the emulator."""

    def __init__(self, backward):  # noqa: F811 - a fixture
        names = ("ndarray", "empty", "asarray", "ascontiguousarray")
        super().__init__(**{name: getattr(np, name) for name in names})
        self.backward = backward

    def RawModule(self, *, code):
        def get_function(name):
            def launch(grid, block, arguments):
                values = [pointer(a) if isinstance(a, np.ndarray) else a for a in arguments]
                run_kernel(code, name, grid, block, values, backward=self.backward)

            return launch

        return SimpleNamespace(get_function=get_function)


@pytest.mark.parametrize("found", VARIANTS, ids=IDS)
def test_updates(found, dtype, backward):  # noqa: F811 - a fixture
    r = np.random.default_rng(0)
    names = ("p", "g", *found.slots)
    columns = [
        [(x * x + 2 if name in REAL else x).astype(dtype) for x in (r.normal(size=(3, 5)), r.normal(size=700))]
        for name in names
    ]  # fmt: skip
    wanted = _updates_numpy.update(found, columns, SCALARS)
    fused = updates.bind(Device(backward))
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for scalars in (SCALARS, SCALARS | {"t": np.asarray(3), "lr": np.asarray(0.1)}):
        got = fused(found, columns, scalars)
        for ours, theirs in zip(got, wanted, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                assert a.dtype == dtype
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


PRODUCT_SHAPES = [(1, 1), (5, 3), (31, 33), (64, 32), (130, 70), (257, 10)]


def _run(name, rows, cols, *arguments):
    dtype = arguments[0].dtype.name  # noqa: F811 - a fixture
    given = [_pointer(a) if isinstance(a, np.ndarray) else np.int64(a) for a in arguments]
    run_kernel(kernels.source(name, dtype), name, *kernels.launch_shape(name, rows, cols), given)


@emulated
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", PRODUCT_SHAPES, ids=str)
def test_sums_over_rows(shape, dtype):  # noqa: F811 - a fixture
    x, total = _draw(*shape, dtype=dtype), np.full(shape[1], np.nan, dtype)
    _run("column_sum", *shape, x, total, *shape)
    np.testing.assert_allclose(total, x.sum(0), rtol=1e-5, atol=1e-5)


@emulated
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", PRODUCT_SHAPES, ids=str)
def test_both_gradients_of_a_bias_and_relu(shape, dtype):  # noqa: F811 - a fixture
    ct, out = _draw(*shape, dtype=dtype), np.maximum(_draw(shape[1], shape[0], dtype=dtype).T, 0)
    out = np.ascontiguousarray(out)
    x_bar, total = np.full(shape, np.nan, dtype), np.full(shape[1], np.nan, dtype)
    _run("relu_vjp_sum", *shape, ct, out, x_bar, total, *shape)
    np.testing.assert_array_equal(x_bar, ct * (out > 0))
    np.testing.assert_allclose(total, x_bar.sum(0), rtol=1e-5, atol=1e-5)


@emulated
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 31, 256, 1000])
def test_mean(n, dtype):  # noqa: F811 - a fixture
    x, out = _draw(n, dtype=dtype), np.full((), np.nan, dtype)
    _run("mean", n, 1, x, out, n)
    np.testing.assert_allclose(out, x.mean(), rtol=1e-5, atol=1e-6)


def test_bfloat16_and_back(dtype, backward):  # noqa: F811 - a fixture
    r = np.random.default_rng(3)
    x = np.concatenate([
        r.standard_normal(600) * 10.0 ** r.integers(-40, 38, 600),
        [0.0, -0.0, np.inf, -np.inf, np.nan, 1 + 2**-8, 1 + 3 * 2**-8, 3.4e38, 1e-45],
    ]).astype(dtype)  # fmt: skip
    if dtype == "float32":
        x.view(np.uint32)[-5] = 0x7F800001  # a NaN whose upper half alone would be an infinity
    bits = unwritten(x.shape, "uint16")
    run("narrow_bfloat16", dtype, x.size, 1, x, bits, x.size, backward=backward)
    np.testing.assert_array_equal(bits, stored(x.astype("float32"), "bfloat16"))
    back = unwritten(x.shape, dtype)
    run("widen_bfloat16", dtype, x.size, 1, bits, back, x.size, backward=backward)
    np.testing.assert_array_equal(back, loaded(bits, "bfloat16").astype(dtype))
    assert np.isnan(back[-5])
