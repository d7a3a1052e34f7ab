"""Under which heading a name stands on its module's page."""

from __future__ import annotations

import functools
import re

from .names import Entry

# The first part that an object's module ends with or holds decides; the order is that of the search.
BY_MODULE = {
    # pb.numpy
    "numpy.sections.reductions": "Sums, products and extremes",
    "numpy.sections.nan_reductions": "Without NaN",
    "numpy.sections.elementwise": "Elementwise",
    "numpy.sections.functional": "Functions of functions",
    "numpy.sections.histograms": "Histograms",
    "numpy.sections.moments": "Statistics",
    "numpy.sections.statistics": "Statistics",
    "numpy.sections.quantiles": "Statistics",
    "numpy.sections.order_statistics": "Statistics",
    "numpy.sections.polynomials": "Polynomials",
    "numpy.sections.products": "Products",
    "numpy.sections.signals": "Signals",
    "numpy.sections.windows": "Signals",
    "numpy.sections.differences": "Differences",
    "numpy.arrays.creation": "Creation",
    "numpy.arrays.ranges": "Creation",
    "numpy.arrays.grids": "Creation",
    "numpy.arrays.matrices": "Creation",
    "numpy.arrays.files": "Files and text",
    "numpy.arrays.indexing": "Indexing",
    "numpy.arrays.writing": "Writing in place",
    "numpy.arrays.joining": "Joining and splitting",
    "numpy.arrays.manipulation": "Shapes and axes",
    "numpy.arrays.rearranging": "Shapes and axes",
    "numpy.arrays.padding": "Shapes and axes",
    "numpy.arrays.sorting": "Sorting and searching",
    "numpy.arrays.sets": "Sets",
    "numpy.arrays.logic": "Comparison and logic",
    "numpy.decompositions": "Decompositions",
    "numpy.linear_systems": "Systems, inverses, determinants",
    "autograd.numpy.linalg": "Products and norms",
    "pullback.numpy": "Elementwise",
    # pb.scipy.linalg
    "scipy.linalg.special_matrices": "Special matrices",
    "scipy.linalg.decompositions": "Decompositions",
    "scipy.linalg.matrix_functions": "Functions of matrices",
    "scipy.linalg.basic": "Systems, inverses, norms",
    "scipy.operands": "Constants: no derivative passes",
    # pb.models
    "models.attention": "Attention",
    "models.convolution": "Convolution and pooling",
    "models.graphs": "Graphs",
    "models.recurrence": "Sequences",
    "models.kernels.gaussian_process": "Kernel methods",
    "models.kernels": "Kernels",
    "models.layers": "Layers",
    "models.losses": "Losses",
    "models.classification": "Losses",
    "models.reduction": "Losses",
    "models.activations": "Activations",
    "models.initialisation": "Initial weights",
    "models.torch": "Weights of PyTorch",
    "models.module": "Modules",
    "models.summary": "Modules",
    # pb.optim
    "first_order.schedules": "Schedules",
    "first_order.plateau": "Schedules",
    "first_order.clipping": "Clipping",
    "first_order.wrappers": "Around an optimiser",
    "first_order.loss_scaling": "Around an optimiser",
    "first_order.proximal_step": "Around an optimiser",
    "optim.first_order": "First-order optimisers",
    "full_batch.line": "Line searches",
    "full_batch.wolfe": "Line searches",
    "optim.full_batch": "Minimisation of one function",
    "proximal.constraints": "Constraints",
    "proximal.penalties": "Penalties",
    "proximal.operators": "Proximal operators",
    # pb.train
    "train.estimators": "Estimators",
    "train.data": "Data",
    "train.evaluation": "Measures",
    "train.measure": "Measures",
    "train.run.tasks": "Measures",
    "train.run.tuning": "Tuning",
    "train.run": "Runs on disk",
    "train.records": "Runs on disk",
    "train.settings": "Settings",
    "train.networks": "Settings",
    "train.errors": "Errors",
    "train.pictures": "Pictures",
    "train": "Training",
    # the root
    "autograd.transforms.batching": "Many examples, loops, speed",
    "autograd.transforms.loops": "Many examples, loops, speed",
    "autograd.transforms.vmap": "Many examples, loops, speed",
    "autograd.compile": "Many examples, loops, speed",
    "autograd.diagnostics": "Checking and seeing",
    "solve.sparse.construct": "Making matrices",
    "solve.sparse.diagonals": "Making matrices",
    "solve.sparse": "Sparse matrices",
    "solve.direct": "Dense systems",
    "solve.iterative": "Iterative solvers",
    "solve.errors": "Errors",
    "backend.common.errors": "Errors",
}  # fmt: skip

