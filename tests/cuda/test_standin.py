"""The stand-in for CuPy is held against CuPy, which can be asked without a GPU; and it refuses what CuPy refuses."""

from __future__ import annotations

import inspect
import operator
import pickle
import types
import weakref

import array_api_compat
import numpy as np
import pytest

import pullback as pb

from .. import standin
from ..conftest import ONLY_CUPY
from ..standin import _surface, cuda, functions, linalg, surface
from ..standin.memory import DEVICES, SYNCHRONISATIONS, MemoryPointer

B = standin.backend()
CLASSES = {
    "cupy.ndarray": standin.ndarray,
    "cupy.cuda.Device": standin.Device,
    "cupy.cuda.MemoryPointer": MemoryPointer,
}
OF_A_CLASS_STATEMENT = {"__module__", "__slots__", "__dict__", "__weakref__"}
NAMESPACES = {
    "cupy": functions.cupy,
    "cupy.linalg": functions.linalg,
    "cupy.fft": functions.fft,
    "cupy.lib.stride_tricks": functions.cupy.lib.stride_tricks,
}


def made(values):
    return B.asarray(np.asarray(values))


# ── the surface ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.cupy
def test_the_table_is_the_installed_cupy_s():
    if ONLY_CUPY:
        pytest.skip("the table is of the CuPy and the Python that CI has")
    found = surface.read()
    for name, value in found.items():
        assert getattr(_surface, name) == value, f"{name}: run tests/standin/surface.py"


@pytest.mark.cupy
def test_devices_and_arrays_are_as_cupy_s():
    import cupy

    for kind in (cupy.cuda.Device, standin.Device):
        with pytest.raises(TypeError, match="unhashable"):
            hash(kind(0))
        assert str(kind(0)) == "<CUDA Device 0>"
    for kind in (cupy.ndarray, standin.ndarray):
        assert kind.__hash__ is None
        assert kind.__array_priority__ == 100
        assert kind.__module__ == "cupy"


def test_arrays_have_exactly_cupy_s_attributes():
    assert set(dir(standin.ndarray)) == set(_surface.ATTRIBUTES["cupy.ndarray"])
    assert set(dir(made([1.0]))) == set(_surface.ATTRIBUTES["cupy.ndarray"])
    for name in ("__array_namespace__", "__index__", "to_device", "__contains__"):
        assert not hasattr(made([1.0]), name)


@pytest.mark.parametrize("name", list(CLASSES)[1:])
def test_what_belongs_to_arrays_has_no_attribute_that_cupy_s_lacks(name):
    public = {n for n in dir(CLASSES[name]) if not n.startswith("_")}
    assert public <= set(_surface.ATTRIBUTES[name])
    assert (
        set(dir(CLASSES["cupy.cuda.Device"])) - set(_surface.ATTRIBUTES["cupy.cuda.Device"])
        <= OF_A_CLASS_STATEMENT
    )


@pytest.mark.parametrize("module", NAMESPACES)
def test_functions_are_cupy_s_with_their_signatures(module):
    space, table = NAMESPACES[module], _surface.FUNCTIONS[module]
    known = set(table) | set(_surface.UFUNCS) | set(_surface.NUMPYS)
    known |= {
        "ndarray",
        "ufunc",
        "RawModule",
        "pi",
        "e",
        "inf",
        "nan",
        "newaxis",
        "euler_gamma",
        "linalg",
        "fft",
        "lib",
        "cuda",
        "LinAlgError",
    }
    for name, value in vars(space).items():
        if not name.startswith("_"):
            assert name in known, f"{module} has no {name}"
            if table.get(name):
                _takes_no_more(value, functions.signature(table[name]), f"{module}.{name}")


def _takes_no_more(function, theirs, name):
    """Our own parameters are CuPy's, in CuPy's order."""
    ours = inspect.signature(function)
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in ours.parameters.values()):
        return  # bound to CuPy's when it is called, or of any length there too
    assert (
        list(ours.parameters)[: len(theirs.parameters)]
        == list(theirs.parameters)[: len(ours.parameters)]
    ), name


def test_a_keyword_that_cupy_lacks_is_refused():
    with pytest.raises(TypeError, match="where"):
        functions.cupy.sum(made([1.0]), where=made([True]))
    with pytest.raises(TypeError, match="Wrong arguments"):
        functions.cupy.add(made([1.0]), 1.0, where=True)


def test_a_view_keeps_its_base_which_is_always_the_same_array():
    """As CuPy's: whether two arrays share memory is asked of the identity of their bases."""
    x = made(np.arange(6.0).reshape(2, 3))
    view = x[:, 1:]
    assert (view.base is x, view.T.base is x, x.base) == (True, True, None)
    kept = weakref.ref(x)
    del x
    assert view.base is kept()


