"""Tests of `playground/expression/tab.py`: what is typed and pressed has an effect, here and in a browser."""

from __future__ import annotations

import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")

from pullback.playground.expression.tab import EXAMPLES, ExpressionTab


def _type(tab, text):
    tab.text.value = text


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_drawn_and_its_gradient_agrees(name):
    tab = ExpressionTab()
    tab.example.value = name
    assert tab.text.value == EXAMPLES[name][0]
    assert {f.title: f.value for f in tab.fields.children} == EXAMPLES[name][1]
    assert not tab.trouble.visible
    tab.move("end")
    assert "they agree" in tab.gradient_table.text
    assert "they differ" not in tab.gradient_table.text


def test_a_new_expression_asks_for_its_variables_and_keeps_what_was_typed():
    tab = ExpressionTab()
    tab.fields.children[0].value = "5"
    _type(tab, "x * t")
    assert [(f.title, f.value) for f in tab.fields.children] == [("x", "5"), ("t", "3")]
    assert "x = 5, t = 3" in tab.sentence.text
    tab.fields.children[1].value = "[1, 2]"
    assert "t = [1, 2]" in tab.sentence.text


def test_what_is_wrong_is_told_and_put_right():
    tab = ExpressionTab()
    _type(tab, "x.__class__")
    assert tab.trouble.visible
    assert "is not part of an expression" in tab.trouble.text
    assert "\n ^" in tab.trouble.text
    assert all(b.disabled for b in (tab.forward, tab.backward, tab.end, tab.reset))
    tab.move("forward")  # nothing to walk through
    assert tab.position == 0
    _type(tab, "x + <b>")
    assert "<b>" not in tab.trouble.text  # what is typed is text, not a part of the page
    _type(tab, "x*y")
    assert not tab.trouble.visible
    assert not tab.forward.disabled
    tab.fields.children[0].value = "two"
    assert "The value of x" in tab.trouble.text
    tab.fields.children[0].value = "[1, 2]"
    assert not tab.trouble.visible
    tab.fields.children[1].value = "[1, 2, 3]"
    assert "cannot be computed of a vector of 2 and a vector of 3" in tab.trouble.text
    _type(tab, "log(u)")
    tab.fields.children[0].value = "-1"
    assert "log is defined for numbers above 0" in tab.trouble.text
    assert tab.steps  # which is seen step by step all the same


def test_a_button_is_open_when_it_leads_on():
    tab = ExpressionTab()
    assert (tab.forward.disabled, tab.backward.disabled, tab.end.disabled, tab.reset.disabled) == (
        False,
        True,
        False,
        True,
    )
    tab.move("end")
    assert (tab.forward.disabled, tab.backward.disabled, tab.end.disabled, tab.reset.disabled) == (
        True,
        True,
        True,
        False,
    )


# ── in a browser ──────────────────────────────────────────────────────────────────────────────


def test_one_types_and_steps_by_the_keyboard(page):
    page.get_by_role("tab", name="Gradients of an expression").click()
    page.get_by_label("Expression", exact=True).fill("x*y + x")
    page.keyboard.press("Enter")
    page.get_by_text("The inputs are given: x = 2, y = 3.").wait_for()
    page.get_by_role("button", name="Forward step").focus()
    page.keyboard.press("Enter")
    page.get_by_text("v1 = x · y = 2 · 3 = 6.").wait_for()
    page.keyboard.press("Space")
    page.get_by_text("v2 = v1 + x = 6 + 2 = 8.").wait_for()
    page.get_by_role("button", name="Backward step").click()
    page.get_by_text("The error signal of the output, v2, is 1.").wait_for()
    page.get_by_role("button", name="To the end").click()
    page.get_by_role("cell", name="1 from v2; 3 from v1").wait_for()
    page.get_by_role("cell", name="they agree").nth(1).wait_for()
    page.get_by_role("button", name="Reset").click()
    page.get_by_text("The inputs are given: x = 2, y = 3.").wait_for()
    page.get_by_label("x", exact=True).fill("10")
    page.keyboard.press("Enter")
    page.get_by_text("The inputs are given: x = 10, y = 3.").wait_for()


REFUSED = {
    "__import__('os')": "is not part of an expression",
    "x.__class__": "is not part of an expression",
    "(lambda: 0)()": "is not part of an expression",
    "9**9**9": "the exponent 3.8742e+08 is too large",
}


def test_what_is_no_expression_is_refused_with_words(page):
    page.get_by_role("tab", name="Gradients of an expression").click()
    for text, words in REFUSED.items():
        page.get_by_label("Expression", exact=True).fill(text)
        page.keyboard.press("Enter")
        alert = page.get_by_role("alert")
        alert.filter(has_text=words).locator("pre", has_text=text).wait_for()
