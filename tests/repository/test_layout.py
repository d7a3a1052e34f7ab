"""The layout: who may import whom, no circles between files or folders, no crowded folder, a test for each module.

Imports inside functions count as arrows like all others.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ._tools import load

imports_tool = load("imports")
Import, imports_of = imports_tool.Import, imports_tool.imports_of
circle, files_graph = imports_tool.circle, imports_tool.files_graph
folder_graph, folders_of = imports_tool.folder_graph, imports_tool.folders_of

ROOT = Path(__file__).resolve().parents[2]

# subpackage -> what it may import from
ARROWS = {
    "backend": set(),
    "autograd": {"backend"},
    "compat": {"backend", "autograd"},
    "distributed": {"backend", "autograd"},
    "models": {"backend", "autograd"},
    "optim": {"backend", "autograd"},
    "train": {"backend", "autograd", "distributed", "models", "optim"},
    "playground": {"backend", "autograd", "models", "optim", "train"},
}

# The folders directly in each of these, from the left to the right: one imports from those to its left alone. Folders
# in one tuple do not know each other.
ORDERS: dict[str, list[tuple[str, ...]]] = {
    "backend": [("common",), ("generic",), ("numpy",), ("cuda",), ("select.py",), ("__init__.py",)],
    "autograd": [
        ("pytree",),
        ("core",),
        ("rules",),
        ("functions",),
        ("transforms",),
        ("diagnostics", "solve"),
        ("compile", "linalg.py"),
        ("numpy",),
        ("scipy",),
        ("__init__.py",),
    ],
    "distributed": [
        ("communicators",),
        ("world.py",),
        ("collectives.py", "buckets.py", "partition.py"),
        ("data_parallel.py", "sharded.py"),
        ("__init__.py",),
    ],
    "optim": [("proximal",), ("first_order", "full_batch"), ("__init__.py",)],
}

# Where other subpackages may enter one: its face, and what all of them build on.
ENTRANCES: dict[str, tuple[str, ...]] = {
    "backend": ("backend/__init__.py", "backend/common/"),
    "autograd": (
        "autograd/__init__.py",
        "autograd/linalg.py",
        "autograd/compile/__init__.py",
        "autograd/core/",
        "autograd/pytree/tree.py",
        "autograd/functions/namespace.py",
        "autograd/functions/random.py",
        "autograd/functions/special.py",
        "autograd/numpy/namespace.py",
        "autograd/scipy/__init__.py",
    ),
    "compat": ("compat/__init__.py", "compat/autograd/__init__.py"),
    "distributed": (
        "distributed/__init__.py",
        # functions of its face that are called as their files are
        "distributed/data_parallel.py",
        "distributed/sharded.py",
        "distributed/world.py",
    ),
    "models": ("models/__init__.py", "models/module.py", "models/kernels/__init__.py"),
    "optim": ("optim/__init__.py", "optim/proximal/__init__.py"),
    "train": ("train/__init__.py",),
}

# Other ways in, each with its reason: {(subpackage that imports, imported): why}.
_KERNELS = "programs call the backend's own kernels, past its functions"
_DECOMPOSED = "fused functions are taken apart by their generic formulas"
_ONE_SEARCH = "one core of minimisation serves `argmin` and `minimize`"
_MANY_DERIVATIVES = "full-batch methods take values, gradients and curvature from one tape"
_HANDED_OVER = "gradients are handed over while the sweep goes on"
_STEP_BY_STEP = "full-batch methods are asked for one point after another"
_OWN_SWEEPS = "another convention of arguments and complex numbers: its operators put functions on the tape themselves"
BACK_DOORS: dict[tuple[str, str], str] = {
    ("autograd", "backend/numpy/mkl.py"): _KERNELS,
    ("autograd", "backend/numpy/openblas.py"): _KERNELS,
    ("autograd", "backend/generic/namespace.py"): _DECOMPOSED,
    ("autograd", "backend/generic/networks/recurrence.py"): _DECOMPOSED,
    ("autograd", "backend/generic/networks/attention.py"): _DECOMPOSED,
    ("autograd", "backend/generic/vjp_kernels.py"): _DECOMPOSED,
    (
        "autograd",
        "backend/generic/rounding.py",
    ): "the precision of products is a primitive of programs",
    ("compat", "autograd/transforms/arguments.py"): _OWN_SWEEPS,
    ("compat", "autograd/transforms/custom_vjp.py"): _OWN_SWEEPS,
    ("distributed", "autograd/transforms/announced.py"): _HANDED_OVER,
    ("distributed", "autograd/transforms/arguments.py"): _HANDED_OVER,
    ("distributed", "autograd/transforms/grad.py"): "one rank alone needs no more",
    (
        "distributed",
        "autograd/transforms/transformed.py",
    ): "`data_parallel` makes functions as `grad` does",
    ("distributed", "backend/generic/rounding.py"): "gradients that travel as bfloat16",
    ("optim", "backend/generic/formulas.py"): "how the formulas of the updates are run",
    ("optim", "autograd/solve/implicit/lbfgs.py"): _ONE_SEARCH,
    ("optim", "autograd/solve/implicit/line_search.py"): _ONE_SEARCH,
    ("optim", "autograd/transforms/arguments.py"): _MANY_DERIVATIVES,
    ("optim", "autograd/transforms/grad.py"): _MANY_DERIVATIVES,
    ("optim", "autograd/transforms/jacobian.py"): _MANY_DERIVATIVES,
    ("optim", "autograd/transforms/vjp.py"): _MANY_DERIVATIVES,
    ("train", "models/activations.py"): "a stored model names its activations",
    (
        "train",
        "models/layers/over_ranks.py",
    ): "a step says among which ranks its batch is divided",
    ("train", "autograd/compile/tracing/precision.py"): "the precisions that settings may name",
    ("playground", "train/cli/command.py"): "its command is a record as those of `train` are",
    ("playground", "train/errors.py"): "what an extra brings is asked for as `train` asks",
    ("playground", "optim/full_batch/line_search.py"): _STEP_BY_STEP,
    ("playground", "optim/full_batch/minimize.py"): _STEP_BY_STEP,
    ("playground", "optim/full_batch/problem.py"): _STEP_BY_STEP,
}

# Modules without a test file of their name, each with its reason.
_DOCSTRINGS = "text, which repository/test_documentation.py reads and runs"
_COMPOSITIONS = "a row for each function in special_functions/test_formulas.py"
_CONVOLUTION = (
    "rows in cases/layers/convolution.py on every library; all of tests/models/convolution"
)
NO_TEST_OF_ITS_OWN: dict[str, str] = {
    "autograd/compile/cpu/assemble.py": "test_api_rules.py runs every program with and without kernels",
    "autograd/compile/cpu/kernels.py": "the source of kernels, which test_api_rules.py runs",
    "autograd/compile/cpu/rows.py": "optimise/test_rows.py runs what it writes",
    "autograd/compile/cpu/native/record.py": "a record, which test_table.py fills in",
    "autograd/compile/ir/program.py": "a record, which test_printer.py prints",
    "autograd/core/generated.py": "one class that finds generated functions by name; all tests of functions/ use it",
    "autograd/core/typing.py": "names of types, nothing runs",
    "autograd/functions/documentation/elementwise.py": _DOCSTRINGS,
    "autograd/functions/documentation/fft.py": _DOCSTRINGS,
    "autograd/functions/documentation/linalg.py": _DOCSTRINGS,
    "autograd/functions/documentation/linear_algebra.py": _DOCSTRINGS,
    "autograd/functions/documentation/manipulation.py": _DOCSTRINGS,
    "autograd/functions/documentation/rounding.py": _DOCSTRINGS,
    "autograd/functions/documentation/searching.py": _DOCSTRINGS,
    "autograd/functions/documentation/special.py": _DOCSTRINGS,
    "autograd/functions/documentation/special_bessel.py": _DOCSTRINGS,
    "autograd/functions/documentation/special_integrals.py": _DOCSTRINGS,
    "autograd/functions/documentation/special_polynomials.py": _DOCSTRINGS,
    "autograd/functions/documentation/statistical.py": _DOCSTRINGS,
    "autograd/functions/documentation/trigonometric.py": _DOCSTRINGS,
    "autograd/functions/documentation/lookup.py": "repository/test_documentation.py looks every function up",
    "autograd/functions/documentation/sections.py": "a list of texts",
    "autograd/linalg.py": "a list of names",
    "autograd/functions/arrays/dlpack.py": "rows and edges in test_creation.py",
    "autograd/functions/arrays/grids.py": "rows and edges in test_creation.py",
    "autograd/functions/arrays/like.py": "rows and edges in test_creation.py",
    "autograd/functions/arrays/joining.py": "rows and edges in test_manipulation.py",
    "autograd/functions/arrays/padding.py": "rows and edges in test_manipulation.py",
    "autograd/functions/special_functions/box_cox.py": _COMPOSITIONS,
    "autograd/functions/special_functions/combinatorics.py": _COMPOSITIONS,
    "autograd/functions/special_functions/continuous_distributions.py": _COMPOSITIONS,
    "autograd/functions/special_functions/discrete_distributions.py": _COMPOSITIONS,
    "autograd/functions/special_functions/elementary.py": _COMPOSITIONS,
    "autograd/functions/special_functions/losses.py": _COMPOSITIONS,
    "autograd/functions/special_functions/operands.py": _COMPOSITIONS,
    "autograd/solve/sparse/api.py": "a list of names",
    "autograd/solve/sparse/diagonals.py": "rows of _assembly.py, and edges in test_construct.py",
    "autograd/numpy/arguments.py": "two functions, which every function with NumPy's signature calls",
    "autograd/numpy/conversions.py": "what the files of arrays/ share; the rows of all of them",
    "autograd/numpy/flat.py": "x.flat: test_methods.py reads and writes it",
    "autograd/numpy/ndarray/attributes.py": "test_methods.py has a row for each attribute",
    "autograd/numpy/ndarray/elements.py": "test_methods.py has a row for each method",
    "autograd/numpy/ndarray/reductions.py": "test_methods.py has a row for each method",
    "autograd/numpy/ndarray/shapes.py": "test_methods.py has a row for each method",
    "autograd/numpy/ndarray/values.py": "test_methods.py has a row for each method",
    "autograd/rules/networks/convolution.py": _CONVOLUTION,
    "autograd/rules/networks/pooling.py": _CONVOLUTION,
    "autograd/transforms/announced.py": "what `data_parallel` sweeps by: distributed/test_announced.py",
    "autograd/transforms/batching/convolution.py": _CONVOLUTION,
    "autograd/rules/data_type.py": "one rule; its rows, and the casts in test_manipulation.py",
    "autograd/rules/linear_algebra.py": "bilinear functions without edge cases: their rows in tests/cases/",
    "autograd/scipy/linalg/common.py": "operands, their check and short names: every test of the folder uses them",
    "autograd/solve/iterative/steps.py": "test_solvers.py runs every method to its end",
    "backend/common/launches.py": "records, which tests/cuda/test_emulator.py fills",
    "backend/common/typing.py": "names of types, nothing runs",
    "backend/generic/namespace.py": "what backend/numpy/test_fused.py compares with, and rows on every library",
    "backend/generic/sparse.py": "tests/cases/sparse.py runs it on every library",
    "backend/generic/vjp_kernels.py": "what backend/numpy/test_vjp_kernels.py compares with",
    "autograd/rules/collectives.py": "rows of distributed/_table.py in distributed/test_adjoints.py, on many ranks",
    "backend/generic/collectives.py": "tests/distributed/_table.py has a row for each, which many tests run",
    "distributed/communicators/ending.py": "what a process of MPI does at its end: communicators/test_mpi.py",
    "distributed/communicators/job.py": "what a process of MPI does: communicators/test_mpi.py",
    "distributed/communicators/mpi_requests.py": "what a process of MPI starts: communicators/test_mpi.py",
    "backend/numpy/banded_factors.py": "direct/test_structured.py compares bands with dense systems",
    "backend/numpy/factors.py": "autograd/solve/direct/test_factorize.py has every factor on NumPy",
    "distributed/communicators/request.py": "an interface, nothing runs",
    "optim/first_order/adam.py": "rows of _optimisers.METHODS in test_update.py, and test_update_peers.py",
    "optim/proximal/base.py": "test_penalties.py has a penalty of its own, and wrong parameters",
    "optim/proximal/constraints.py": "rows of test_penalties.py",
    "train/errors.py": "exceptions: repository/test_pickle.py copies them, cli/test_refusals.py prints them",
    "autograd/compile/cpu/assembly.py": "the text of a program's body: test_api_rules.py runs each",
    "autograd/compile/cuda/context.py": "what the files beside it share; cuda/test_assemble.py runs them",
    "autograd/compile/loops/adjoint.py": "loops/test_recorder.py takes derivatives of every order",
    "autograd/compile/loops/body.py": "records of steps, which loops/test_recorder.py derives and runs",
    "autograd/compile/loops/loop.py": "the rule of loops: loops/test_recorder.py has them all, in every order",
    "autograd/core/hooks.py": "a record; diagnostics/test_debug_nans.py puts functions into it",
    "autograd/core/tracer_like.py": "a protocol, nothing runs",
    "train/cli/evaluate.py": "run/test_evaluate.py runs the command",
    "train/cli/ending.py": "exit codes and their line: cli/test_exit_codes.py and cli/test_refusals.py",
    "train/cli/info.py": "run/test_info.py runs the command",
    "train/cli/predict.py": "run/test_predict.py, and cli/test_main.py, run the command",
    "train/cli/sample.py": "run/test_sample.py runs the command",
    "train/cli/train.py": "cli/test_main.py runs the command",
    "train/cli/tune.py": "run/tuning/test_tune.py runs the command",
    "train/run/prepared.py": "a record and a protocol, which test_tables.py, test_texts.py and test_graphs.py fill",
    "train/estimators/documentation.py": "docstrings, which repository/test_doctest.py reads",
}

# What a folder holds at most, and what the top of `autograd` does.
# (`numpy` and `scipy` are fronts of what stands to their left, of which they use most.)
MOST_FILES, MOST_NODES, MOST_ARROWS = 20, 14, 45

# The root module is the list of public names. It imports everything, and nothing inside imports it.
ROOT_MODULE = ""

# Imports inside functions hide an arrow from the reader, so each has its reason here:
# {(file, imported): why}.
DEFERRED: dict[tuple[str, str], str] = {
    (
        "__init__.py",
        "autograd/compile/__init__.py",
    ): "loaded by the first function that is compiled",
    (
        "autograd/functions/documentation/lookup.py",
        "autograd/functions/documentation/sections.py",
    ): "100 kB of docstrings: loaded when the first generated function is looked up",
    (
        "train/__init__.py",
        "train/estimators/__init__.py",
    ): "imports scikit-learn: only when asked for",
    (
        "playground/server.py",
        "playground/page.py",
    ): "imports Bokeh, of the extra `playground`: only when the page is served",
    (
        "playground/server.py",
        "playground/guard.py",
    ): "imports tornado, which Bokeh brings: only when the page is served",
    (
        "train/cli/main.py",
        "train/cli/app.py",
    ): "imports typer, of the extra `train`: only after its lack would have been told",
    (
        "backend/generic/namespace.py",
        "backend/generic/dask/namespace.py",
    ): "eight files for Dask's arrays: when a program meets one",
    (
        "backend/select.py",
        "backend/cuda/backend.py",
    ): "importing CuPy takes a second: only when asked for",
}


def _subpackage(file: str) -> str:
    return file.split("/")[0] if "/" in file else ROOT_MODULE


def wrong_arrows(imports: list[Import]) -> list[str]:
    """Imports between subpackages against the layout."""
    wrong = []
    for i in imports:
        if i.absolute:
            if i.target.split(".")[0] == "pullback":
                wrong.append(f"{i} by its absolute name: imports inside are relative")
            continue
        here, there = _subpackage(i.file), _subpackage(i.target)
        if here != there and here != ROOT_MODULE and there not in ARROWS[here]:
            wrong.append(f"{i}: {here} knows nothing of {there or 'the root module'}")
    return wrong


def undeclared_deferred(imports: list[Import], declared: dict) -> list[str]:
    """Own files that are imported inside functions without a reason, and reasons left over."""
    there = {(i.file, i.target) for i in imports if i.deferred and not i.absolute}
    new = [f"{file} imports {target} inside a function" for file, target in there - set(declared)]
    return sorted(new) + [f"no longer there: {gone}" for gone in sorted(set(declared) - there)]


def against_the_order(imports: list[Import], orders: dict) -> list[str]:
    """Arrows between the folders of one folder that do not go to the left, and folders that the order does not name."""
    wrong = []
    for folder, order in orders.items():
        rank = {name: k for k, names in enumerate(order) for name in names}
        graph = folder_graph(imports, folder)
        wrong += [f"{folder}/{name} has no place in the order" for name in graph.keys() - rank]
        wrong += [
            f"{folder}/{here} imports from {folder}/{there}, which does not stand to its left"
            for here, targets in graph.items()
            for there in targets
            if rank.get(there, -1) >= rank.get(here, 0)
        ]
    return sorted(wrong)


def back_doors(imports: list[Import], declared: dict) -> list[str]:
    """Ways into a subpackage past its entrances without a reason, and reasons left over."""
    found = {
        (_subpackage(i.file), i.target): i
        for i in imports
        if not i.absolute
        and _subpackage(i.file) not in (ROOT_MODULE, _subpackage(i.target))
        and not i.target.startswith(ENTRANCES.get(_subpackage(i.target), ("",)))
    }
    new = [f"{i}, which is no entrance" for key, i in found.items() if key not in declared]
    return sorted(new) + [f"no longer there: {gone}" for gone in sorted(set(declared) - set(found))]


def crowded(root: Path, most: int) -> list[str]:
    """Folders of the package and of the tests that hold more files than that."""
    found = []
    for top in (*ARROWS, "tests"):
        for folder in [root / top, *(p for p in (root / top).rglob("*") if p.is_dir())]:
            if not folder.is_dir():
                continue
            files = [p for p in folder.iterdir() if p.is_file() and p.suffix in SUFFIXES]
            if len(files) > most:
                found.append(f"{folder.relative_to(root).as_posix()}: {len(files)} files")
    return sorted(found)


def without_a_test(root: Path, reasons: dict[str, str]) -> list[str]:
    """Modules that have no test file where one looks for it and no reason, and reasons left over."""
    modules = [
        p.relative_to(root).as_posix()
        for top in ARROWS
        for p in (root / top).rglob("*.py")
        if not p.name.startswith("__")
    ]
    missing = {
        m for m in modules if not (root / "tests" / m).with_name(f"test_{Path(m).name}").exists()
    }
    left = [f"no longer needed: {m}" for m in sorted(reasons.keys() - missing)]
    return sorted(missing - reasons.keys()) + left


SUFFIXES = (".py", ".pyi", ".c", ".cpp", ".h")


def test_every_subpackage_is_here(imports):
    assert {_subpackage(i.file) for i in imports} >= set(ARROWS)
    extra = {p.parent.name for p in ROOT.glob("*/__init__.py")} - set(ARROWS)
    assert not extra, f"subpackages without a place in the layout: {extra}"


def test_arrows_go_one_way(imports):
    assert wrong_arrows(imports) == []


def test_imports_inside_functions_have_a_reason(imports):
    assert undeclared_deferred(imports, DEFERRED) == []


def test_no_circles_between_files(imports):
    assert circle(files_graph(imports)) == []


@pytest.mark.parametrize("folder", folders_of(ROOT))
def test_no_circles_between_folders(folder, imports):
    assert circle(folder_graph(imports, folder)) == []


def test_folders_stand_in_order(imports):
    assert against_the_order(imports, ORDERS) == []


def test_subpackages_are_entered_by_their_doors(imports):
    assert back_doors(imports, BACK_DOORS) == []


def test_no_folder_is_crowded():
    assert crowded(ROOT, MOST_FILES) == []


def test_every_module_has_its_test_where_one_looks_for_it():
    assert without_a_test(ROOT, NO_TEST_OF_ITS_OWN) == []


def test_the_top_of_autograd_can_be_drawn(imports):
    graph = folder_graph(imports, "autograd")
    arrows = sum(len(targets) for node, targets in graph.items())
    assert len(graph) <= MOST_NODES, sorted(graph)
    assert arrows <= MOST_ARROWS, graph


def test_only_one_file_imports_cupy(imports):
    files = {i.file for i in imports if i.absolute and i.target.split(".")[0] in ("cupy", "cupyx")}
    assert files <= {"backend/cuda/backend.py"}


def test_the_cuda_kernels_import_nothing(imports):
    assert [i for i in imports if i.file == "backend/cuda/kernels.py"] == []


@pytest.fixture
def package(tmp_path):
    """Write a package of the same layout, from {file: source}."""

    def write(sources: dict[str, str]) -> list[Import]:
        for subpackage in ARROWS:
            (tmp_path / subpackage).mkdir(exist_ok=True)
            (tmp_path / subpackage / "__init__.py").touch()
        (tmp_path / "__init__.py").touch()
        for name, text in sources.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return imports_of(tmp_path)

    return write


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("backend/_a.py", "from ..autograd import tape"),
        ("autograd/a.py", "from ..models import mlp"),
        ("models/a.py", "from ..optim.sgd import SGD"),
        ("optim/a.py", "from .. import models"),
        ("autograd/a.py", "from .. import grad"),
        ("train/a.py", "import pullback.models"),
        ("train/a.py", "def f():\n    from pullback import grad"),
        ("backend/a.py", "try:\n    from ..train import loop\nexcept ImportError:\n    pass"),
    ],
)
def test_a_wrong_arrow_is_found(package, file, source):
    assert len(wrong_arrows(package({file: source}))) == 1


@pytest.mark.parametrize(
    ("sources", "files"),
    [
        ({"backend/a.py": "from . import b", "backend/b.py": "from .a import x"}, {"a.py", "b.py"}),
        ({"optim/__init__.py": "from .a import x", "optim/a.py": "from . import y"}, {"a.py"}),
        (
            {
                "autograd/a.py": "from .b import y",
                "autograd/b.py": "def f():\n    from .a import x",
            },
            {"a.py", "b.py"},
        ),
    ],
)
def test_a_circle_is_found(package, sources, files):
    found = circle(files_graph(package(sources)))
    assert found[0] == found[-1]
    assert files <= {Path(f).name for f in found}


def test_what_is_not_a_circle_is_not_found(package):
    sources = {
        "autograd/a.py": "from . import b\nfrom ..backend import current",
        "autograd/b.py": "if TYPE_CHECKING:\n    from .a import x\ndef f():\n    from .c import x",
        "autograd/c.py": "",
        "autograd/__init__.py": "from .a import x",
    }
    imports = package(sources)
    assert circle(files_graph(imports)) == []
    assert wrong_arrows(imports) == []
    assert len(undeclared_deferred(imports, {})) == 1
    assert undeclared_deferred(imports, {("autograd/b.py", "autograd/c.py"): "a test"}) == []


def test_a_circle_of_folders_is_found(package):
    """No two files import each other, but two folders do."""
    sources = {
        "autograd/core/a.py": "from ..rules.b import x",
        "autograd/rules/b.py": "",
        "autograd/rules/c.py": "from ..core.d import y",
        "autograd/core/d.py": "",
    }
    imports = package(sources)
    assert circle(files_graph(imports)) == []
    assert circle(folder_graph(imports, "autograd")) == ["core", "rules", "core"]
    assert circle(folder_graph(imports, "autograd/core")) == []


def test_an_arrow_to_the_right_is_found(package):
    imports = package(
        {"autograd/core/a.py": "from ..rules.b import x", "autograd/rules/b.py": "", "autograd/new/c.py": "import os"}
    )  # fmt: skip
    orders = {"autograd": [("core",), ("rules",), ("__init__.py",)]}
    assert against_the_order(imports, orders) == [
        "autograd/core imports from autograd/rules, which does not stand to its left"
    ]
    imports = package({"autograd/new/c.py": "from ..core.a import x"})
    assert "autograd/new has no place in the order" in against_the_order(imports, orders)


def test_a_back_door_is_found(package):
    sources = {
        "models/a.py": "from ..autograd.core import array\nfrom ..autograd.solve.b import x",
        "autograd/core/array.py": "",
        "autograd/solve/b.py": "",
    }
    imports = package(sources)
    (found,) = back_doors(imports, {})
    assert "autograd/solve/b.py, which is no entrance" in found
    assert back_doors(imports, {("models", "autograd/solve/b.py"): "a test"}) == []
    (left,) = back_doors([], {("models", "autograd/solve/b.py"): "a test"})
    assert left.startswith("no longer there")


def test_a_crowded_folder_is_found(package, tmp_path):
    package({f"optim/first_order/m{k}.py": "" for k in range(4)})
    assert crowded(tmp_path, 3) == ["optim/first_order: 4 files"]
    assert crowded(tmp_path, 4) == []


def test_a_module_without_a_test_is_found(package, tmp_path):
    package({"optim/first_order/sgd.py": "", "optim/first_order/adam.py": ""})
    (tmp_path / "tests/optim/first_order").mkdir(parents=True)
    (tmp_path / "tests/optim/first_order/test_sgd.py").touch()
    assert without_a_test(tmp_path, {}) == ["optim/first_order/adam.py"]
    assert without_a_test(tmp_path, {"optim/first_order/adam.py": "a test"}) == []
    assert without_a_test(tmp_path, {"optim/first_order/adam.py": "a test", "optim/first_order/sgd.py": "a test"}) == [
        "no longer needed: optim/first_order/sgd.py"
    ]  # fmt: skip
