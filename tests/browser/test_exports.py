"""A teacher hands back: from the batch's menu to the file on her disk, live, and by forms alone."""

import zipfile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, read_batch, register
from tests.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

LEFT = ("closed before the connection is established",)  # a page that was left at once


def completed(visit: Visit, title: str) -> str:
    """A completed batch of two essays."""
    batch_id = register(visit.installation, visit.token, title, 2)
    files = {f"{title} {number}.txt": essay(700 + number).encode() for number in (1, 2)}
    fill(visit.installation, visit.token, batch_id, files)

    def done() -> bool:
        return bool(read_batch(visit.installation, batch_id, visit.token)["status"] == "completed")

    wait_until(done, 60, "the batch is completed")
    return batch_id


def choose(page: Page, name: str) -> None:
    """Choose from the menu of the batch's head, by keyboard."""
    menu = page.locator(".export-menu summary")
    menu.focus()
    page.keyboard.press("Enter")
    button = page.locator(".export-menu").get_by_role("button", name=name)
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/exports/")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_from_the_menu_to_the_file(visit: Visit, script: bool) -> None:
    batch_id = completed(visit, f"Export {script}")
    visit.expected = LEFT
    page = visit.page(f"/batches/{batch_id}/", java_script_enabled=script)
    choose(page, "PDF of each essay")
    link = page.get_by_role("link", name="Download")
    if script:
        expect(link).to_be_visible()  # by itself
    else:
        for _ in range(50):
            if link.count():
                break
            page.wait_for_timeout(200)
            page.reload()
    with page.expect_download() as started:
        link.click()
    download = started.value
    assert download.suggested_filename == f"9B Export {script} – PDF.zip"
    with zipfile.ZipFile(download.path()) as zipped:
        # Which of two files that are read at once is essay 1 is not said.
        numbers, names = zip(*(name.split(" ", 1) for name in zipped.namelist()), strict=True)
        assert numbers == ("01", "02")
        assert sorted(names) == [f"Export {script} {number}.pdf" for number in (1, 2)]
        assert all(zipped.read(name).startswith(b"%PDF-") for name in zipped.namelist())


def test_the_menu_closes_as_menus_do(visit: Visit) -> None:
    page = visit.page(f"/batches/{register(visit.installation, visit.token, 'Menu', 2)}/")
    summary, inside = page.locator(".export-menu summary"), page.locator(".export-menu form").first
    summary.click()
    expect(inside).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(inside).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    page.locator("h1").click(position={"x": 300, "y": 5})
    expect(inside).to_be_hidden()


def test_what_another_tab_asked_for_appears_and_what_failed_says_why(visit: Visit) -> None:
    batch_id = completed(visit, "Export elsewhere")
    visit.expected = LEFT
    page = visit.page(f"/batches/{batch_id}/exports/")
    expect(page.get_by_text("Nothing has been exported yet.")).to_be_visible()
    made = visit.installation.post(f"/v1/batches/{batch_id}/exports", {"kind": "csv"}, visit.token)
    assert made.status == 201
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.locator(".export-kinds").get_by_role("button", name="Feedback for Moodle").click()
    expect(page.get_by_text("Use “Download all submissions” in Moodle")).to_be_visible()
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_text("No longer kept")).to_be_visible()
    page.get_by_role("button", name="Make it again").last.click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def test_a_link_that_is_over_says_so(visit: Visit) -> None:
    batch_id = completed(visit, "Export over")
    made = visit.installation.post(f"/v1/batches/{batch_id}/exports", {"kind": "csv"}, visit.token)
    export_id = made.body["export_id"]
    visit.expected = ("410", *LEFT)
    page = visit.page(f"/batches/{batch_id}/exports/")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    visit.installation.post(f"/v1/exports/{export_id}", {}, visit.token, method="DELETE")
    page.goto(f"/exports/{export_id}/")
    expect(page.get_by_role("heading", name="No longer kept")).to_be_visible()
    page.get_by_role("link", name="To the batch").click()
    page.wait_for_url(f"**/batches/{batch_id}/exports/")
