"""Tests of `playground/guard.py`: what pages of other sites ask for is refused."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from ._serving import no_bokeh

pytestmark = pytest.mark.skipif(bool(no_bokeh()), reason=no_bokeh() or "Bokeh is there")

CROSS = {"Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("", {"Host": "127.0.0.1:8888"}, 200),  # as through a tunnel
        ("", {"Host": "LOCALHOST"}, 200),
        ("", {"Host": "rebound.example"}, 403),
        ("", {"Host": "rebound.example:5006"}, 403),
        ("", {"Host": "127.0.0.1.rebound.example"}, 403),
        ("metadata", {"Host": "rebound.example"}, 403),
        ("static/js/bokeh.min.js", {"Host": "rebound.example"}, 403),
        ("", {**CROSS, "Sec-Fetch-Mode": "no-cors"}, 403),
        ("autoload.js?bokeh-autoload-element=x", {**CROSS, "Sec-Fetch-Mode": "cors"}, 403),
        ("", {**CROSS, "Sec-Fetch-Mode": "navigate"}, 200),  # a link to it
        ("", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ],
)
def test_what_is_asked_for_by_whom(served, path, headers, status):
    request = urllib.request.Request(served.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            found = answer.status
    except urllib.error.HTTPError as error:
        found = error.code
        error.close()
    assert found == status
