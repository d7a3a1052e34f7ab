"""Tests of `playground/page.py`: what the page is made of, its tabs by mouse and keyboard."""

from __future__ import annotations

import pytest

from ._serving import no_bokeh

if no_bokeh():
    pytest.skip(no_bokeh(), allow_module_level=True)

from pullback.playground.page import application


def test_the_page_says_what_it_is(page):
    assert page.title() == "pullback playground"
    assert page.locator("h1").inner_text() == "pullback playground"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("tabpanel").count() == 1


def test_the_tabs_are_chosen_by_mouse_by_keyboard_and_by_address(page):
    tabs = page.get_by_role("tab").all()
    names = [tab.inner_text() for tab in tabs]
    assert names[0] == "Train a network"

    def chosen():
        (name,) = [tab.inner_text() for tab in tabs if tab.get_attribute("aria-selected") == "true"]
        shown = page.get_by_role("tabpanel")
        assert shown.count() == 1
        assert shown.get_attribute("aria-labelledby") == tabs[names.index(name)].get_attribute("id")
        return names.index(name)

    for k, tab in enumerate(tabs):
        tab.click()
        assert chosen() == k
    tabs[-1].focus()
    page.keyboard.press("Home")
    assert chosen() == 0
    page.keyboard.press("ArrowLeft")
    assert chosen() == len(tabs) - 1
    page.keyboard.press("ArrowRight")
    assert chosen() == 0


def test_every_control_has_a_name(page):
    """What a screen reader says of it: from Chromium's own tree of accessibility."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    roles = ["button", "checkbox", "combobox", "radio", "slider", "spinbutton", "tab", "radiogroup"]
    found = [n for n in nodes if n.get("role", {}).get("value") in roles and not n["ignored"]]
    assert len(found) > 30
    nameless = [n for n in found if not n.get("name", {}).get("value", "").strip()]
    assert nameless == []


def test_nothing_is_wider_than_the_window(page):
    for width in (1280, 800, 400):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_data_of_the_command_line_are_there_and_chosen(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"{k},{k % 7},{'ab'[k % 2]}" for k in range(40)]
    path.write_text("\n".join(["weight,height,kind", *rows]))
    document = application(path).create_document()
    assert document.template_variables["has_own"]
    surface = next(root for root in document.roots if root.name == "training-surface")
    assert (surface.xaxis[0].axis_label, surface.yaxis[0].axis_label) == (
        "weight, scaled",
        "height, scaled",
    )
    points = document.get_model_by_name("training-train").data
    assert len(points["x1"]) == 20


def test_each_page_has_a_document_of_its_own():
    app = application()
    one, two = app.create_document(), app.create_document()
    assert one.title == two.title == "pullback playground"
    assert not {model.id for model in one.models} & {model.id for model in two.models}
