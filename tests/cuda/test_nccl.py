"""The stand-in's NCCL is held against the installed CuPy's, and refuses what NCCL would believe.

CuPy's binding can be imported only where libnccl is. Where it is not, a library of the same name that does nothing is
put in its place, in a process of its own: the names, the numbers and the order of arguments are CuPy's all the same.
"""

from __future__ import annotations

import gc
import inspect
import json
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ..standin import _nccl_surface as surface
from ..standin import cuda, nccl, streams
from ..standin.functions import cupy

HERE = Path(__file__).parent
COMPILER = shutil.which("gcc") or shutil.which("cc")
USED = {
    "cupy.cuda": ("get_current_stream", "get_elapsed_time"),
    "cupy.cuda.Stream": ("wait_event", "is_capturing", "synchronize"),
    "cupy.cuda.Event": ("record",),
    "cupy.cuda.Device": ("id", "use"),
    "cupy.cuda.runtime": ("eventQuery", "deviceGetPCIBusId", "runtimeGetVersion"),
}

# ── the surface ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", surface.METHODS)
def test_methods_are_cupy_s_with_their_parameters(name):
    ours = getattr(nccl.NcclCommunicator, name, None)
    if ours is None:
        assert name in {"commSplit", "initAll"}  # which nothing here calls
    else:
        given = [p for p in inspect.signature(ours).parameters if p != "self"]
        assert ", ".join(given) == surface.METHODS[name]


def test_the_stand_in_has_no_name_that_cupy_lacks():
    public = {n for n in vars(nccl.NcclCommunicator) if not n.startswith("_")}
    assert public <= {*surface.METHODS, "comm"}
    names = {n for n in vars(nccl.module) if not n.startswith("_")} - {"available"}
    assert names <= {*surface.FUNCTIONS, *surface.CONSTANTS}
    for name, number in surface.CONSTANTS.items():
        assert getattr(nccl.module, name) == number
    codes = {n.removeprefix("NCCL_").lower(): c for n, c in surface.CONSTANTS.items()}
    for code, dtype in nccl.TYPES.items():
        assert codes["bfloat16" if code == nccl.BFLOAT16 else dtype] == code


_LOOK = """
import ctypes, importlib, json, sys, warnings
folder, stub = sys.argv[1:3]
sys.path.insert(0, folder)
warnings.simplefilter("ignore")
found = ctypes.CDLL(stub, ctypes.RTLD_GLOBAL) if stub else None
from cupy.cuda import nccl
if not nccl.available:
    print(json.dumps(None))
    sys.exit()
import surface_of_cupy as surface
out = {"table": surface.read_nccl(), "lacks": [], "calls": {}}
for place, names in json.loads(sys.argv[3]).items():
    at = importlib.import_module("cupy")
    for part in place.split(".")[1:]:
        at = getattr(at, part)
    out["lacks"] += [f"{place}.{n}" for n in names if not hasattr(at, n)]
if stub:
    class Call(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("values", ctypes.c_longlong * 8)]
    last = Call.in_dll(found, "last")
    def call(name, function, *arguments):
        function(*arguments)
        out["calls"][name] = [last.name.decode(), list(last.values)[: len(arguments) + 1]]
    comms = []
    call("init", lambda n, u, r: comms.append(nccl.NcclCommunicator(n, u, r)), 4, nccl.get_unique_id(), 3)
    comm = comms[0]
    out["asked"] = [comm.size(), comm.rank_id(), comm.device_id(), len(nccl.get_unique_id()), nccl.get_version()]
    for name, parameters in out["table"]["METHODS"].items():
        if name in ("allReduce", "reduce", "broadcast", "reduceScatter", "allGather", "send", "recv"):
            call(name, getattr(comm, name), *range(11, 11 + len(parameters.split(", "))))
    call("groupStart", nccl.groupStart), call("groupEnd", nccl.groupEnd)
    comm.check_async_error()
    ctypes.c_int.in_dll(found, "asynchronous").value = 6
    try:
        comm.check_async_error()
    except RuntimeError as error:
        out["error"] = [type(error).__name__, str(error), isinstance(error, nccl.NcclError)]
    call("abort", comm.abort)
    out["ended"] = comm.comm
print(json.dumps(out))
"""


