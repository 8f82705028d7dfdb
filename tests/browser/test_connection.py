"""The live page when the connection breaks or the server goes away: it says so and misses nothing."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, read_batch, register

pytestmark = [pytest.mark.browser, pytest.mark.live]


class Wire:
    """The page's sockets, which a test can cut and mend."""

    def __init__(self, page: Page) -> None:
        self.whole = True
        self.sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/batches/"), self.connect)

    def connect(self, socket: WebSocketRoute) -> None:
        """Let a new socket through, unless the wire is cut."""
        if not self.whole:
            socket.close()
            return
        self.sockets.append(socket)
        socket.connect_to_server()

    def cut(self) -> None:
        """Close every socket, and let no new one through."""
        self.whole = False
        for socket in self.sockets:
            socket.close()
        self.sockets.clear()


def open_batch(visit: Visit, title: str) -> tuple[Page, Wire, str]:
    """A page that follows a fresh batch for ten essays."""
    batch_id = register(visit.installation, visit.token, title, 10)
    page = visit.page()
    wire = Wire(page)
    page.goto(f"/batches/{batch_id}/")
    live(page, "Live")
    return page, wire, batch_id


def live(page: Page, words: str) -> None:
    """Wait until the page says how it hears from the server."""
    expect(page.locator("[data-live]")).to_have_text(words)


def send(visit: Visit, batch_id: str, numbers: range) -> None:
    """Somebody hands essays in elsewhere."""
    for number in numbers:
        content = essay(number).encode()
        answer = visit.installation.upload_until_answered(batch_id, visit.token, f"{number}.txt", content)
        assert answer.status == 201


def expect_same_as_api(visit: Visit, page: Page, batch_id: str, ready: int) -> None:
    """``ready`` essays are ready, on the page as in the API, with the same numbers."""
    expect(page.locator("[data-count=ready]").first).to_have_text(str(ready))
    expect(page.locator('.file-row[data-status="assigned"]')).to_have_count(ready)
    files = read_batch(visit.installation, batch_id, visit.token)["files"]
    for file in files:
        line = page.locator(".file-row", has=page.get_by_text(file["filename"], exact=True))
        expect(line.locator("[data-part=essay]")).to_have_text(f"Essay {file['essay_number']} ›")


def test_a_cut_socket_is_told_polled_around_and_caught_up(visit: Visit) -> None:
    page, wire, batch_id = open_batch(visit, "Cut")
    send(visit, batch_id, range(100, 102))
    expect_same_as_api(visit, page, batch_id, 2)
    wire.cut()
    live(page, "Checking every few seconds")
    send(visit, batch_id, range(102, 104))
    expect_same_as_api(visit, page, batch_id, 4)
    wire.whole = True
    live(page, "Live")
    send(visit, batch_id, range(104, 106))
    expect_same_as_api(visit, page, batch_id, 6)


def test_the_page_survives_a_restart_of_the_server(visit: Visit) -> None:
    visit.expected = ("WebSocket", "Failed to load resource")
    page, _wire, batch_id = open_batch(visit, "Restart")
    send(visit, batch_id, range(110, 112))
    expect_same_as_api(visit, page, batch_id, 2)
    visit.installation.stop()
    live(page, "Reconnecting…")
    visit.installation.start()
    send(visit, batch_id, range(112, 114))
    page.evaluate("dispatchEvent(new Event('online'))")
    live(page, "Live")
    expect_same_as_api(visit, page, batch_id, 4)
