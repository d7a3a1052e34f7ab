"""`help` of every public function is whole: numpydoc's sections, each parameter, the pullback, an example that runs.

Where a test here fails for a new function: one that is generated from `core/signatures.py` wants an entry in
`autograd/functions/documentation/`, one that is written out a docstring of its own.
"""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from typing import Any

import pytest

import pullback as pb
from pullback.autograd.core.registry import names
from pullback.autograd.core.signatures import ALIASES, CONSTANT, HIDDEN
from pullback.autograd.functions.documentation.lookup import entries

from ._doctests import FLAGS, Checker, run

SPACES = {
    "xp": pb.xp, "xp.linalg": pb.xp.linalg, "xp.fft": pb.xp.fft, "special": pb.special, "linalg": pb.linalg,
    "sparse": pb.sparse, "implicit": pb.implicit, "random": pb.random, "tree": pb.tree,
}  # fmt: skip
FUNCTIONS = {
    f"{space}.{name}": getattr(module, name)
    for space, module in SPACES.items()
    for name in dir(module)
    if inspect.isroutine(getattr(module, name))
}
CLASSES = {
    f"{space}.{name}": getattr(module, name)
    for space, module in SPACES.items()
    for name in dir(module)
    if inspect.isclass(getattr(module, name))
}
TITLES = (
    "Parameters", "Returns", "Yields", "Raises", "Warns", "See Also", "Notes", "References", "Examples", "Attributes",
    "Methods",
)  # fmt: skip
GENERATED = "pullback.autograd.functions.namespace"
# What a docstring says of the derivative that has no formula of its own.
SAYS = re.compile(r"_bar\b|derivative|gradient|differentiable|pullback|cotangent|constant")
SOURCE = re.compile(r"^References$|\b(19|20)\d\d\b", re.MULTILINE)
# Functions that no derivative could pass through: of shapes, dtypes, structures and seeds.
OF_NO_ARRAY = {
    "xp.__array_namespace_info__", "xp.broadcast_shapes", "xp.can_cast", "xp.finfo", "xp.iinfo", "xp.isdtype",
    "xp.result_type", "sparse.is_sparse",
}  # fmt: skip