def look(tmp_path, stub=""):
    """What the installed CuPy's NCCL is like, seen in a process of its own; None where it cannot be loaded."""
    tmp_path.joinpath("surface_of_cupy.py").write_text(
        (HERE.parent / "standin" / "surface.py").read_text()
    )
    command = [sys.executable, "-P", "-c", _LOOK, str(tmp_path), str(stub), json.dumps(USED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.cupy
def test_the_table_is_the_installed_cupy_s(tmp_path):
    if COMPILER is None:
        pytest.skip("there is no C compiler for what stands in the place of libnccl")
    stub = tmp_path / "libnccl.so.2"
    flags = ["-shared", "-fPIC", "-w", "-Wl,-soname,libnccl.so.2", "-o", str(stub)]
    subprocess.run([COMPILER, *flags, str(HERE / "nccl_stub.c")], check=True)
    found = look(tmp_path, stub)
    assert found is not None
    for name, value in found["table"].items():
        assert getattr(surface, name) == value, f"{name}: run tests/standin/surface.py nccl"
    assert not found["lacks"]
    # what reaches NCCL: the arguments in CuPy's order, the communicator behind them
    calls = found["calls"]
    assert calls.pop("init") == ["init", [4, 3, 7, 0]]
    assert calls.pop("groupStart")[0] == "start"
    assert calls.pop("groupEnd")[0] == "end"
    assert calls.pop("abort") == ["abort", [0xC0]]
    assert set(calls) == {*nccl._RUN, "send", "recv"} - {"messages"}
    for name, (reached, values) in calls.items():
        assert reached == name
        assert values == [*range(11, 10 + len(values)), 0xC0]
    assert found["asked"] == [4, 3, 2, nccl.BYTES, 22707]
    assert found["error"] == ["NcclError", "NCCL_ERROR_REMOTE_ERROR: as the stub says", True]
    assert found["ended"] == 0


@pytest.mark.cupy
def test_the_table_is_that_of_the_real_library(tmp_path):
    found = look(tmp_path)
    if found is None:
        pytest.skip("CuPy finds no libnccl.so.2 (pip install nvidia-nccl-cu13)")
    for name, value in found["table"].items():
        assert getattr(surface, name) == value
    assert not found["lacks"]


# ── what the stand-in refuses ─────────────────────────────────────────────────────────────────


def made(values, dtype=None):
    """An array of the stand-in."""
    values = np.asarray(values, dtype=dtype)
    out = cupy.empty(values.shape, values.dtype)
    out.set(values)
    return out


@pytest.fixture
def comm():
    """A communicator of one rank."""
    found = nccl.NcclCommunicator(1, nccl.get_unique_id(), 0)
    yield found
    found.destroy()


F8, SUM = surface.CONSTANTS["NCCL_FLOAT64"], surface.CONSTANTS["NCCL_SUM"]


def test_one_rank_s_sum_is_its_array(comm):
    x, y = made([1.0, 2.0]), made([0.0, 0.0])
    comm.allReduce(x.data.ptr, y.data.ptr, 2, F8, SUM, 0)
    np.testing.assert_array_equal(y.get(), [1.0, 2.0])
    assert (comm.size(), comm.rank_id(), comm.device_id()) == (1, 0, 0)
    comm.check_async_error()


@pytest.mark.parametrize(
    ("dtype", "count", "code", "problem"),
    [
        ("float64", 4, F8, "32 bytes of an array of 24"),
        ("float32", 3, F8, "float32 travels as NCCL's 8"),
        ("complex128", 3, surface.CONSTANTS["NCCL_UINT8"], "complex128 travels as NCCL's 1"),
        ("complex64", 2, F8, "complex64 travels as NCCL's 8"),
        ("int16", 3, surface.CONSTANTS["NCCL_INT32"], "int16 travels as"),
        ("bool", 3, surface.CONSTANTS["NCCL_UINT8"], "bool travels as"),
    ],
)
def test_counts_and_dtypes_are_checked(comm, dtype, count, code, problem):
    x, y = made([1, 0, 1], dtype), made([1, 0, 1], dtype)
    with pytest.raises(AssertionError, match=problem):
        comm.allReduce(x.data.ptr, y.data.ptr, count, code, SUM, 0)


def test_complex_numbers_travel_as_pairs_and_bytes_where_nothing_is_added(comm):
    x, y = made([1 + 2j, 3j]), made([0j, 0j])
    comm.allReduce(x.data.ptr, y.data.ptr, 4, F8, SUM, 0)
    np.testing.assert_array_equal(y.get(), x.get())
    z = made([0j, 0j])
    comm.broadcast(x.data.ptr, z.data.ptr, x.nbytes, 1, 0, 0)
    np.testing.assert_array_equal(z.get(), x.get())


def test_addresses_are_checked(comm):
    y = made([0.0, 0.0])
    with pytest.raises(AssertionError, match="not the address of an array"):
        comm.allReduce(12345, y.data.ptr, 2, F8, SUM, 0)
    strided = made(np.arange(8.0))[::2]
    with pytest.raises(AssertionError, match="not contiguous"):
        comm.allReduce(strided.data.ptr, y.data.ptr, 2, F8, SUM, 0)
    whole = made(np.arange(3.0))
    with pytest.raises(AssertionError, match="overlap"):
        comm.allReduce(whole[:2].data.ptr, whole[1:].data.ptr, 2, F8, SUM, 0)
    gone = made([1.0, 2.0]).data.ptr
    gc.collect()
    with pytest.raises(AssertionError, match="freed"):
        comm.allReduce(gone, y.data.ptr, 2, F8, SUM, 0)


def test_numbers_are_checked(comm):
    x = made([1.0, 2.0])
    with pytest.raises(nccl.NcclError, match="INVALID_ARGUMENT"):
        comm.allReduce(x.data.ptr, x.data.ptr, 2, 10, SUM, 0)
    with pytest.raises(nccl.NcclError, match="INVALID_ARGUMENT"):
        comm.allReduce(x.data.ptr, x.data.ptr, 2, F8, 5, 0)
    with pytest.raises(nccl.NcclError, match="INVALID_ARGUMENT"):
        comm.reduce(x.data.ptr, x.data.ptr, 2, F8, SUM, 1, 0)
    with pytest.raises(TypeError, match="integer"):
        comm.allReduce(x, x, 2, F8, SUM, 0)


def test_a_stream_of_its_own_has_to_wait_for_the_arrays(comm):
    x, y = made([1.0]), made([0.0])
    stream, event = streams.Stream(non_blocking=True), streams.Event()
    with pytest.raises(AssertionError, match="did not wait"):
        comm.allReduce(x.data.ptr, y.data.ptr, 1, F8, SUM, stream.ptr)
    event.record()
    stream.wait_event(event)
    comm.allReduce(x.data.ptr, y.data.ptr, 1, F8, SUM, stream.ptr)
    np.testing.assert_array_equal(y.get(), [0.0])  # not yet
    after = streams.Event()
    after.record(stream)
    streams.NULL.wait_event(after)
    np.testing.assert_array_equal(y.get(), [1.0])


def test_groups_are_done_at_their_end_and_have_to_be_closed(comm):
    x, y = made([1.0]), made([0.0])
    nccl.groupStart()
    comm.allReduce(x.data.ptr, y.data.ptr, 1, F8, SUM, 0)
    np.testing.assert_array_equal(y.get(), [0.0])
    with pytest.raises(AssertionError, match="between groupStart and groupEnd"):
        streams.Event().record()
    nccl.groupEnd()
    np.testing.assert_array_equal(y.get(), [1.0])
    with pytest.raises(nccl.NcclError, match="INVALID_USAGE"):
        nccl.groupEnd()


@pytest.mark.parametrize("end", ["destroy", "abort"])
def test_an_ended_communicator_is_refused(comm, end):
    x = made([1.0])
    getattr(comm, end)()
    getattr(comm, end)()  # a second time is nothing, as with CuPy's
    with pytest.raises(nccl.NcclError, match="INVALID_ARGUMENT"):
        comm.allReduce(x.data.ptr, x.data.ptr, 1, F8, SUM, 0)
    with pytest.raises(nccl.NcclError):
        comm.size()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((1, None, 0), TypeError),
        ((1, (1, 2), 0), TypeError),
        ((1, b"123", 0), ValueError),
        ((1, bytes(128), 1), nccl.NcclError),
    ],
)
def test_wrong_starts_are_refused(arguments, error):
    with pytest.raises(error):
        nccl.NcclCommunicator(*arguments)


def test_ranks_that_call_different_collectives_are_found_out(monkeypatch):
    monkeypatch.setattr(streams, "PATIENCE", 5.0)
    name, raised = nccl.get_unique_id(), []

    def rank(r):
        comm = nccl.NcclCommunicator(2, name, r)
        x, y = made([1.0, 2.0]), made([0.0] * 4)
        try:
            if r:
                comm.allReduce(x.data.ptr, y.data.ptr, 2, F8, SUM, 0)
            else:
                comm.allGather(x.data.ptr, y.data.ptr, 2, F8, 0)
        except AssertionError as error:
            raised.append(str(error))
            other = next(c for k, c in comm._world.ranks.items() if k != r)
            other.abort()

    threads = [threading.Thread(target=rank, args=(r,)) for r in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert "different collectives" in raised[0]


def test_errors_pickle():
    found = pickle.loads(pickle.dumps(nccl.NcclError(6)))
    assert (found.status, str(found)) == (6, str(nccl.NcclError(6)))


def test_the_stand_in_s_modules_have_it():
    assert cuda.MODULES["cupy.cuda.nccl"] is cupy.cuda.nccl is nccl.module
