"""The meeting of the package with CuPy, and its errors where CuPy or a device is missing; no GPU is needed."""

from __future__ import annotations

import operator
import os
import re
import subprocess
import sys

import array_api_compat
import numpy as np
import pytest

import pullback as pb

from ... import standin


def _over_host_memory(values: np.ndarray):
    """A `cupy.ndarray` whose memory is the host's: no kernel can run on it, but Python can."""
    import cupy

    memory = cupy.cuda.UnownedMemory(values.ctypes.data, values.nbytes, values, 0)
    pointer = cupy.cuda.MemoryPointer(memory, 0)
    return cupy.ndarray(values.shape, values.dtype, memptr=pointer)


@pytest.mark.cupy
@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
)
def test_a_cupy_operand_on_the_left_leaves_the_operator_to_us(name, monkeypatch):
    """CuPy asks for `__array_ufunc__`: None sends it to `__rmul__`, a method is called itself."""
    x = pb.xp.asarray(np.ones(3, np.float32))
    left = _over_host_memory(np.ones(3, np.float32))

    def reflected(self, other):
        return self is x and other is left

    def ufunc(self, function, method, *inputs, **options):
        return self is x and inputs[0] is left and inputs[1] is x and not options

    monkeypatch.setattr(pb.Array, f"__r{name}__", reflected)
    if pb.Array.__array_ufunc__ is not None:
        monkeypatch.setattr(pb.Array, "__array_ufunc__", ufunc)
    assert getattr(operator, name)(left, x) is True


@pytest.mark.cupy
def test_cupy_cannot_mistake_our_array_for_its_own():
    """With either of these CuPy would read a traced array's buffer, and cut its gradient."""
    for name in ("__cuda_array_interface__", "__cupy_get_ndarray__"):
        assert not hasattr(pb.Array, name)


@pytest.mark.cupy
def test_the_methods_that_we_call_are_there():
    import cupy

    for name in ("get", "flags", "data", "device", "astype", "reshape", "ravel", "fill", "mT"):
        assert hasattr(cupy.ndarray, name), name
    assert array_api_compat.is_cupy_array(_over_host_memory(np.ones(3, np.float32)))


def _python(code: str, tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


ASK = """
import pullback as pb
try:
    pb.backend.current()
except pb.backend.BackendError as error:
    print(error)
"""


@pytest.mark.cupy
@pytest.mark.parametrize("device", ["", "0"])
def test_no_device_is_one_clear_line(tmp_path, device):
    """Also on a machine with a GPU: CUDA_VISIBLE_DEVICES hides it."""
    run = _python(
        ASK, tmp_path, PULLBACK_BACKEND="cupy", PULLBACK_DEVICE=device, CUDA_VISIBLE_DEVICES=""
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.strip().splitlines()
    assert len(lines) == 1, run.stdout
    assert re.search(r"(?i)driver|device", lines[0])
    assert "PULLBACK_BACKEND" in lines[0] or "numpy" in lines[0]


def test_no_cupy_is_one_clear_line(tmp_path):
    code = f"import sys; sys.modules['cupy'] = None\n{ASK}"
    run = _python(code, tmp_path, PULLBACK_BACKEND="cupy")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.strip().splitlines()
    assert len(lines) == 1, run.stdout
    assert re.search(r"pullback\[cuda1[23]\]|cupy-cuda1[23]x", lines[0])


def test_auto_falls_back_to_numpy(tmp_path):
    code = "import pullback as pb; b = pb.backend.current(); print(b.name, '|', b.reason)"
    run = _python(code, tmp_path, PULLBACK_BACKEND="auto", CUDA_VISIBLE_DEVICES="")
    assert run.returncode == 0, run.stderr
    name, _, reason = run.stdout.partition("|")
    assert name.strip() == "numpy"
    assert reason.strip()


def test_an_unknown_backend_is_one_clear_line(tmp_path):
    run = _python(ASK, tmp_path, PULLBACK_BACKEND="cuda")
    assert run.returncode == 0, run.stderr
    assert re.search(r"cuda.*auto.*numpy.*cupy", run.stdout)


@pytest.mark.parametrize("most", [1 << 27, 8])
@pytest.mark.parametrize(("n", "m"), [(9, 4), (4, 9), (1, 1), (5, 1)])
def test_a_convolution_keeps_nan_and_small_sums_where_they_are(n, m, most, monkeypatch):
    backend = standin.backend()
    convolve = backend.xp.convolve
    monkeypatch.setitem(convolve.__globals__, "CONVOLVED", most)
    a, b = np.geomspace(1e-12, 1e12, n), np.linspace(1.0, 2.0, m)
    out = convolve(backend.asarray(a), backend.asarray(b)).get()
    np.testing.assert_allclose(out, np.convolve(a, b), rtol=1e-14)
    a[-1] = np.nan
    out = convolve(backend.asarray(a), backend.asarray(b)).get()
    np.testing.assert_array_equal(np.isnan(out), np.isnan(np.convolve(a, b)))
    with pytest.raises(ValueError, match="empty"):
        convolve(backend.asarray(a), backend.asarray(np.zeros(0)))


@pytest.mark.parametrize(
    ("low", "high"),
    [(-5, 1000), (1, 2), (None, 2), (1, None), (None, None), (np.int64(-5), np.int64(1000))],
)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint64", "float32"])
def test_bounds_of_a_clip(dtype, low, high):
    """A bound that the dtype cannot hold is none, as a number and as an array: cast, −5 would be 251."""
    backend, x = standin.backend(), np.asarray([0, 1, 3], dtype)
    given = (backend.asarray(b) if hasattr(b, "dtype") else b for b in (x, low, high))
    out = backend.xp.clip(*given)
    assert out.dtype == dtype
    least, largest = (-np.inf if low is None else low), (np.inf if high is None else high)
    np.testing.assert_array_equal(out.get(), [min(max(v, least), largest) for v in (0, 1, 3)])
