"""The calls of cuSOLVER in `backend/cuda/factors.py`, held against the installed CuPy. Needs no GPU, and no CUDA.

cuSOLVER's bindings cannot be imported without its library, but their signatures stand in their docstrings, and CuPy's
own Python source makes the same calls.
"""

from __future__ import annotations

import ast
import ctypes
import functools
import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import array_api_compat.numpy
import numpy as np
import pytest
from scipy.linalg import get_lapack_funcs

import pullback as pb
from pullback.backend.cuda import factors as _factors_cupy
from pullback.backend.generic.factors import dense_matrix

FILE = Path(pb.__file__).parent / "backend" / "cuda" / "factors.py"
TREE = ast.parse(FILE.read_text(encoding="utf-8"))


def _routines() -> dict[str, int]:
    """Each routine of cuSOLVER that is called, and with how many arguments."""
    found = {}
    for node in ast.walk(TREE):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Call):
            inner = node.func
            if isinstance(inner.func, ast.Name) and inner.func.id == "_routine":
                found[inner.args[1].value] = len(node.args)
    return found


def _root(package: str) -> Path:
    return Path(importlib.util.find_spec(package).submodule_search_locations[0])


def test_the_search_finds_calls():
    assert set(_routines()) == {
        "getrf", "getrf_bufferSize", "getrs", "potrf", "potrf_bufferSize", "potrs",
    }  # fmt: skip


@pytest.mark.cupy
@pytest.mark.parametrize("prefix", list("sdcz"))
@pytest.mark.parametrize("name", sorted(_routines()))
def test_every_routine_is_there_with_as_many_arguments(name, prefix):
    binary = next((_root("cupy_backends") / "cuda" / "libs").glob("cusolver*.so")).read_bytes()
    signature = re.search(rb"\b" + (prefix + name).encode() + rb"\(([^)]*)\)", binary)
    assert signature, f"cuSOLVER's bindings have no {prefix}{name}"
    assert len(signature[1].split(b",")) == _routines()[name]


@pytest.mark.cupy
def test_constants_and_triangular_solves_are_there():
    binary = next((_root("cupy_backends") / "cuda" / "libs").glob("cublas*.so")).read_bytes()
    for name in ("CUBLAS_OP_N", "CUBLAS_OP_T", "CUBLAS_FILL_MODE_UPPER"):
        assert name.encode() in binary
    source = (_root("cupyx") / "scipy" / "linalg" / "_solve_triangular.py").read_text()
    function = next(n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef))
    assert function.name == "solve_triangular"
    taken = {a.arg for a in function.args.args}
    calls = [
        n for n in ast.walk(TREE)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "solve_triangular"
    ]  # fmt: skip
    assert calls
    assert {k.arg for c in calls for k in c.keywords} <= taken


# ── the same calls, on the host ───────────────────────────────────────────────────────────────


class Host(np.ndarray):
    """A NumPy array with what the code asks of CuPy's: `data.ptr` and `get`."""

    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data)

    def get(self):
        return np.asarray(self)


def _made(name):
    return lambda *args, **settings: np.asarray(getattr(np, name)(*args, **settings)).view(Host)


class HostCupy:
    """NumPy under CuPy's name, whose arrays are `Host`."""

    def __getattr__(self, name):
        return getattr(np, name)


for _name in "array empty zeros full arange eye ones asfortranarray concatenate where conj".split():  # noqa: SIM905 - a table
    setattr(HostCupy, _name, staticmethod(_made(_name)))


def _at(pointer, shape, dtype):
    """The memory at a pointer, in column order."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = (ctypes.c_char * size).from_address(pointer)
    return np.frombuffer(memory, dtype).reshape(shape, order="F")


class HostCusolver:
    """cuSOLVER's routines by LAPACK: column order, pivots from 1, a flag instead of an exception."""

    def __getattr__(self, name):
        char = {"s": "f", "d": "d", "c": "F", "z": "D"}[name[0]]
        return functools.partial(getattr(self, "_" + name[1:]), char)

    def _getrf_bufferSize(self, char, handle, m, n, a, lda):
        return 1

    def _getrf(self, char, handle, m, n, a, lda, work, pivots, info):
        lu, places, flag = lapack(char, "getrf")(_at(a, (n, n), char))
        _at(a, (n, n), char)[:], _at(pivots, n, "i")[:], _at(info, 1, "i")[:] = lu, places + 1, flag

    def _getrs(self, char, handle, trans, n, k, a, lda, pivots, b, ldb, info):
        x, _ = lapack(char, "getrs")(
            _at(a, (n, n), char), _at(pivots, n, "i") - 1, _at(b, (n, k), char), trans=trans
        )
        _at(b, (n, k), char)[:] = x

    def _potrf_bufferSize(self, char, handle, uplo, n, a, lda):
        return 1

    def _potrf(self, char, handle, uplo, n, a, lda, work, size, info):
        c, flag = lapack(char, "potrf")(_at(a, (n, n), char), lower=uplo == 0, clean=False)
        _at(a, (n, n), char)[:], _at(info, 1, "i")[:] = c, flag

    def _potrs(self, char, handle, uplo, n, k, a, lda, b, ldb, info):
        x, _ = lapack(char, "potrs")(_at(a, (n, n), char), _at(b, (n, k), char), lower=uplo == 0)
        _at(b, (n, k), char)[:] = x


