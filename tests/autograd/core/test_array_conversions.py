"""What leaves and enters a `pb.Array`: numbers, text, copies, DLPack, devices."""

from __future__ import annotations

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
A = np.asarray([0.5, 1.5, 2.5])
B = np.asarray([[1.0, -2.0, 0.5], [2.0, 3.0, -1.5], [0.25, 1.0, 2.0]])


# ── reading values ────────────────────────────────────────────────────────────────────────────

READS = {
    "float": lambda x: float(x[0]),
    "complex": lambda x: complex(x[0]),
    "item": lambda x: x[0].item(),
    "math.sin": lambda x: math.sin(x[0]),
    "numpy.asarray": lambda x: np.asarray(x),
    "numpy.array": lambda x: np.array([x, x]),
    "numpy.float64": lambda x: np.float64(x[0]),
    "numpy.from_dlpack": lambda x: np.from_dlpack(x),
    "dlpack": lambda x: x.__dlpack__(max_version=(1, 0)),
    "pickle": lambda x: pickle.dumps(x),
    "to_numpy": lambda x: pb.to_numpy(x),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("order", [1, 2])
def test_reading_a_traced_array_is_refused_with_advice(read, order):
    def f(x):
        with pytest.raises(TypeError, match="stop_gradient"):
            read(x)
        return xp.sum(x * x)

    pb.grad(f if order == 1 else lambda x: xp.sum(pb.grad(f)(x) ** 2))(A)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_a_constant_is_allowed(read):
    read(xp.asarray(A))

    def f(x):
        read(pb.stop_gradient(x))
        return xp.sum(x)

    pb.grad(f)(A)


def test_after_the_gradient_what_leaked_is_a_constant():
    leaked = []
    pb.grad(lambda x: leaked.append(x * 2) or xp.sum(x))(A)
    np.testing.assert_array_equal(np.asarray(leaked[0]), 2 * A)
    assert "traced" not in repr(leaked[0])


def test_numbers():
    assert (float(xp.asarray(1.5)), int(xp.asarray(3)), complex(xp.asarray(1j))) == (1.5, 3, 1j)
    assert bool(xp.asarray(0.0)) is False
    assert [10, 20, 30][xp.asarray(1)] == 20
    assert list(range(xp.asarray(3))) == [0, 1, 2]
    with pytest.raises(TypeError):
        operator.index(xp.asarray(1.0))
    with pytest.raises((TypeError, ValueError)):
        float(xp.asarray(A))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(xp.asarray(A))

    def branches(x):
        return x * 2 if x > 1.0 and int(x) == 3 else x  # their derivatives are 0: nothing is cut

    assert pb.grad(branches)(3.0) == 2.0


def test_iteration():
    rows = list(xp.asarray(B))
    assert len(rows) == 3
    np.testing.assert_array_equal(pb.to_numpy(rows[1]), B[1])
    assert pb.grad(lambda x: sum(y * y for y in x))(A).tolist() == (2 * A).tolist()
    assert [float(y) for y in xp.asarray(A)] == A.tolist()
    assert 1.5 in xp.asarray(A)
    for f in (iter, len):
        with pytest.raises(TypeError, match="0-d"):
            f(xp.asarray(1.0))


def test_text():
    x = xp.asarray(A)
    assert repr(x) == "Array([0.5, 1.5, 2.5], dtype=float64, device='cpu')" == f"{x}" == str(x)
    assert f"{x[0]:.3f}" == "0.500"
    assert f"{xp.asarray(3):4d}" == "   3"
    with pytest.raises(TypeError, match="index"):
        f"{x:.3f}"
    assert repr(xp.zeros((0, 3))).endswith("dtype=float64, shape=(0, 3), device='cpu')")
    long = repr(xp.zeros((40, 50)))
    assert "shape=(40, 50)" in long
    assert len(long) < 2000
    seen = []
    pb.grad(lambda x: seen.append((repr(x), f"{x[0]:.1f}")) or xp.sum(x))(A)
    assert seen == [("Array([0.5, 1.5, 2.5], dtype=float64, device='cpu', traced)", "0.5")]


def test_attributes_of_numpy_s_arrays_alone_are_named_in_the_error():
    with pytest.raises(AttributeError, match=r"pb\.to_numpy\(x\)\.tobytes"):
        xp.asarray(A).tobytes()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = xp.asarray(A).nonsense
    for name in (
        "__cuda_array_interface__",
        "__array_interface__",
        "__array_struct__",
        "__cupy_get_ndarray__",
    ):
        assert not hasattr(
            xp.asarray(A), name
        )  # another library would take the buffer through it, unseen


def test_equality_is_elementwise_and_so_arrays_are_not_hashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(xp.asarray(A))


# ── copies ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_of_constants(clone):
    x = xp.asarray(A)
    y = clone(x)
    y[0] = 9.0
    np.testing.assert_array_equal(pb.to_numpy(x), A)
    np.testing.assert_array_equal(pb.to_numpy(y), [9.0, 1.5, 2.5])


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
def test_copies_of_traced_arrays_stay_traced(clone):
    def f(x):
        y = clone(x)
        y *= 3
        return xp.sum(x * y)

    np.testing.assert_allclose(pb.grad(f)(A), 6 * A)
    tree = {"w": xp.asarray(A), "b": [xp.asarray(1.0)]}
    assert pb.tree.paths(copy.deepcopy(tree)) == pb.tree.paths(tree)


# ── DLPack ────────────────────────────────────────────────────────────────────────────────────


def test_dlpack_with_numpy():
    x = xp.asarray(A)
    assert x.__dlpack_device__() == A.__dlpack_device__()
    there = np.from_dlpack(x)
    assert np.shares_memory(there, x.value)
    back = xp.from_dlpack(there)
    assert type(back) is pb.Array
    np.testing.assert_array_equal(pb.to_numpy(back), A)
    assert not np.shares_memory(xp.from_dlpack(A, copy=True).value, A)
    assert np.shares_memory(xp.from_dlpack(A, copy=False).value, A)
    assert xp.from_dlpack(A, device="cpu").device == "cpu"


def test_dlpack_of_our_own_arrays_stays_traced():
    def f(x):
        y = xp.from_dlpack(x)
        z = xp.from_dlpack(x, copy=True)
        assert y.traced
        assert z.traced
        return xp.sum(y * z)

    np.testing.assert_allclose(pb.grad(f)(A), 2 * A)


def test_dlpack_with_other_libraries(lib):
    x = (
        xp.from_dlpack(lib.asarray(A))
        if lib.name != "array_api_strict"
        else xp.asarray(lib.asarray(A))
    )
    np.testing.assert_array_equal(pb.to_numpy(x), A)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64", "bool"])
def test_torch(dtype):
    torch = pytest.importorskip("torch")
    host = np.asarray([0, 1, 2]).astype(dtype)
    there = torch.from_dlpack(xp.asarray(host))
    np.testing.assert_array_equal(there.numpy(), host)
    back = xp.from_dlpack(there)
    assert back.dtype == host.dtype
    np.testing.assert_array_equal(pb.to_numpy(back), host)
    np.testing.assert_array_equal(pb.to_numpy(xp.asarray(there)), host)
    if dtype.startswith("float"):  # its own arrays are taken as they are
        assert type(xp.exp(there).value) is torch.Tensor


def test_torch_refuses_traced_arrays():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="stop_gradient"):
        pb.grad(lambda x: xp.sum(xp.from_dlpack(torch.from_dlpack(x))))(A)


