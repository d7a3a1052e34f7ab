"""The CUDA kernels: each compiles without a GPU, and on one gives NumPy's numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import scipy.special

from pullback.backend import _cuda_kernels as kernels

ARCHITECTURE = "sm_90"


def _compile(source: str, architecture: str = ARCHITECTURE) -> tuple[str, bytes]:
    """PTX and machine code of a source; the compiler's log is the error."""
    from cupy_backends.cuda.libs import nvrtc

    program = nvrtc.createProgram(source, "kernel.cu", [], [])
    try:
        nvrtc.compileProgram(program, [f"--gpu-architecture={architecture}", "-std=c++17"])
        ptx = nvrtc.getPTX(program)
        return (ptx.decode() if isinstance(ptx, bytes) else ptx), nvrtc.getCUBIN(program)
    except nvrtc.NVRTCError as error:
        raise AssertionError(f"{error}\n{nvrtc.getProgramLog(program)}") from None
    finally:
        nvrtc.destroyProgram(program)


@pytest.mark.cupy
@pytest.mark.parametrize("dtype", kernels.DTYPES)
@pytest.mark.parametrize("name", kernels.KERNELS)
def test_every_kernel_compiles(name, dtype):
    ptx, binary = _compile(kernels.source(name, dtype))
    assert binary[:4] == b"\x7fELF"
    for function in kernels.functions(name):
        assert re.search(rf"\.entry {function}\b", ptx)
    if (
        dtype == "float32"
    ):  # a double constant would make the whole expression double, 64 times slower
        assert not re.findall(r"\b(?:add|sub|mul|fma|div|cvt)\S*\.f64\S*", ptx)


@pytest.mark.cupy
@pytest.mark.parametrize("dtype", kernels.DTYPES)
def test_the_module_holds_every_kernel(dtype):
    ptx, _ = _compile(kernels.module(dtype))
    entries = set(re.findall(r"\.entry (\w+)", ptx))
    assert entries == {f for name in kernels.KERNELS for f in kernels.functions(name)}


@pytest.mark.cupy
def test_a_wrong_kernel_does_not_compile():
    with pytest.raises(AssertionError, match="undefined_name"):
        _compile('extern "C" __global__ void k(float* x) { x[0] = undefined_name; }')


def test_kernels_for_other_dtypes_are_refused():
    with pytest.raises(ValueError, match=r"float16.*float32 and float64"):
        kernels.source("adam", "float16")


@pytest.mark.parametrize("name", kernels.KERNELS)
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (5, 10), (128, 1025), (3, 100_000), (2**31, 2)])
def test_launch_shapes_are_within_cuda_s_limits(name, rows, cols):
    grid, block = kernels.launch_shape(name, rows, cols)
    threads = block[0] * block[1] * block[2]
    assert threads <= 1024
    assert threads % 32 == 0
    assert 1 <= grid[0] < 2**31 or rows == 2**31
    assert grid[1:] == (1, 1)
    if name in kernels.BY_ROW:
        assert grid[0] * block[1] >= rows
        assert block[1] == 1 or block[0] == 32  # rows that share a block never synchronise


def test_nothing_to_launch_is_an_error():
    with pytest.raises(ValueError, match="nothing to launch"):
        kernels.launch_shape("adam", 0)


def _signatures() -> dict[str, list[str]]:
    """The parameter types of each compiled function, in CUDA C."""
    found = {}
    for match in re.finditer(
        r"__global__ void (\w+)\((.*?)\)", kernels.module("float32"), re.DOTALL
    ):
        types = [" ".join(p.split()[:-1]) for p in match[2].split(",")]
        found[match[1]] = types
    return found


def test_every_kernel_has_one_signature_for_both_dtypes():
    signatures = _signatures()
    assert set(signatures) == {f for name in kernels.KERNELS for f in kernels.functions(name)}
    for name, types in signatures.items():
        allowed = {"real*", "const real*", "real", "idx", "int", "const int*", "const long long*"}
        assert set(types) <= allowed, name


# --- on a device --------------------------------------------------------------------------------


