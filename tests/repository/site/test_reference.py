"""Every public name has its page, and a page says what it should."""

from __future__ import annotations

import importlib
import operator

import pytest

import pullback as pb

from ..test_public_names import OF_HIPS, SPACES
from ._extensions import ROOT, load

names = load("names")


@pytest.mark.parametrize("module_name", [*SPACES, *(f"compat.autograd.{n}" for n in OF_HIPS)])
def test_every_public_name_has_a_page(module_name):
    if module_name.startswith("compat.autograd."):
        space = importlib.import_module(f"pullback.{module_name}")
    else:
        space = SPACES[module_name]
    (home,) = [s for s in names.spaces() if s.value is space]
    have = {e.name for e in names.entries() if e.space is home}
    public = {n for n in dir(space) if not n.startswith("_")}
    assert public <= have
    assert all(names.page_of(e) for e in names.entries() if e.space is home)


def test_a_page_belongs_to_one_name_on_disks_without_capitals_too():
    own = [e.docname.lower() for e in names.entries() if names.page_of(e) == e.docname]
    assert len(set(own)) == len(own) > 2500


def test_one_object_of_two_modules_is_documented_once():
    entries = names.by_full_name()
    for alias, home in {
        "pullback.autograd.grad": "pullback.grad",
        "pullback.xp.linalg.matmul": "pullback.xp.matmul",
        "pullback.numpy.abs": "pullback.numpy.absolute",
        "pullback.backend.SingularMatrixError": "pullback.linalg.SingularMatrixError",
        "pullback.models.kernels.White": "pullback.models.kernels.White",
    }.items():
        assert entries[alias].canonical == home
        assert entries[home].canonical == home
    for entry in entries.values():
        if entry.kind not in ("data", "module"):
            assert entries[entry.canonical].value is entry.value


def test_the_source_of_a_generated_function_is_its_rule():
    path, line = names.home_file(pb.xp.multiply)
    assert "multiply" in (ROOT / path).read_text(encoding="utf-8").splitlines()[line - 1]
    assert path.endswith("autograd/rules/elementwise.py")
    path, line = names.home_file(pb.grad)
    assert (ROOT / path).read_text(encoding="utf-8").splitlines()[line - 1].startswith("def grad(")


@pytest.fixture
def pages():
    pytest.importorskip("numpydoc", reason="pages are written by numpydoc, of the extra docs")
    return load("pages")


def page(pages, full):
    return pages.name_page(names.by_full_name()[full])


def test_the_page_of_a_function(pages):
    text = page(pages, "pullback.grad")
    assert ".. py:function:: grad(f, argnums=0, *, has_aux=False)" in text
    for part in (":Parameters:", ":Returns:", ":Raises:", ".. rubric:: Examples", ">>> pb.grad("):
        assert part in text
    assert ":source:`" in text
    assert ":doc:`pullback </reference/pullback>`" in text


def test_numpys_own_have_their_signatures(pages):
    assert ".. py:function:: issubdtype(arg1, arg2)" in page(pages, "pullback.numpy.issubdtype")
    # written in C, with arguments that nothing tells
    assert ".. py:function:: fromstring(...)" in page(pages, "pullback.numpy.fromstring")
    assert "Its value" not in page(pages, "pullback.numpy.s_")


def test_the_page_of_a_class_has_its_methods(pages):
    text = page(pages, "pullback.optim.Adam")
    assert ".. py:class:: Adam(lr=0.001, " in text
    assert ".. py:method:: init(" in text
    assert ".. py:method:: step(" in text
    assert "Not here" not in page(pages, "pullback.Array")


def test_the_page_of_a_second_name_leads_to_the_first(pages):
    text = page(pages, "pullback.autograd.grad")
    assert "The same function as :doc:`pullback.grad </reference/pullback/grad>`" in text
    assert ":Parameters:" not in text


def test_the_page_of_a_module_lists_its_names_by_subject(pages):
    (space,) = [s for s in names.spaces() if s.name == "optim"]
    text = pages.module_page(space)
    for subject in ("First-order optimisers\n---", "Schedules\n---", "Line searches\n---"):
        assert subject in text
    for name in dir(operator.attrgetter("optim")(pb)):
        assert f"`{name}" in text


def test_the_start_of_the_reference_leads_to_every_module(pages):
    text = pages.index_page()
    for group in names.GROUPS.values():
        for name in group:
            assert f"</reference/{name or 'pullback'}>`" in text
