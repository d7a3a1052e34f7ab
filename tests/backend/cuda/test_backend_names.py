"""Every CuPy name and call of the backend, looked up in the installed CuPy. Needs no GPU."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

BACKEND = Path(__file__).parents[3] / "backend" / "cuda"
# those that are given `cupy` or import it
FILES = sorted(
    path.relative_to(BACKEND).as_posix()
    for path in BACKEND.rglob("*.py")
    if "cupy" in path.read_text(encoding="utf-8")
)
GIVEN = {
    "cupy": "cupy",
    "driver": "cupy_backends.cuda.api.driver",
}  # modules that come as arguments


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What each local name of a CuPy module stands for: {"cupy": "cupy", "sp": "cupyx.scipy"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.arg in GIVEN:
            names[node.arg] = GIVEN[node.arg]
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in ("cupy", "cupyx", "cupy_backends"):
                    first = alias.name.split(".")[0]
                    names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module.split(".")[0] in ("cupy", "cupyx", "cupy_backends"):
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif node.module == "array_api_compat":
                for alias in node.names:
                    if alias.name == "cupy":
                        names[alias.asname or alias.name] = "array_api_compat.cupy"
    return names


def _chain(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """The dotted name of an attribute chain on a CuPy module, or None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        if (
            node.attr in GIVEN
            and isinstance(node.value, ast.Name)
            and node.value.id in ("self", "runtime")
        ):
            node = ast.Name(node.attr)  # kept by an object
            break
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in aliases:
        return ".".join([aliases[node.id], *reversed(parts)])
    return None


def _used(tree: ast.Module) -> tuple[set[str], list[tuple[str, ast.Call]]]:
    """Every CuPy name of a file, and every call of one."""
    aliases, names, calls = _aliases(tree), set(), []
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        whole = isinstance(node, ast.Attribute | ast.Name) and id(node) not in inner
        if whole and (name := _chain(node, aliases)) is not None:
            names.add(name)
        if isinstance(node, ast.Call) and (name := _chain(node.func, aliases)) is not None:
            calls.append((name, node))
    return names, calls


def _look_up(name: str):
    """The object that a dotted name stands for, importing modules on the way."""
    parts = name.split(".")
    found = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:i]))
        found = getattr(found, part)
    return found


def _bind(function, call: ast.Call) -> str:
    """Why a call does not fit a function's signature; empty if it fits or cannot be inspected."""
    star = any(isinstance(a, ast.Starred) for a in call.args)
    if star or any(k.arg is None for k in call.keywords):
        return ""
    if "ufunc" in type(function).__name__:
        known = {"out", "dtype", "casting", "where", "axis", "keepdims"}
        wrong = {k.arg for k in call.keywords} - known
        return f"a ufunc takes no {', '.join(sorted(wrong))}" if wrong else ""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code that does not say
        return ""
    try:
        signature.bind(*[None] * len(call.args), **{k.arg: None for k in call.keywords})
    except TypeError as error:
        return f"{error}: the signature is {signature}"
    return ""


USED = [_used(ast.parse((BACKEND / file).read_text())) for file in FILES]
NAMES = set().union(*(names for names, _ in USED))
CALLS = [call for _, calls in USED for call in calls]


# These load CUDA's libraries, which are not here: that they are installed is what can be seen.
NEED_CUDA = (
    "cupy_backends.cuda.libs.cublas", "cupy_backends.cuda.libs.cusolver", "cupyx.scipy.linalg",
    "cupy.cuda.nccl",  # tests/cuda/test_nccl.py looks into it
)  # fmt: skip


@pytest.mark.cupy
@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_exists(name):
    if name in NEED_CUDA:
        assert importlib.util.find_spec(name) is not None
    else:
        _look_up(name)


@pytest.mark.cupy
@pytest.mark.parametrize(("name", "call"), CALLS, ids=[f"{n}:{c.lineno}" for n, c in CALLS])
def test_every_call_fits_its_signature(name, call):
    assert _bind(_look_up(name), call) == ""


@pytest.mark.cupy
def test_what_compiled_programs_use_of_cupys_objects():
    """Attributes of what CuPy returns, which no dotted name shows."""
    import cupy

    for owner, names in {
        cupy.RawModule: "get_function",
        cupy.RawKernel: "kernel",
        cupy.cuda.function.Function: "ptr",
        cupy.cuda.Stream: "begin_capture end_capture synchronize wait_event",
        cupy.cuda.Graph: "launch",
        cupy.cuda.Event: "record synchronize",
        cupy.cuda.MemoryPointer: "ptr copy_from_host_async __add__",
    }.items():
        for name in names.split():
            assert hasattr(owner, name), (owner, name)


