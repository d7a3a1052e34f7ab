"""Tests of `playground/server.py`: addresses, ports, who may connect, and the end."""

from __future__ import annotations

import asyncio
import signal
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from pullback.playground.server import PORT, origins, start
from pullback.train import InputError

from ._serving import no_bokeh, serving

pytestmark = pytest.mark.skipif(bool(no_bokeh()), reason=no_bokeh() or "Bokeh is there")


@pytest.fixture
def started():
    """Start servers that are stopped at the end, in a thread of their own: in this one a browser's loop may run."""
    servers = []
    with ThreadPoolExecutor(1) as thread:
        loop = thread.submit(asyncio.new_event_loop).result()

        async def begin(options):
            return start(**options)

        async def stop():
            for server in servers:
                server.stop(wait=False)

        def start_(**options):
            server, url = thread.submit(loop.run_until_complete, begin(options)).result()
            servers.append(server)
            return url

        yield start_
        thread.submit(loop.run_until_complete, stop()).result()
        thread.submit(loop.close).result()


def test_it_listens_on_this_machine_alone(started):
    url = started(port=0)
    assert url.startswith("http://127.0.0.1:")
    port = int(url.split(":")[2].strip("/"))
    # the same port of another address of this machine is free
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))


def test_the_next_free_port_is_taken_unless_one_was_asked_for(started):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", PORT))
            taken.listen()
        except OSError:
            pass  # somebody has it, which serves as well
        url = started()
        assert PORT < int(url.split(":")[2].strip("/")) < PORT + 20
        with pytest.raises(InputError, match=f"port: {PORT} is taken .*--port 0"):
            started(port=PORT)


@pytest.mark.parametrize(
    ("address", "there", "not_there"),
    [
        ("127.0.0.1", {"127.0.0.1:80", "localhost:80"}, {"example.org:80"}),
        ("::1", {"[::1]:80", "localhost:80"}, {"::1:80"}),
        ("192.0.2.7", {"192.0.2.7:80"}, {"localhost:80", "127.0.0.1:80"}),
        (
            "0.0.0.0",
            {"127.0.0.1:80", "localhost:80", f"{socket.gethostname().lower()}:80"},
            {"*:80"},
        ),
    ],
)
def test_pages_of_this_server_alone_may_connect(address, there, not_there):
    found = origins(address, 80)
    assert there <= found
    assert not not_there & found


def opened(served, origin):
    """A connection as a page of an origin opens it, and the status of the answer."""
    host = served.url.split("/")[2]
    page = urllib.request.urlopen(served.url).read().decode()
    token = page.split('"token":"')[1].split('"')[0]
    request = (
        f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin or f'http://{host}'}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: bokeh, {token}\r\n\r\n"
    )
    connection = socket.create_connection(host.split(":"), timeout=10)
    connection.sendall(request.encode())
    return connection, int(connection.recv(100).split()[1])


@pytest.mark.parametrize(("origin", "status"), [("http://example.org", 403), ("", 101)])
def test_a_page_of_another_site_is_refused(served, origin, status):
    connection, found = opened(served, origin)
    connection.close()
    assert found == status


def test_a_message_that_no_page_sends_is_not_read(served):
    connection, _ = opened(served, "")
    with connection:
        # a text of so many bytes, of which none follows
        connection.sendall(b"\x81\xff" + (8_000_001).to_bytes(8, "big") + bytes(4))
        while connection.recv(1000):
            pass  # it is closed: with a longer limit this waits
    assert urllib.request.urlopen(served.url).status == 200


def test_the_page_has_all_from_this_server(served):
    page = urllib.request.urlopen(served.url).read().decode()
    sources = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert sources
    assert all(source.startswith("/static/") for source in sources)
    assert "cdn." not in page
    assert "fonts." not in page
    for source in sources:
        with urllib.request.urlopen(served.url.rstrip("/") + source) as answer:
            assert answer.status == 200


def test_there_is_nothing_else(served):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(served.url + "etc/passwd")
    assert error.value.code == 404
    error.value.close()


def test_an_empty_address_is_not_all_addresses():
    with pytest.raises(InputError, match="address: it is empty"):
        start(address="")


def test_it_tells_who_can_use_it_and_ends_in_one_line_with_its_signal():
    with serving("--address", "0.0.0.0") as served:
        assert served.url.startswith("http://127.0.0.1:")
        assert urllib.request.urlopen(served.url).status == 200
        assert served.interrupt(signal.SIGINT) == 0
    _, told, ended = served.said
    assert "all addresses of this machine: whoever reaches that over the network can use" in told
    assert ended == "the playground has ended\n"
    with serving() as served:
        assert served.interrupt(signal.SIGTERM) == 143
    assert len(served.said) == 2
    assert "SIGTERM" in served.said[1]
