"""What makes reStructuredText of docstrings that are not written for it."""

from __future__ import annotations

import pytest

from ._extensions import load

pytest.importorskip("numpydoc", reason="pages are written by numpydoc, of the extra docs")
docstrings = load("docstrings")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("log |Γ(x)|", r"log \|Γ(x)\|"),
        ("``a * b_`` of A* and x_", r"``a * b_`` of A\* and x\_"),
        ("`pb.Array`s on no tape", r"`pb.Array`\ s on no tape"),
        ("snake_case, a_b_", r"snake_case, a_b\_"),
    ],
)
def test_prose_is_no_markup(text, wanted):
    assert docstrings.escaped(text) == wanted


def test_examples_and_formulas_stay_as_they_are():
    lines = [
        "A product::",
        "",
        "    a * b |c|",
        "",
        "and |d|",
        "",
        ">>> x * 2",
        "array([|])",
        "",
        "e*",
    ]
    assert docstrings.escaped_lines(lines) == [
        "A product::", "", "    a * b |c|", "", r"and \|d\|", "", ">>> x * 2", "array([|])", "", r"e\*",
    ]  # fmt: skip


def test_signatures_have_no_annotations_and_no_long_defaults():
    def f(x: int, *rest: str, how=print, many=tuple(range(100)), flag: bool = True) -> int:
        return x

    assert docstrings.signature(f) == "(x, *rest, how=print, many=..., flag=True)"


def test_attributes_are_listed():
    text = docstrings.rendered(
        "A class.\n\nAttributes\n----------\nW_ : array (n,)\n    Its weights.\n"
    )
    assert ":Attributes:" in text
    assert r"**W\_** : array (n,)" in text
    assert "autosummary" not in text
