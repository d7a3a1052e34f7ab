"""Who may ask the server for anything: this machine's own pages, and no page of another site.

A browser lets every site send requests to this machine, and a site whose name leads here (DNS rebinding) read the
answers. Bokeh refuses connections of foreign pages; here the requests before them are refused, each of which would
otherwise make a document with a network in it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tornado.routing import Matcher, Rule
from tornado.web import Application, ErrorHandler


def guard(application: Application, names: Collection[str]) -> None:
    """Let an application refuse what a page of another site asks for.

    Parameters
    ----------
    application : tornado.web.Application
    names : collection of str
        Of this server, without a port; empty where its names are not known, which are then not looked at.
    """
    refused = Rule(_Foreign(frozenset(names)), ErrorHandler, {"status_code": 403})
    application.default_router.rules.insert(0, refused)


class _Foreign(Matcher):
    """Matches requests of other sites' pages."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def match(self, request: Any) -> dict[str, Any] | None:
        if self.names and request.host_name not in self.names:
            return {}
        # in the page of another site, such as an image of it; a link to here may be followed
        sent = request.headers.get("Sec-Fetch-Site", "") == "cross-site"
        return {} if sent and request.headers.get("Sec-Fetch-Mode") != "navigate" else None