def _launch(name: str, function: str, dtype: str, shape: tuple[int, int], *arguments: Any) -> None:
    """Run a compiled function on CuPy arrays, whole numbers (sizes), bools (flags) and floats."""
    import cupy

    real = np.dtype(dtype).type

    def by_value(x):
        if isinstance(x, bool):
            return np.int32(x)
        if isinstance(x, int):
            return np.int64(x)
        return real(x) if isinstance(x, float) else x

    module = cupy.RawModule(code=kernels.module(dtype))
    grid, block = kernels.launch_shape(name, *shape)
    module.get_function(function)(grid, block, tuple(by_value(a) for a in arguments))


def _close(got, expected, dtype):
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(got.get(), expected, rtol=tolerance, atol=tolerance)


@pytest.fixture(params=kernels.DTYPES)
def dtype(request):
    return request.param


@pytest.fixture(params=[(7, 10), (300, 33), (3, 5000), (1, 1)], ids=str)
def shape(request):
    return request.param


@pytest.fixture
def draw(dtype):
    """Normal numbers on the host and on the device."""
    import cupy

    generator = np.random.default_rng(0)

    def pair(*shape):
        host = generator.standard_normal(shape).astype(dtype)
        return host, cupy.asarray(host)

    return pair


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["bias_add", "bias_relu"])
def test_bias(name, dtype, shape, draw):
    (x, x_gpu), (b, b_gpu) = draw(*shape), draw(shape[1])
    _launch(name, name, dtype, shape, x_gpu, b_gpu, *shape)
    _close(x_gpu, np.maximum(x + b, 0) if name == "bias_relu" else x + b, dtype)


@pytest.mark.gpu
def test_relu_keeps_nan_and_its_vjp_is_zero_at_zero(dtype):
    import cupy

    x = cupy.asarray([-1.0, 0.0, 2.0, np.nan], dtype=dtype)
    _launch("bias_relu", "bias_relu", dtype, (1, 4), x, cupy.zeros(4, dtype), 1, 4)
    np.testing.assert_array_equal(x.get(), [0, 0, 2, np.nan])
    ct = cupy.asarray([1.0, 1.0, 1.0, 1.0], dtype=dtype)
    _launch("relu_vjp", "relu_vjp", dtype, (4, 1), ct, x, ct, 4)
    np.testing.assert_array_equal(ct.get(), [0, 0, 1, 0])


@pytest.mark.gpu
@pytest.mark.parametrize("label", kernels.LABELS)
def test_cross_entropy_and_its_vjp(dtype, shape, label, draw):
    import cupy

    rows, cols = shape
    z, z_gpu = draw(*shape)
    ct, ct_gpu = draw(rows)
    y = np.random.default_rng(1).integers(0, cols, rows).astype(label)
    y_gpu = cupy.asarray(y)
    loss, p, z_bar = cupy.empty(rows, dtype), cupy.empty(shape, dtype), cupy.empty(shape, dtype)
    function = f"cross_entropy_{label}"
    _launch("cross_entropy", function, dtype, shape, z_gpu, y_gpu, loss, p, *shape)
    log_p = scipy.special.log_softmax(z.astype("float64"), axis=1)
    _close(loss, -log_p[np.arange(rows), y], dtype)
    _close(p, np.exp(log_p), dtype)
    residual = np.exp(log_p) - np.eye(cols)[y]
    function = f"cross_entropy_vjp_{label}"
    arguments = (p, y_gpu, ct_gpu, 1, 1.0, z_bar, *shape)
    _launch("cross_entropy_vjp", function, dtype, shape, *arguments)
    _close(z_bar, residual * ct[:, None], dtype)
    arguments = (p, y_gpu, ct_gpu, 0, 1 / rows, z_bar, *shape)
    _launch("cross_entropy_vjp", function, dtype, shape, *arguments)
    _close(z_bar, residual * ct[0] / rows, dtype)


