"""Which backend is active, how it is chosen, and what it says when it cannot be had."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import pullback as pb
from pullback.backend import _select

from .conftest import NO_CUDA

WITHOUT_CUDA = pytest.mark.skipif(not NO_CUDA, reason="there is a CUDA device here")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """No choice made, none remembered, none in the environment."""
    monkeypatch.delenv("PULLBACK_BACKEND", raising=False)
    monkeypatch.delenv("PULLBACK_DEVICE", raising=False)
    _select._resolved.cache_clear()
    token = _select._active.set(None)
    yield
    _select._active.reset(token)
    _select._resolved.cache_clear()


@WITHOUT_CUDA
@pytest.mark.parametrize("value", [None, "", "auto", "numpy", " NumPy ", "AUTO"])
def test_environment(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("PULLBACK_BACKEND", value)
    active = pb.backend.current()
    assert active.name == "numpy"
    assert active.reason


@WITHOUT_CUDA
def test_auto_says_why():
    reason = pb.backend.resolve("auto").reason
    assert reason.startswith("auto: ")
    assert "CuPy" in reason or "CUDA" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("name", ["jax", "nump", "NUMPY!", "cupy,numpy"])
def test_unknown_name(monkeypatch, name):
    with pytest.raises(pb.BackendError, match=r"unknown backend.*auto, numpy, cupy") as caught:
        pb.backend.use(name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("PULLBACK_BACKEND", name)
    with pytest.raises(pb.BackendError, match=r"PULLBACK_BACKEND"):
        pb.backend.current()


def test_cupy_not_installed(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "cupy" else find(n, *a)
    )
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)  # import cupy raises ImportError
    monkeypatch.delitem(__import__("sys").modules, "pullback.backend._cupy", raising=False)
    with pytest.raises(pb.BackendError, match=r"CuPy.*install|install.*CuPy|cuda1[23]") as caught:
        pb.backend.use("cupy")
    assert "\n" not in str(caught.value)
    assert pb.backend.resolve("auto").reason == "auto: CuPy is not installed"


@WITHOUT_CUDA
@pytest.mark.cupy
def test_cupy_without_a_device():
    with pytest.raises(pb.BackendError, match=r"CUDA|driver|device") as caught:
        pb.backend.use("cupy")
    assert "\n" not in str(caught.value)
    assert pb.backend.current().name == "numpy"


@pytest.mark.parametrize("text", ["first", "1.5", "cuda:0"])
def test_device_that_is_no_ordinal(monkeypatch, text):
    monkeypatch.setenv("PULLBACK_DEVICE", text)
    with pytest.raises(pb.BackendError, match=r"PULLBACK_DEVICE=.*integer"):
        pb.backend.current()


def test_a_failed_use_changes_nothing():
    with pb.backend.use("numpy") as active:
        with pytest.raises(pb.BackendError):
            pb.backend.use("nonsense")
        assert pb.backend.current() is active


def test_use_as_a_call_and_as_a_context_manager():
    strict = pytest.importorskip("array_api_strict", reason="a second library is needed")
    record = pb.backend.backend_of(strict.ones(1))
    pb.backend.use("numpy")
    with pb.backend.use(record) as active:
        assert active is record is pb.backend.current()
        assert type(pb.xp.ones(2).value) is type(strict.ones(1))
        with pb.backend.use("numpy"):
            assert type(pb.xp.ones(2).value) is np.ndarray
        assert pb.backend.current() is record
    assert pb.backend.current().name == "numpy"
    with pytest.raises(ZeroDivisionError), pb.backend.use(record):
        raise ZeroDivisionError
    assert pb.backend.current().name == "numpy"


def test_each_thread_has_its_own():
    strict = pytest.importorskip("array_api_strict", reason="a second library is needed")
    record = pb.backend.backend_of(strict.ones(1))
    seen, ready = {}, threading.Barrier(2)

    def work(name, choice):
        with pb.backend.use(choice):
            ready.wait(timeout=10)
            seen[name] = pb.backend.current().name
            ready.wait(timeout=10)

    threads = [threading.Thread(target=work, args=pair) for pair in (("a", "numpy"), ("b", record))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": "numpy", "b": "array_api_strict"}


def test_creation_functions_follow_the_active_backend(lib, backend):
    xp = pb.xp
    made = [
        xp.ones(2),
        xp.zeros((2, 3)),
        xp.full((2,), 3.0),
        xp.arange(3),
        xp.linspace(0.0, 1.0, 3),
        xp.eye(2),
        xp.empty((2,)),
        xp.asarray([1.0, 2.0]),
        xp.asarray(3.0),
    ]
    for x in made:
        assert lib.is_raw(x.value)


def test_other_functions_follow_their_arguments(lib):
    x = pb.xp.asarray(lib.asarray([1.0, 2.0]))
    for y in (
        x * 2,
        pb.xp.exp(x),
        pb.xp.zeros_like(x),
        pb.xp.full_like(x, 3.0),
        pb.xp.sum(x),
        pb.xp.concat([x, x]),
        x > 1,
    ):
        assert lib.is_raw(y.value)


def test_the_record_round_trips(lib, backend):
    host = np.arange(6.0).reshape(2, 3)
    there = backend.asarray(host)
    assert lib.is_raw(there)
    np.testing.assert_array_equal(backend.to_numpy(there), host)
    np.testing.assert_array_equal(pb.to_numpy(there), host)
    assert lib.to_numpy(backend.asarray(host, dtype=np.float32)).dtype == np.float32
    backend.synchronize()
    assert all(type(v) is int and v > 0 for v in backend.memory().values())
    assert all(type(k) is type(v) is str for k, v in backend.info().items())
    assert lib.name in repr(backend)


def test_as_gradient_and_locks_on_numpy():
    b = pb.backend.resolve("numpy")
    x = np.ones((2, 3))
    assert b.as_gradient(x) is x
    for other in (x.T, x[:1], np.broadcast_to(x, (4, 2, 3)), np.asfortranarray(x)):
        g = b.as_gradient(other)
        assert g.flags.carray
        assert g.flags.owndata
        assert not np.shares_memory(g, other)
    assert type(b.as_gradient(np.float64(2.0))) is np.ndarray
    assert b.lock(x)
    assert not x.flags.writeable
    assert not b.lock(x)
    b.unlock(x)
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ("text", r"builtins\.str is not an array.*pb\.xp\.asarray"),
        (object(), "not an array"),
        (np.ones(2).view(np.recarray), r"recarray.*numpy\.asarray"),
        (np.ma.ones(2), r"MaskedArray.*numpy\.asarray"),
    ],
    ids=["str", "object", "recarray", "masked"],
)
def test_backend_of_refuses(x, message):
    with pytest.raises(TypeError, match=message):
        pb.backend.backend_of(x)


def test_arrays_that_only_speak_dlpack_are_told_how():
    class Tensor:
        def __dlpack__(self):
            raise AssertionError

    with pytest.raises(TypeError, match=r"pb\.xp\.from_dlpack"):
        pb.backend.backend_of(Tensor())


def test_memory_maps_are_numpy_arrays(tmp_path):
    path = tmp_path / "x.bin"
    np.arange(4.0).tofile(path)
    x = np.memmap(path, np.float64, "r")
    g = pb.grad(lambda x: pb.xp.sum(x * x))(x)
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, 2 * np.arange(4.0))


# ── kernels of NumPy against the generic ones ─────────────────────────────────────────────────

RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 5)), RNG.standard_normal(5)
LABELS = np.array([0, 2, 1, 2])
KERNELS = [
    ("linear", (X, W, B)),
    ("linear", (X[0], W, B)),
    ("linear", (X[None], W, B)),
    ("linear_relu", (X, W, B)),
    ("linear_relu", (X[0], W, B)),
    ("linear_relu", (X[:, :2], W[:2, :1], B[0])),
    ("relu", (X,)),
    ("relu", (X[0, 0],)),
    ("relu_vjp", (X, np.abs(X))),
    ("sigmoid", (X * 50,)),
    ("softplus", (X * 50,)),
    ("sech2", (X * 50,)),
    ("sech2", (np.asarray(2.0),)),
    ("linear_vjp_W", (X, X)),
    ("linear_vjp_W", (X[0], X[1])),
    ("linear_vjp_W", (X[None], X[None])),
    ("sum_to_shape", (X, (3,))),
    ("sum_to_shape", (X, (4, 1))),
    ("sum_to_shape", (X, ())),
    ("sum_to_shape", (X, (4, 3))),
    ("sum_to_shape", (X[None], (1, 1, 3))),
    ("sum_to_shape", (X[:0], (3,))),
    ("scatter_add", ((4, 3), (slice(1, 3), 0), X[:2, 0])),
    ("scatter_add", ((4,), np.array([1, 1, 3]), X[0])),
    ("logsumexp", (X, 0, True)),
    ("log_softmax", (X, -1)),
    ("softmax", (X, 0)),
]


@pytest.mark.parametrize(("name", "args"), KERNELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels_of_numpy_are_the_generic_ones(name, args, dtype):
    """In value, shape and dtype."""
    import array_api_compat.numpy

    generic = pb.backend.extend(array_api_compat.numpy)
    cast = [
        a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args
    ]
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in cast]
    got = np.asarray(getattr(pb.backend.resolve("numpy").xp, name)(*cast))
    wanted = np.asarray(getattr(generic, name)(*cast))
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-30)
    for a, b in zip(cast, before, strict=True):
        np.testing.assert_array_equal(a, b) if isinstance(a, np.ndarray) else None


@pytest.mark.parametrize(
    "key", [np.arange(30) % 7, np.array([-1, 6, 0] * 10), np.zeros(30, np.int8), [2] * 30]
)
@pytest.mark.parametrize("shape", [(7, 9), (7, 3, 3)])
def test_scatter_add_of_many_rows(key, shape):
    """The path for embeddings: whole rows, many of them, with repetitions."""
    values, expected = RNG.standard_normal((30, *shape[1:])), np.zeros(shape)
    np.add.at(expected, key, values)
    got = pb.backend.resolve("numpy").xp.scatter_add(shape, np.asarray(key), values)
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)


def test_caches_of_constants_stay_small():
    """Arrays of zeros and ones are kept by shape; a program with many shapes must not fill the memory."""
    from pullback.backend import _numpy

    direct = pb.backend.resolve("numpy").xp
    for n in range(1, 300):
        x = np.ones((n, n % 7 + 1), np.float32)
        np.testing.assert_array_equal(direct.relu(x.T), x.T)
        assert direct.sum_to_shape(x, (n % 7 + 1,))[0] == n
        direct.softmax_cross_entropy(x, np.zeros(n, int))
    for name in ("_ONES", "_ARANGE"):
        assert len(getattr(_numpy, name)) <= 66


@pytest.mark.parametrize("logits", [X, X[None], X.astype(np.float32), 1e4 * X])
def test_softmax_cross_entropy_of_numpy_is_the_generic_one(logits):
    import array_api_compat.numpy

    generic, direct = pb.backend.extend(array_api_compat.numpy), pb.backend.resolve("numpy").xp
    labels = LABELS if logits.ndim == 2 else LABELS[None]
    one, slope = generic.softmax_cross_entropy(logits, labels)
    other, direct_slope = direct.softmax_cross_entropy(logits, labels)
    assert other.dtype == logits.dtype
    tolerance = {
        "rtol": 1e-5 if logits.dtype == np.float32 else 1e-12,
        "atol": 1e-7 if logits.dtype == np.float32 else 1e-14,
    }
    np.testing.assert_allclose(other, one, **tolerance)
    assert direct_slope.dtype == logits.dtype
    np.testing.assert_allclose(direct_slope, slope, **tolerance)
    np.testing.assert_allclose(
        direct_slope.sum(axis=-1), 0, atol=1e-6
    )  # a softmax less a one-hot row
