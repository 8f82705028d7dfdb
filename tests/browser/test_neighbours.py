"""Pages of other ports and schemes of our host, in a browser in which the teacher has signed in."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.faults.proxies import certificate, nginx

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]
OPEN = """(url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onmessage = (event) => { socket.close(); done(JSON.parse(event.data).type); };
  socket.onclose = () => done("refused");
})"""
POST = """(url) => fetch(url, { method: "POST", credentials: "include", mode: "no-cors", body: "x=1",
  headers: { "Content-Type": "application/x-www-form-urlencoded" } }).then(() => "sent", () => "blocked")"""
READ = (
    """(url) => fetch(url, { credentials: "include" }).then((answer) => answer.text(), () => "unreadable")"""
)
EMBED = (
    """(url) => fetch(url, { credentials: "include", mode: "no-cors" }).then(() => "given", () => "kept")"""
)


class Neighbour(BaseHTTPRequestHandler):
    """Another service on the same host: an empty page, and the cookies that came with its request."""

    heard: list[str] = []

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>neighbour</title>")

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def neighbour() -> Iterator[int]:
    """The port of the other service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Neighbour)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def open_page(visit: Visit, address: str) -> Page:
    """A page of somebody else's in the teacher's browser."""
    visit.expected = ("foreign:", "WebSocket connection", "CORS", "Failed to load", "ERR_", "favicon")
    page = visit.page(ignore_https_errors=True)
    page.goto(address)
    return page


def test_a_page_of_another_port(visit: Visit, neighbour: int) -> None:
    ours = visit.installation.url
    page = open_page(visit, f"http://127.0.0.1:{neighbour}/")
    assert "sessionid" in Neighbour.heard[0]  # cookies know no ports: only the origin tells us apart
    assert page.evaluate(OPEN, f"{ours.replace('http', 'ws')}/ws/teacher/") == "refused"
    assert page.evaluate(READ, f"{ours}/v1/batches") == "unreadable"
    assert page.evaluate(EMBED, f"{ours}/v1/batches") == "kept"
    page.evaluate(POST, f"{ours}/accounts/logout/")
    own = visit.page("/")
    assert own.evaluate(OPEN, f"{ours.replace('http', 'ws')}/ws/teacher/") == "hello"
    assert urlsplit(own.url).path == "/"  # still signed in


def test_a_page_of_another_scheme(visit: Visit, neighbour: int, tmp_path: Path) -> None:
    ours = visit.installation.url.replace("http", "ws")
    with nginx(tmp_path, neighbour, "", certificate(tmp_path), " ssl") as port:
        page = open_page(visit, f"https://127.0.0.1:{port}/")
        assert page.evaluate(OPEN, f"{ours}/ws/teacher/") == "refused"
