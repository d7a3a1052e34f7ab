"""The functions that launch the fused kernels.

Without a GPU a stand-in for CuPy records each launch, which must fit the C signature of the kernel
argument by argument, and serves the cases that fall back. With one, the numbers are compared to
NumPy's.
"""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any

import array_api_compat.numpy
import numpy as np
import pytest
import scipy.special

from pullback.backend.cuda import fused, kernels
from pullback.backend.generic import namespace as _generic

from ... import standin
from ...standin import observed


def _signatures(dtype: str) -> dict[str, list[str]]:
    """The parameter types of each compiled function, in CUDA C."""
    found = {}
    pattern = r"__global__ void (\w+)\((.*?)\)"
    code = "".join(kernels.KERNELS.values())
    for match in re.finditer(pattern, code, re.DOTALL):
        found[match[1]] = [" ".join(p.split()[:-1]) for p in match[2].split(",")]
    return found


def _c_type(argument: Any, dtype: str) -> str:
    """What an argument is in CUDA C; an array is a pointer."""
    names = {np.dtype(dtype).type: "real", np.int64: "idx", np.int32: "int"}
    if isinstance(argument, np.ndarray):
        pointers = {dtype: "real*", "int32": "int*", "int64": "long long*"}
        return pointers[argument.dtype.name]
    return names[type(argument)]


class StandIn(SimpleNamespace):
    """NumPy under CuPy's names, with a `RawModule` that checks and counts launches."""

    def __init__(self) -> None:
        names = (
            "matmul",
            "maximum",
            "mean",
            "ndarray",
            "empty",
            "empty_like",
            "ascontiguousarray",
            "sum",
            "reshape",
            "take",
        )
        super().__init__(**{name: getattr(np, name) for name in names})
        self.launched: list[str] = []
        self.built: list[tuple[str, tuple[str, ...]]] = []

    def RawModule(self, *, code: str) -> Any:
        every = ((d, group) for d in kernels.DTYPES for group in kernels.GROUPS)
        ((dtype, group),) = (place for place in every if kernels.module(*place) == code)
        self.built.append((dtype, group))

        def get_function(name: str) -> Any:
            types = _signatures(dtype)[name]

            def run(grid: tuple, block: tuple, arguments: tuple) -> None:
                for a, t in zip(arguments, types, strict=True):
                    kind = t.removeprefix("const ")
                    # words are what any array is made of; an index is a `long long`
                    if kind == "unsigned*":
                        assert isinstance(a, np.ndarray)
                        assert a.itemsize % 4 == 0
                    else:
                        assert _c_type(a, dtype) == kind.replace("idx*", "long long*")
                assert all(a.flags.c_contiguous for a in arguments if isinstance(a, np.ndarray))
                assert math.prod(grid) >= 1
                self.launched.append(name)

            return run

        return SimpleNamespace(get_function=get_function)


@pytest.fixture
def stand_in():
    return StandIn()


@pytest.fixture
def ours(stand_in):
    """The fused functions over the stand-in."""
    functions = fused.bind(stand_in, _generic.extend(array_api_compat.numpy))
    return SimpleNamespace(**functions)


@pytest.fixture(params=kernels.DTYPES)
def dtype(request):
    return request.param


def _draw(*shapes: tuple[int, ...], dtype: str = "float32") -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.standard_normal(shape).astype(dtype) for shape in shapes]


def test_every_kernel_is_launched_by_one_of_the_functions(ours, stand_in, dtype):
    x, w, b = _draw((6, 4), (4, 3), (3,), dtype=dtype)
    out = ours.linear(x, w, b)
    ours.linear_relu(x, w, b)
    ours.relu_vjp(out, out)
    ours.relu_bias_vjp(out, out, (3,))
    ours.sum_to_shape(out, (3,))
    ours.logsumexp(x, -1, False)
    ours.log_softmax(x, 1)
    for label in kernels.LABELS:
        ours.softmax_cross_entropy(out, np.zeros(6, label))
    ours.take(x, np.zeros(3, "int64"), axis=0)
    every = set(kernels.KERNELS)
    elsewhere = {"narrow_bfloat16", "widen_bfloat16"}  # collectives/test_nccl.py
    assert set(stand_in.launched) == every - elsewhere
    assert set(_signatures(dtype)) == every


