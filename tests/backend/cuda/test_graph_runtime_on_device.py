"""Compiled programs on a CUDA device: launches, graphs, every way of multiplying, batches, training steps."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.backend import backend_of
from pullback.backend.common import trials
from pullback.backend.common.launches import (
    BLOCK,
    EPILOGUES,
    Address,
    Launch,
    Matrix,
    Product,
    mask_bytes,
)
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import cublaslt as _cublaslt
from pullback.backend.cuda import graph_runtime as _cuda_programs

from ._graph_runtime import (
    RNG,
    cupy,  # noqa: F401 - a fixture
)

pytestmark = pytest.mark.gpu
ADD = """
extern "C" __global__ void add(const double* x, double* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] += x[i];
}
"""
N = 256
STEP = Launch("add", ADD, (2, 1, 1), (N // 2, 1, 1), (Address(0), Address(1)))


@pytest.fixture
def runtime(cupy):  # noqa: F811 - a fixture
    """Of the backend."""
    return backend_of(cupy.zeros(1)).programs


def _runtime(cupy, monkeypatch, way):  # noqa: F811 - a fixture
    """A runtime that multiplies in one way."""
    if way == "lt" and not _cublaslt.installed():
        pytest.skip("nvmath-python is not installed")
    monkeypatch.setenv("PULLBACK_CUBLAS", way)
    from cupy_backends.cuda.api import driver

    return _cuda_programs.bind(cupy, driver)


@pytest.mark.parametrize("graphs", ["", "0", "1"])
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_every_call_has_its_effect_once(cupy, runtime, monkeypatch, graphs, moving):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", graphs)
    segment = runtime.segment([STEP, STEP], runtime.memory(256), 2, ["in", "inout"])
    xs, y = [cupy.full(N, float(i)) for i in range(20)], cupy.zeros(N)
    wanted = 0.0
    for i in range(20):
        segment(xs[i if moving else 1], y)
        wanted += 2.0 * (i if moving else 1)
        assert cupy.asnumpy(y).tolist() == [wanted] * N
    if graphs == "1":
        assert segment.mode == "graph"


def test_words_are_taken_when_the_call_returns(cupy, runtime):  # noqa: F811 - a fixture
    host, out = np.arange(70) - 2**62, cupy.zeros(71, "int64")
    wanted = [*host, 0]
    runtime.upload(out, host)
    host[:] = 0
    assert cupy.asnumpy(out).tolist() == wanted


def test_a_thread_that_only_launches_kernels_has_a_context(cupy, runtime, monkeypatch):  # noqa: F811 - a fixture
    monkeypatch.setenv("PULLBACK_GRAPHS", "0")
    segment = runtime.segment([STEP], runtime.memory(256), 2, ["in", "inout"])
    x, y = cupy.ones(N), cupy.zeros(N)
    thread = threading.Thread(target=segment, args=(x, y))
    thread.start()
    thread.join()
    assert cupy.asnumpy(y).tolist() == [1.0] * N


def test_the_block_and_another_stream(cupy, runtime):  # noqa: F811 - a fixture
    """The block at an offset, and a call on another stream right after one."""
    inner = dataclasses.replace(STEP, addresses=(Address(0), Address(BLOCK, 512)))
    out = dataclasses.replace(STEP, addresses=(Address(BLOCK, 512), Address(1)))
    block = runtime.memory(512 + 8 * N)
    block[...] = 0
    segment = runtime.segment([inner, out], block, 2, ["in", "inout"])
    x, y = cupy.ones(N), cupy.zeros(N)
    segment(x, y)
    other = cupy.cuda.Stream(non_blocking=True)
    with other:
        segment(x, y)
    other.synchronize()
    assert cupy.asnumpy(y).tolist() == [3.0] * N
    assert cupy.asnumpy(runtime.view(block, 512, (N,), "float64")).tolist() == [2.0] * N


def _operand(cupy, host, operands):  # noqa: F811 - a fixture
    return cupy.asarray(_cublas._narrow(np.ascontiguousarray(host), operands))


@pytest.mark.parametrize("graphs", ["0", "1"])
@pytest.mark.parametrize("operands", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("code", [0, 1, 2, 4, 7])
@pytest.mark.parametrize("way", ["lt", "cublas", "cupy"])
def test_products(cupy, monkeypatch, way, code, batch, operands, graphs):  # noqa: F811 - a fixture
    """Against NumPy in float64, transposed and not."""
    monkeypatch.setenv("PULLBACK_GRAPHS", graphs)
    runtime = _runtime(cupy, monkeypatch, way)
    m, n, k = 48, 80, 32
    dtype = "float64" if operands == "float64" else "float32"
    A, B = RNG.normal(size=(batch, m, k)), RNG.normal(size=(batch, k, n))
    A, B = ((x.astype("float32").view("uint32") & 0xFFFF0000).view("float32") for x in (A, B))
    if operands == "float16":
        A, B = (x.astype("float16").astype("float32") for x in (A, B))
    turned = [bool(code >> i & 1) for i in range(3)]
    a, b = (np.swapaxes(x, 1, 2) if t else x for x, t in zip((A, B), turned, strict=False))
    c = cupy.zeros((batch, n, m) if turned[2] else (batch, m, n), dtype)
    arrays = [_operand(cupy, a, operands), _operand(cupy, b, operands), c]
    matrices = [
        Matrix(Address(i), x.shape[2], t, x[0].size)
        for i, (x, t) in enumerate(zip(arrays, turned, strict=True))
    ]
    product = Product(m, n, k, *matrices, dtype, operands, batch=batch)
    segment = runtime.segment([product], runtime.memory(256), 3, ["in", "in", "out"])
    for _ in range(3):
        c[...] = 0
        segment(*arrays)
    got = cupy.asnumpy(c)
    got = np.swapaxes(got, 1, 2) if turned[2] else got
    wanted = A.astype("float64") @ B.astype("float64")
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
    assert runtime.way(product).name == {"lt": "cuBLASLt", "cublas": "cuBLAS", "cupy": "CuPy"}[way]


@pytest.mark.parametrize("epilogue", EPILOGUES[1:])
def test_epilogues_of_cublaslt(cupy, monkeypatch, epilogue):  # noqa: F811 - a fixture
    """The runtime's own check, whose answer is here in the message if it is not empty."""
    way = _runtime(cupy, monkeypatch, "lt").ways[0]
    product = _cublas.sample(epilogue)
    assert _cublas.disagrees(cupy, way, product, lambda n: cupy.empty(n, "uint8")) == ""