@pytest.mark.gpu
def test_a_label_outside_the_classes_gives_nan_and_touches_nothing_else(dtype):
    import cupy

    z, y = cupy.zeros((3, 4), dtype), cupy.asarray([0, 4, -1])
    loss, p = cupy.empty(3, dtype), cupy.empty((3, 4), dtype)
    _launch("cross_entropy", "cross_entropy_int64", dtype, (3, 4), z, y, loss, p, 3, 4)
    np.testing.assert_allclose(loss.get(), [np.log(4), np.nan, np.nan], rtol=1e-6)


@pytest.mark.gpu
def test_logsumexp_and_log_softmax(dtype, shape, draw):
    import cupy

    (x, x_gpu), (ct, ct_gpu), (row, row_gpu) = draw(*shape), draw(*shape), draw(shape[0])
    out, total, x_bar = (
        cupy.empty(shape, dtype),
        cupy.empty(shape[0], dtype),
        cupy.empty(shape, dtype),
    )
    _launch("logsumexp", "logsumexp", dtype, shape, x_gpu, total, *shape)
    wide = x.astype("float64")
    _close(total, scipy.special.logsumexp(wide, axis=1), dtype)
    _launch("logsumexp_vjp", "logsumexp_vjp", dtype, shape, row_gpu, x_gpu, total, x_bar, *shape)
    p = scipy.special.softmax(wide, axis=1)
    _close(x_bar, p * row[:, None], dtype)
    _launch("log_softmax", "log_softmax", dtype, shape, x_gpu, out, *shape)
    _close(out, scipy.special.log_softmax(wide, axis=1), dtype)
    _launch("log_softmax_vjp", "log_softmax_vjp", dtype, shape, ct_gpu, out, x_bar, *shape)
    np.testing.assert_allclose(
        x_bar.get(),
        ct - p * ct.sum(axis=1, keepdims=True),
        rtol=1e-4 if dtype == "float32" else 1e-11,
        atol=1e-4 if dtype == "float32" else 1e-11,
    )


@pytest.mark.gpu
def test_logsumexp_in_the_extremes(dtype):
    import cupy

    x = np.full((4, 5), -np.inf, dtype)
    x[1, 2], x[2, 3], x[3] = np.inf, np.nan, 1e4
    out = cupy.empty(4, dtype)
    _launch("logsumexp", "logsumexp", dtype, x.shape, cupy.asarray(x), out, *x.shape)
    np.testing.assert_allclose(out.get(), [-np.inf, np.inf, np.nan, 1e4 + np.log(5)], rtol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("n", [1, 1000, 3_000_000])
def test_updates(dtype, n, draw):
    import cupy

    (p, p_gpu), (g, g_gpu), (m, m_gpu) = draw(n), draw(n), draw(n)
    v, v_gpu = np.abs(m), cupy.abs(m_gpu)
    p_out, m_out, v_out = (cupy.empty(n, dtype) for _ in range(3))
    lr, mu, decay = 0.1, 0.9, 0.01
    _launch("sgd", "sgd", dtype, (n, 1), p_gpu, g_gpu, p_out, lr, decay, n)
    _close(p_out, p - lr * (g + decay * p), dtype)
    for nesterov in (False, True):
        arguments = (p_gpu, g_gpu, m_gpu, p_out, m_out, lr, mu, decay, nesterov, n)
        _launch("momentum", "momentum", dtype, (n, 1), *arguments)
        slope = g + decay * p
        speed = mu * m + slope
        _close(m_out, speed, dtype)
        _close(p_out, p - lr * (slope + mu * speed if nesterov else speed), dtype)
    b1, b2, eps, c1, c2 = 0.9, 0.999, 1e-8, 0.19, 0.002
    arguments = (p_gpu, g_gpu, m_gpu, v_gpu, p_out, m_out, v_out, lr, b1, b2, eps, c1, c2, decay, n)
    _launch("adam", "adam", dtype, (n, 1), *arguments)
    mean, square = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    _close(m_out, mean, dtype)
    _close(v_out, square, dtype)
    np.testing.assert_allclose(
        p_out.get(),
        p - lr * (decay * p + (mean / c1) / (np.sqrt(square / c2) + eps)),
        rtol=1e-4 if dtype == "float32" else 1e-12,
        atol=1e-5 if dtype == "float32" else 1e-12,
    )
