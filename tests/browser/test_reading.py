"""Reading an essay: its original one click away, marks at the word, and a word through all essays."""

import textwrap
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, read_batch, register
from tests.browser.test_accessibility import AXE, findings
from tests.files.documents import pdf, word
from tests.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live]
VIEWER = "chrome-extension://"  # of PDF: a part of Chromium, with a process of its own
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def batch_of(visit: Visit, files: dict[str, bytes]) -> str:
    """The id of a batch whose essays are checked; they are numbered in the order of ``files``."""
    batch_id = register(visit.installation, visit.token, "Reading", len(files))
    for name, data in files.items():
        fill(visit.installation, visit.token, batch_id, {name: data})
    done = "completed"
    wait_until(lambda: read_batch(visit.installation, batch_id, visit.token)["status"] == done, 30, done)
    return batch_id


def three(visit: Visit) -> str:
    """A batch with a PDF, a Word file and a plain text."""
    return batch_of(
        visit,
        {
            "Åsa [1].pdf": pdf([textwrap.wrap(essay(7_001), 70)]),
            "Björn.docx": word(*essay(7_002).split("\n\n")),
            "Zoë.txt": essay(7_003).encode(),
        },
    )


def is_viewed(page: Page) -> bool:
    """Whether the browser shows a PDF by now."""
    page.wait_for_timeout(100)  # while anybody sleeps, no news of frames comes in
    return any(VIEWER in each.url for each in page.frames)


def clean(page: Page) -> None:
    """Nobody is shut out of the page."""
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []


def test_a_pdf_opens_in_the_page_and_everything_else_is_saved(visit: Visit) -> None:
    visit.expected = (VIEWER, "chrome://")
    batch_id = three(visit)
    page = visit.page(f"/batches/{batch_id}/essays/1/")
    page.get_by_role("link", name="Open the original").click()
    frame = page.locator("iframe.original")
    expect(frame).to_be_visible()
    expect(page.get_by_role("heading", name="Åsa [1].pdf")).to_be_visible()
    wait_until(lambda: is_viewed(page), 20, "the browser’s viewer has it")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save a copy").click()
    assert saving.value.suggested_filename == "Åsa [1].pdf"
    clean(page)
    page.goto(f"/batches/{batch_id}/essays/2/")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Open the original").click()
    assert saving.value.suggested_filename == "Björn.docx"


def test_a_mark_tapped_on_a_phone_opens_at_the_word_and_the_page_stays(visit: Visit) -> None:
    text = "\n\n".join(essay(7_100 + number) for number in range(6))
    page = visit.page(f"/batches/{batch_of(visit, {'Long.txt': text.encode()})}/essays/1/", **PHONE)
    mark = page.locator("mark", has_text="freind").nth(3)
    mark.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    mark.tap()
    box = page.locator(".mark-box")
    expect(box).to_be_visible()
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == before
    at, shown = mark.bounding_box(), box.bounding_box()
    assert at and shown
    assert shown["y"] >= 0 and shown["y"] + shown["height"] <= 844
    assert min(abs(shown["y"] - at["y"] - at["height"]), abs(at["y"] - shown["y"] - shown["height"])) < 24


def test_the_text_is_wider_than_the_marks_with_letters_of_twice_the_size(visit: Visit) -> None:
    page = visit.page(f"/batches/{three(visit)}/essays/1/")
    for size in ("100%", "200%"):
        page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
        sheet, marks = page.locator(".sheet").bounding_box(), page.locator(".marks").bounding_box()
        assert sheet and marks and sheet["width"] > marks["width"], size
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size


def test_keys_are_told_of_where_there_are_some(visit: Visit) -> None:
    path = f"/batches/{three(visit)}/essays/1/"
    expect(visit.page(path).locator(".keys")).to_be_visible()
    expect(visit.page(path, **PHONE).locator(".keys")).to_be_hidden()


def test_a_word_leads_to_its_sentences_in_all_essays(visit: Visit) -> None:
    batch_id = three(visit)
    page = visit.page(f"/batches/{batch_id}/essays/3/")
    line = page.locator(".mark-list li", has_text="freind").first
    line.get_by_role("link", name="in 3 essays").click()
    expect(page.get_by_text("Marked in 3 essays, 3 times.")).to_be_visible()
    expect(page.locator(".in-essay")).to_have_count(3)
    expect(page.locator(".in-essay li").first).to_contain_text("changed my mind becuase a freind of mine")
    assert "freind" not in page.url
    clean(page)
    page.locator(".in-essay").nth(1).get_by_role("link", name="freind").click()
    expect(page).to_have_url(f"{visit.installation.url}/batches/{batch_id}/essays/2/#mark-2")
    expect(page.locator("mark.current")).to_have_text("freind")


def test_figures_of_the_results_lead_to_their_essays(visit: Visit) -> None:
    files = {f"{number}.txt": essay(7_300 + number).encode() for number in range(2)}
    batch_id = batch_of(visit, files | {"Long.txt": f"{essay(7_310)}\n\n{essay(7_311)}".encode()})
    page = visit.page(f"/batches/{batch_id}/results/")
    page.get_by_role("link", name="1 essay of").click()
    rows = page.locator("#rows tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Long.txt")
    expect(page.locator("#rows")).to_contain_text("Essays of ")
    clean(page)
    page.get_by_label("File name").fill("Nobody")
    expect(page.locator("#rows")).to_contain_text("No file matches.")
    page.locator("#rows").get_by_role("link", name="Show all files").first.click()
    expect(rows).to_have_count(3)
    page.get_by_role("link", name="freind").first.click()
    expect(page.get_by_text("Marked in 3 essays, 4 times.")).to_be_visible()
