"""A playground in a process of its own, and a headless browser: what the tests of the page stand on."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def no_bokeh() -> str:
    """Why there is no playground here; empty where there is one."""
    return (
        "" if importlib.util.find_spec("bokeh") else "Bokeh is not installed (extra `playground`)"
    )


def no_browser() -> str:
    """Why there is no browser here; empty where there is one."""
    if no_bokeh():
        return no_bokeh()
    if not importlib.util.find_spec("playwright"):
        return "playwright is not installed (extra `test`)"
    return "" if os.access(CHROMIUM, os.X_OK) else f"no {CHROMIUM}"


@dataclass
class Served:
    """A playground that is served: its process, its page, and what it has said."""

    process: Any
    url: str
    said: list[str] = field(default_factory=list)

    def interrupt(self, number: int = signal.SIGINT, seconds: float = 20.0) -> int:
        """End it by a signal, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    """``pullback playground`` on a free port of this machine."""

    def ready() -> None:
        # a shell that starts tests in the background ignores Ctrl-C, and so would its children
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "pullback",
            "playground",
            "--no-browser",
            "--port",
            "0",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=ready,
        text=True,
    )
    try:
        first = process.stdout.readline()
        assert "http://" in first, first + process.stdout.read()
        served = Served(
            process, first.split("http://")[1].split()[0].join(["http://", ""]), [first]
        )
        reader = threading.Thread(target=lambda: served.said.extend(process.stdout), daemon=True)
        reader.start()
        yield served
        if process.poll() is None:
            served.interrupt()
        reader.join(5)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used (Linux)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """What a page did besides what was asked of it.

    Attributes
    ----------
    errors : list of str
        Errors and warnings on its console, and exceptions in its scripts.
    failed : list of str
        Requests without a good answer.
    hosts : set of str
        Whom it asked for anything.
    """

    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


def watch(page: Any) -> Watched:
    """Note from now on what the page does."""
    seen = Watched()

    def console(message: Any) -> None:
        if message.type in ("error", "warning"):
            seen.errors.append(f"{message.type}: {message.text}")

    def response(answer: Any) -> None:
        if answer.status >= 400:
            seen.failed.append(f"{answer.status} {answer.url}")

    def asked(url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob"):
            seen.hosts.add(urlsplit(url).hostname or url)

    page.on("console", console)
    page.on("pageerror", lambda error: seen.errors.append(f"exception: {error}"))
    page.on("requestfailed", lambda request: seen.failed.append(f"{request.failure} {request.url}"))
    page.on("response", response)
    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    return seen


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()
