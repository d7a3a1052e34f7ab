"""What `import pullback` loads, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

# import names of all that is optional
EXTRAS = (
    "array_api_strict",
    "bokeh",
    "cupy",
    "cupyx",
    "hypothesis",
    "matplotlib",
    "numba",
    "pytest",
    "rich",
    "safetensors",
    "sklearn",
    "typer",
)


def _loaded(statement: str, cwd, **environment: str) -> set[str]:
    """The top-level modules of a fresh interpreter after a statement."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize("choice", ["auto", "numpy", "cupy", "nonsense"])
def test_import_loads_no_extras(tmp_path, choice):
    """Nor does it look at the environment's backend: a wrong one is an error when it is used."""
    loaded = _loaded("import pullback", tmp_path, PULLBACK_BACKEND=choice)
    assert loaded.isdisjoint(EXTRAS), loaded.intersection(EXTRAS)
    assert "pullback.train" not in loaded


LATER = (
    "autograd.compile",
    "autograd.numpy.arrays",
    "autograd.numpy.methods",
    "autograd.numpy.ndarray",
    "autograd.numpy.protocols",
    "autograd.numpy.sections",
    "autograd.scipy.integrate.ode",
    "autograd.scipy.linalg.basic",
    "autograd.scipy.optimize.minima",
    "autograd.scipy.stats.continuous",
    "compat",
)


@pytest.mark.parametrize("program", [
    "import pullback",
    "import pullback as pb; pb.grad(lambda x: pb.xp.sum(x * x) + x[0])(pb.xp.ones(3))",
    "import pullback as pb, pullback.numpy as np, pullback.numpy.linalg, pullback.scipy.stats",
])  # fmt: skip
def test_what_is_loaded_on_first_use(tmp_path, program):
    loaded = _loaded(program, tmp_path)
    assert "pullback" in loaded
    assert loaded.isdisjoint(f"pullback.{name}" for name in LATER)


# Of other libraries: what takes longer to load than all of ours.
SLOW = (
    "array_api_compat.numpy",
    "numpy.f2py",
    "numpy.testing",
    "scipy.linalg",
    "scipy.sparse",
    "scipy.special",
)
# A step of training, with PULLBACK_BACKEND=numpy.
STEP = """
import numpy as np, pullback as pb
model, opt = pb.models.MLP([4, 5, 3], seed=0), pb.optim.Adam(1e-3)
state = opt.init(model)
x, labels = np.ones((2, 4), "float32"), np.asarray([0, 1])
value, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), labels))(model)
opt.step(model, grads, state)
pb.hessian(lambda x: pb.xp.sum(pb.xp.tanh(x) ** 3))(np.ones(3))
"""


@pytest.mark.parametrize("program", ["import pullback", STEP])
def test_slow_modules_are_loaded_when_something_of_them_is_used(tmp_path, program):
    loaded = _loaded(program, tmp_path, PULLBACK_BACKEND="numpy")
    assert loaded.isdisjoint(SLOW), loaded.intersection(SLOW)
    assert loaded.isdisjoint({"html.entities", "socket", "pullback.backend.generic.dask.namespace"})
    assert ("pullback.models" in loaded) == (program is STEP)


def test_import_generates_few_functions(tmp_path):
    """The 260 primitives are there; their signatures are read, and their functions made, when they are first used."""
    code = """
from pullback.autograd.core.registry import REGISTRY
made = [p.name for p in REGISTRY.values() if p.function is not None]
read = [p.name for p in REGISTRY.values() if "stub" in vars(p)]
print(len(REGISTRY) > 200, len(made) < 12, len(read) < 20, "exp" in made, made, read)
import pullback as pb
pb.xp.exp(pb.xp.ones(2))
print(REGISTRY["exp"].function is not None, REGISTRY["exp"].positional)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("True True True False"), first
    assert second == "True ('x',)"


def test_training_is_loaded_on_demand(tmp_path):
    """The names of `train` are there; its libraries are not until they are used."""
    loaded = _loaded("import pullback.train", tmp_path)
    assert loaded.isdisjoint({"sklearn", "matplotlib", "numba", "cupy"})


def test_the_root_holds_only_public_names():
    import pullback

    assert sorted(set(pullback.__all__)) == sorted(pullback.__all__)
    for name in pullback.__all__:
        assert getattr(pullback, name) is not None
    assert set(pullback.__all__) <= set(dir(pullback))
    assert pullback.__version__


def test_star_import_gives_what_all_lists():
    names: dict = {}
    exec("from pullback import *", names)
    import pullback

    assert set(pullback.__all__) <= set(names)


def test_import_time_is_printed(tmp_path):
    """Not asserted: `benchmarks/` measures it; here for whoever reads the log with -rP."""
    seconds = []
    for statement in ("import numpy, scipy.linalg, scipy.sparse", "import pullback"):
        start = time.perf_counter()
        _loaded(statement, tmp_path)
        seconds.append(time.perf_counter() - start)
    print(f"numpy and scipy {seconds[0]:.2f} s, pullback {seconds[1]:.2f} s")


@pytest.mark.parametrize("before", ["", "import numpy; "])
def test_what_openblas_reads_is_set_only_before_numpy_loads(before):
    code = f"{before}import pullback, os; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == ["None" if before else "20"]


def test_the_users_own_setting_of_openblas_stays():
    code = "import pullback, os; print(os.environ['OPENBLAS_THREAD_TIMEOUT'])"
    environment = {**os.environ, "OPENBLAS_THREAD_TIMEOUT": "26"}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == ["26"]
