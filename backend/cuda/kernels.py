"""The fused kernels of the CuPy backend, as plain CUDA C.

Strings only: this file imports nothing, so that a machine without a GPU, a driver or CuPy can
read it, and a test can compile every kernel with NVRTC. ``fused.py`` builds one ``cupy.RawModule``
per floating dtype and group of `GROUPS` from `module` and launches its functions with the shapes of
`launch_shape`.

What they save is launches and passes over memory: an eager CuPy expression costs one launch and
one round trip through memory per operator, and these are one launch each.

How to read them. ``real`` is the dtype of the module, ``rows`` and ``cols`` describe C-contiguous
matrices, ``n`` counts elements, and every size is a ``long long``, so that 2**31 elements are no
limit. Names are those of the derivative rules: ``ct`` is the cotangent of the output, ``out`` the
output, ``x_bar`` the cotangent of ``x``. Inputs and outputs of one launch may be the same buffer
unless said otherwise. Scalars are passed by value and must have the type of the signature: on the
CuPy side ``dtype.type(lr)``, ``numpy.int64(n)``, ``numpy.int32(flag)``.
"""

DTYPES: dict[str, str] = {"float32": "float", "float64": "double"}
"""The supported dtypes and what C calls them."""

LABELS: dict[str, str] = {"int32": "int", "int64": "long long"}
"""The supported dtypes of class labels and what C calls them."""

WARP_COLUMNS = 1024
"""Rows up to this length (32 elements a lane) are reduced by one warp, longer ones by a block."""

# A row is shared by blockDim.x lanes (32, or 256 with one row a block); threadIdx.y tells the rows
# of a block apart. Leaving early on `row >= rows` is safe before __syncthreads: a block that
# synchronises holds one row only.
_PRELUDE = r"""
typedef long long idx;

#define EACH(i, n) \
    for (idx i = blockIdx.x * (idx)blockDim.x + threadIdx.x; i < (n); \
         i += gridDim.x * (idx)blockDim.x)
#define ROW blockIdx.x * (idx)blockDim.y + threadIdx.y
#define EACH_COLUMN(j, cols) for (idx j = threadIdx.x; j < (cols); j += blockDim.x)
#define NEGATIVE_INFINITY ((real)(-__int_as_float(0x7f800000)))
#define NOT_A_NUMBER ((real)__int_as_float(0x7fc00000))

__device__ __forceinline__ real larger(real a, real b) { return a < b ? b : a; }
__device__ __forceinline__ real plus(real a, real b) { return a + b; }

template <real (*combine)(real, real)>
__device__ __forceinline__ real reduce_row(real v) {
    for (int step = 16; step > 0; step >>= 1)
        v = combine(v, __shfl_xor_sync(0xffffffffu, v, step));
    if (blockDim.x > 32) {
        __shared__ real of_warp[32];
        const int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
        __syncthreads();  // of_warp may still be read by the reduction before this one
        if ((threadIdx.x & 31) == 0) of_warp[warp] = v;
        __syncthreads();
        v = of_warp[0];
        for (int w = 1; w < warps; ++w) v = combine(v, of_warp[w]);
    }
    return v;
}

// max_j x_j, or 0 where that is infinite, so that x - shift is never inf - inf;
// a NaN is passed over here and shows up in the sum
__device__ __forceinline__ real row_shift(const real* x, idx cols) {
    real m = NEGATIVE_INFINITY;
    EACH_COLUMN(j, cols) m = larger(m, x[j]);
    m = reduce_row<larger>(m);
    return isinf(m) ? (real)0 : m;
}

// log sum_j exp(x_j - shift): log1p of what stands beside one maximum, whose 1 would swallow it
__device__ __forceinline__ real row_log_sum_exp(const real* x, idx cols, real shift) {
    real rest = 0, tops = 0;
    EACH_COLUMN(j, cols) {
        const real e = exp(x[j] - shift);
        if (x[j] < shift) rest += e;
        else tops += e;
    }
    rest = reduce_row<plus>(rest);
    tops = reduce_row<plus>(tops);
    return tops == 1 ? log1p(rest) : log(rest + tops);
}
"""