def _step_of(optimiser):
    def step(model, state, x, y):
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = optimiser.step(model, grads, state)
        return model, state, loss

    return step


def _copy(tree):
    return pb.tree.map(lambda x: x.copy() if hasattr(x, "copy") else x, tree)


@pytest.mark.parametrize("graphs", ["", "0", "1"])
@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
@pytest.mark.parametrize("optimiser", ["SGD", "Adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_equals_eager(cupy, monkeypatch, dtype, optimiser, donate, graphs):  # noqa: F811 - a fixture
    """20 steps, by which a trial has decided and a forced graph is captured."""
    monkeypatch.setenv("PULLBACK_GRAPHS", graphs)
    model = pb.models.MLP([24, 64, 33, 10], activation="relu", seed=3)
    model = pb.tree.map(lambda x: cupy.asarray(x).astype(dtype), model)
    opt = getattr(pb.optim, optimiser)(1e-3)
    x = cupy.asarray(RNG.normal(size=(128, 24)).astype(dtype))
    y = cupy.asarray(RNG.integers(0, 10, 128))
    eager, compiled = _step_of(opt), pb.compile(_step_of(opt), donate_argnums=donate)
    a, b = _copy((model, opt.init(model))), _copy((model, opt.init(model)))
    close = {"rtol": 1e-3, "atol": 5e-4} if dtype == "float32" else {"rtol": 1e-7, "atol": 1e-9}
    for _ in range(20):
        *a, loss = eager(*a, x, y)
        *b, ours = compiled(*b, x, y)
        np.testing.assert_allclose(pb.to_numpy(ours), pb.to_numpy(loss), **close)
    for ours, theirs in zip(pb.tree.leaves(b), pb.tree.leaves(a), strict=True):
        if hasattr(theirs, "shape"):
            np.testing.assert_allclose(pb.to_numpy(ours), pb.to_numpy(theirs), **close)
    assert "device: " in compiled.program()


@pytest.mark.parametrize("sizes", [(128, 128, 64), (1024, 1024, 784)])
@pytest.mark.parametrize("epilogue", ["", *EPILOGUES[1:]])
def test_trials_of_products(cupy, monkeypatch, tmp_path, sizes, epilogue):  # noqa: F811 - a fixture
    """A trial is made without a warning, its answer is kept, and the algorithm it chose is right."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.setattr(trials, "_known", {})
    monkeypatch.delenv("PULLBACK_TUNE", raising=False)
    runtime = _runtime(cupy, monkeypatch, "lt")
    m, n, k = sizes
    product = _cublas.sample(epilogue, m, n, k)
    assert runtime.pays(product) in (True, False) if epilogue else True
    arrays = [RNG.normal(size=s).astype("float32") for s in ((m, k), (k, n), (m, n), (n,))]
    mask = RNG.integers(0, 256, mask_bytes(m, n), dtype="uint8")
    got = []
    for way in runtime.ways[:1] + runtime.ways[-1:]:
        device = [cupy.asarray(x) for x in (*arrays, mask)]
        bound = way.bind(product, runtime.memory(_cublas.WORKSPACE))
        bound.address(*[x.data.ptr for x in device])
        bound.launch(cupy.cuda.get_current_stream().ptr)
        got.append([cupy.asnumpy(x) for x in device[2:4]])
    for ours, theirs in zip(*got, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * k)
    subjects = {subject for subject, _, _ in trials.answers()}
    assert ("epilogues on the GPU" in subjects) == bool(epilogue)
    assert all(min(answer.seconds.values()) > 0 for _, _, answer in trials.answers())


@pytest.mark.parametrize("sizes", [(24, 40, 16), (128, 128, 64), (1024, 1024, 784)])
@pytest.mark.parametrize("epilogue", EPILOGUES)
def test_every_candidate_is_right_and_gives_the_same_bits_twice(cupy, monkeypatch, epilogue, sizes):  # noqa: F811 - a fixture
    """Whichever a trial chooses: NaN comes through, and a later run has the numbers of the first."""
    way = _runtime(cupy, monkeypatch, "lt").ways[0]
    m, n, k = sizes
    product = _cublas.sample(epilogue, m, n, k)
    bound = way.bind(product, cupy.empty(_cublas.WORKSPACE, "uint8"))
    a, b, c, v = (RNG.normal(size=s).astype("float32") for s in (m * k, k * n, m * n, n))
    if epilogue != "relu_vjp_bias_vjp":
        a[3 * k] = np.nan
    bits = RNG.integers(0, 256, mask_bytes(m, n), dtype="uint8")
    wanted = _cublas._expected(product, a.astype("float64"), b.astype("float64"), c, v, bits)
    for i, plan in enumerate(bound._candidates((256,) * 5)):
        said, runs = f"candidate {i}", []
        for _ in range(2):
            device = [cupy.asarray(x) for x in (a, b, c, v, bits)]
            arguments = bound._arguments(plan, *[x.data.ptr for x in device])
            bound.multiply(*arguments, cupy.cuda.get_current_stream().ptr)
            runs.append([cupy.asnumpy(x) for x in device[2:]])
        for first, second in zip(*runs, strict=True):
            np.testing.assert_array_equal(first, second, err_msg=said)
        np.testing.assert_allclose(runs[0][0], wanted[0], rtol=1e-3, atol=1e-5 * k, err_msg=said)
        atol = 1e-5 * k * m  # a sum over the rows has a row's error, m times
        np.testing.assert_allclose(runs[0][1], wanted[1], rtol=1e-3, atol=atol, err_msg=said)


ASK = """
import hashlib, cupy
from pullback.backend.cuda import cublas, cublaslt, tuning
way = cublaslt.CublasLt(tuner=tuning.Tuner(tuning.Device(cupy)))
for epilogue in ("", "relu_bias_mask", "relu_vjp_bias_vjp"):
    for sizes in ((24, 40, 16), (1024, 1024, 784)):
        bound = way.bind(cublas.sample(epilogue, *sizes), cupy.empty(cublas.WORKSPACE, "uint8"))
        found = bound._candidates((256,) * 5)
        print(bound.form, [hashlib.sha256(bytes(each.algo)).hexdigest() for each in found])
"""


def test_another_process_asks_the_same_question(cupy, monkeypatch):  # noqa: F811 - a fixture
    """So it finds the answer that is kept: its candidates are the same, in the same order, byte by byte."""
    if not _cublaslt.installed():
        pytest.skip("nvmath-python is not installed")
    monkeypatch.setenv("PULLBACK_TUNE", "0")
    said = [
        subprocess.run(
            [sys.executable, "-P", "-c", ASK], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert len(said[0].splitlines()) == 6
    assert said[0] == said[1]
