"""What a teacher removes she can bring back, by mouse and by keyboard, with and without script."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, read_batch, register, text_file
from tests.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]


def completed(visit: Visit, title: str) -> str:
    """A completed batch of two essays."""
    batch_id = register(visit.installation, visit.token, title, 2)
    files = {f"{title} {number}.txt": essay(900 + number).encode() for number in (1, 2)}
    fill(visit.installation, visit.token, batch_id, files)
    wait_until(lambda: status(visit, batch_id) == "completed", 60, "the batch is completed")
    return batch_id


def status(visit: Visit, batch_id: str) -> str:
    return str(read_batch(visit.installation, batch_id, visit.token)["status"])


def press(page: Page, name: str) -> None:
    """Reach a button by keyboard and press it."""
    button = page.get_by_role("button", name=name)
    button.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_removed_file_of_a_completed_batch_is_brought_back(visit: Visit, script: bool) -> None:
    title = f"Undo {script}"
    batch_id = completed(visit, title)
    file_id = read_batch(visit.installation, batch_id, visit.token)["files"][0]["file_upload_id"]
    page = visit.page(f"/files/{file_id}/trace/", java_script_enabled=script)
    page.get_by_text("Remove", exact=True).click()
    press(page, "Remove the file")
    expect(page.get_by_role("heading", name="Removed files")).to_be_visible()
    expect(page.get_by_text("Erased today")).to_be_visible()
    wait_until(lambda: status(visit, batch_id) == "completed", 60, "the batch has ended again")
    assert read_batch(visit.installation, batch_id, visit.token)["counts"]["assigned"] == 1
    press(page, "Bring back")
    expect(page.get_by_text("is back and is being read")).to_be_visible()

    def both() -> bool:
        batch = read_batch(visit.installation, batch_id, visit.token)
        return bool(batch["status"] == "completed" and batch["counts"]["assigned"] == 2)

    wait_until(both, 60, "both essays are there again")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_deleted_batch_is_restored_from_the_bin(visit: Visit, script: bool) -> None:
    title = f"Bin {script}"
    batch_id = completed(visit, title)
    page = visit.page(f"/batches/{batch_id}/", java_script_enabled=script)
    page.get_by_role("link", name="Keep or delete").click()
    press(page, "Delete the batch")
    expect(page.get_by_text("lies in the bin")).to_be_visible()
    press(page, "Bring back")
    page.wait_for_url(f"**/batches/{batch_id}/")
    page.get_by_role("link", name="Keep or delete").click()
    press(page, "Delete the batch")
    page.locator('a[href="/bin/"]').click()
    press(page, f"Restore: {title}")
    page.wait_for_url(f"**/batches/{batch_id}/")
    expect(page.get_by_role("heading", name=title)).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_an_archived_batch_is_brought_back(visit: Visit, script: bool) -> None:
    title = f"Archive {script}"
    batch_id = register(visit.installation, visit.token, title, 2)
    page = visit.page(f"/batches/{batch_id}/keeping/", java_script_enabled=script)
    press(page, "Archive the batch")
    expect(page.get_by_text("The batch is archived.")).to_be_visible()
    press(page, "Bring back")
    expect(page.get_by_text("The batch is back.")).to_be_visible()
    assert read_batch(visit.installation, batch_id, visit.token)["archived_at"] is None


def test_a_file_that_is_dropped_into_an_archived_batch_brings_it_back(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, "Put away too early", 2)
    visit.installation.post(f"/v1/batches/{batch_id}/archive", {}, visit.token)
    page = visit.page(f"/batches/{batch_id}/")
    archived = page.get_by_text("This batch is archived.")
    expect(archived).to_be_visible()
    page.locator("[data-drop-zone] [multiple]").set_input_files(text_file("late.txt", essay(950)))
    expect(archived).to_be_hidden()
    assert read_batch(visit.installation, batch_id, visit.token)["archived_at"] is None


def test_an_open_page_is_told_that_its_batch_is_gone(visit: Visit) -> None:
    visit.expected = ("404",)
    batch_id = completed(visit, "Open elsewhere")
    page = visit.page(f"/batches/{batch_id}/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    visit.installation.post(f"/v1/batches/{batch_id}", {}, visit.token, method="DELETE")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "gone")