# The column costs one division per thread, not one per element: the stride is known modulo cols.
_BIAS = r"""
extern "C" __global__ void NAME(real* x, const real* b, idx rows, idx cols) {
    const idx n = rows * cols, stride = gridDim.x * (idx)blockDim.x, step = stride % cols;
    idx i = blockIdx.x * (idx)blockDim.x + threadIdx.x;
    for (idx j = i % cols; i < n; i += stride) {
        const real v = x[i] + b[j];
        x[i] = VALUE;
        j += step;
        if (j >= cols) j -= cols;
    }
}
"""

# 32 columns a block, 32 threads a column; what these have is added up by a warp, so that the order of a sum depends on
# the shape alone. Several loads are in flight for each thread: a block is all that its columns get.
_COLUMNS = r"""
extern "C" __global__ void NAME(PARAMETERS, idx rows, idx cols) {
    __shared__ real part[32][33];
    const idx j = blockIdx.x * (idx)32 + threadIdx.x;
    real s = 0;
    if (j < cols) {
        #pragma unroll 8
        for (idx i = threadIdx.y; i < rows; i += 32) s += VALUE;
    }
    part[threadIdx.y][threadIdx.x] = s;
    __syncthreads();
    s = part[threadIdx.x][threadIdx.y];
    for (int step = 16; step > 0; step >>= 1) s += __shfl_xor_sync(0xffffffffu, s, step);
    const idx column = blockIdx.x * (idx)32 + threadIdx.y;
    if (threadIdx.x == 0 && column < cols) total[column] = s;
}
"""

# loss_r = log(sum_j exp z_rj) - z_r,label and its slope (softmax(z) - onehot) / rows in one launch. A
# label outside [0, cols) cannot raise without waiting for the device: its loss and its slope are NaN,
# which stops a run, that of a gradient without its value too.
_CROSS_ENTROPY = r"""
template <typename label>
__device__ __forceinline__ void cross_entropy_row(
    const real* z, const label* y, real* loss, real* slope, idx rows, idx cols) {
    const idx row = ROW;
    if (row >= rows) return;
    z += row * cols;
    slope += row * cols;
    const idx k = y[row];
    const bool known = 0 <= k && k < cols;
    const real shift = row_shift(z, cols);
    // of the other classes: beside the label's own 1 their sum would have no digits left
    real others = 0;
    EACH_COLUMN(j, cols) others += j == k ? (real)0 : exp(z[j] - shift);
    others = reduce_row<plus>(others);
    const real own = known ? exp(z[k] - shift) : (real)0;
    const real scale = 1 / (others + own), share = known ? (real)1 / rows : NOT_A_NUMBER;
    if (threadIdx.x == 0) {
        loss[row] = known ? log1p(others + (own - 1)) + (shift - z[k]) : NOT_A_NUMBER;
    }
    EACH_COLUMN(j, cols) slope[j] = (j == k ? -others : exp(z[j] - shift)) * scale * share;
}
"""


_CROSS_ENTROPY_OF = r"""
extern "C" __global__ void cross_entropy_NAME(
    const real* z, const LABEL* y, real* loss, real* slope, idx rows, idx cols) {
    cross_entropy_row<LABEL>(z, y, loss, slope, rows, cols);
}
"""


