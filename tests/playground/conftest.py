"""Fixtures of the tests of the page: one server and one browser for all of them in a process, a page for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ._serving import Served, browser, no_bokeh, no_browser, serving, watch


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


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    """A page at 1280 × 900."""
    return open_page()