def test_strides_that_leave_the_memory_of_an_array_are_an_error_here():
    """CuPy takes them, and reads what is not the array's."""
    x = made(np.arange(6.0))
    view = functions.cupy.lib.stride_tricks.as_strided(x, (4, 3), (8, 8))
    view[0, 0] = 7.0
    assert (float(x[0]), float(view[3, 2])) == (7.0, 5.0)
    for shape, strides in (((4, 4), (8, 8)), ((2,), (-8,))):
        with pytest.raises(AssertionError, match="memory that is not the array's"):
            functions.cupy.lib.stride_tricks.as_strided(x, shape, strides)


# ── refusals ──────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_moved_silently():
    x = made([1.0, 2.0])
    host = np.ones(2)
    for call in (
        lambda: x + host,
        lambda: host + x,
        lambda: np.add(host, x),
        lambda: functions.cupy.exp(host),
        lambda: functions.cupy.concatenate([x, host]),
        lambda: functions.cupy.where(x > 0, x, host),
        lambda: functions.cupy.sum(host),
    ):
        with pytest.raises(TypeError):
            call()
    for call in (np.asarray, memoryview, operator.index, hash):
        with pytest.raises(TypeError):
            call(x)
    with pytest.raises(TypeError):
        range(made(3))
    with pytest.raises(ValueError, match="non-scalar"):
        x[:] = host


def test_results_are_arrays_and_values_are_read_aloud():
    x = made([[1.0, 2.0]])
    for value in (
        x.sum(),
        x[0, 0],
        x.max(),
        functions.cupy.mean(x),
        x[0, 0] * 2,
        functions.cupy.add.reduce(x, None),
    ):
        assert type(value) is standin.ndarray
        assert value.shape == ()
    before = SYNCHRONISATIONS[0]
    assert (float(x[0, 1]), int(x[0, 1]), bool(x[0, 0]), x[0, 1].item()) == (2.0, 2, True, 2.0)
    assert SYNCHRONISATIONS[0] == before + 4
    weakref.ref(x)
    with pytest.raises(AttributeError):
        x.anything = 1
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(x)).get(), x.get())


def test_repeated_writes_have_an_order_of_their_own_and_places_wrap_around():
    x = made(np.zeros(3))
    x[made([1, 1, 4])] = made([1.0, 2.0, 3.0])
    assert x.get().tolist() == [0.0, 3.0, 0.0] or x.get().tolist() == [0.0, 1.0, 0.0]
    assert x.get().tolist() != [0.0, 2.0, 0.0]  # NumPy's would be the last one that fits
    assert made([5.0, 6.0, 7.0])[made([3])].get().tolist() == [5.0]
    with pytest.raises(IndexError):
        x[3]


def test_scatter_add_takes_no_complex_numbers():
    with pytest.raises(TypeError, match="only supports"):
        functions.cupy.add.at(made([1j]), made([0]), made([1j]))


def test_linear_algebra_raises_nothing_unless_it_is_asked_to():
    ones, b = made(np.ones((2, 2))), made(np.ones(2))
    assert not np.isfinite(linalg.solve(ones, b).get()).any()
    assert not np.isfinite(linalg.inv(ones).get()).any()
    batch = made(np.stack([np.eye(2), np.ones((2, 2))]))
    assert np.isfinite(linalg.inv(batch).get()).all()  # what nobody wrote
    with pytest.raises(ValueError, match="shape"):
        linalg.solve(ones, made(np.ones((3, 2, 2))))
    linalg.cholesky(made([[1.0, 2.0], [2.0, 1.0]]))
    with linalg.errstate(linalg="raise"):
        for call in (
            lambda: linalg.solve(ones, b),
            lambda: linalg.inv(batch),
            lambda: linalg.solve(made([[np.nan]]), made([1.0])),
        ):
            with pytest.raises(np.linalg.LinAlgError):
                call()


def test_memory_that_nobody_wrote_says_so():
    assert np.isnan(functions.cupy.empty((2, 2)).get()).all()


# ── what runs on it ───────────────────────────────────────────────────────────────────────────


def test_array_api_compat_takes_its_arrays_for_cupy_s():
    x = made([1.0])
    assert array_api_compat.is_cupy_array(x)
    assert array_api_compat.array_namespace(x) is standin.namespace()
    assert array_api_compat.array_namespace(x).__name__ == "array_api_compat.cupy"
    assert type(array_api_compat.to_device(x, "cpu")) is np.ndarray
    assert array_api_compat.device(x) == standin.Device()
    assert not array_api_compat.is_cupy_array(np.ones(1))


def test_the_backend_is_the_file_for_cupy():
    assert B.name == "cupy"
    assert B.xp.scatter_add.__module__ == "pullback.backend.cuda.backend"
    assert B.xp.scatter_add.__globals__["cupy"] is functions.cupy


