"""Tests of pickle."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ..autograd.transforms._transformed import WAYS, X, ways


def _exceptions() -> list[type[BaseException]]:
    """Every exception class that the package defines, those of the compiled backends aside, which need a device."""
    found: dict[str, type[BaseException]] = {}
    for module in pkgutil.walk_packages(pb.__path__, "pullback."):
        if module.name.split(".")[1] in ("tests", "benchmarks", "tools", "examples", "docs"):
            continue
        if module.name.endswith(("._cupy", ".__main__", "._cli")):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, BaseException) and kind.__module__.startswith("pullback."):
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return [found[name] for name in sorted(found)]


SETTINGS = {
    "ConvergenceError": {"residual": 0.5, "steps": 7, "tolerance": 1e-8},
    "ParseError": {"text": "1 +", "column": 3},
    "Promoted": {"dtype": np.dtype("float32")},
}


EXCEPTIONS = _exceptions()


def test_the_walk_finds_the_public_exceptions():
    names = {kind.__name__ for kind in EXCEPTIONS}
    assert names >= {
        "BackendError", "ClusterError", "CompileError", "ConvergenceError", "InputError", "MissingExtra",
        "MissingRuleError",
        "NotPositiveDefiniteError", "RuleError", "SearchError", "SingularMatrixError", "StructureError", "TraceError",
        "WriteError",
    }  # fmt: skip


@ways
@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_exceptions(kind, way):
    error = kind("what went wrong", **SETTINGS.get(kind.__name__, {}))
    error.add_note("where")
    again = way(error)
    assert type(again) is kind
    assert again.args == error.args
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@ways
def test_an_error_that_a_solver_raised(way):
    A = np.diag([1.0, 1e3, 1e6, 1e9]) + 1.0
    with pytest.raises(pb.linalg.ConvergenceError) as caught:
        pb.linalg.cg(A, np.ones(4), maxiter=2)
    again = way(caught.value)
    assert str(again) == str(caught.value)
    for name in ("residual", "steps", "tolerance"):
        assert getattr(again, name) == getattr(caught.value, name)


optim = pb.optim


models = pb.models


RECORDS = {
    **{
        name: getattr(optim, name)(0.1)
        for name in ("SGD", "Adam", "AdamW", "AMSGrad", "NAdam", "RMSprop", "Adagrad", "Lion", "Nesterov")
    },
    "Adadelta": optim.Adadelta(),
    "Constant": optim.Constant(0.1),
    "CosineDecay": optim.CosineDecay(0.1, 10),
    "ExponentialDecay": optim.ExponentialDecay(0.1, 0.9),
    "scheduled": optim.Adam(optim.CosineDecay(0.1, 10)),
    "Clipped": optim.Clipped(optim.Adam(0.1), 1.0),
    "Averaged": optim.Averaged(optim.SGD(0.1)),
    "MLP": lambda: models.MLP([3, 4, 2], seed=0),  # on NumPy, which is active in tests alone
}  # fmt: skip


@ways
@pytest.mark.parametrize("name", RECORDS)
def test_records(name, way):
    record = RECORDS[name]() if name == "MLP" else RECORDS[name]
    again = way(record)
    assert type(again) is type(record)
    assert repr(again) == repr(record)
    if hasattr(record, "init"):
        params, state = again.step({"w": X}, {"w": X}, again.init({"w": X}))
        wanted, _ = record.step({"w": X}, {"w": X}, record.init({"w": X}))
        np.testing.assert_array_equal(params["w"], wanted["w"])
        WAYS["pickle"](state)
    elif callable(record):
        for y, wanted in zip(
            pb.tree.leaves(again(X if name == "MLP" else 3)),
            pb.tree.leaves(record(X if name == "MLP" else 3)),
            strict=True,
        ):
            np.testing.assert_array_equal(pb.to_numpy(y), pb.to_numpy(wanted))


PROGRAM = """
import multiprocessing, sys
import numpy as np
import pullback as pb

def f(x):
    return pb.xp.sum(x ** 2)

@pb.compile
@pb.grad
def step(x):
    return pb.xp.sum(x ** 2)

def fails(x):
    raise pb.linalg.ConvergenceError("no end", residual=float(x), steps=3, tolerance=0.5)

def apply(function, x):
    return function(x)

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        x = np.asarray([1.0, 2.0])
        for g in (pb.grad(f), pb.compile(pb.grad(f), fast=False), step):
            print(pool.map_async(g, [x, x + 1]).get(50))
            print(pool.apply_async(apply, (g, x)).get(50))
        try:
            pool.map_async(fails, [0.25]).get(50)
        except pb.linalg.ConvergenceError as error:
            print(error, error.residual, error.steps, error.tolerance)
"""


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_a_pool_of_processes(start, tmp_path):
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {start}")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", str(script), start],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:-1] == ["[array([2., 4.]), array([4., 6.])]", "[2. 4.]"] * 3
    assert lines[-1] == "no end 0.25 3 0.5"


@ways
@pytest.mark.parametrize("maxiter", [1, 9])
def test_how_an_iteration_ended_is_copied(way, maxiter):
    A, b = np.asarray([[4.0, 1.0], [1.0, 3.0]]), np.asarray([1.0, 2.0])
    _, info = pb.linalg.cg(A, b, maxiter=maxiter, check=False)
    again = way(info)
    assert type(again) is type(info)
    assert again == info
    assert vars(again) == vars(info)
    assert info.converged == (maxiter == 9)
