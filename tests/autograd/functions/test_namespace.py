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
    with pytest.raises(ValueError, match=r"x\.mT"):
        _ = pb.xp.zeros(3).T


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


def strict_result(*dtypes):
    try:
        return np.dtype(str(strict.result_type(*dtypes)).rpartition(".")[2])
    except TypeError:
        return None  # the standard leaves it open


@pytest.mark.parametrize("one", DTYPES)
def test_promotion(one):
    for other in DTYPES:
        expected = strict_result(getattr(strict, one), getattr(strict, other))
        if expected is None:
            continue
        assert pb.xp.result_type(getattr(pb.xp, one), getattr(pb.xp, other)) == expected
        if one != "bool" or other != "bool":
            x, y = (pb.xp.ones(2, dtype=d) for d in (one, other))
            assert (x + y).dtype == expected == pb.xp.result_type(x, y)
            assert pb.xp.where(x == y, x, y).dtype == expected


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "complex64", "complex128", "int8", "uint16"]
)
def test_python_numbers_are_weak(dtype):
    x = pb.xp.ones(2, dtype=dtype)
    for y in (x + 1, 1 + x, x * 2, 3 - x, x**2):
        assert y.dtype == dtype
    if x.dtype.kind in "fc":
        assert (x * 0.5).dtype == (0.5 / x).dtype == dtype
        assert pb.xp.result_type(x, 1.0) == pb.xp.result_type(x.dtype, 1) == dtype


def test_result_type_needs_a_dtype():
    with pytest.raises(ValueError, match="at least one"):
        pb.xp.result_type(1.0, 2)


KINDS = [
    "bool",
    "signed integer",
    "unsigned integer",
    "integral",
    "real floating",
    "complex floating",
    "numeric",
]


@pytest.mark.parametrize(
    "kind", [*KINDS, ("integral", "bool"), ("real floating", "complex floating")]
)
def test_isdtype(kind):
    for name in DTYPES:
        expected = strict.isdtype(getattr(strict, name), kind)
        assert pb.xp.isdtype(getattr(pb.xp, name), kind) is expected
    assert pb.xp.isdtype(pb.xp.int8, pb.xp.int8)
    assert not pb.xp.isdtype(pb.xp.int8, (pb.xp.int16, "bool"))
    assert pb.xp.isdtype(
        strict.float32, "real floating"
    )  # dtypes of other libraries, by their names
    with pytest.raises(ValueError, match="floaty"):
        pb.xp.isdtype(pb.xp.int8, "floaty")


def test_can_cast():
    assert pb.xp.can_cast(pb.xp.float32, pb.xp.complex128)
    assert pb.xp.can_cast(pb.xp.ones(2, dtype="int8"), pb.xp.int16)
    assert pb.xp.can_cast(pb.xp.float64, pb.xp.float32) is False


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_finfo_is_of_python_floats(dtype):
    limits, expected = pb.xp.finfo(getattr(pb.xp, dtype)), np.finfo(dtype)
    for name in ("eps", "max", "min", "smallest_normal"):
        assert type(getattr(limits, name)) is float
        assert getattr(limits, name) == getattr(expected, name)
    assert (limits.bits, limits.dtype) == (expected.bits, expected.dtype)
    assert pb.xp.finfo(pb.xp.ones(2, dtype=dtype)) == limits
    with pytest.raises(TypeError, match="iinfo"):
        pb.xp.finfo(pb.xp.int8)


def test_iinfo():
    limits = pb.xp.iinfo(pb.xp.zeros(2, dtype="uint8"))
    assert (limits.bits, limits.min, limits.max, limits.dtype) == (8, 0, 255, np.uint8)
    with pytest.raises(TypeError, match="finfo"):
        pb.xp.iinfo(pb.xp.float32)


# ── creation follows the active backend, everything else its arguments ────────────────────────

