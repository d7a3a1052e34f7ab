"""Array libraries as fixtures: a test that takes `lib`, `xp`, `device` or `backend` runs on each.

NumPy, array-api-strict on its second device (which refuses implicit copies to the host, as a GPU
does), a stand-in for CuPy (`standin/`: its attributes, refusals and undefined orders, under which
`backend/cuda/backend.py` runs without a GPU), and CuPy where a CUDA device answers. With
``PULLBACK_BACKEND=cupy`` in the environment NumPy and the stand-in are left out, and a missing
device is an error: that run is there to test the GPU.

With ``PULLBACK_STANDIN=active``, as in `make standin`, the stand-in is what ``auto`` and ``cupy`` choose in the
process of the tests, as CuPy is on a machine with a GPU: tests, examples and documentation that mean NumPy without
saying so fail. It is then the one library of `lib`.
"""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from _pytest.runner import runtestprotocol  # as the plugins that run tests again do

# kernels before the first call that wants them: `tests/autograd/compile/cpu/test_background.py` tests the other way
os.environ.setdefault("PULLBACK_FAST", "1")
# the kernels of the whole suite: with the usual bound each run would compile most of them anew
os.environ.setdefault("PULLBACK_CACHE_MB", "4096")
# workers that share a device would disturb each other's trials, whose answers are kept
os.environ.setdefault("PULLBACK_TUNE", "0")
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@dataclass(frozen=True)
class Lib:
    """An array library on one device: its raw arrays, before pullback sees them.

    Attributes
    ----------
    name : str
        ``"numpy"``, ``"array_api_strict"``, ``"cupy_standin"`` or ``"cupy"``.
    xp : module
        The library's array API namespace.
    device : object
        The device on which `asarray` puts arrays.
    """

    name: str
    xp: Any = field(repr=False)
    device: Any = field(repr=False)

    @property
    def says(self) -> str:
        """What pullback calls the library."""
        return "cupy" if self.name == "cupy_standin" else self.name

    def asarray(self, host: Any, dtype: Any = None) -> Any:
        """A fresh raw array on this library's device; `dtype` is a NumPy dtype or its name."""
        host = np.array(host, dtype=dtype)
        return self.xp.asarray(host, device=self.device)

    def to_numpy(self, x: Any) -> np.ndarray:
        """The array on the host, without going through the library that is tested."""
        if self.name in ("cupy", "cupy_standin"):
            return x.get()
        if self.name == "array_api_strict":
            return np.from_dlpack(x.to_device(self.xp.Device("CPU_DEVICE"))).copy()
        return np.asarray(x)

    def is_raw(self, x: Any) -> bool:
        """Whether `x` is an array of this library (not a pullback array), on this device."""
        return type(x) is type(self.asarray(0.0)) and x.device == self.device


def _numpy() -> Lib:
    import array_api_compat.numpy as xp

    return Lib("numpy", xp, "cpu")


def _strict() -> Lib:
    import array_api_strict as xp

    return Lib("array_api_strict", xp, xp.Device("device1"))


def _standin() -> Lib:
    from . import standin

    return Lib("cupy_standin", standin.namespace(), standin.Device())


def _cupy() -> Lib:
    import array_api_compat.cupy as xp
    import cupy

    return Lib("cupy", xp, cupy.cuda.Device(int(os.environ.get("PULLBACK_DEVICE") or 0)))


