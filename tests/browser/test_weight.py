"""What a batch's page costs on the way: counted at the browser, headers included."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, register

pytestmark = [pytest.mark.browser, pytest.mark.live]

MOST_BYTES = 82_000  # of the 100,000 that a page may weigh
FILES = 30


@dataclass
class Meter:
    """Bytes over the wire, by address."""

    bytes: dict[str, int] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        """Count what ``page`` gets from now on."""
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", self.answered)
        session.on("Network.requestServedFromCache", lambda told: self.kept.add(told["requestId"]))
        session.on("Network.loadingFinished", self.finished)

    def answered(self, told: dict[str, Any]) -> None:
        """Headers have come."""
        address = told["response"]["url"]
        self.addresses[told["requestId"]] = address
        self.answers[address] = told["response"]
        if told["response"].get("fromDiskCache"):
            self.kept.add(told["requestId"])

    def finished(self, told: dict[str, Any]) -> None:
        """Everything has come."""
        address = self.addresses.get(told["requestId"])
        if address and told["requestId"] not in self.kept:
            self.bytes[address] = int(told["encodedDataLength"])

    def report(self, title: str) -> str:
        """The figures, the heaviest first."""
        lines = [f"{size:7} {address.split('/', 3)[-1][:60]}" for address, size in sorted_by_size(self.bytes)]
        return "\n".join([f"{title}: {sum(self.bytes.values())} bytes in {len(self.bytes)} answers", *lines])


def sorted_by_size(sizes: dict[str, int]) -> list[tuple[str, int]]:
    """The heaviest first."""
    return sorted(sizes.items(), key=lambda pair: -pair[1])


def measured(visit: Visit, context: BrowserContext, path: str) -> Meter:
    """A visit in a tab of its own, counted until the page is live."""
    page = visit.tab(context)
    meter = Meter()
    meter.watch(page)
    page.goto(path)
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.wait_for_timeout(500)
    return meter


def by_socket(visit: Visit, path: str, kept: BrowserContext | None = None) -> tuple[BrowserContext, Meter]:
    """A visit with nothing kept, or with what was ``kept``.

    On a busy machine a socket may come so late that the page asks around it; then once more.
    """
    for _ in range(5):
        context = kept or visit.page().context
        meter = measured(visit, context, path)
        if not any("/v1/" in address for address in meter.bytes):
            break
    return context, meter


def test_the_batch_page_is_light_and_lighter_the_second_time(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, "Heavy", FILES)
    names = {f"Elev {number:02} Efternamn – uppsats.txt": essay(number).encode() for number in range(FILES)}
    fill(visit.installation, visit.token, batch_id, names)
    path = f"/batches/{batch_id}/"
    context, first = by_socket(visit, path)
    print(first.report("first visit"))  # noqa: T201
    assert sum(first.bytes.values()) <= MOST_BYTES
    assert len([address for address in first.bytes if "/static/" in address]) > 15
    for address, answer in first.answers.items():
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        assert answer["status"] == 200, address
        assert headers.get("content-encoding") in {"br", "gzip"}, address
        assert ("immutable" in headers["cache-control"]) == ("/static/" in address), address
        assert "accept-encoding" in headers["vary"].lower(), address
    _, second = by_socket(visit, path, context)
    print(second.report("second visit"))  # noqa: T201
    assert list(second.bytes) == [f"{visit.installation.url}{path}"]