OF_STANDARD = {
    "elementwise": "Elementwise",
    "trigonometric": "Trigonometric and hyperbolic",
    "rounding": "Rounding, comparison, logic",
    "fft": "Fourier transforms",
    "linalg": "Decompositions and systems",
    "linear_algebra": "Products",
    "manipulation": "Shapes and axes",
    "searching": "Indexing, searching, sorting",
    "statistical": "Sums and statistics",
    "special": "Gamma, error and logistic functions",
    "special_bessel": "Bessel functions",
    "special_integrals": "Integrals and quantiles",
    "special_polynomials": "Polynomials and hypergeometric functions",
}
WRITTEN_OUT = {
    "creation": "Creation",
    "like": "Creation",
    "grids": "Creation",
    "dlpack": "Creation",
    "padding": "Shapes and axes",
    "manipulation": "Shapes and axes",
    "joining": "Shapes and axes",
    "data_type": "Data types",
    "indexing": "Indexing, searching, sorting",
    "inspection": "Data types",
    "elementwise": "Elementwise",
    "linear_algebra": "Products",
    "einsum": "Products",
    "sets": "Sets",
    "sorting": "Indexing, searching, sorting",
    "searching": "Indexing, searching, sorting",
    "statistical": "Sums and statistics",
}

COMPARISON = re.compile(
    r"bitwise_|logical_|is(finite|inf|nan|close)$|(not_)?equal$|less|greater|signbit$|allclose$"
)


@functools.cache
def _sections() -> dict[str, str]:
    """The section of each generated function, by its name in full."""
    from pullback.autograd.functions.documentation import entries as texts
    from pullback.autograd.functions.documentation import sections

    found = {}
    for section in OF_STANDARD:
        text = getattr(sections, section).TEXT
        found |= dict.fromkeys(texts.split(text), OF_STANDARD[section])
    return found


def subject(entry: Entry) -> str:
    """The heading of a name."""
    if entry.foreign:
        return "NumPy's own" if entry.space.mirrors.partition(".")[0] != "scipy" else "SciPy's own"
    if entry.space.mirrors:
        return "Names"
    home = str(getattr(entry.value, "__module__", None) or "")
    if entry.kind == "data" and not entry.space.full.endswith("stats"):
        if not type(entry.value).__module__.startswith("pullback."):
            return "Constants and types"
        home = type(entry.value).__module__
    name = getattr(entry.value, "__name__", entry.name)
    if home.startswith("pullback.autograd.functions") and entry.space.name.split(".")[0] in (
        "xp",
        "special",
        "scipy",
    ):
        last = entry.space.name.rpartition(".")[2]
        if COMPARISON.match(name):
            return OF_STANDARD["rounding"]
        for full in (name, f"{last}.{name}", f"special.{name}"):
            if full in _sections():
                return _sections()[full]
        return WRITTEN_OUT.get(home.rpartition(".")[2], "Others")
    if entry.space.full == "pullback" or entry.space.name == "autograd":
        return _of_root(entry, home)
    for part, heading in BY_MODULE.items():
        if f".{home}.".find(f".{part}") >= 0 or home.find(part) >= 0:
            return heading
    return "Names"


def _of_root(entry: Entry, home: str) -> str:
    if entry.kind == "exception":
        return "Errors"
    for part in ("batching", "loops", "vmap", "compile", "diagnostics"):
        if part in home.split("."):
            return BY_MODULE.get(
                f"autograd.transforms.{part}", BY_MODULE.get(f"autograd.{part}", "")
            )
    if ".transforms" in home:
        return "Derivatives"
    return "Arrays and rules"