def test_every_module_that_the_package_imports_is_there():
    assert all(isinstance(m, types.ModuleType) for m in cuda.MODULES.values())
    assert pb.backend.backend_of(made([1.0])) is B


# ── the kinds of failure that a device showed (gpu.md) ────────────────────────────────────────


def test_a_gradient_of_its_arrays():
    x = made([1.0, 2.0])
    g = pb.grad(lambda x: pb.xp.sum(x * x))(x)
    assert type(g) is standin.ndarray
    np.testing.assert_array_equal(g.get(), [2.0, 4.0])


PROGRAMS = {
    "constants": lambda x: x * pb.xp.asarray([1.0, 2.0, 3.0]) + pb.xp.ones(3),
    "creation": lambda x: x + pb.xp.arange(3.0) + pb.xp.zeros(3),
    "lists": lambda x: pb.xp.where(x > 0, x, pb.xp.asarray([7.0, 8.0, 9.0])),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_s_constants_are_of_its_arguments_library(name, lib):
    """Recorded for NumPy arrays while CuPy is active, and the other way round."""
    host = np.asarray([1.0, -2.0, 3.0])
    with pb.backend.use("numpy"):
        wanted = pb.to_numpy(PROGRAMS[name](host))
    x, other = (host, B) if lib.name == "numpy" else (lib.asarray(host), "numpy")
    with pb.backend.use(other):
        f = pb.compile(PROGRAMS[name])
        for _ in range(2):
            found = f(x)
            np.testing.assert_array_equal(pb.to_numpy(found), wanted)
            assert lib.is_raw(found.value)


@pytest.mark.parametrize("order", [0, 1])
def test_numbers_go_where_the_arrays_of_the_call_are(order, backend):
    x = np.ones(3)
    args = (2.0, x) if order == 0 else (x, 2.0)
    f = lambda a, b: pb.xp.sum(a * b)
    assert pb.grad(f, argnums=order)(*args) == 3.0
    assert type(pb.grad(f, argnums=order)(*args)) is float


FIRST = "multiply: x1 is an array of numpy, x2 one of cupy"
LAYER = "linear: x is an array of numpy, W one of cupy"


def _layer(x, y):
    y = pb.xp.asarray(y)
    return pb.xp.linear(x[None, :], y[:, None], y[:1])


MIXTURES = {
    "x1": (lambda x, y: pb.xp.multiply(x, y), FIRST + r".*x1 = pb\.asarray\(x1\)"),
    "operator": (lambda x, y: pb.xp.asarray(y) * x, r"x1 is an array of cupy, x2 one of numpy.*x2 = pb\.asarray\(x2\)"),
    "layer": (_layer, LAYER + r".*x = pb\.asarray\(x\)"),
    "list": (lambda x, y: pb.xp.concat([y, x]), r"concat: arrays\[0\] is an array of cupy, arrays\[1\] one of numpy"),
    "cotangent": (lambda x, y: pb.vjp(lambda v: v * 2.0, y)[1](x), r"the cotangent is an array of numpy.*pb\.asarray"),
    "compiled": (lambda x, y: pb.compile(_layer)(x, y), LAYER),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXTURES)
def test_a_mixture_of_libraries_names_the_argument_and_the_line(name):
    call, says = MIXTURES[name]
    with pb.backend.use(B), pytest.raises(TypeError, match=says):
        call(np.ones(3), made(np.ones(3)))


def test_the_line_makes_it_right():
    x, y = np.ones(3), made(np.ones(3))
    with pb.backend.use(B):
        assert type(pb.asarray(x)) is standin.ndarray
        assert pb.asarray(y) is y
        np.testing.assert_array_equal(pb.to_numpy(pb.xp.multiply(pb.asarray(x), y)), x)
        assert pb.asarray([1, 2], dtype="float32").dtype == np.float32
    with pb.backend.use("numpy"):
        assert pb.asarray(x) is x
        assert type(pb.asarray(y)) is np.ndarray
        with pytest.raises(TypeError, match=r"pb\.asarray"):
            pb.xp.multiply(x, y)
    with pytest.raises(TypeError, match="traced"):
        pb.grad(lambda x: pb.xp.sum(pb.asarray(x)))(x)


def test_device_cpu_is_the_host():
    with pb.backend.use(B):
        for x in (
            pb.xp.asarray([1.0], device="cpu"),
            pb.xp.asarray(made([1.0]), device="cpu"),
            pb.xp.ones(1, device="cpu"),
            pb.xp.asarray(made([1.0])).to_device("cpu"),
        ):
            assert (x.device, type(x.value)) == ("cpu", np.ndarray)
        with pytest.raises(ValueError, match="without a copy"):
            pb.xp.asarray(made([1.0]), device="cpu", copy=False)


def test_an_array_of_one_integer_is_an_index():
    x = pb.xp.asarray(made(2))
    assert [10, 20, 30][x] == 30
    assert list(range(x)) == [0, 1]
    for wrong in (made([1, 2]), made(1.0)):
        with pytest.raises(TypeError):
            operator.index(pb.xp.asarray(wrong))


KEYS = {
    "repeated": ((5,), np.asarray([0, 3, 3, 1, 3])),
    "negative": ((5,), np.asarray([0, -1, 4, 4])),
    "rows": ((4, 3), np.asarray([2, 2, 0])),
    "two axes": ((3, 4), (np.asarray([0, 2, 0, 2]), np.asarray([1, 1, 1, 1]))),
    "beside a slice": ((3, 4), (np.asarray([2, 2]), slice(1, 3))),
    "outer": ((3, 4), (np.asarray([[0], [0]]), np.asarray([1, 1, 2]))),
    "slices between": ((3, 2, 3), (np.asarray([1, 1]), slice(None), np.asarray([0, 0]))),
    "two dimensions": ((4,), np.asarray([[1, 1], [1, 2]])),
}


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int64", "bool"])
@pytest.mark.parametrize("name", KEYS)
def test_repeated_writes_have_numpy_s_winner(name, dtype, lib):
    shape, key = KEYS[name]
    rng = np.random.default_rng(0)
    x, value = np.zeros(shape, dtype), (10 * rng.random(np.zeros(shape)[key].shape)).astype(dtype)
    there = (
        tuple(lib.asarray(k) if isinstance(k, np.ndarray) else k for k in key)
        if isinstance(key, tuple)
        else lib.asarray(key)
    )
    if lib.name == "array_api_strict":
        pytest.skip("the standard does not write at index arrays")
    for given in (value, value[:1]):
        out = pb.xp.asarray(lib.asarray(x))
        out[there] = lib.asarray(given)
        wanted = x.copy()
        wanted[key] = given
        np.testing.assert_array_equal(lib.to_numpy(out.value), wanted)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "v", [-3.5, -1.5, -0.5, 0.3, 0.5, 1.5, 3.7, 12.5, 20.5, 40.5, 0, 1, 2, 5, 10, 30, 60, 100, -2]
)
def test_bessel_functions_of_every_order(v, dtype):
    import scipy.special as sps

    x = np.concatenate([np.linspace(-4, 4, 17), np.logspace(-3, 2.8, 60)]).astype(dtype)
    wanted = sps.ive(float(v), x.astype("float64"))
    with np.errstate(all="ignore"):
        found = B.xp.special.ive(v, made(x)).get()
    assert found.dtype == dtype
    tiny = float(np.finfo(dtype).tiny) * 1e3
    np.testing.assert_allclose(found, wanted, rtol=3e-13 if dtype == "float64" else 5e-6, atol=tiny)  # fmt: skip


