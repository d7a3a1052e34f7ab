"""`pb.xp` is the array API namespace: names, signatures, dtypes, promotion, devices, inspection."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.namespaces import NAMESPACES
from pullback.autograd.core.registry import PROVIDED, names
from pullback.autograd.core.registry import find as find_primitive
from pullback.autograd.core.signatures import DIFFERENTIABLE, HIDDEN, HIDDEN_ELEMENTWISE

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

strict = pytest.importorskip("array_api_strict")


def words(text: str) -> list[str]:
    return text.split()


STANDARD = {
    "creation": words(
        "arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril triu "
        "zeros zeros_like"
    ),
    "data type": words("astype can_cast finfo iinfo isdtype result_type"),
    "elementwise": words(
        "abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_invert bitwise_left_shift bitwise_or "
        "bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp expm1 floor floor_divide "
        "greater greater_equal hypot imag isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp "
        "logical_and logical_not logical_or logical_xor maximum minimum multiply negative nextafter not_equal "
        "positive pow real reciprocal remainder round sign signbit sin sinh sqrt square subtract tan tanh trunc"
    ),
    "indexing": words("take take_along_axis"),
    "inspection": words("__array_namespace_info__"),
    "linear algebra": words("matmul matrix_transpose tensordot vecdot"),
    "manipulation": words(
        "broadcast_arrays broadcast_shapes broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape "
        "roll squeeze stack tile unstack"
    ),
    "searching": words("argmax argmin count_nonzero nonzero searchsorted where"),
    "sets": words("isin unique_all unique_counts unique_inverse unique_values"),
    "sorting": words("argsort sort"),
    "statistical": words("cumulative_prod cumulative_sum max mean min prod std sum var"),
    "utility": words("all any diff"),
}
LINALG = words(
    "cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power matrix_rank "
    "matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm"
)
FFT = words(
    "fft fftfreq fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftfreq rfftn"
)
MAIN = [name for names in STANDARD.values() for name in names]
EVERY = [*MAIN, *(f"linalg.{n}" for n in LINALG), *(f"fft.{n}" for n in FFT)]
CONSTANTS = {"e": np.e, "inf": np.inf, "nan": np.nan, "pi": np.pi, "newaxis": None}
DTYPES = words(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
)
UNARY = words("abs bool complex float index int invert neg pos")
BINARY = words("add and floordiv lshift matmul mod mul or pow rshift sub truediv xor")
COMPARISONS = words("eq ge gt le lt ne")
OTHERS = words("array_namespace dlpack dlpack_device getitem setitem")
METHODS = [f"__{n}__" for n in (*UNARY, *COMPARISONS, *OTHERS)]
METHODS += [f"__{r}{n}__" for n in BINARY for r in ("", "r", "i")] + ["to_device"]

# array_api_strict marks "not given" by an object of its own where the standard has None.
UNSET = {"copy": None, "device": None}
# The standard had the default until 2024.12; code written to that version still runs.
WIDER = {"expand_dims": {"axis": 0}}


def find(space, name):
    for part in name.split("."):
        space = getattr(space, part)
    return space


def test_there_are_136_names_25_of_linalg_and_14_of_fft():
    assert (len(MAIN), len(LINALG), len(FFT)) == (136, 25, 14)


@pytest.mark.parametrize("name", EVERY)
def test_every_function_of_the_standard_is_there(name):
    function = find(pb.xp, name)
    assert callable(function)
    assert function is find(pb.xp, name)
    assert inspect.getdoc(function)
    space, _, last = name.rpartition(".")
    assert last in dir(find(pb.xp, space) if space else pb.xp)
    if name not in (
        "linalg.matmul",
        "linalg.matrix_transpose",
        "linalg.tensordot",
        "linalg.vecdot",
    ):
        assert (function.__name__, function.__qualname__) in ((last, last), (last, name))


@pytest.mark.parametrize("name", EVERY)
def test_signatures_are_the_standard_s(name):
    theirs = inspect.signature(find(strict, name)).parameters
    ours = inspect.signature(find(pb.xp, name)).parameters
    assert [(p.name, p.kind) for p in ours.values()] == [(p.name, p.kind) for p in theirs.values()]
    for p in theirs.values():
        expected = UNSET.get(p.name) if type(p.default).__name__ == "Undef" else p.default
        expected = WIDER.get(name, {}).get(p.name, expected)
        assert ours[p.name].default == expected, p.name


@pytest.mark.parametrize("name", METHODS)
def test_every_method_of_the_standard_is_there(name):
    ours, theirs = getattr(pb.Array, name), getattr(strict._array_object.Array, name)
    assert callable(ours)
    if name in ("__dlpack__", "__array_namespace__", "to_device"):
        expected, got = inspect.signature(theirs).parameters, inspect.signature(ours).parameters
        assert list(got) == list(expected)


def test_attributes():
    x = pb.xp.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert (x.dtype, x.device) == (np.float64, "cpu")
    np.testing.assert_array_equal(pb.to_numpy(x.T), pb.to_numpy(x).T)
    np.testing.assert_array_equal(pb.to_numpy(pb.xp.stack([x, x]).mT)[1], pb.to_numpy(x).T)
    assert pb.xp.zeros((2, 3, 4)).T.shape == (4, 3, 2)
    with pytest.raises((TypeError, ValueError), match="ndim"):
        _ = pb.xp.zeros(3).mT


def test_constants_and_dtypes():
    for name, value in CONSTANTS.items():
        assert getattr(pb.xp, name) is value or getattr(pb.xp, name) == value or name == "nan"
    assert np.isnan(pb.xp.nan)
    for name in DTYPES:
        assert type(getattr(pb.xp, name)) is type(np.dtype(name))
        assert getattr(pb.xp, name) == np.dtype(name)
    assert set(DTYPES) | set(CONSTANTS) <= set(dir(pb.xp))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'cumsum'"):
        _ = pb.xp.cumsum
    with pytest.raises(AttributeError, match=r"linalg\.norm"):
        _ = pb.xp.linalg.norm
    assert not hasattr(pb.xp, "getitem")


def test_array_namespace():
    x = pb.xp.zeros(2)
    assert x.__array_namespace__() is pb.xp
    assert x.__array_namespace__(api_version="2022.12") is pb.xp
    assert pb.xp.__array_api_version__ == "2025.12"
    with pytest.raises(ValueError, match=r"2019\.1"):
        x.__array_namespace__(api_version="2019.1")


# ── dtypes ────────────────────────────────────────────────────────────────────────────────────


KINDS = [
    "bool",
    "signed integer",
    "unsigned integer",
    "integral",
    "real floating",
    "complex floating",
    "numeric",
]


# ── creation follows the active backend, everything else its arguments ────────────────────────


# ── inspection ────────────────────────────────────────────────────────────────────────────────


# ── the stub for editors ──────────────────────────────────────────────────────────────────────


def _tool(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stub_is_up_to_date():
    tool = _tool("stubs")
    written = tool.STUB.read_text(encoding="utf-8").splitlines()
    for n, (old, new) in enumerate(itertools.zip_longest(written, tool.stub().splitlines()), 1):
        assert old == new, f"{tool.STUB.name}, line {n}: run python tools/stubs.py"


def test_hidden_primitives_are_marked_in_the_table():
    assert {"getitem", "setitem", "solve_by", "sddmm"} <= HIDDEN
    assert HIDDEN_ELEMENTWISE < HIDDEN < set(DIFFERENTIABLE)
    for name in HIDDEN:
        assert not hasattr(pb.xp, name)
        assert name not in dir(pb.xp)
        assert find_primitive(name).name == name


def test_every_library_has_the_hidden_primitives():
    """The backend, which knows no signatures, lists its functions for rules itself."""
    assert callable(
        pb.scipy.linalg.sqrtm
    )  # the modules of `pullback.scipy` attach kernels when they are loaded
    assert callable(pb.scipy.signal.lfilter)
    there = NAMESPACES.of(np.zeros(()))
    missing = {name for name in HIDDEN if not callable(getattr(there, name, None))}
    attached = {name for name in missing if find_primitive(name).kernel is not None}
    of_scipy = {"sylvester", "sqrtm", "logm", "lfilter"}
    assert attached == {"solve_by", "slogdet_by", "inverse_by"} | of_scipy
    assert missing - attached == {"implicit"}  # whose value is found by a solver


def test_traced_arrays_are_computed_by_the_primitives_themselves():
    for name in names():
        primitive = find_primitive(name)
        if not primitive.residuals and name not in PROVIDED:
            assert primitive.kernel_in(NAMESPACES[pb.Array]) is function_of(primitive), name