def test_jax():
    jax = pytest.importorskip("jax")
    there = jax.numpy.from_dlpack(xp.asarray(A.astype("float32")))
    back = xp.from_dlpack(there)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(pb.to_numpy(back), A.astype("float32"))
    np.testing.assert_array_equal(pb.to_numpy(back * 2), 2 * A.astype("float32"))


# ── devices ───────────────────────────────────────────────────────────────────────────────────


def test_to_device(lib):
    x = xp.asarray(lib.asarray(A))
    assert x.to_device(x.device) is x
    if lib.name == "array_api_strict":
        home = lib.xp.Device("CPU_DEVICE")
        moved = x.to_device(home)
        assert (moved.device, x.device) == (home, lib.device)
        g = pb.grad(lambda y: xp.sum(y.to_device(home) ** 2))(lib.asarray(A))
        assert g.device == lib.device
        np.testing.assert_allclose(lib.to_numpy(g), 2 * A)


def test_numpy_asarray_of_another_device_is_refused(lib):
    if lib.name == "numpy":
        return
    with pytest.raises(TypeError, match="to_numpy"):
        np.asarray(xp.asarray(lib.asarray(A)))


def test_advice_names_what_a_numpy_user_has_written():
    with pytest.raises(TypeError, match=r"math\.sin\(x\): use NumPy's, numpy\.sin\(x\)"):
        pb.grad(lambda x: math.sin(x))(1.0)
    with pytest.raises(TypeError, match=r"pullback\.numpy\.asarray\(x\) keeps the derivative"):
        pb.grad(lambda x: np.asarray(x).sum())(np.ones(2))
    assert pb.grad(lambda x: pb.numpy.asarray(x).sum())(np.ones(2)).tolist() == [1.0, 1.0]