def sections(text: str) -> dict[str, str]:
    """The sections of a docstring by their titles; what is before the first is under ''."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def documented(text: str) -> list[str]:
    """The names in the section of parameters, in order."""
    heads = [line.partition(" : ")[0] for line in text.splitlines() if re.match(r"[\w*`]", line)]
    return [name.strip(" `").lstrip("*") for head in heads for name in head.split(",")]


def complaints(name: str, function: Any) -> list[str]:
    """What a docstring lacks, in words."""
    text = inspect.getdoc(function) or ""
    if len(text.splitlines()) < 2:
        if function.__module__ == GENERATED:
            return [f"{name}: write its entry in autograd/functions/documentation/ (entries.py)"]
        return [f"{name}: write its docstring in {function.__module__}, in numpydoc's sections"]
    found = sections(text)
    wanted = list(inspect.signature(function).parameters)
    said = documented(found.get("Parameters", ""))
    out = [f"no section {title}" for title in ("Returns", "Examples") if title not in found]
    out += [f"not a section of numpydoc: {t}" for t in found if t and t not in TITLES]
    out += [f"the parameter {p} is not documented" for p in wanted if p not in said]
    out += [f"{p} is documented, and no parameter" for p in said if p not in wanted]
    if not out and said != wanted:
        out.append(f"the parameters are documented as {said}, in another order than {wanted}")
    if ">>> " not in found.get("Examples", ""):
        out.append("no example")
    first, second = text.splitlines()[:2]
    if len(first) > 120 or second:
        out.append("the summary is not one line with an empty one below")
    told = text.partition("\nExamples\n")[0]
    in_arrays = not name.startswith(("tree.", "random.")) and name not in OF_NO_ARRAY
    if in_arrays and not SAYS.search(told):
        out.append("neither its derivative nor that it has none")
    if name.startswith(("xp.", "special.", "linalg.", "implicit.")) and not SOURCE.search(told):
        out.append("no source: a section References, or a book or paper with its year")
    return [f"{name}: {line}" for line in out]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_of_a_function_is_whole(name):
    assert complaints(name, FUNCTIONS[name]) == []


@pytest.mark.parametrize("name", CLASSES)
def test_help_of_a_class_says_what_it_is(name):
    found = sections(inspect.getdoc(CLASSES[name]) or "")
    assert found[""].strip(), f"{name}: write its docstring in {CLASSES[name].__module__}"
    assert ">>> " in found.get("Examples", ""), f"{name}: no example"
    assert set(found) - {""} <= set(TITLES)
    if "Parameters" in found:
        assert documented(found["Parameters"]) == [*inspect.signature(CLASSES[name]).parameters]


def _in_full(name: str) -> str:
    """The name in the table of signatures of a public function."""
    short = name.removeprefix("xp.")
    return ALIASES.get(short, short)


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if f.__module__ == GENERATED])
def test_every_rule_of_a_generated_function_is_written_down(name):
    full, text = _in_full(name), inspect.getdoc(FUNCTIONS[name])
    if name == "xp.stop_gradient":
        return
    assert full in entries(), f"{name} has no entry in autograd/functions/documentation/"
    if full in CONSTANT:
        assert "carries no derivative" in text
        return
    rules = pb.autograd.core.registry.find(full).rules
    for parameter in rules:
        assert f"    {parameter}_bar = " in text, f"{name}: no formula of {parameter}_bar"
    formulas = re.findall(r"^    (\w+)_bar = ", text, re.MULTILINE)
    assert set(formulas) == set(rules), f"{name}: formulas of {formulas}, rules of {list(rules)}"


def test_every_entry_is_that_of_a_function():
    known = {*names(), *CONSTANT} - HIDDEN
    assert set(entries()) <= known


def test_docstrings_are_not_loaded_by_the_import_and_all_are_there_behind_it():
    code = """
import sys
import pullback as pb
assert not [name for name in sys.modules if name.endswith("documentation.sections")]
from pullback.xp import sum
for function in (sum, pb.special.ndtr, pb.special.erf, pb.xp.linalg.det, pb.xp.isnan):
    assert "Examples\\n--------" in function.__doc__, function
"""
    run_it = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run_it.returncode == 0, run_it.stderr


@pytest.mark.parametrize("space", SPACES)
def test_examples_in_help_run(space, active):
    """Those of generated functions, which no module holds when the examples of modules are run."""
    failed = []
    for name, function in FUNCTIONS.items():
        if name.rpartition(".")[0] == space and function.__module__ == GENERATED:
            test = doctest.DocTestParser().get_doctest(
                inspect.getdoc(function) or "", {}, name, None, 0
            )
            failed += [name] if run(test).failed else []
    assert failed == []


def test_a_docstring_that_lacks_something_is_found():
    def f(x, axis=None):
        """The sum.

        Parameters
        ----------
        x
            An array.
        y : int
            Nothing.
        """

    found = "\n".join(complaints("xp.f", f))
    for part in (
        "no section Returns",
        "no section Examples",
        "the parameter axis is not documented",
        "y is documented, and no parameter",
        "neither its derivative",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        ("Array([ 0.5, -0. ], device='cpu')", "Array([0.5, 0. ], device='<CUDA Device 0>')", True),
        ("[1.-0.j]", "[1.+0.j]", True),
        ("[-0.5]", "[0.5]", False),
        ("[1.-0.5j]", "[1.+0.5j]", False),
        ("[1.0]", "[1.1]", False),
    ],
)
def test_examples_are_compared_without_devices_and_signs_of_zeros(want, got, same):
    assert Checker().check_output(want, got, FLAGS) is same
