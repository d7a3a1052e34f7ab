"""The server: on which address and port it listens, who may talk to it, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..train.errors import InputError, extra

ADDRESS, PORT = "127.0.0.1", 5006
# how many ports are tried where none was asked for
_TRIED = 20
# after this time without its page a session ends, and what trains in it
_UNUSED_MILLISECONDS = 4000
# the longest that a page sends is a table of 2 MB, of which some letters are several bytes
_MOST_BYTES_SENT = 8_000_000


def serve(
    *,
    port: int | None = None,
    address: str = ADDRESS,
    browser: bool = True,
    data: str | Path | None = None,
    say: Callable[[str], Any] | None = None,
) -> None:
    """Serve the playground until Ctrl-C.

    Parameters
    ----------
    port : int, optional
        Where to listen; 0 for any free port. By default 5006, or the next that is free.
    address : str
        By default this machine alone can reach the page.
    browser : bool
        Whether to open the page in the system's browser.
    data : path, optional
        A CSV of two columns of numbers and a label, which the page offers as a data set.
    say : callable, optional
        Called with each line that the server reports; by default lines are printed.

    Raises
    ------
    MissingExtra
        Without Bokeh.
    InputError
        If the port is taken, the address is none of this machine, or the data cannot be used.

    Examples
    --------
    >>> import pullback.playground
    >>> pullback.playground.serve(port=0, browser=False)  # doctest: +SKIP
    """
    # of pages that were closed in the middle of a frame, and of requests for what there is not
    for name in ("bokeh", "tornado.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
    say = say or partial(print, flush=True)
    server, url = start(port=port, address=address, data=data)
    loop = server.io_loop
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if in_main else None
    try:
        if in_main:
            # the callback that runs is finished first, so that nothing is broken off
            signal.signal(signal.SIGINT, lambda *_: loop.add_callback_from_signal(loop.stop))
        # from here on an interrupt ends the server, which is what the line says
        say(f"the playground is on {url} (Ctrl-C ends it)")
        if not _is_loopback(address):
            reached = "all addresses of this machine" if _is_any(address) else address
            say(f"it listens on {reached}: whoever reaches that over the network can use it")
        if browser:
            loop.add_callback(webbrowser.open, url)
        loop.start()
    finally:
        server.stop(wait=False)
        if in_main:
            signal.signal(signal.SIGINT, before)
    say("the playground has ended")


def start(
    *, port: int | None = None, address: str = ADDRESS, data: str | Path | None = None
) -> tuple[Any, str]:
    """A server that listens, and runs with its `io_loop`.

    Returns
    -------
    bokeh.server.server.BaseServer
    str
        The address of the page.

    Raises
    ------
    MissingExtra, InputError
        As `serve`.
    """
    if port is not None and not 0 <= port < 65536:
        raise InputError(f"port: {port} is not between 0 and 65535")
    if not address:  # which would be all of this machine's, by a variable that is not set
        raise InputError("address: it is empty: leave it out, or give one of this machine's")
    extra("bokeh", "the playground", "playground")
    from bokeh.server.server import BaseServer
    from bokeh.server.tornado import BokehTornado
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop

    from .guard import guard
    from .page import application  # imports Bokeh

    app = application(data)
    listening = _listen(address, port)
    found = listening.getsockname()[1]
    tornado = BokehTornado(
        {"/": app},
        extra_websocket_origins=sorted(origins(address, found)),
        unused_session_lifetime_milliseconds=_UNUSED_MILLISECONDS,
        check_unused_sessions_milliseconds=_UNUSED_MILLISECONDS // 2,
        websocket_max_message_size_bytes=_MOST_BYTES_SENT,
    )
    # whoever is let in by this variable may reach the page by a name of their own
    known = _is_loopback(address) and not os.environ.get("BOKEH_ALLOW_WS_ORIGIN")
    guard(tornado, _names(address) if known else ())
    http = HTTPServer(tornado)
    http.add_sockets([listening])
    server = BaseServer(IOLoop.current(), tornado, http)
    server.start()
    return server, f"http://{_host(address)}:{found}/"


def _listen(address: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    InputError
        If there is none to be had.
    """
    for number in range(PORT, PORT + _TRIED) if port is None else [port]:
        try:
            return _bound(address, number)
        except UnicodeError:  # what cannot be a name, such as a..b
            raise InputError(f"address: {address[:40]!r} is no address") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                why = error.strerror or str(error)
                raise InputError(f"address: cannot listen on {address}:{number}: {why}") from None
    if port is None:
        raise InputError(
            f"port: all of {PORT} to {PORT + _TRIED - 1} are taken on {address}: choose one by --port"
        )
    raise InputError(f"port: {port} is taken on {address}: choose another, or --port 0 for any")


def _bound(address: str, port: int) -> socket.socket:
    """Of tornado's own function the sockets stay open that it cannot bind."""
    family, kind, protocol, _, where = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # where it would let two servers have one port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        made.listen(128)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def origins(address: str, port: int) -> set[str]:
    """Pages from where may open a connection: those of this server under its own names, and no other site's.

    Examples
    --------
    >>> sorted(origins("127.0.0.1", 5006))
    ['127.0.0.1:5006', 'localhost:5006']
    """
    return {f"{name}:{port}" for name in _names(address)}


def _names(address: str) -> set[str]:
    """Under which names a browser reaches a server on an address."""
    names = {_host(address)}
    if _is_loopback(address):
        names |= {"localhost", "127.0.0.1"}
    elif _is_any(address):
        names |= {"localhost", "127.0.0.1", socket.gethostname(), socket.getfqdn(), *_addresses()}
        with contextlib.suppress(OSError):  # a machine that does not know its own name
            names |= set(socket.gethostbyname_ex(socket.gethostname())[2])
    return {name.lower() for name in names}


def _addresses() -> list[str]:
    """From which this machine sends: `/etc/hosts` often knows of 127.0.1.1 alone."""
    found = []
    for family, anywhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((anywhere, 9))  # chooses an address, and sends nothing
            found.append(_host(probe.getsockname()[0]))
    return found


def _host(address: str) -> str:
    """The host of a URL that reaches the address from this machine."""
    if _is_any(address):
        return ADDRESS
    return f"[{address}]" if ":" in address else address


def _is_any(address: str) -> bool:
    return address in ("0.0.0.0", "::")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