MAKERS = {
    "arange": lambda xp: xp.arange(3.0),
    "arange from": lambda xp: xp.arange(1.0, 9.0, 3.0),
    "asarray": lambda xp: xp.asarray([1.0, 2.0]),
    "asarray of a number": lambda xp: xp.asarray(2.0),
    "asarray of NumPy's number": lambda xp: xp.asarray(np.float64(2.0)),
    "empty": lambda xp: xp.empty((2, 0)),
    "eye": lambda xp: xp.eye(2, 3, k=1),
    "fftfreq": lambda xp: xp.fft.fftfreq(5, d=0.5),
    "full": lambda xp: xp.full(2, 1.5),
    "full of NumPy's number": lambda xp: xp.full((1, 2), np.float64(1.5)),
    "linspace": lambda xp: xp.linspace(0.0, 1.0, 5),
    "ones": lambda xp: xp.ones(3),
    "rfftfreq": lambda xp: xp.fft.rfftfreq(4),
    "zeros": lambda xp: xp.zeros((2, 3)),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_creation_follows_the_backend(make, lib, backend):
    y = make(pb.xp)
    assert type(y) is pb.Array
    assert lib.is_raw(y.value)
    with pb.backend.use("numpy"):
        there = make(pb.xp)
    assert y.dtype == there.dtype == np.float64
    np.testing.assert_array_equal(lib.to_numpy(y.value), pb.to_numpy(there))


@pytest.mark.parametrize("dtype", ["float32", "int16", "complex64"])
def test_creation_takes_dtypes(dtype, lib, backend):
    xp, x = pb.xp, pb.xp.asarray([1.0, 2.0])
    made = [
        xp.arange(3, dtype=dtype), xp.asarray([1, 2], dtype=dtype), xp.empty(2, dtype=dtype),
        xp.eye(2, dtype=dtype), xp.full(2, 1, dtype=dtype), xp.full_like(x, 1, dtype=dtype),
        xp.ones(2, dtype=dtype), xp.ones_like(x, dtype=dtype), xp.zeros(2, dtype=dtype),
        xp.zeros_like(x, dtype=getattr(xp, dtype)), xp.asarray(x, dtype=dtype), xp.empty_like(x, dtype=dtype),
        xp.asarray([x[0], 2.0], dtype=dtype), xp.full(2, x[0], dtype=dtype),
    ]  # fmt: skip
    for y in made:
        assert y.dtype == dtype
        assert lib.is_raw(y.value)


def test_arrays_stay_where_they_are(lib):
    """The active backend is NumPy: what is made beside an array is of its library and on its device."""
    xp, x = pb.xp, pb.xp.asarray(lib.asarray([1.0, 2.0]))
    with pb.backend.use("numpy"):
        made = [
            xp.asarray(x), xp.asarray(x, copy=True), xp.zeros_like(x), xp.full_like(x, x[0]), xp.full((2, 2), x[1]),
            xp.linspace(x[0], 3.0, 4), xp.arange(x[0], 5.0, x[1]), xp.asarray([x[0], 1.0]),
            xp.asarray([[x[0]], [x[1]]]),
            *xp.meshgrid(x, x), *xp.broadcast_arrays(x, x[0]), *xp.unique_all(x), xp.fft.fftfreq(4, d=x[0]),
        ]  # fmt: skip
    for y in made:
        assert lib.is_raw(y.value)


def test_float32_arrays_make_float32(lib):
    xp, x = pb.xp, pb.xp.asarray(lib.asarray([0.5, 2.0], "float32"))
    made = [
        xp.full(2, x[0]), xp.linspace(x[0], 3, 4), xp.arange(x[0], 5.0, 1), xp.asarray([x[0], 1.0, 2]),
        xp.fft.rfftfreq(4, d=x[0]), *xp.meshgrid(x, x),
    ]  # fmt: skip
    assert {y.dtype for y in made} == {np.dtype("float32")}


def test_asarray_returns_what_is_already_right():
    x = pb.xp.asarray([1.0, 2.0])
    assert pb.xp.asarray(x) is x
    assert pb.xp.asarray(x, dtype=pb.xp.float64, device="cpu", copy=False) is x
    other = pb.xp.asarray(x, copy=True)
    x[0] = 9.0
    np.testing.assert_array_equal(pb.to_numpy(other), [1.0, 2.0])
    with pytest.raises(ValueError, match=r"cop(y|ies)"):
        pb.xp.asarray(x, dtype=pb.xp.float32, copy=False)


def test_asarray_shares_memory_unless_told_to_copy():
    host = np.asarray([1.0, 2.0])
    shared, copied = pb.xp.asarray(host), pb.xp.asarray(host, copy=True)
    assert shared.value is host
    assert not np.shares_memory(copied.value, host)


def test_asarray_of_a_traced_array():
    def f(x):
        assert pb.xp.asarray(x) is x
        with pytest.raises(ValueError, match="copy=False"):
            pb.xp.asarray(x, dtype=pb.xp.float32, copy=False)
        other = pb.xp.asarray(x, copy=True)
        other[0] = 0.0
        low = pb.xp.asarray(x, dtype=pb.xp.float32)
        assert low.traced
        return pb.xp.sum(x * x) + pb.xp.sum(other) + pb.xp.astype(pb.xp.sum(low), pb.xp.float64)

    np.testing.assert_array_equal(pb.grad(f)(np.asarray([1.0, 2.0])), [3.0, 6.0])


def test_meshgrid_and_broadcast_arrays_say_what_is_wrong():
    with pytest.raises(ValueError, match="'yx'"):
        pb.xp.meshgrid(pb.xp.zeros(2), indexing="yx")
    with pytest.raises(ValueError, match="vectors"):
        pb.xp.meshgrid(pb.xp.zeros((2, 2)))
    assert pb.xp.meshgrid() == ()


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse", "unique_values"])
def test_unique_gives_the_standard_s_fields(name, lib):
    x = pb.xp.asarray(lib.asarray([[2.0, 1.0], [2.0, np.nan]]))
    got = getattr(pb.xp, name)(x)
    if name == "unique_values":
        np.testing.assert_array_equal(lib.to_numpy(got.value), [1.0, 2.0, np.nan])
        return
    expected = getattr(strict, name)(strict.asarray([[2.0, 1.0], [2.0, np.nan]]))
    assert got._fields == expected._fields
    for y, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(lib.to_numpy(y.value), np.asarray(wanted))


# ── inspection ────────────────────────────────────────────────────────────────────────────────


def test_info_follows_the_backend(lib, backend):
    info = pb.xp.__array_namespace_info__()
    capabilities = info.capabilities()
    assert capabilities["boolean indexing"] is True
    assert capabilities["data-dependent shapes"] is True
    assert capabilities["max dimensions"] >= 32
    assert info.default_device() == lib.device == pb.xp.zeros(1).device
    assert isinstance(info.devices(), tuple)
    assert lib.device in info.devices()
    defaults = info.default_dtypes(device=lib.device)
    assert defaults["real floating"] == pb.xp.float64
    assert set(defaults) == {"real floating", "complex floating", "integral", "indexing"}
    assert set(info.dtypes(device=lib.device)) == set(DTYPES)
    assert lib.says in repr(info)


@pytest.mark.parametrize("kind", [None, *KINDS, ("bool", "real floating")])
def test_info_dtypes_are_numpy_s(kind, lib, backend):
    dtypes = pb.xp.__array_namespace_info__().dtypes(kind=kind)
    for name, dtype in dtypes.items():
        assert dtype == np.dtype(name) == getattr(pb.xp, name)
    wanted = [n for n in DTYPES if kind is None or pb.xp.isdtype(np.dtype(n), kind)]
    assert sorted(dtypes) == sorted(wanted)


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
    there = NAMESPACES.of(np.zeros(()))
    missing = {name for name in HIDDEN if not callable(getattr(there, name, None))}
    attached = {name for name in missing if find_primitive(name).kernel is not None}
    assert attached == {"solve_by", "slogdet_by", "inverse_by"}
    assert missing - attached == {"implicit"}  # whose value is found by a solver


def test_traced_arrays_are_computed_by_the_primitives_themselves():
    for name in names():
        primitive = find_primitive(name)
        if not primitive.residuals and name not in PROVIDED:
            assert primitive.kernel_in(NAMESPACES[pb.Array]) is function_of(primitive), name
