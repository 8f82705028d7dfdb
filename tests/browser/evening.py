"""A teacher's evening: thirty files of three kinds dropped, thirty PDFs handed back, click by click."""

import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.material import essay
from tests.files.documents import pdf, word
from tests.installation import Installation

ESSAYS = 30
MOST_CLICKS = 12
MOST_SECONDS = 180.0
PATIENCE = 120_000  # milliseconds
WIDTH = 90  # of a line of a PDF, in characters
DROP = """(files) => {
  const carried = new DataTransfer();
  for (const [name, bytes] of files) carried.items.add(new File([Uint8Array.from(bytes)], name));
  dispatchEvent(new DragEvent("drop", { dataTransfer: carried, cancelable: true }));
}"""


@dataclass
class Evening:
    """What a teacher did, and how long it took."""

    page: Page
    clicks: int = 0
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    handed_back: list[str] = field(default_factory=list)

    def click(self, place: Locator) -> None:
        """One click of hers."""
        place.click()
        self.clicks += 1

    def wait_for(self, ready: int) -> None:
        """Until so many essays are ready at least."""
        self.page.wait_for_function(
            "(least) => Number(document.querySelector('[data-count=ready]')?.textContent) >= least",
            arg=ready,
            timeout=PATIENCE,
        )


def files() -> list[tuple[str, bytes]]:
    """A class's essays: plain text, Word and PDF in turn."""
    found = []
    for number in range(ESSAYS):
        text = essay(900 + number)
        kind = ("txt", "docx", "pdf")[number % 3]
        content: dict[str, Callable[[str], bytes]] = {"txt": str.encode, "docx": word, "pdf": as_pdf}
        found.append((f"Pupil {number + 1:02}.{kind}", content[kind](text)))
    return found


def as_pdf(text: str) -> bytes:
    """One page with the text in short lines."""
    return pdf([[text[start : start + WIDTH] for start in range(0, len(text), WIDTH)]])


def spend(page: Page, disturb: Callable[[Evening], None]) -> Evening:
    """From the drop on the overview to the PDFs in her hands; ``disturb`` is what goes wrong meanwhile."""
    evening = Evening(page)
    page.evaluate(DROP, [[name, list(content)] for name, content in files()])
    page.wait_for_url("**/batches/*-*/", timeout=PATIENCE)
    disturb(evening)
    evening.wait_for(ESSAYS)
    expect(page.locator(".page-head .chip:visible")).to_have_text("Finished", timeout=PATIENCE)
    evening.click(page.locator(".export-menu summary"))
    evening.click(page.locator(".export-menu").get_by_role("button", name="PDF of each essay"))
    link = page.get_by_role("link", name="Download").first
    expect(link).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as started:
        evening.click(link)
    with zipfile.ZipFile(io.BytesIO(Path(started.value.path()).read_bytes())) as zipped:
        evening.handed_back = zipped.namelist()
    evening.seconds = time.monotonic() - evening.began
    return evening


def nothing(_evening: Evening) -> None:
    """An evening on which all goes well."""


def cuts(installation: Installation) -> Callable[[Evening], None]:
    """The network is gone twice, and the server once."""

    def disturb(evening: Evening) -> None:
        for ready in (1, 10):
            evening.page.context.set_offline(True)
            evening.page.wait_for_timeout(2000)
            evening.page.context.set_offline(False)
            evening.wait_for(ready)
        installation.stop()
        evening.page.wait_for_timeout(1000)
        installation.start()

    return disturb