KERNELS: dict[str, str] = {
    # x + b, in place: x (rows, cols), b (cols,)
    "bias_add": _BIAS.replace("NAME", "bias_add").replace("VALUE", "v"),
    # max(x + b, 0), in place; written so that NaN stays NaN
    "bias_relu": _BIAS.replace("NAME", "bias_relu").replace("VALUE", "v < 0 ? (real)0 : v"),
    # x_bar = ct * (out > 0): a product, so that an infinite ct gives NaN as it does in NumPy
    "relu_vjp": r"""
extern "C" __global__ void relu_vjp(const real* ct, const real* out, real* x_bar, idx n) {
    EACH(i, n) x_bar[i] = ct[i] * (real)(out[i] > 0);
}
""",
    # x (rows, cols) -> out (cols,)
    "column_sum": _COLUMNS.replace("NAME", "column_sum")
    .replace("PARAMETERS", "const real* x, real* total")
    .replace("VALUE", "x[i * cols + j]"),
    # the same of x_bar = ct * (out > 0), which is written too: both gradients of relu(x + b)
    "relu_vjp_sum": _COLUMNS.replace("NAME", "relu_vjp_sum")
    .replace("PARAMETERS", "const real* ct, const real* out, real* x_bar, real* total")
    .replace("VALUE", "x_bar[i * cols + j] = ct[i * cols + j] * (real)(out[i * cols + j] > 0)"),
    # x (n,) -> the mean, by one block
    "mean": r"""
extern "C" __global__ void mean(const real* x, real* out, idx n) {
    real s = 0;
    EACH_COLUMN(i, n) s += x[i];
    s = reduce_row<plus>(s);
    if (threadIdx.x == 0) *out = s / n;
}
""",
    # x (height, cols) of 4-byte words, chosen (rows,) -> out (rows, cols); an index wraps around, as CuPy's take has it
    "take_rows": r"""
extern "C" __global__ void take_rows(
    const unsigned* x, const idx* chosen, unsigned* out, idx rows, idx cols, idx height) {
    const idx row = ROW;
    if (row >= rows) return;
    const idx k = chosen[row] % height;
    x += (k < 0 ? k + height : k) * cols;
    EACH_COLUMN(j, cols) out[row * cols + j] = x[j];
}
""",
    # to the nearest bfloat16, ties to even; without the last bit set some NaN would become an infinity
    "narrow_bfloat16": r"""
extern "C" __global__ void narrow_bfloat16(const real* x, unsigned short* bits, idx n) {
    EACH(i, n) {
        const float v = (float)x[i];
        const unsigned b = __float_as_uint(v);
        bits[i] = (unsigned short)(v != v ? (b >> 16) | 0x40u : (b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
    }
}
""",
    "widen_bfloat16": r"""
extern "C" __global__ void widen_bfloat16(const unsigned short* bits, real* x, idx n) {
    EACH(i, n) x[i] = (real)__uint_as_float((unsigned)bits[i] << 16);
}
""",
    # logits z (rows, cols), labels y (rows,) -> loss (rows,), slope (rows, cols), which must not be z
    **{
        f"cross_entropy_{name}": _CROSS_ENTROPY
        + _CROSS_ENTROPY_OF.replace("NAME", name).replace("LABEL", c_type)
        for name, c_type in LABELS.items()
    },
    # x (rows, cols) -> out (rows,)
    "logsumexp": r"""
extern "C" __global__ void logsumexp(const real* x, real* out, idx rows, idx cols) {
    const idx row = ROW;
    if (row >= rows) return;
    x += row * cols;
    const real shift = row_shift(x, cols), log_total = row_log_sum_exp(x, cols, shift);
    if (threadIdx.x == 0) out[row] = log_total + shift;
}
""",
    # x (rows, cols) -> out (rows, cols)
    "log_softmax": r"""
extern "C" __global__ void log_softmax(const real* x, real* out, idx rows, idx cols) {
    const idx row = ROW;
    if (row >= rows) return;
    x += row * cols;
    out += row * cols;
    const real shift = row_shift(x, cols), log_total = row_log_sum_exp(x, cols, shift);
    EACH_COLUMN(j, cols) out[j] = (x[j] - shift) - log_total;
}
""",
}
"""Name -> CUDA C, to be read with the ``real`` and the helpers that `source` puts in front."""

GROUPS: tuple[tuple[str, ...], ...] = (
    ("bias_add", "bias_relu", "mean", "cross_entropy_int64", "take_rows"),
    ("cross_entropy_int32",),
    ("relu_vjp", "column_sum", "relu_vjp_sum"),
    ("logsumexp", "log_softmax"),
    ("narrow_bfloat16", "widen_bfloat16"),
)
"""The kernels that one compilation serves, by what asks for them together.

NVRTC takes 0.36 s for all kernels of a dtype, of which a classifier that is trained by a compiled step needs the first
group alone, 0.15 s. A source of its own for each kernel would cost 0.02 s more for each.
"""

