"""Which backend is active, how it is chosen, and what it says when it cannot be had."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import pullback as pb

from ..conftest import NO_CUDA, STANDIN_ACTIVE, WITHOUT_STANDIN
from ._select import _fresh  # noqa: F401 - a fixture

WITHOUT_CUDA = pytest.mark.skipif(
    not NO_CUDA or STANDIN_ACTIVE, reason="there is a CUDA device here, or what stands in for one"
)


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


@WITHOUT_STANDIN
def test_cupy_not_installed(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "cupy" else find(n, *a)
    )
    monkeypatch.setitem(sys.modules, "cupy", None)  # import cupy raises ImportError
    monkeypatch.delitem(sys.modules, "pullback.backend.cuda.backend", raising=False)
    monkeypatch.delitem(
        sys.modules, "pullback.backend.cuda", raising=False
    )  # imported already where there is a GPU
    pb.backend.select._resolved.cache_clear()
    with pytest.raises(pb.BackendError, match=r"CuPy.*install|install.*CuPy|cuda1[23]") as caught:
        pb.backend.use("cupy")
    assert "\n" not in str(caught.value)
    assert pb.backend.resolve("auto").reason == "auto: CuPy is not installed"


@WITHOUT_STANDIN
def test_cupy_without_a_folder_to_write_to(monkeypatch):
    """It makes one for its kernels when it is imported; a container may have no home that can be written to."""

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name in ("cupy", "array_api_compat.cupy"):
                raise PermissionError(13, "Permission denied", "/.cupy")

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    for name in [n for n in sys.modules if n.split(".")[0] == "cupy"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("array_api_compat.cupy", "pullback.backend.cuda.backend", "pullback.backend.cuda"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    pb.backend.select._resolved.cache_clear()
    with pytest.raises(pb.BackendError, match=r"Permission denied: '/.cupy'.*CUPY_CACHE_DIR"):
        pb.backend.use("cupy")


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