def no_cuda() -> str:
    """Why there is no CUDA device here; empty where there is one."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed"
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # driver, library or device: each has a class of its own
        return f"no CUDA device: {error}"
    return ""


NO_CUDA = no_cuda()
NO_CUPY = "" if importlib.util.find_spec("cupy") else "CuPy is not installed (extra `contract`)"
NO_STRICT = "" if importlib.util.find_spec("array_api_strict") else "no array-api-strict"
ONLY_CUPY = os.environ.get("PULLBACK_BACKEND", "").strip().lower() == "cupy"

STANDIN_ACTIVE = os.environ.get("PULLBACK_STANDIN", "") == "active"
WITHOUT_STANDIN = pytest.mark.skipif(
    STANDIN_ACTIVE, reason="the stand-in is what is chosen, in this process alone"
)

# what leaves out the libraries that another run of the suite has
_ONLY = (
    "PULLBACK_BACKEND=cupy tests the GPU"
    if ONLY_CUPY
    else "PULLBACK_STANDIN=active tests the stand-in"
    if STANDIN_ACTIVE
    else ""
)
_MAKE = {"numpy": _numpy, "array_api_strict": _strict, "cupy_standin": _standin, "cupy": _cupy}
_MISSING = {
    "numpy": _ONLY,
    "array_api_strict": NO_STRICT or (_ONLY if STANDIN_ACTIVE else ""),
    "cupy_standin": _ONLY if ONLY_CUPY else "",
    "cupy": NO_CUDA,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many programs the fuzzer runs, and which."""
    group = parser.getgroup("pullback")
    group.addoption("--fuzz-programs", type=int, default=300, help="programs made at random")
    group.addoption("--fuzz-seed", type=int, default=0, help="what they are drawn from")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a GPU run without a GPU: all its tests would be skipped, and it would look green."""
    if ONLY_CUPY and NO_CUDA:
        raise pytest.UsageError(f"PULLBACK_BACKEND=cupy, but {NO_CUDA}")
    if STANDIN_ACTIVE:
        from . import standin

        standin.activate("auto", "cupy")


def pytest_report_header() -> list[str]:
    """Say at the top on which libraries the tests run."""
    return [f"pullback on {name}: {_MISSING[name] or 'yes'}" for name in _MAKE]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `gpu` or `cupy` where there is none."""
    for marker, missing in (("gpu", NO_CUDA), ("cupy", NO_CUPY)):
        for item in items if missing else ():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """No garbage collections while the tests are collected, of which all stay: they would take a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Leave the tests themselves, nearly a hundred thousand objects with all they hold, out of garbage collections."""
    gc.collect()
    gc.freeze()


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A test that passes in a worker sends one short report, rather than three long ones between two more messages.

    For the 47,000 tests, writing, reading and counting those takes longer than many of the tests themselves. Whatever
    does not pass is reported whole. Where times are asked for, those of fixtures are sent too; an XML file needs all.
    """
    options = item.config.option
    if not hasattr(item.config, "workerinput") or options.xmlpath:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.passed and report.when != "call" and not options.durations:
            continue
        if report.passed:
            report.keywords = {}
        item.ihook.pytest_runtest_logreport(report=report)
    if nextitem is None:  # the controller then writes the last line of its progress
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture
def only_new_objects() -> None:
    """Full garbage collections pass over what tests before this one left, for which they take a second."""
    gc.collect(1)
    gc.freeze()


# Those that are missing have no tests, rather than ten thousand skipped ones: the header of the report names them.
@pytest.fixture(params=[name for name in _MAKE if not _MISSING[name]] or list(_MAKE))
def lib(request: pytest.FixtureRequest) -> Iterator[Lib]:
    """Each array library in turn; where it is the stand-in, ``use("cupy")`` finds it."""
    if _MISSING[request.param]:
        pytest.skip(_MISSING[request.param])
    made = _MAKE[request.param]()
    if request.param != "cupy_standin":
        yield made
        return
    from . import standin

    undo = standin.activate("cupy")
    yield made
    undo()


@pytest.fixture
def xp(lib: Lib) -> Any:
    """The raw array API namespace of `lib`."""
    return lib.xp


@pytest.fixture
def device(lib: Lib) -> Any:
    """The device of `lib`."""
    return lib.device


@pytest.fixture
def backend(lib: Lib) -> Iterator[Any]:
    """The `pullback` backend of `lib`, made the active one: creation functions follow it."""
    import pullback as pb

    with pb.backend.use(pb.backend.backend_of(lib.asarray(0.0))) as active:
        yield active


@pytest.fixture
def on_numpy() -> Iterator[None]:
    """NumPy is active while a test runs that means it, in a file of tests that mean the active backend.

    A file that means NumPy throughout takes `numpy_is_active` of `_host.py`.
    """
    import pullback as pb

    with pb.backend.use("numpy"):
        yield


@pytest.fixture(scope="session")
def kernels() -> Path:
    """The folder of compiled kernels: the user's, so that a kernel is compiled once, and not once in each run.

    Kernels are kept by their whole source, beside which numba says its version and the processor: what a change of this
    package generates anew is compiled anew.
    """
    from pullback.backend.common.cache import cache_folder

    return cache_folder()


@pytest.fixture(params=[False, True], ids=["numpy", "kernels"])
def fast(request: Any, monkeypatch: Any, kernels: Any) -> bool:
    """Whether `pb.compile` makes kernels."""
    if request.param and not importlib.util.find_spec("numba"):
        pytest.skip("numba is not installed (extra `fast`)")
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))
    return request.param
