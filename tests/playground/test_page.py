"""Tests of `playground/page.py` in a browser: the tabs, by mouse and keyboard."""

from __future__ import annotations


def test_the_page_says_what_it_is(page):
    assert page.title() == "pullback playground"
    assert page.locator("h1").inner_text() == "pullback playground"
    assert page.get_by_role("tab", name="Train a network").get_attribute("aria-selected") == "true"
    assert page.get_by_role("tabpanel").count() == 1
