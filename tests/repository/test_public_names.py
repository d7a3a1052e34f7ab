"""Public modules: how they are imported, what `dir` lists, what a type checker finds."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import operator
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pullback as pb

from .._fresh import processes

ROOT = Path(__file__).resolve().parents[2]

# What each public module holds, by one function or class of it.
MODULES = {
    "backend": "use",
    "compat": "autograd",
    "distributed": "all_reduce",
    "implicit": "root",
    "linalg": "solve",
    "models": "MLP",
    "numpy": "concatenate",
    "optim": "Adam",
    "random": "uniform",
    "scipy": "stats",
    "sparse": "csr_array",
    "special": "erf",
    "train.plots": "curves",
    "train": "fit",
    "tree": "flatten",
    "xp": "sin",
}

# Those that lie deeper in the package: the root has a stub for each. `numpy` and `scipy` have none: a type checker or
# an editor that runs in the root would take a file numpy.pyi there for NumPy itself. It finds
# ``from pullback import numpy as np`` by the imports of the root; ``import pullback.numpy as np`` runs, and is Any.
FACES = ("implicit", "linalg", "random", "sparse", "special", "tree", "xp")

# The modules inside one of them, by one function of each.
INSIDE = {
    "models.kernels": "RBF",
    "optim.proximal": "L1",
    "train.plots": "weights",
    "numpy.fft": "rfft",
    "numpy.linalg": "norm",
    "numpy.random": "default_rng",
    "scipy.integrate": "odeint",
    "scipy.linalg": "cho_solve",
    "scipy.optimize": "minimize",
    "scipy.signal": "convolve",
    "scipy.special": "gammaln",
    "scipy.stats": "norm",
}

WITH_DUNDERS = {"__array_namespace_info__", "__version__"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """What runs a program where pullback is not imported yet, only what it imports of others; gives its error."""
    others = "import numpy, scipy.linalg, scipy.sparse, scipy.special, optree, array_api_compat"
    with processes(others, tmp_path_factory.mktemp("fresh")) as run:
        yield run


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_imported_by_its_public_name_and_is_the_attribute(fresh, name):
    member = MODULES[name]
    code = (
        f"import sys\n"
        f"assert 'pullback' not in sys.modules\n"
        f"import pullback.{name} as module\n"
        f"from pullback.{name} import {member}\n"
        f"import pullback as pb\n"
        f"attribute = pb.{name}\n"
        f"assert module is attribute is pb.{name}\n"
        f"assert {member} is pb.{name}.{member}\n"
    )
    assert fresh(code) == ""


@pytest.mark.parametrize("name", INSIDE)
def test_a_module_inside_another_is_imported_by_its_public_name(fresh, name):
    outer, _, inner = name.partition(".")
    code = (
        f"import pullback.{name} as module\n"
        f"from pullback.{name} import {INSIDE[name]}\n"
        f"import pullback as pb\n"
        f"assert module is pb.{name} is getattr(pb.{outer}, '{inner}')\n"
        f"assert {INSIDE[name]} is module.{INSIDE[name]}\n"
    )
    assert fresh(code) == ""


@pytest.mark.parametrize("name", MODULES)
def test_every_public_module_is_found_without_loading_it_again(name):
    module = operator.attrgetter(name)(pb)
    assert importlib.import_module(f"pullback.{name}") is module
    assert importlib.util.find_spec(f"pullback.{name}").origin == module.__file__


def test_the_namespace_of_an_array_is_that_module():
    assert pb.xp.ones(2).__array_namespace__() is importlib.import_module("pullback.xp")


def _is_space(value: object) -> bool:
    """Whether it is a module of this library, or an extension of the standard, which is an object."""
    module = inspect.ismodule(value) and value.__name__.startswith("pullback")
    return module or type(value).__name__ == "Extension"


# Modules that repeat another library's, which says what is in them: they are not gone through.
MIRRORS = ("compat",)


def _every_space() -> dict[str, Any]:
    """The public modules, and the modules and extensions that they list in turn."""
    found: dict[str, Any] = {"pullback": pb}
    queue = [("", pb)]
    while queue:
        prefix, space = queue.pop()
        for name in dir(space):
            value = getattr(space, name, None)
            if _is_space(value) and not any(value is other for other in found.values()):
                found[prefix + name] = value
                if name not in MIRRORS:
                    queue.append((f"{prefix}{name}.", value))
    return found


SPACES = _every_space()
# Modules that are listed in another one; the public ones are in `MODULES`.
INNER = {"autograd", "xp.fft", "xp.linalg", *INSIDE}


def test_every_public_module_is_known_here():
    """A new one wants a row in `MODULES`, its stub in the root, and what the tests below ask of it."""
    known = [operator.attrgetter(name)(pb) for name in MODULES]
    for name in set(SPACES) - {"pullback", *INNER}:
        assert any(SPACES[name] is module for module in known), f"{name}: no row in MODULES"


@pytest.mark.parametrize("module_name", SPACES)
def test_dir_lists_what_is_public_and_nothing_else(module_name):
    space = SPACES[module_name]
    names = dir(space)
    assert len(set(names)) == len(names)
    public = set(getattr(space, "__all__", ()))
    assert set(names) >= public
    private = [name for name in names if name.startswith("_")]
    assert set(private) <= WITH_DUNDERS
    missing = (
        getattr(space, "_ESTIMATORS", ()) if importlib.util.find_spec("sklearn") is None else ()
    )
    for name in set(names) - set(missing):
        value = getattr(space, name)
        # what is listed belongs here, and is not what a file happens to import
        if inspect.ismodule(value):
            assert name in public or any(value is other for other in SPACES.values()), name
        elif (inspect.isroutine(value) or inspect.isclass(value)) and name not in public:
            assert value.__module__.startswith("pullback."), f"{name} is {value.__module__}'s"


# HIPS autograd's modules, whose names people import.
OF_HIPS = """
builtins core differential_operators extend misc misc.fixed_points misc.flatten misc.optimizers misc.tracers numpy
numpy.fft numpy.linalg numpy.random scipy scipy.integrate scipy.linalg scipy.signal scipy.special scipy.stats test_util
tracer util wrap_util
""".split()  # noqa: SIM905 - a table


@pytest.mark.parametrize("name", OF_HIPS)
def test_dir_of_the_mirrors_of_hips_autograd_is_their_list(name):
    module = importlib.import_module(f"pullback.compat.autograd.{name}")
    assert dir(module) == sorted(set(module.__all__))
    for member in dir(module):
        assert hasattr(module, member)


def test_dir_lists_the_estimators():
    assert {"MLPClassifier", "LinearRegression", "Ridge", "TreeReductionClassifier"} <= set(
        dir(pb.train)
    )


def test_dir_of_the_root_lists_every_module():
    for name in MODULES:
        home, _, last = name.rpartition(".")
        assert last in dir(operator.attrgetter(home)(pb) if home else pb)


def test_the_root_holds_the_entry_points_and_faces_alone():
    assert {p.name for p in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "_environment.py"}


def test_the_stubs_of_the_root_are_faces():
    """Imports alone, of names that the module of that name has; a new stub has its row above."""
    assert {p.stem for p in ROOT.glob("*.pyi")} == set(FACES)
    for name in FACES:
        body = ast.parse((ROOT / f"{name}.pyi").read_text()).body
        for statement in body:
            docstring = isinstance(statement, ast.Expr)
            lookup = isinstance(statement, ast.FunctionDef) and statement.name == "__getattr__"
            assert docstring or lookup or isinstance(statement, ast.ImportFrom)
        (home,) = {s.module for s in body if isinstance(s, ast.ImportFrom) and s.level}
        assert getattr(pb, name) is importlib.import_module(f"pullback.{home}")


USER = """
import pullback as pb
import pullback.xp as xp
from pullback import linalg
from pullback import numpy as np
from pullback.implicit import root
from pullback.linalg import SingularMatrixError, cg, solve
from pullback.models import MLP
from pullback.optim import Adam
from pullback.random import key, uniform
from pullback.sparse import csr_array
from pullback.special import erf, softmax
from pullback.train import fit
from pullback.tree import flatten

x: pb.Array = xp.sin(xp.ones(3))
y: pb.Array = uniform(key(0), (3,))
z: pb.Array = pb.xp.linalg.norm_of_nothing(x)
w: pb.Array = np.concatenate([x, np.zeros(3)]).sum(axis=0)
matrix: csr_array = linalg.nothing
key(seed="a word")
"""
ERRORS = ["norm_of_nothing", "nothing", "key"]


def test_a_type_checker_finds_them(tmp_path):
    """mypy of a user's file: the imports resolve, and what is wrong with their use is found."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "user.py").write_text(USER)
    site = Path(pb.__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", "--ignore-missing-imports",
         "--cache-dir", str(tmp_path / "cache"), "user.py"],
        cwd=tmp_path, env={**os.environ, "MYPYPATH": str(site)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in run.stdout.splitlines() if ": error:" in line]
    assert len(lines) == len(ERRORS), run.stdout + run.stderr
    for line, name in zip(lines, ERRORS, strict=True):
        assert f'"{name}"' in line, run.stdout