@pytest.mark.parametrize(
    "arrays",
    [
        _draw((6, 4), (4, 3), (3,), dtype="complex64"),
        [*_draw((6, 4), (4, 3), dtype="float32"), np.ones(3)],
        [*_draw((6, 4), (4, 3), dtype="float32"), np.ones(1, "float32")],
        _draw((0, 4), (4, 3), (3,)),
        _draw((4,), (4,), ()),
    ],
    ids=["complex", "mixed", "broadcast", "empty", "0-d"],
)
def test_layers_fall_back(ours, stand_in, arrays):
    x, w, b = arrays
    np.testing.assert_array_equal(ours.linear(x, w, b), x @ w + b)
    if x.dtype.kind != "c":
        np.testing.assert_array_equal(ours.linear_relu(x, w, b), np.maximum(x @ w + b, 0))
    assert stand_in.launched == []


def test_relu_vjp_falls_back(ours, stand_in):
    ct, out = _draw((4, 6), (4, 6))
    strided = out[:, ::2]
    np.testing.assert_array_equal(ours.relu_vjp(ct[:, ::2], strided), ct[:, ::2] * (strided > 0))
    np.testing.assert_array_equal(ours.relu_vjp(ct[0, 0], out), ct[0, 0] * (out > 0))
    assert stand_in.launched == []


def test_softmaxes_fall_back(ours, stand_in):
    (x,) = _draw((4, 6), dtype="float64")
    expected = scipy.special.logsumexp(x, axis=0, keepdims=True)
    np.testing.assert_allclose(ours.logsumexp(x, 0, True), expected, rtol=1e-14)
    np.testing.assert_allclose(
        ours.log_softmax(x, (0, 1)), scipy.special.log_softmax(x), rtol=1e-14
    )
    small = np.array([0, 1, 2, 3], "int8")
    loss, slope = ours.softmax_cross_entropy(x, small)
    log_p = scipy.special.log_softmax(x, axis=1)
    np.testing.assert_allclose(loss, -log_p[np.arange(4), small].mean(), rtol=1e-14)
    np.testing.assert_allclose(slope, (np.exp(log_p) - np.eye(6)[small]) / 4, atol=1e-15)
    assert stand_in.launched == []


@pytest.mark.parametrize(
    ("x", "indices", "axis"),
    [
        (np.ones((4, 6), "int16")[:, :5], [1], 0),
        (np.ones((4, 5), "int16"), [1], 0),
        (np.ones((4, 6)), [[1]], 0),
        (np.ones((4, 6)), [1], 1),
        (np.ones((4, 6)), [1], None),
        (np.ones((4, 0)), [1], 0),
        (np.ones((4, 6)), [], 0),
    ],
    ids=["strided", "half words", "2-d", "columns", "flat", "no columns", "no rows"],
)
def test_take_falls_back(ours, stand_in, x, indices, axis):
    chosen = np.asarray(indices, "int64")
    np.testing.assert_array_equal(ours.take(x, chosen, axis=axis), np.take(x, chosen, axis=axis))
    assert stand_in.launched == []


@pytest.mark.parametrize(("offset", "launches"), [(0, 1), (1, 0), (4, 1)])
def test_rows_of_small_elements_are_words_where_they_begin_at_one(offset, launches):
    """A device that reads a word at another address gives up the whole process."""
    backend = standin.backend()
    host = np.arange(24, dtype="int8")
    x = backend.asarray(host)[offset : offset + 20].reshape(5, 4)
    with observed.observe() as found:
        out = backend.xp.take(x, backend.asarray(np.asarray([3, -1])), axis=0)
    np.testing.assert_array_equal(out.get(), host[offset : offset + 20].reshape(5, 4)[[3, -1]])
    assert found.launches == launches


def test_a_dtype_has_one_module_for_what_a_classifier_asks_for(ours, stand_in):
    """NVRTC takes 0.36 s for all kernels of a dtype, and 0.15 s for these; none is compiled for another dtype."""
    x, w, b = _draw((6, 4), (4, 3), (3,))
    ours.linear_relu(x, w, b)
    ours.softmax_cross_entropy(ours.linear(x, w, b), np.zeros(6, "int64"))
    for data in (x, np.zeros(6, "int64")):
        ours.take(data, np.zeros(3, "int64"), axis=0)
    assert stand_in.built == [("float32", kernels.group_of("bias_add"))]


def test_wrong_labels_are_errors(ours):
    with pytest.raises(ValueError, match="over 0 rows"):
        ours.softmax_cross_entropy(np.ones((0, 3), "float32"), np.ones(0, "int64"))
    with pytest.raises(ValueError, match="2 rows of logits with 3 labels"):
        ours.softmax_cross_entropy(np.ones((2, 3), "float32"), np.ones(3, "int64"))


# --- on a device --------------------------------------------------------------------------------


@pytest.fixture
def gpu():
    """The fused functions over CuPy."""
    import array_api_compat.cupy
    import cupy

    return SimpleNamespace(**fused.bind(cupy, _generic.extend(array_api_compat.cupy)))