def test_orders_that_cannot_be_had_say_so():
    with pytest.raises(NotImplementedError, match="whole orders alone"):
        B.xp.special.ive(-7.5, made([1.0]))
    with pytest.raises(NotImplementedError, match="2 orders"):
        B.xp.special.ive(made([0.5, 1.5]), made([1.0]))
    with pytest.raises(TypeError, match="not a whole number"):
        B.xp.special.polygamma(made(1.5), made([1.0]))


@pytest.mark.parametrize("value", [np.float64(2.0), np.int64(2), 2.0, [2.0]], ids=str)
def test_numbers_that_are_written_go_to_the_library_of_the_array(value):
    """NumPy's scalars are numbers: while CuPy is active, they go into arrays of NumPy all the same."""

    def f(x):
        y = x * 1.0
        y[1:2] = value
        y[0] = x[0] * x[2]
        return pb.xp.sum(y * y)

    x = np.asarray([1.0, 5.0, 3.0])
    expected = pb.grad(f)(x)
    with pb.backend.use(B):
        np.testing.assert_array_equal(pb.grad(f)(x), expected)
        np.testing.assert_allclose(pb.to_numpy(pb.grad(f)(made(x))), expected)
        pb.check_grads(f, (x,))


def test_two_devices(monkeypatch):
    """An array is made on the current one, and no kernel of the other one reads it."""
    monkeypatch.setitem(DEVICES, "count", 2)
    cupy, Device = functions.cupy, cuda.Device
    first, second = Device(), Device(1)
    x = cupy.zeros(3)
    with second:
        assert Device() == second != x.device
        y = cupy.asarray(x)
        assert y.device == second
        for read in (lambda: cupy.add(x, y), lambda: cupy.concatenate([x, y])):
            with pytest.raises(ValueError, match="array device = 0 while current = 1"):
                read()
        assert (y + y).device == second
    assert x.device == first == Device()
    monkeypatch.setitem(DEVICES, "count", 1)
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        Device(1)