def lapack(char, name):
    return get_lapack_funcs(name, dtype=np.dtype(char))


def _triangular(a, b, trans, lower, unit_diagonal):
    a = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        a = a - a * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return np.linalg.solve(a.mT if trans == "T" else a, b)


HOST = HostCupy()
LIBRARIES = SimpleNamespace(
    cusolver=HostCusolver(),
    cublas=SimpleNamespace(CUBLAS_OP_N=0, CUBLAS_OP_T=1, CUBLAS_FILL_MODE_UPPER=1),
    device=SimpleNamespace(get_cusolver_handle=lambda: 0),
    linalg=SimpleNamespace(solve_triangular=_triangular),
)
BOUND = _factors_cupy.bind(HOST, lambda: PLAIN, lambda: LIBRARIES)
PLAIN = pb.backend.extend(array_api_compat.numpy, **BOUND)
STRUCTURES = ("general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower")


def _example(structure, dtype, batch):
    """A, and the matrix that `structure` reads from it."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(*batch, 5, 5)) + 4 * np.eye(5)
    A = (A + 1j * rng.normal(size=A.shape) if np.dtype(dtype).kind == "c" else A).astype(dtype)
    A = A @ A.conj().mT if structure == "positive" else A
    return A, dense_matrix(PLAIN, A, structure)


def _check(xp, asarray, to_host, structure, dtype, batch):
    A, whole = _example(structure, dtype, batch)
    rng = np.random.default_rng(1)
    factor = xp.factor(asarray(A), structure=structure)
    tolerance = 2e-4 if np.dtype(dtype).char in "fF" else 1e-10
    for complex_b in (False, True):
        b = rng.normal(size=(*batch, 5, 2)) + (1j * rng.normal(size=(*batch, 5, 2)) if complex_b else 0)  # fmt: skip
        b = b.astype(np.result_type(dtype, np.complex64) if complex_b else dtype)
        for transposed in (False, True):
            v = to_host(factor.solve(asarray(b), transposed))
            np.testing.assert_allclose((whole.mT if transposed else whole) @ v, b, atol=tolerance)
    np.testing.assert_allclose(
        to_host(factor.inverse()), np.linalg.inv(whole), atol=tolerance, rtol=tolerance
    )
    if not (structure.startswith("unit") and batch):
        for mine, theirs in zip(factor.slogdet(), np.linalg.slogdet(whole), strict=True):
            np.testing.assert_allclose(to_host(mine), theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_order_and_transposition_are_right(structure, dtype, batch):
    _check(PLAIN, lambda x: np.array(x).view(Host), np.asarray, structure, dtype, batch)


@pytest.mark.parametrize(
    ("A", "structure", "error", "says"),
    [
        (np.ones((3, 3)), "general", pb.linalg.SingularMatrixError, "pivot 1 "),
        (np.diag([1, 1e-17, 1]), "general", pb.linalg.SingularMatrixError, "about 1.0e\\+17"),
        (np.diag([1.0, -1, 1]), "positive", pb.linalg.NotPositiveDefiniteError, "order 2 "),
        (np.diag([1, 1e-17, 1]), "positive", pb.linalg.SingularMatrixError, "about 1.0e\\+17"),
        (np.diag([1.0, 0]), "upper", pb.linalg.SingularMatrixError, "pivot 1 "),
    ],
)
def test_failures(A, structure, error, says):
    with pytest.raises(error, match=says):
        BOUND["factor"](A.view(Host), structure=structure)
    BOUND["factor"](A.view(Host), structure=structure, check=False)


# ── on a device ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.gpu
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_factors_solve_on_the_device(structure, dtype, batch):
    import cupy

    xp = pb.backend.resolve("cupy").xp
    _check(xp, cupy.asarray, cupy.asnumpy, structure, dtype, batch)


@pytest.mark.gpu
def test_failures_are_the_exceptions_of_numpy():
    import cupy

    ones, indefinite = cupy.ones((3, 3)), cupy.asarray(np.diag([1.0, -1.0, 1.0]))
    with pytest.raises(pb.linalg.SingularMatrixError):
        pb.linalg.solve(ones, cupy.ones(3))
    with pytest.raises(pb.linalg.SingularMatrixError):
        pb.xp.linalg.solve(ones, cupy.ones(3))
    with pytest.raises(pb.linalg.NotPositiveDefiniteError, match="order 2"):
        pb.linalg.solve(indefinite, cupy.ones(3), assume="positive")
    assert not bool(pb.xp.all(pb.xp.isfinite(pb.linalg.solve(ones, cupy.ones(3), check=False))))
