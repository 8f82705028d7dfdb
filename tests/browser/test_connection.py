"""The live page when the connection breaks or the server goes away: it says so and misses nothing."""

import os
import re
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, read_batch, register, text_file

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


def choose(page: Page, *numbers: int) -> None:
    """Choose essays by their numbers."""
    files = [text_file(f"{number}.txt", essay(number)) for number in numbers]
    page.locator("[data-drop-zone] [multiple]").set_input_files(files)


def test_what_was_not_sent_is_told_above_and_sends_itself_when_the_network_is_back(visit: Visit) -> None:
    visit.expected = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    page, _, batch_id = open_batch(visit, "Unsent")
    page.context.set_offline(True)
    live(page, "No network")
    choose(page, 700, 701)
    banner = page.locator("batch-page [data-unsent]")
    expect(banner).to_contain_text("2 files were not sent.")
    page.context.set_offline(False)
    expect(banner).to_be_hidden()
    live(page, "Live")
    expect_same_as_api(visit, page, batch_id, 2)


def test_a_folder_chosen_again_without_a_network_arrives_once(visit: Visit) -> None:
    visit.expected = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    page, _, batch_id = open_batch(visit, "Again")
    choose(page, 720, 721)
    expect_same_as_api(visit, page, batch_id, 2)
    page.context.set_offline(True)
    live(page, "No network")
    choose(page, 720, 721, 722)
    banner = page.locator("batch-page [data-unsent]")
    expect(banner).to_contain_text("3 files were not sent.")
    page.context.set_offline(False)
    expect(page.locator("batch-page [data-note]")).to_have_text("2 files were already here, 1 added.")
    expect(banner).to_be_hidden()
    expect_same_as_api(visit, page, batch_id, 3)


def test_one_button_sends_all_that_was_refused(visit: Visit) -> None:
    visit.expected = ("507",)
    page, _, batch_id = open_batch(visit, "Send all")
    full = {"status": 507, "content_type": "text/html", "body": "<html>full</html>"}
    page.route("**/v1/files/batch", lambda route: route.fulfill(**full))
    choose(page, 710, 711)
    expect(page.locator("batch-page [data-unsent]")).to_contain_text("2 files were not sent.")
    page.unroute("**/v1/files/batch")
    page.get_by_role("button", name="Send all").click()
    expect_same_as_api(visit, page, batch_id, 2)
    expect(page.locator("batch-page [data-unsent]")).to_be_hidden()


def answer_in_between(status: int, route: Route) -> None:
    """Answer as a network does that wants people to sign in."""
    route.fulfill(status=status, content_type="text/html", body="<html>Sign in to SchoolNet</html>")


def test_an_answer_from_something_in_between_is_told_as_what_it_is(visit: Visit) -> None:
    visit.expected = ("403", "413")
    page, _, batch_id = open_batch(visit, "In between")
    for status, number, words in (
        (403, 730, "Something in between answered in its place"),
        (200, 731, "Something in between answered in its place"),
        (413, 732, "What stands in front of it takes no file this big"),
    ):
        page.route("**/v1/files/batch", partial(answer_in_between, status))
        choose(page, number)
        line = page.locator(".file-row", has=page.get_by_text(f"{number}.txt", exact=True))
        expect(line).to_contain_text("The file did not get as far as HuleEdu")
        expect(line).to_contain_text(words)
        page.unroute("**/v1/files/batch")
    page.get_by_role("button", name="Send all").click()
    expect_same_as_api(visit, page, batch_id, 3)


def test_a_decision_that_something_in_between_answered_is_told_so(visit: Visit) -> None:
    page, _, _ = open_batch(visit, "In between a decision")
    page.route("**/extend", partial(answer_in_between, 200))
    page.get_by_role("button", name="Extend by one day").click()
    expect(page.locator(".toast")).to_contain_text("did not come from HuleEdu")


def test_a_file_that_changed_on_disk_is_chosen_again(visit: Visit, tmp_path: Path) -> None:
    page, _, batch_id = open_batch(visit, "Changed on disk")
    essay_file = tmp_path / "740.txt"
    essay_file.write_text(essay(740))
    refusal = {"status": 507, "content_type": "application/json", "body": '{"code": "STORAGE_FULL"}'}
    visit.expected = ("507",)
    page.route("**/v1/files/batch", lambda route: route.fulfill(**refusal))
    page.locator("[data-drop-zone] [multiple]").set_input_files(essay_file)
    line = page.locator(".file-row", has=page.get_by_text("740.txt", exact=True))
    expect(line).to_contain_text("HuleEdu has no room for this file")
    page.unroute("**/v1/files/batch")
    essay_file.write_text(essay(741) + " More.")
    os.utime(essay_file, (0, 0))
    line.get_by_role("button", name="Try again").click()
    expect(line).to_contain_text("The file on your computer has changed")
    line.locator("[data-action=choose] input").set_input_files(essay_file)
    expect_same_as_api(visit, page, batch_id, 1)


def test_files_that_a_reload_cut_off_are_named_until_they_are_chosen_again(visit: Visit) -> None:
    page, _, batch_id = open_batch(visit, "Lost")
    page.route("**/v1/files/batch", lambda route: None)  # no answer, ever
    choose(page, 720, 721)
    expect(page.locator('.file-row[data-status="uploading"]')).to_have_count(2)
    page.reload()
    page.unroute("**/v1/files/batch")
    lost = page.locator("batch-page [data-lost]")
    expect(lost).to_contain_text(
        "2 files were on their way when this page was left, and did not arrive: 720.txt"
    )
    files = [text_file("720.txt", essay(720))]
    lost.locator("input").set_input_files(files)
    expect(lost).to_contain_text(
        "1 file was on its way when this page was left, and did not arrive: 721.txt."
    )
    lost.get_by_role("button", name="Not needed").click()
    expect(lost).to_be_hidden()
    expect_same_as_api(visit, page, batch_id, 1)
    page.reload()
    live(page, "Live")
    expect(page.locator("batch-page [data-lost]")).to_be_hidden()


def test_the_same_folder_again_adds_what_is_new_and_says_so(visit: Visit) -> None:
    page, _, batch_id = open_batch(visit, "Again")
    choose(page, 730, 731)
    expect_same_as_api(visit, page, batch_id, 2)
    choose(page, 730, 731, 732)
    expect(page.locator("batch-page [data-note]")).to_have_text("2 files were already here, 1 added.")
    expect_same_as_api(visit, page, batch_id, 3)
    expect(page.locator(".file-row")).to_have_count(3)


def test_a_removed_file_is_brought_back_from_the_message(visit: Visit) -> None:
    page, _, _ = open_batch(visit, "Undo")
    page.locator("[data-drop-zone] [multiple]").set_input_files([text_file("short.txt", "Too short.")])
    page.locator(".file-row").get_by_role("button", name="Remove: short.txt").click()
    expect(page.locator(".file-row")).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".file-row")).to_contain_text("short.txt")
    expect(page.locator('.file-row[data-status="failed"]')).to_have_count(1)
