"""Fixtures of the tests of the page: one server, one browser and one page for all of them in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ._serving import Served, browser, no_bokeh, no_browser, serving, watch

_VIEWPORT = {"width": 1280, "height": 900}
_TOLD = 'JSON.parse(Bokeh.documents[0].get_model_by_name("training-told").tags[1])'
_CHOSEN = f"() => {_TOLD}.settings"
# what is set back are the settings that differ: the server hears of them as it does of those of the page's script
_BACK = f"""start => {{
  const asked = Bokeh.documents[0].get_model_by_name("training-asked")
  const chosen = {_TOLD}.settings
  let number = -1
  for (const [name, value] of Object.entries(start))
    if (JSON.stringify(value) !== JSON.stringify(chosen[name])) asked.tags = [number--, name, value]
}}"""
_PAUSE = 'Bokeh.documents[0].get_model_by_name("training-asked").tags = [-1000, "pause", ""]'


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """A playground that is served by a process of its own."""
    if no_bokeh():
        pytest.skip(no_bokeh())
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    if no_browser():
        pytest.skip(no_browser())
    with browser() as found:
        yield found


@pytest.fixture
def open_page(served: Served, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a page: ``open_page(path="", width=1280, height=900)``; at the end none has complained or asked elsewhere.

    The page has an attribute `seen`, a `Watched`.
    """
    opened = []

    def open_(path: str = "", width: int = 1280, height: int = 900) -> Any:
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(20_000)
        page.seen = watch(page)
        opened.append(page)
        page.goto(served.url + path)
        # the first frame is drawn
        page.wait_for_selector("#training[data-settled=true]", state="attached")
        return page

    yield open_
    for page in opened:
        page.close()
    for page in opened:
        assert page.seen.errors == []
        assert page.seen.failed == []
        assert page.seen.hosts <= {"127.0.0.1"}


@pytest.fixture(scope="session")
def only_page(served: Served, chromium: Any) -> Iterator[Any]:
    """The page that most tests share: to load it takes longer than most of them."""
    page = chromium.new_page(viewport=_VIEWPORT)
    page.set_default_timeout(20_000)
    page.seen = watch(page)
    page.goto(served.url)
    page.wait_for_selector("#training[data-settled=true]", state="attached")
    page.start = page.evaluate(_CHOSEN)
    yield page
    page.close()


@pytest.fixture
def page(only_page: Any) -> Iterator[Any]:
    """A page at 1280 × 900 whose network is as it was when the page was opened; at the end it has not complained."""
    only_page.set_viewport_size(_VIEWPORT)
    only_page.locator("#tab-training").click()
    only_page.evaluate(_BACK, only_page.start)
    only_page.locator('[data-action="reset"]').click()
    only_page.wait_for_selector("#training[data-settled=true]")
    assert only_page.evaluate(_CHOSEN) == only_page.start
    yield only_page
    # what goes on playing would take a core from all the tests that follow
    only_page.evaluate(_PAUSE)
    seen = only_page.seen
    errors, failed = list(seen.errors), list(seen.failed)
    seen.errors.clear()
    seen.failed.clear()
    assert errors == []
    assert failed == []
    assert seen.hosts <= {"127.0.0.1"}