BY_ROW = frozenset(
    {*(f"cross_entropy_{name}" for name in LABELS), "logsumexp", "log_softmax", "take_rows"}
)
"""Kernels that give each row to a warp, or to a block where it is long."""

BY_COLUMN = frozenset({"column_sum", "relu_vjp_sum"})
"""Kernels that give 32 columns to a block. Those in neither set, but for `mean`, go element by element."""


def header(dtype: str) -> str:
    """Return what stands in front of every kernel: the meaning of ``real``, and the helpers."""
    if dtype not in DTYPES:
        raise ValueError(
            f"no CUDA kernels for dtype {dtype!r}: they are written for {' and '.join(DTYPES)};"
            " use the array functions instead"
        )
    return f"typedef {DTYPES[dtype]} real;\n{_PRELUDE}"


def source(name: str, dtype: str) -> str:
    """Return the CUDA C of one kernel, complete.

    Parameters
    ----------
    name
        A key of `KERNELS`.
    dtype
        ``"float32"`` or ``"float64"``.

    Raises
    ------
    KeyError
        The kernel does not exist.
    ValueError
        The dtype is not one of the two.

    Examples
    --------
    >>> from pullback.backend.cuda.kernels import source
    >>> source("relu_vjp", "float32").startswith("typedef float real;")
    True
    """
    return header(dtype) + KERNELS[name]


def group_of(name: str) -> tuple[str, ...]:
    """Return the kernels that are compiled together with one of them.

    Examples
    --------
    >>> from pullback.backend.cuda.kernels import group_of
    >>> group_of("log_softmax")
    ('logsumexp', 'log_softmax')
    """
    return next(group for group in GROUPS if name in group)


def module(dtype: str, group: tuple[str, ...]) -> str:
    """Return the kernels of a group in one source, so that one compilation serves them all.

    Raises
    ------
    ValueError
        The dtype is not ``"float32"`` or ``"float64"``.
    """
    return header(dtype) + "".join(KERNELS[name] for name in group)


def launch_shape(
    name: str, rows: int, cols: int = 1
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return (grid, block) for a kernel over ``rows * cols`` elements.

    Element-wise kernels loop with the grid as their stride, so the grid is capped; kernels by row
    take a warp per row, four rows to a block, and a block of 256 per row beyond `WARP_COLUMNS`
    columns; kernels by column take a block per 32 columns.

    Raises
    ------
    ValueError
        There is nothing to launch (CUDA refuses an empty grid).

    Examples
    --------
    >>> from pullback.backend.cuda.kernels import launch_shape
    >>> launch_shape("relu_vjp", 1000)
    ((4, 1, 1), (256, 1, 1))
    >>> launch_shape("column_sum", 128, 10), launch_shape("mean", 128)
    (((1, 1, 1), (32, 32, 1)), ((1, 1, 1), (256, 1, 1)))
    >>> launch_shape("logsumexp", 128, 10), launch_shape("logsumexp", 128, 50_000)
    (((32, 1, 1), (32, 4, 1)), ((128, 1, 1), (256, 1, 1)))
    """
    if rows <= 0 or cols <= 0:
        raise ValueError(f"{name}: nothing to launch for {rows} rows and {cols} columns")
    if name in BY_COLUMN:
        return (-(-cols // 32), 1, 1), (32, 32, 1)
    if name == "mean":
        return (1, 1, 1), (256, 1, 1)
    if name not in BY_ROW:
        return (min(-(-rows * cols // 256), 8192), 1, 1), (256, 1, 1)
    if cols <= WARP_COLUMNS:
        return (-(-rows // 4), 1, 1), (32, 4, 1)
    return (rows, 1, 1), (256, 1, 1)