def _to_gpu(*arrays: np.ndarray) -> list[Any]:
    import cupy

    return [cupy.asarray(a) for a in arrays]


def _close(got: Any, expected: Any, dtype: str, scale: float = 1) -> None:
    tolerance = scale * (1e-5 if dtype == "float32" else 1e-13)
    np.testing.assert_allclose(got.get(), expected, rtol=tolerance, atol=tolerance)


SHAPES = [(7, 10), (300, 33), (3, 5000), (1, 1), (2, 3, 4)]


@pytest.mark.gpu
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layers(gpu, dtype, shape):
    x, w, b = _draw(shape, (shape[-1], 12), (12,), dtype=dtype)
    x_gpu, w_gpu, b_gpu = _to_gpu(x, w, b)
    wide = x.astype("float64") @ w + b
    scale = math.sqrt(shape[-1])
    _close(gpu.linear(x_gpu, w_gpu, b_gpu), wide, dtype, scale)
    _close(gpu.linear_relu(x_gpu, w_gpu, b_gpu), np.maximum(wide, 0), dtype, scale)
    ct, out = _draw(shape, shape, dtype=dtype)
    _close(gpu.relu_vjp(*_to_gpu(ct, out)), ct * (out > 0), dtype)


@pytest.mark.gpu
def test_relu_keeps_nan_and_its_vjp_is_zero_at_zero(gpu, dtype):
    x, w, b = (
        np.ones((1, 1), dtype),
        np.array([[-1.0, 0.0, 2.0, np.nan]], dtype),
        np.zeros(4, dtype),
    )
    out = gpu.linear_relu(*_to_gpu(x, w, b))
    np.testing.assert_array_equal(out.get(), [[0, 0, 2, np.nan]])
    ct = _to_gpu(np.ones((1, 4), dtype))[0]
    np.testing.assert_array_equal(gpu.relu_vjp(ct, out).get(), [[0, 0, 1, 0]])


@pytest.mark.gpu
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("label", kernels.LABELS)
def test_cross_entropy_and_its_slope(gpu, dtype, shape, label):
    (z,) = _draw(shape, dtype=dtype)
    y = np.random.default_rng(1).integers(0, shape[-1], shape[:-1]).astype(label)
    z_gpu, y_gpu = _to_gpu(z, y)
    loss, slope = gpu.softmax_cross_entropy(z_gpu, y_gpu)
    log_p = scipy.special.log_softmax(z.astype("float64"), axis=-1)
    _close(loss, -np.take_along_axis(log_p, y[..., None].astype("int64"), -1).mean(), dtype)
    expected = (np.exp(log_p) - np.eye(shape[-1])[y]) / math.prod(shape[:-1])
    _close(slope, expected, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("wrong", [4, -1])
def test_a_label_outside_the_classes_gives_nan(gpu, dtype, wrong):
    z, y = _to_gpu(np.zeros((3, 4), dtype), np.array([0, wrong, 3]))
    loss, slope = gpu.softmax_cross_entropy(z, y)
    assert np.isnan(loss.get())
    np.testing.assert_array_equal(np.isnan(slope.get()), [[False] * 4, [True] * 4, [False] * 4])


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["float32", "float64", "int64"])
@pytest.mark.parametrize("shape", [(7, 10), (300,), (3, 2, 4)], ids=str)
def test_rows_by_index(gpu, kind, shape):
    x = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    chosen = np.random.default_rng(0).integers(0, shape[0], 50)
    np.testing.assert_array_equal(gpu.take(*_to_gpu(x, chosen), axis=0).get(), x[chosen])


@pytest.mark.gpu
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logsumexp_and_log_softmax(gpu, dtype, shape):
    (x,) = _draw(shape, dtype=dtype)
    (x_gpu,) = _to_gpu(x)
    wide = x.astype("float64")
    _close(gpu.logsumexp(x_gpu, -1, False), scipy.special.logsumexp(wide, axis=-1), dtype)
    expected = scipy.special.logsumexp(wide, axis=-1, keepdims=True)
    _close(gpu.logsumexp(x_gpu, -1, True), expected, dtype)
    _close(gpu.log_softmax(x_gpu, -1), scipy.special.log_softmax(wide, axis=-1), dtype)


@pytest.mark.gpu
def test_logsumexp_in_the_extremes(gpu, dtype):
    x = np.full((4, 5), -np.inf, dtype)
    x[1, 2], x[2, 3], x[3] = np.inf, np.nan, 1e4
    out = gpu.logsumexp(_to_gpu(x)[0], -1, False)
    np.testing.assert_allclose(out.get(), [-np.inf, np.inf, np.nan, 1e4 + np.log(5)], rtol=1e-6)
