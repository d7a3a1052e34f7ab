"""The hand-written CUDA kernels on the emulator, compared with NumPy and SciPy; and what the emulator finds."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backend.common.launches import BLOCK, Address, Launch, Matrix, Product, mask_bytes
from pullback.backend.generic import rounding as _precision

from ._emulator import (
    backward,  # noqa: F401 - a fixture
    dtype,  # noqa: F401 - a fixture
    kernel,
    pointer,
    unwritten,
)
from .emulator import MISSING, EmulatedRuntime, EmulationError, library, run_kernel

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "g++ is here")


# ── the emulator itself ─────────────────────────────────────────────────────────────────────────


def launched(body, threads=64, blocks=1, *, backward=False, y=None):  # noqa: F811 - a fixture
    """What a kernel makes of 0, 1, 2, …"""
    x = np.arange(threads * blocks, dtype="float32")
    y = unwritten(x.shape, "float32") if y is None else y
    shape = (blocks, 1, 1), (threads, 1, 1)
    run_kernel(kernel(body), "k", *shape, [pointer(x), pointer(y)], backward=backward)
    return y


LANES = np.arange(64, dtype="float32")
WARP, LANE = LANES // 32 * 32, LANES % 32
RIGHT = {
    "y[i] = __shfl_xor_sync(0xffffffffu, x[i], 5);": WARP + (LANE.astype(int) ^ 5),
    "y[i] = __shfl_down_sync(0xffffffffu, x[i], 3);": WARP + np.where(LANE < 29, LANE + 3, LANE),
    "y[i] = __shfl_up_sync(0xffffffffu, x[i], 3);": WARP + np.where(LANE >= 3, LANE - 3, LANE),
    "y[i] = __shfl_sync(0xffffffffu, x[i], 7);": WARP + 7,
    "y[i] = __shfl_sync(0xffffffffu, x[i], 1, 8);": LANES // 8 * 8 + 1,
    "y[i] = (float)__shfl_xor_sync(0xffffffffu, (double)x[i], 1);": WARP + (LANE.astype(int) ^ 1),
    "y[i] = __popc(__ballot_sync(0xffffffffu, i < 40));": np.where(LANES < 32, 32, 8),
    "y[i] = __any_sync(0xffffffffu, i == 40) + 2 * __all_sync(0xffffffffu, i < 40);": np.where(LANES < 32, 2, 1),
    # halves of a warp by themselves
    "if ((i & 31) < 16) y[i] = __shfl_sync(0xffffu, x[i], 3); else y[i] = 0;": np.where(LANE < 16, WARP + 3, 0),
    "__shared__ float s[64]; s[i] = x[i]; __syncthreads(); y[i] = s[63 - i];": LANES[::-1],
    "__shared__ float s[64]; s[i] = x[i]; __syncwarp(); y[i] = s[i ^ 1];": WARP + (LANE.astype(int) ^ 1),
    "__shared__ float s; for (int j = 0; j < 64; j++) { if (i == j) s = x[j]; __syncthreads(); "
    "if (i == 63 - j) y[i] = s; __syncthreads(); }": LANES[::-1],
    "__shared__ int n; if (i == 0) n = 0; __syncthreads(); atomicAdd(&n, i); __syncthreads(); y[i] = n;":
        2016 + 0 * LANES,
    "float4 v = ((float4*)x)[i / 4]; y[i] = i % 2 ? v.y : v.z;": LANES // 4 * 4 + np.where(LANES % 2, 1, 2),
    "y[i] = rsqrt(4.0f) + rsqrt(16.0) + fmax(1.0f, x[i]) + exp2(3.0f) + __fdividef(6.0f, 4.0f);":
        np.maximum(1, LANES) + 10.25,
    "y[i] = __uint_as_float(__float_as_uint(x[i]) | 0x80000000u);": -LANES,
    "y[i] = (gridDim.x == 1 && blockDim.x == 64 && blockDim.y == 1 && blockIdx.x == 0) ? warpSize : 0;":
        32 + 0 * LANES,
}  # fmt: skip


@pytest.mark.parametrize("body", RIGHT)
def test_what_threads_say_to_each_other(body, backward):  # noqa: F811 - a fixture
    np.testing.assert_array_equal(launched(body, backward=backward), RIGHT[body])


def test_threads_and_blocks_of_three_dimensions(backward):  # noqa: F811 - a fixture
    source = """extern "C" __global__ void k(int* y) {
        const int t = threadIdx.x + 2 * (threadIdx.y + 4 * threadIdx.z);
        __shared__ int s;
        __syncthreads();
        const int b = blockIdx.x + 3 * (blockIdx.y + 2 * blockIdx.z);
        y[b * 24 + t] = b * 24 + t;
    }"""
    y = np.full(24 * 12, -1, "int32")
    run_kernel(source, "k", (3, 2, 2), (2, 4, 3), [pointer(y)], backward=backward)
    np.testing.assert_array_equal(y, np.arange(24 * 12))


WRONG = {
    "if (i < 40) __syncthreads(); y[i] = 0;": "0-39 wait at a barrier, line 1, 40-63 have left",
    "if (i < 32) return; __syncthreads(); y[i] = 0;": "0-31 have left the kernel, 32-63 wait at a barrier",
    "if (i < 32) {\n __syncthreads(); } else {\n __syncthreads(); }": "different barriers",
    "if (i != 5) y[i] = __shfl_xor_sync(0xffffffffu, x[i], 1);": "5-5 have left the kernel",
    "if (i < 8)\n x[i] = __shfl_xor_sync(0xffffffffu, x[i], 1);\nelse x[i] = __shfl_xor_sync(0xffffffffu, x[i], 1);":
        "different shuffles",
    "if (i < 16) __syncthreads(); else y[i] = __shfl_xor_sync(0xffffffffu, x[i], 1);": "0-15 wait at a barrier",
    "y[i] = __shfl_sync(0xffu, x[i], 0);": "not in the mask",
    "__shared__ float s[32]; s[i] = x[i]; y[i] = s[0];": "outside an array of fixed length",
    "float4 v = *(float4*)(x + 1); y[i] = v.x;": "not aligned",
    "y[i] = 5 / (i / 64);": "divided by 0",
}  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_what_a_device_would_not_say(body, backward):  # noqa: F811 - a fixture
    with pytest.raises(EmulationError, match=WRONG[body]):
        launched(body, backward=backward)
    np.testing.assert_array_equal(launched("__syncthreads(); y[i] = 1;"), np.ones(64))  # it goes on


def test_unwritten_shared_memory_is_nan():
    body = "__shared__ float s[64]; if (i % 2) s[i] = 1; __syncthreads(); y[64 * blockIdx.x + i] = s[i];"
    y = launched(body, blocks=3)
    assert np.isnan(y[::2]).all()
    assert (y[1::2] == 1).all()
    # of a template, too, and for a second block what the first has left is gone
    source = """template <class T> __device__ T once(T v) {
        __shared__ T kept;
        if (blockIdx.x == 0 && threadIdx.x == 0) kept = v;
        __syncthreads();
        return kept;
    }
    extern "C" __global__ void k(float* y) { y[blockIdx.x] = once(2.0f); }"""
    y = np.zeros(2, "float32")
    run_kernel(source, "k", (2, 1, 1), (32, 1, 1), [pointer(y)])
    assert y[0] == 2
    assert np.isnan(y[1])


def test_a_missing_barrier_shows_in_one_of_the_orders():
    body = "__shared__ float s; if (i == 0) s = 3; y[i] = s;"
    assert (launched(body) == 3).all()
    assert np.isnan(launched(body, backward=True)[1:]).all()


def test_lanes_that_are_not_there_send_nan():
    y = launched("y[i] = __shfl_xor_sync(0xffffffffu, x[i], 16);", threads=24)
    np.testing.assert_array_equal(y[:8], np.arange(16, 24))
    assert np.isnan(y[8:16]).all()
    np.testing.assert_array_equal(y[16:], np.arange(8))


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        ((0, 1, 1), (32, 1, 1), "a grid of"),
        ((1, 65536, 1), (32, 1, 1), "a grid of"),
        ((1, 1, 1), (1, 1, 65), "a block of"),
        ((1, 1, 1), (64, 32, 1), "2048 threads a block of 1024"),
    ],
)
def test_launches_beyond_the_limits(grid, block, message):
    with pytest.raises(EmulationError, match=message):
        run_kernel(kernel(""), "k", grid, block, [])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (kernel("undefined(x);"), "undefined"),
        ('#include <math.h>\nextern "C" __global__ void k() {}', "includes a header"),
        ("int k();", "no kernel 'k'"),
        (kernel("__shared__ double s[7000]; s[i] = x[i]; y[i] = s[i];"), "of shared memory"),
        ('extern "C" __global__ void __launch_bounds__(32) k(float* x, float* y) {}', "64 threads"),
        ('extern "C" __global__ void other() {}', "no kernel 'k'"),
    ],
)
def test_sources_that_are_refused(source, message):
    x = np.zeros(64, "float32")
    with pytest.raises(EmulationError, match=message):
        run_kernel(source, "k", (1, 1, 1), (64, 1, 1), [pointer(x), pointer(x)])


def test_a_source_is_compiled_once():
    assert library(kernel("y[i] = x[i];")) is library(kernel("y[i] = x[i];"))


def test_narrow_formats_of_the_header():
    """The host's versions of the device's conversions: every float16 number, and what lies between two of them."""
    halves = np.arange(65536, dtype="uint32").astype("uint16").view("float16").astype("float32")
    r = np.random.default_rng(0)
    bits = r.integers(0, 2**32, 200_000, dtype="uint32").view("float32")
    small = (r.standard_normal(200_000) * 2.0 ** r.integers(-30, 20, 200_000)).astype("float32")
    ties = (halves[:31743] + halves[1:31744]) / 2
    x = np.concatenate([halves, bits, small, ties, -ties])
    source = """extern "C" __global__ void k(const float* x, unsigned short* h, unsigned short* b, float* t,
        float* h_back, float* b_back, long long* n) {
        for (long long i = threadIdx.x; i < *n; i += blockDim.x) {
            h[i] = emulated_to_float16(x[i]);
            b[i] = emulated_to_bfloat16(x[i]);
            t[i] = emulated_to_tf32(x[i]);
            h_back[i] = emulated_from_float16(h[i]);
            b_back[i] = emulated_from_bfloat16(b[i]);
        }
    }"""
    h, b = unwritten(x.shape, "uint16"), unwritten(x.shape, "uint16")
    t, h_back, b_back = (unwritten(x.shape, "float32") for _ in range(3))
    n = np.asarray([x.size])
    run_kernel(source, "k", (1, 1, 1), (32, 1, 1), [pointer(a) for a in (x, h, b, t, h_back, b_back, n)])  # fmt: skip
    number = ~np.isnan(x)
    np.testing.assert_array_equal(h[number], _precision.stored(x, "float16")[number])
    np.testing.assert_array_equal(b, _precision.stored(x, "bfloat16"))
    np.testing.assert_array_equal(t, _precision.rounded(x, "tf32"))
    np.testing.assert_array_equal(h_back, _precision.rounded(x, "float16"))
    np.testing.assert_array_equal(b_back, _precision.rounded(x, "bfloat16"))
    assert np.isnan(h_back[~number]).all()


# ── segments ────────────────────────────────────────────────────────────────────────────────────

COPY = Launch("k", kernel("y[i] = x[i];"), (1, 1, 1), (32, 1, 1), (Address(0), Address(1)))
F32 = 4


def test_segments_run_their_steps_in_order():
    runtime = EmulatedRuntime()
    block = runtime.memory(1024)
    twice = Launch(
        "k", kernel("y[i] = 2 * x[i];"), (1, 1, 1), (32, 1, 1), (Address(BLOCK, 256), Address(1))
    )
    into = Launch("k", COPY.source, (1, 1, 1), (32, 1, 1), (Address(0), Address(BLOCK, 256)))
    call = runtime.segment([into, twice], block, 2, ("in", "out"))
    x, y = np.arange(32, dtype="float32"), np.zeros(32, "float32")
    for k in range(3):
        call(x + k, y)
        np.testing.assert_array_equal(y, 2 * (x + k))
    assert runtime.view(block, 256, (2, 16), "float32")[1, 0] == 18
    assert np.isnan(runtime.view(block, 0, (64,), "float32")).all()
    assert runtime.describe() == "emulated"
    assert runtime.steps == [into, twice]


def test_arrays_that_a_segment_may_only_write_begin_as_nan():
    call = EmulatedRuntime().segment([COPY], None, 2, ("out", "out"))
    x, y = np.zeros((2, 32), "float32")
    call(x, y)
    assert np.isnan(y).all()


def segment(body, external=("in", "out"), addresses=None, **options):
    runtime = EmulatedRuntime(**options)
    step = Launch("k", kernel(body), (1, 1, 1), (32, 1, 1), addresses or COPY.addresses)
    return runtime.segment([step], runtime.memory(256), 2, external)


@pytest.mark.parametrize(
    ("body", "external", "addresses", "message"),
    [
        ("y[i + 1] = 0;", ("in", "out"), (Address(0), Address(1)), "outside the array in slot 1"),
        ("y[i - 1] = 0;", ("in", "out"), (Address(0), Address(1)), "outside the array in slot 1"),
        ("x[i] = 7;", ("in", "out"), (Address(0), Address(1)), "slot 0, which is an input"),
        ("y[i] = 0;", ("in", "out"), (Address(0), Address(BLOCK, 252)), "outside the block"),
        ("", ("in", "out"), (Address(0), Address(1, 128)), "lies outside an array of 128 bytes"),
        ("", ("in", "out"), (Address(0), Address(BLOCK, 256)), "outside the block of 256"),
        ("", ("in", "out"), (Address(0), Address(2)), "there are 2 slots"),
        ("", ("in", "out"), (Address(0), Address(1, -4)), "there are 2 slots"),
        (
            "",
            ("in", "out"),
            (Address(0), Address(1, 2)),
            r"not aligned to its type: parameter \(1\)",
        ),
        ("", ("in", "none"), (Address(0), Address(1)), "external="),
        ("", ("in",), (Address(0), Address(1)), "2 slots, but"),
    ],
)
def test_what_a_segment_refuses(body, external, addresses, message):
    x, y = np.ones((2, 32), "float32")
    with pytest.raises(EmulationError, match=message):
        segment(body, external, addresses)(x, y)


def test_arrays_of_a_call():
    call = segment("y[i] = x[i];", ("in", "inout"))
    x, y = np.ones((2, 32), "float32")
    with pytest.raises(EmulationError, match="2 arrays is called with 1"):
        call(x)
    with pytest.raises(EmulationError, match="not contiguous"):
        call(np.ones((32, 2), "float32")[:, 0], y)
    with pytest.raises(EmulationError, match="shares memory with slot 0"):
        call(x, x)
    call = segment("y[i] = x[i];", graph=True)
    call(x, y)
    call(x, y)
    with pytest.raises(EmulationError, match="other addresses"):
        call(x, y.copy())


def test_views_lie_within_their_block():
    runtime = EmulatedRuntime()
    block = runtime.memory(64)
    assert block.ctypes.data % 256 == 0
    assert runtime.view(block, 60, (), "float32").shape == ()
    for offset, shape in ((64, (1,)), (-4, (1,)), (2, (3,)), (0, (17,))):
        with pytest.raises(EmulationError, match="at byte"):
            runtime.view(block, offset, shape, "float32")
    made = runtime.empty((3, 4), "float64")
    assert np.isnan(made).all()
    assert made.base is None  # or it would be copied where it is donated


# ── products ────────────────────────────────────────────────────────────────────────────────────


def numbers(*shape, dtype="float32"):  # noqa: F811 - a fixture
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("transposed", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
def test_products(transposed, dtype):  # noqa: F811 - a fixture
    m, n, k, batch, gap = 5, 7, 3, 4, 2
    runtime = EmulatedRuntime()
    arrays, matrices = [], []
    for slot, (rows, columns, flip) in enumerate(
        zip((m, k, m), (k, n, n), transposed, strict=True)
    ):
        stored = (columns, rows) if flip else (rows, columns)
        leading = stored[1] + gap
        stride = stored[0] * leading + 1
        arrays.append(numbers(batch * stride + 3, dtype=dtype))
        address = Address(slot, 3 * np.dtype(dtype).itemsize)
        matrices.append(Matrix(address, leading, bool(flip), stride))
    before = arrays[2].copy()
    step = Product(m, n, k, *matrices, dtype=dtype, operands=dtype, batch=batch)
    runtime.segment([step], None, 3, ("in", "in", "inout"))(*arrays)

    def dense(x, matrix, rows, columns):
        out = np.empty((batch, rows, columns), dtype)
        at = np.zeros(x.shape, bool)
        for b in range(batch):
            for i in range(rows):
                for j in range(columns):
                    e = (
                        3
                        + b * matrix.stride
                        + (j * matrix.leading + i if matrix.transposed else i * matrix.leading + j)
                    )
                    out[b, i, j], at[e] = x[e], True
        return out, at

    a, _ = dense(arrays[0], matrices[0], m, k)
    b, _ = dense(arrays[1], matrices[1], k, n)
    c, written = dense(arrays[2], matrices[2], m, n)
    np.testing.assert_allclose(c, a @ b, rtol=1e-5)
    np.testing.assert_array_equal(arrays[2][~written], before[~written])  # nothing between the rows


@pytest.mark.parametrize("operands", ["bfloat16", "float16", "tf32"])
def test_products_of_rounded_operands(operands):
    a, b, c = numbers(9, 33), numbers(33, 8), np.zeros((9, 8), "float32")
    given, kind = [a, b], "float32"
    if operands != "tf32":
        given, kind = [_precision.stored(x, operands) for x in (a, b)], operands
    step = Product(
        9, 8, 33, Matrix(Address(0), 33), Matrix(Address(1), 8), Matrix(Address(2), 8),
        dtype="float32", operands=kind, tf32=operands == "tf32",
    )  # fmt: skip
    EmulatedRuntime().segment([step], None, 3, ("in", "in", "out"))(*given, c)
    exact = _precision.rounded(a, operands).astype("float64") @ _precision.rounded(b, operands)
    np.testing.assert_allclose(c, exact, rtol=1e-5, atol=1e-6)
    assert abs(c - a @ b).max() > 1e-4  # they were rounded


@pytest.mark.parametrize("n", [8, 127, 128, 129, 300])
def test_epilogues(n, dtype):  # noqa: F811 - a fixture
    m, k = 6, 5
    runtime = EmulatedRuntime(epilogues=True)
    x, w, v = (numbers(*s, dtype=dtype) for s in ((m, k), (k, n), (n,)))
    mask = np.full(mask_bytes(m, n), 0xAB, "uint8")
    matrices = [Matrix(Address(0), k), Matrix(Address(1), n), Matrix(Address(2), n)]
    made = {}
    for epilogue in ("bias", "relu_bias", "relu_bias_mask"):
        step = Product(m, n, k, *matrices, dtype=dtype, operands=dtype, epilogue=epilogue, vector=Address(3),
                       mask=Address(4) if "mask" in epilogue else None)  # fmt: skip
        made[epilogue] = np.zeros((m, n), dtype)
        runtime.segment([step], None, 5, ("in", "in", "out", "in", "inout"))(
            x, w, made[epilogue], v, mask
        )
    pre = x @ w + v
    np.testing.assert_allclose(made["bias"], pre, rtol=1e-5, atol=1e-6)
    for name in ("relu_bias", "relu_bias_mask"):
        np.testing.assert_allclose(made[name], np.maximum(pre, 0), rtol=1e-5, atol=1e-6)
    for i, j in ((0, 0), (m - 1, n - 1), (2, 5)):  # bit j of row i; rows of 16 bytes
        byte = mask[i * (mask.size // m) + j // 8]
        assert byte >> (j % 8) & 1 == (made["bias"][i, j] > 0)
    step = Product(m, n, k, *matrices, dtype=dtype, operands=dtype, epilogue="relu_vjp_bias_vjp",
                   vector=Address(3), mask=Address(4))  # fmt: skip
    ct, b_bar = np.zeros((m, n), dtype), np.zeros(n, dtype)
    runtime.segment([step], None, 5, ("in", "in", "out", "out", "in"))(x, w, ct, b_bar, mask)
    wanted = (x @ w) * (pre > 0)
    np.testing.assert_allclose(ct, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(b_bar, wanted.sum(0), rtol=1e-4, atol=1e-5)


A, B, C = Matrix(Address(0), 4), Matrix(Address(1), 4), Matrix(Address(2), 4)
SQUARE = {"m": 4, "n": 4, "k": 4, "a": A, "b": B, "c": C, "dtype": "float32", "operands": "float32"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"m": 5}, "reaches beyond its array"),
        ({"a": Matrix(Address(0, 4), 4)}, "reaches beyond its array"),
        ({"a": Matrix(Address(0), 3)}, "shorter than a row"),
        ({"m": 3, "b": Matrix(Address(1), 3, transposed=True)}, "shorter than a row"),
        ({"m": 2, "a": Matrix(Address(0, 2), 4)}, "not aligned"),
        ({"c": Matrix(Address(0), 4)}, "in the memory of its operands"),
        ({"m": 1, "n": 1, "k": 1, "batch": 2}, "into one matrix"),
        ({"k": 0}, "an empty product"),
        ({"dtype": "float16"}, "a product of dtype float16"),
        ({"operands": "float64"}, "operands float64"),
        ({"dtype": "float64", "operands": "bfloat16"}, "operands bfloat16"),
        ({"operands": "float16", "tf32": True}, "tf32 with operands"),
        ({"epilogue": "gelu"}, "is none of"),
        ({"epilogue": "bias"}, "with vector=None"),
        ({"vector": Address(1)}, "with vector="),
        ({"epilogue": "bias", "vector": Address(1), "mask": Address(1)}, "with mask="),
        ({"epilogue": "bias", "vector": Address(1), "batch": 2}, "batch=2"),
        ({"epilogue": "relu_bias_mask", "vector": Address(1), "mask": Address(1, 8)}, "multiple of 16 bytes"),
    ],
)  # fmt: skip
def test_products_that_are_refused(changes, message):
    runtime = EmulatedRuntime(epilogues=True)
    arrays = [np.ones((4, 4), "float32") for _ in range(3)]
    with pytest.raises(EmulationError, match=message):
        runtime.segment([Product(**SQUARE | changes)], None, 3, ("inout",) * 3)(*arrays)


def test_epilogues_only_where_there_are_any():
    step = Product(**SQUARE, epilogue="bias", vector=Address(1))
    with pytest.raises(EmulationError, match="epilogues=False"):
        EmulatedRuntime().segment([step], None, 3, ("in", "in", "out"))
