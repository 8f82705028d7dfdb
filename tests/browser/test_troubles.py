"""Problems of several files, told once above the list: replaced by name, removed together, and undone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, register, text_file
from tests.browser.test_accessibility import AXE, findings

pytestmark = [pytest.mark.browser, pytest.mark.live]
PICTURE = b"\xff\xd8\xff\xe0 a picture of "
NAMES = ("Åsa Öberg", "Björn Ek", "Zoë")


def with_pictures(visit: Visit, first: int, **options: bool) -> tuple[Page, str]:
    """The page of a batch into which three pictures were sent, and its id."""
    batch_id = register(visit.installation, visit.token, "Troubles", 8)
    pictures = {f"{name}.jpg": PICTURE + f"{name} {first}".encode() for name in NAMES}
    fill(visit.installation, visit.token, batch_id, pictures)
    page = visit.page(f"/batches/{batch_id}/", **options)
    expect(page.locator("file-troubles")).to_contain_text("3 files are of the kind Picture (JPEG).")
    return page, batch_id


def test_several_are_replaced_by_the_files_of_their_names(visit: Visit) -> None:
    page, _ = with_pictures(visit, 8_000)
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []
    page.get_by_label("Replace several: 3 files are of the kind Picture (JPEG).").set_input_files(
        [text_file(f"{name}.txt", essay(8_000 + at)) for at, name in enumerate((*NAMES[:2], "Nobody"))]
    )
    expect(page.locator(".toast")).to_contain_text("2 files are replaced and are being read.")
    expect(page.locator(".toast")).to_contain_text("Nobody.txt")
    expect(page.locator('[data-status="assigned"]')).to_have_count(2)
    expect(page.locator("[data-list] [data-key]")).to_have_count(3)
    # One picture alone says it on its row.
    expect(page.locator("file-troubles")).not_to_contain_text("Picture")


def test_all_are_removed_together_and_come_back(visit: Visit) -> None:
    page, _ = with_pictures(visit, 8_100)
    page.get_by_role("button", name="Remove all: 3 files are of the kind Picture (JPEG).").click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("3 files are removed.")
    expect(page.locator("[data-list] [data-key]")).to_have_count(0)
    expect(page.locator("file-troubles")).to_be_hidden()
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator("file-troubles")).to_contain_text("3 files are of the kind Picture (JPEG).")


def test_on_a_phone_they_are_one_line_and_the_first_file_is_on_the_screen(visit: Visit) -> None:
    title = "My summer, told by an object that has been in the family longer than anybody remembers"
    batch_id = register(visit.installation, visit.token, title, 20)
    files = {
        f"{name} {number}.jpg": PICTURE + f"{name}{number}".encode() for name in NAMES for number in (1, 2)
    }
    short = {f"{name}.txt": f"Short, {name}.".encode() for name in NAMES}
    fill(visit.installation, visit.token, batch_id, files | short)
    page = visit.page(f"/batches/{batch_id}/", viewport={"width": 390, "height": 844}, has_touch=True)
    summary = page.locator("file-troubles summary")
    expect(summary).to_have_text("6 files are of the kind Picture (JPEG). And 1 more notice.")
    expect(page.locator("file-troubles .banner").first).to_be_hidden()
    row = page.locator(".file-row").first.bounding_box()
    assert row is not None
    assert row["y"] + 32 <= 844, "its name can be read"
    heading = page.get_by_role("heading", level=1).bounding_box()
    assert heading is not None
    assert heading["height"] < 70, "two lines"
    summary.click()
    expect(page.locator("file-troubles .banner")).to_have_count(2)
    # What changes meanwhile leaves it as she has it.
    page.get_by_role("button", name="Remove all: 3 files: The essay is very short.").click()
    expect(page.locator("file-troubles .banner")).to_have_count(1)
    expect(page.locator("file-troubles .banner")).to_be_visible()


def test_what_comes_while_the_page_is_open_is_told_there(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, "Troubles", 8)
    page = visit.page(f"/batches/{batch_id}/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    text = essay(8_200)
    files = {
        "Märta.txt": text.encode(),
        "Märta – kopia.txt": text.encode(),
        "Ludvig.txt": f"{text}\n".encode(),
    }
    fill(visit.installation, visit.token, batch_id, files)
    told = page.locator("file-troubles")
    expect(told).to_contain_text("“Märta – kopia.txt” is the same file as “Märta.txt”, essay 1.")
    expect(told).to_contain_text("Do these belong together?")
    told.get_by_role("link", name="Essay 2").click()
    expect(page.get_by_role("heading", name="Essay 2")).to_be_visible()


def test_without_script_forms_do_the_same(visit: Visit) -> None:
    page, batch_id = with_pictures(visit, 8_300, java_script_enabled=False)
    form = page.locator('file-troubles [data-several="replace"]')
    form.locator("input[type=file]").set_input_files([text_file("zoe.txt", essay(8_300))])
    form.get_by_role("button", name="Send").click()
    expect(page.get_by_text("1 file is replaced and is being read.")).to_be_visible()
    page.get_by_role("button", name="Remove all: 2 files are of the kind Picture (JPEG).").click()
    expect(page.get_by_text("2 files are removed.")).to_be_visible()
    expect(page).to_have_url(f"{visit.installation.url}/batches/{batch_id}/removed/")