def test_the_stand_in_for_cublaslt_takes_what_nvmath_python_takes():
    """Each function of its bindings that is called, with as many arguments; the numbers of its constants."""
    lt = pytest.importorskip(
        "nvmath.bindings.cublasLt", reason="nvmath-python is not installed", exc_type=ImportError
    )
    from pullback.backend.cuda import cublaslt

    from ._cublas import LtLibrary

    for name in [n for n in vars(LtLibrary) if not n.startswith("_") and n.islower()]:
        ours = inspect.signature(getattr(LtLibrary(), name)).parameters.values()
        theirs = inspect.signature(getattr(lt, name))
        theirs.bind(*[None] * len(theirs.parameters))
        if not any(p.kind is p.VAR_POSITIONAL for p in ours):
            assert len(ours) == len(theirs.parameters), name
    assert issubclass(lt.cuBLASLtError, Exception)
    names = {"": "DEFAULT", "bias": "BIAS", "relu_bias": "RELU_BIAS", "relu_bias_mask": "RELU_AUX_BIAS",
             "relu_vjp_bias_vjp": "DRELU_BGRAD"}  # fmt: skip
    assert all(cublaslt.EPILOGUES[ours] == lt.Epilogue[theirs] for ours, theirs in names.items())
    attributes = lt.MatmulDescAttribute
    assert cublaslt.TRANSA == attributes.TRANSA
    assert cublaslt.EPILOGUE == attributes.EPILOGUE
    assert cublaslt.BIAS_POINTER == attributes.BIAS_POINTER
    assert cublaslt.AUX_POINTER == attributes.EPILOGUE_AUX_POINTER
    assert cublaslt.AUX_LD == attributes.EPILOGUE_AUX_LD


def test_the_stand_in_for_cudss_takes_what_nvmath_python_takes():
    advanced = pytest.importorskip(
        "nvmath.sparse.advanced", reason="nvmath-python is not installed", exc_type=ImportError
    )
    from ._sparse import DirectSolver

    for name in ("__init__", "plan", "reset_operands", "factorize", "solve", "free"):
        theirs = inspect.signature(getattr(advanced.DirectSolver, name)).parameters
        ours = inspect.signature(getattr(DirectSolver, name)).parameters
        assert set(ours) <= set(theirs), name
        assert [p for p in theirs if theirs[p].default is inspect.Parameter.empty] == [
            p for p in ours if ours[p].default is inspect.Parameter.empty
        ]
    assert isinstance(advanced.DirectSolver.factorization_info, property)


def test_the_reading_of_names_and_calls():
    """The checker itself: wrong names and wrong keywords are found, right ones are not."""
    source = """
import cupy
import cupyx.scipy.linalg as la
from cupyx.scipy import sparse as sp
cupy.linalg.solve(a, b)
la.lu_factor(a, nonsense=1)
x = cupy.no_such_name
sp.csr_matrix(a)
cupy.add(a, b, axes=1)
"""
    names, calls = _used(ast.parse(source))
    assert names >= {"cupy.linalg.solve", "cupyx.scipy.linalg.lu_factor", "cupy.no_such_name"}
    assert "cupyx.scipy.sparse.csr_matrix" in names
    assert [name for name, _ in calls][:2] == ["cupy.linalg.solve", "cupyx.scipy.linalg.lu_factor"]
    by_name = dict(calls)
    assert "nonsense" in _bind(
        lambda a, overwrite_a=False: 0, by_name["cupyx.scipy.linalg.lu_factor"]
    )
    assert _bind(lambda a, b: 0, by_name["cupy.linalg.solve"]) == ""
    assert "axes" in _bind(np.add, by_name["cupy.add"])


@pytest.mark.cupy
def test_a_missing_name_is_an_error():
    with pytest.raises((AttributeError, ImportError)):
        _look_up("cupy.no_such_name")


def _standard() -> list[tuple[str, str]]:
    strict = pytest.importorskip("array_api_strict", reason="there is no second library")
    rows = []
    for extension, space in (("", strict), ("linalg", strict.linalg), ("fft", strict.fft)):
        module = space.__name__
        for name, function in vars(space).items():
            own = inspect.isfunction(function) and function.__module__.startswith(
                module if extension else "array_api_strict."
            )
            if (
                own
                and not name.startswith(("_", "requires_"))
                and "array_api_strict_flags" not in name
            ):
                rows.append((extension, name))
    return rows


STANDARD = _standard()


def test_the_standard_is_whole():
    """2025.12 counts 136 functions in its main namespace, 25 in linalg and 14 in fft."""
    for extension, count in (("", 130), ("linalg", 23), ("fft", 14)):
        assert len([1 for e, _ in STANDARD if e == extension]) >= count


@pytest.mark.cupy
@pytest.mark.parametrize(("extension", "name"), STANDARD)
def test_the_standard_is_there_with_its_signature(extension, name):
    """array_api_compat.cupy has every function of the standard, and takes its keywords."""
    import array_api_compat.cupy as cupy_space
    import array_api_strict as strict

    theirs, space = strict, cupy_space
    if extension:
        theirs, space = getattr(strict, extension), getattr(cupy_space, extension)
    function = getattr(space, name)
    if "ufunc" in type(function).__name__:
        return  # elementwise: arrays by position, which is all that the standard asks of them
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    parameters = inspect.signature(getattr(theirs, name)).parameters.values()
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    signature.bind(*[None for p in places if p.default is p.empty], **dict.fromkeys(keywords))
